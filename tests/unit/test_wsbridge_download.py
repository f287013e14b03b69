"""One download from the question to its final name, when tasks end well or badly."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pagestatus.messages import Head, RangeTask, Reason
from range_records import (
    ETAG,
    LENGTH,
    MIB,
    POLICY,
    URL,
    Stand,
    answered,
    fetching,
    first_byte,
    trouble_code,
    whole,
)
from wsbridge.course import YIELD_S
from wsbridge.digests import Digest
from wsbridge.entry import Status
from wsbridge.jobs import Choose, Done, Make, Publish, Verify
from wsbridge.setbacks import WORTHWHILE

MIRROR = "http://mirror.example/file.bin"
OTHER = '"b"'


# --- the usual way ----------------------------------------------------------------------------------------


def test_the_way_of_a_file_in_ranges() -> None:
    stand = Stand()
    assert stand.entry.status is Status.CHECKING
    question = stand.give_one()
    assert (question.url, question.start, question.stop, question.file) == (URL, 0, 1, "")
    assert (question.total, question.etag, question.inode) == (-1, "", 0), "it is held against nothing"
    assert stand.give() is None, "one question is enough"
    stand.end(question, head=first_byte(LENGTH), url=MIRROR)
    assert stand.work() == [Choose, Make]
    assert (stand.entry.status, stand.entry.name, stand.entry.ranges) == (
        Status.DOWNLOADING, "file.bin", True,
    )  # fmt: skip
    tasks = stand.give_all()
    assert [(task.start, task.stop) for task in tasks] == [(k * MIB, (k + 1) * MIB) for k in range(4)]
    assert {(task.url, task.file, task.inode, task.total, task.etag) for task in tasks} == {
        (MIRROR, "file.bin.part", stand.entry.inode, LENGTH, ETAG)
    }
    stand.come(tasks[0], 1000)
    assert (stand.download.completed, len(stand.download.in_flight)) == (1000, 4)
    stand.finish(tasks)
    assert (stand.entry.status, stand.download.completed, stand.entry.trouble) == (
        Status.DOWNLOADED, LENGTH, None,
    )  # fmt: skip
    assert stand.entry.done == ((0, LENGTH),)
    assert (stand.orders.ended, stand.orders.bytes) == ([Status.DOWNLOADED], LENGTH)


def test_verified_comes_before_published_and_downloaded_after_it() -> None:
    stand = fetching(total=10)
    stand.end(stand.give_one())
    verify = stand.job()
    assert verify == Verify("3f9c", verify.serial, "file.bin", stand.entry.inode, 10, ())
    assert (stand.entry.status, stand.download.is_there) == (Status.VERIFYING, False)
    stand.answer(answered(verify))
    publish = stand.job()
    assert isinstance(publish, Publish)
    assert (stand.entry.status, stand.entry.done) == (Status.VERIFYING, ((0, 10),))
    stand.answer(Done(publish, name="file (2).bin", folder="file:///new"))
    assert (stand.entry.status, stand.entry.name) == (Status.DOWNLOADED, "file (2).bin")
    assert stand.entry.folder == "file:///new"


def test_the_way_of_a_file_as_a_whole() -> None:
    stand = whole()
    assert stand.entry.ranges is False
    task = stand.give_one()
    assert (task.start, task.stop, task.total) == (0, 0, LENGTH)
    assert stand.give() is None, "there is one transfer, however many threads"
    stand.come(task, 1000)
    assert (stand.download.completed, stand.download.unsynced()) == (1000, None)
    stand.end(
        task, status=200, position=LENGTH, head=Head(length=LENGTH, content_md5="AAAAAAAAAAAAAAAAAAAAAA==")
    )
    verify = stand.job()
    assert isinstance(verify, Verify)
    assert verify.digests == (Digest("md5", "0" * 32),), "what the answer with the bytes says"
    assert stand.download.completed == LENGTH
    stand.answer(answered(verify))
    stand.work()
    assert (stand.entry.status, stand.orders.bytes) == (Status.DOWNLOADED, LENGTH)


def test_a_whole_of_a_length_that_nobody_knows() -> None:
    stand = whole(total=-1)
    assert stand.give_one().total == -1
    (task,) = stand.download.in_flight
    stand.end(RangeTask(7, task, URL, 0, 0, "file.bin.part"), status=200, position=77)
    assert stand.work() == [Verify, Publish]
    assert (stand.entry.total, stand.download.completed) == (77, 77)


@pytest.mark.parametrize(
    ("status", "head"), [(200, Head(length=0)), (416, Head(total=0, etag=OTHER, last_modified="now"))]
)
def test_an_empty_file_is_made_and_nothing_is_fetched(status: int, head: Head) -> None:
    stand = Stand()
    stand.refuse(stand.give_one(), status, head=head)
    assert stand.work() == [Choose, Make, Verify, Publish]
    assert (stand.entry.status, stand.entry.total, stand.give()) == (Status.DOWNLOADED, 0, None)


def test_who_is_still_after_bytes_that_have_come_is_called_off() -> None:
    """One that was cut had not heard of it, and has brought what is another's."""
    stand = fetching(total=MIB)
    first = stand.give_one()
    stand.now += 1
    stand.come(first, 1000)
    second = stand.give_one()
    stand.cuts()
    stand.end(first, position=MIB)
    assert stand.cuts() == [(second.task, 0)]
    assert stand.work() == [Verify, Publish]


def test_a_file_smaller_than_one_range() -> None:
    stand = fetching(total=10)
    assert [(task.start, task.stop) for task in stand.give_all()] == [(0, 10)]


@pytest.mark.parametrize(("asked", "expected"), [(0, 4), (2, 2), (100, 4)])
def test_how_many_threads_there_are(asked: int, expected: int) -> None:
    assert len(fetching(threads=asked).give_all()) == expected


def test_the_name_comes_from_who_asked_then_from_the_answer_then_from_where_it_led() -> None:
    for filename, disposition, expected in (
        ("mine.iso", "attachment; filename=theirs.iso", "mine.iso"),
        ("", "attachment; filename=theirs.iso", "theirs.iso"),
        ("", "", "led.iso"),
    ):
        stand = Stand(filename=filename)
        head = first_byte(LENGTH, content_disposition=disposition)
        stand.end(stand.give_one(), head=head, url="http://files.example/led.iso")
        choose = stand.job()
        assert isinstance(choose, Choose)
        assert (choose.name, choose.size) == (expected, LENGTH)


def test_a_whole_whose_question_was_refused_is_named_by_its_own_head() -> None:
    """The page that refused has told nothing of the file: its name comes with its bytes."""
    stand = Stand()
    stand.refuse(stand.give_one(), 403)
    choose = stand.job()
    assert isinstance(choose, Choose)
    assert choose.name == "file.bin", "until then it is called after the URL"
    stand.answer(answered(choose))
    stand.work()
    head = Head(length=5, content_disposition="attachment; filename=theirs.iso")
    stand.end(stand.give_one(), status=200, position=5, head=head)
    assert stand.entry.title == "theirs.iso"
    stand.answer(answered(stand.job()))
    publish = stand.job()
    assert isinstance(publish, Publish)
    assert (publish.name, publish.title) == ("file.bin", "theirs.iso")
    stand.answer(answered(publish))
    assert (stand.entry.status, stand.entry.name) == (Status.DOWNLOADED, "theirs.iso")


@pytest.mark.parametrize(("filename", "refusal"), [("mine.iso", 403), ("", 200)])
def test_a_name_that_was_asked_for_or_told_before_is_kept(filename: str, refusal: int) -> None:
    stand = Stand(filename=filename)
    stand.end(stand.give_one(), status=refusal, position=0, head=Head(length=5))
    stand.work()
    head = Head(length=5, content_disposition="attachment; filename=theirs.iso")
    stand.end(stand.give_one(), status=200, position=5, head=head)
    stand.work()
    assert stand.entry.name == (filename or "file.bin")


def test_secrets_go_to_the_origin_that_was_asked_for_alone() -> None:
    secrets = ("me:pass", (("Cookie", "secret"),))
    stand = Stand(credentials=secrets[0], headers=secrets[1])
    question = stand.give_one()
    assert (question.credentials, question.headers) == secrets
    stand.end(question, head=first_byte(LENGTH), url=MIRROR)
    stand.work()
    task = stand.give_one()
    assert (task.url, task.credentials, task.headers) == (MIRROR, "", ())
    assert stand.download.host == ("http", "mirror.example", 80)


# --- failures ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("position", "wait_s", "why"),
    [(0, 1.0, "not a byte"), (WORTHWHILE - 1, 1.0, "next to nothing"), (WORTHWHILE, 0.0, "a good piece")],
)
def test_a_range_that_broke_off_waits_only_if_it_brought_nothing(
    position: int, wait_s: float, why: str
) -> None:
    stand = fetching()
    first, *_ = stand.give_all()
    stand.end(first, Reason.RESET, position=position)
    assert trouble_code(stand) == ("reset" if wait_s else "")
    again = stand.give_one()
    if wait_s:
        assert again.start == 4 * MIB, f"{why}: the next one goes first"
        stand.now += wait_s
        stand.end(again)
        again = stand.give_one()
    assert (again.start, again.stop) == (position, MIB), why


def test_trouble_is_over_when_bytes_come() -> None:
    stand = fetching()
    first, second, *_ = stand.give_all()
    stand.end(first, Reason.TIMEOUT)
    assert trouble_code(stand) == "timeout"
    stand.come(second, second.start + 1)
    assert trouble_code(stand) == ""


def test_a_server_that_is_down_is_not_asked_for_each_range_of_the_file() -> None:
    """While as many wait as there are threads no more are tried; the first that is due comes first."""
    stand = fetching(total=1000 * MIB)
    for most in (4, 7):
        starts = []
        while (task := stand.give()) is not None:
            starts.append(task.start)
            stand.end(task, Reason.CONNECT)
        assert starts[0] == 0
        assert len(starts) <= most
        stand.now += 1.0


def test_ranges_that_fail_again_and_again_are_the_end() -> None:
    stand = fetching(total=MIB)
    waits = []
    while stand.entry.status is Status.DOWNLOADING:
        stand.end(stand.give_one(), Reason.CONNECT)
        wake = stand.download.wake_at(stand.now)
        if wake is not None:
            waits.append(wake - stand.now)
            assert stand.give() is None
            stand.now = wake
    assert (stand.entry.status, trouble_code(stand), waits) == (Status.FAILED, "connect", [1, 2, 4])
    assert stand.orders.ended == [Status.FAILED]


OURS = [Reason.NAME_SERVER, Reason.NO_ROUTE, Reason.STALLED, Reason.LEASE, Reason.DRAIN, Reason.NO_CAPACITY]


@pytest.mark.parametrize("reason", OURS)
@pytest.mark.parametrize("at", [Stand, lambda: fetching(total=MIB), whole], ids=["asking", "ranges", "whole"])
def test_our_own_trouble_is_told_and_waited_out_ever_longer_and_never_the_end(
    at: Callable[[], Stand], reason: Reason
) -> None:
    stand = at()
    status, waits = stand.entry.status, []
    for _ in range(50):
        if (task := stand.give()) is None:
            stand.work()
            task = stand.give_one()
        stand.end(task, reason, status=0)
        assert (stand.give(), trouble_code(stand)) == (None, reason.name.lower())
        wake = stand.download.wake_at(stand.now)
        assert wake is not None
        waits.append(wake - stand.now)
        assert stand.download.yields(stand.now) is (waits[-1] > YIELD_S)
        stand.now = wake
    assert waits == [1, 2, 4, 8, 16, 32] + [60] * 44
    assert (stand.entry.status, stand.orders.ended) == (status, [])


def test_our_own_trouble_is_over_when_bytes_come() -> None:
    stand = fetching()
    first, second, third, *_ = stand.give_all()
    stand.end(first, Reason.NO_ROUTE)
    stand.come(second, second.start + 1)
    assert trouble_code(stand) == ""
    stand.end(third, Reason.NO_ROUTE)
    assert stand.download.wake_at(stand.now) == stand.now + 1


def test_a_range_that_is_due_and_finds_no_thread_does_not_wake() -> None:
    """Or the loop would turn as fast as it can until another range ends."""
    stand = fetching()
    first, *rest = stand.give_all()
    stand.end(first, Reason.RESET)
    stand.give_one()
    assert stand.download.wake_at(stand.now) == stand.now + 1
    stand.now += 1
    assert stand.give() is None, "all threads are busy"
    assert stand.download.wake_at(stand.now) is None
    stand.end(rest[0])
    assert stand.give_one().start == 0


def test_a_server_that_sends_more_than_it_promised_is_not_believed() -> None:
    stand = fetching()
    tasks = stand.give_all()
    stand.come(tasks[0], MIB)
    stand.end(tasks[0], Reason.LONG)
    assert (stand.download.completed, trouble_code(stand)) == (0, "long")
    stand.now += 1
    stand.end(tasks[1])
    assert stand.give_one().start == 0


def test_a_server_that_lies_all_the_time_is_given_up_although_bytes_come() -> None:
    stand = fetching(total=MIB)
    for _ in range(POLICY.retries + 1):
        assert stand.entry.status is Status.DOWNLOADING
        task = stand.give_one()
        stand.come(task, MIB)
        stand.end(task, Reason.LONG)
        stand.now += 10
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, "long")


@pytest.mark.parametrize(
    ("reason", "status", "expected"),
    [
        (Reason.ADDRESS, 0, "address"),
        (Reason.DISK, 206, "disk"),
        (Reason.CERTIFICATE, 0, "tls"),
        (Reason.REDIRECTS, 302, "redirects"),
        (Reason.HTTP_STATUS, 451, "http_status"),
    ],
)
def test_what_makes_no_sense_to_try_again_ends_the_download(
    reason: Reason, status: int, expected: str
) -> None:
    stand = fetching()
    first, *rest = stand.give_all()
    stand.cuts()
    stand.come(rest[0], rest[0].start + 5)
    stand.end(first, reason, status)
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, expected)
    assert stand.cuts() == [(task.task, 0) for task in rest]
    assert (stand.download.completed, stand.jobs()) == (5, []), "what it has stays"


def test_a_name_that_does_not_exist_is_the_end_of_a_question_alone() -> None:
    asking = Stand()
    asking.end(asking.give_one(), Reason.NO_SUCH_NAME)
    assert (asking.entry.status, trouble_code(asking)) == (Status.FAILED, "dns")
    stand = fetching()
    stand.end(stand.give_one(), Reason.NO_SUCH_NAME)
    assert stand.entry.status is Status.DOWNLOADING


@pytest.mark.parametrize("status", [500, 408, 429, 503])
def test_a_question_that_fails_is_asked_again_after_a_wait(status: int) -> None:
    stand = Stand()
    for wait_s in (1, 2, 4):
        stand.refuse(stand.give_one(), status)
        assert (stand.give(), trouble_code(stand)) == (None, "http_status")
        assert stand.download.wake_at(stand.now) == stand.now + wait_s
        stand.now += wait_s
    stand.refuse(stand.give_one(), status)
    assert stand.entry.status is Status.FAILED


def test_what_a_server_says_of_an_error_is_not_said_of_the_file() -> None:
    """It forbids ranges with a page that has a length, a tag, a date, a name and a digest of its own."""
    stand = Stand()
    page = Head(
        length=30, etag=OTHER, last_modified="now", content_disposition="inline; filename=error.html",
        content_md5="AAAAAAAAAAAAAAAAAAAAAA==",
    )  # fmt: skip
    stand.refuse(stand.give_one(), 405, head=page)
    stand.work()
    task = stand.give_one()
    assert (task.stop, task.file, task.total, task.etag, task.last_modified) == (
        0, "file.bin.part", -1, "", "",
    )  # fmt: skip
    assert stand.entry.digest is None


def test_an_error_instead_of_a_fresh_question_is_no_other_file() -> None:
    stand = fetching()
    stand.refuse(stand.give_one(), 403)
    stand.refuse(stand.give_one(), 403, head=Head(length=30, etag=OTHER))
    assert (stand.entry.restarts, trouble_code(stand)) == (0, "")


# --- a busy server ----------------------------------------------------------------------------------------


def test_a_busy_server_gets_half_of_the_threads_and_then_more_again() -> None:
    stand = fetching()
    tasks = stand.give_all()
    for task in tasks:
        stand.refuse(task, 429)
    assert (len(stand.give_all()), trouble_code(stand)) == (0, "http_status")
    stand.now += 2.0
    tasks = stand.give_all()
    assert [task.start for task in tasks] == [0, MIB]
    for _ in range(11):
        stand.now += 1.0
        for task in tasks:
            stand.come(task, task.start + 1 + round(stand.now))
    assert len(stand.give_all()) == 1, "ten seconds without a refusal"


def test_retry_after_holds_the_whole_download_and_gives_its_place_away() -> None:
    stand = fetching()
    first, second, *rest = stand.give_all()
    stand.refuse(first, 503, retry_after_s=60)
    assert not stand.download.yields(stand.now), "something is in flight"
    for task in (second, *rest):
        stand.end(task)
        assert stand.give() is None, "the server wants nothing of us"
    assert stand.download.wake_at(stand.now) == stand.now + 60
    assert stand.download.yields(stand.now)
    stand.now += 60 - YIELD_S
    assert not stand.download.yields(stand.now)
    stand.now += YIELD_S
    assert stand.give_one().start == 0
