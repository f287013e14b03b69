"""A download that has to ask again: for a fresh link, for a file that has changed, for the whole."""

from __future__ import annotations

import pytest

from pagestatus.messages import Head, Reason
from range_records import ETAG, LENGTH, POLICY, URL, Stand, fetching, first_byte, trouble_code, whole
from wsbridge.course import MOST_RESTARTS
from wsbridge.entry import Status
from wsbridge.jobs import Find, Make

MIRROR = "http://mirror.example/file.bin"
OTHER = '"b"'
SHA_OF_IT = f"sha-256=:{'A' * 43}=:"


# --- links that expire ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 404, 410])
def test_a_link_that_never_worked(status: int) -> None:
    stand = Stand()
    stand.refuse(stand.give_one(), status)
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, "http_status")


def test_a_link_that_is_forbidden_with_and_without_a_range() -> None:
    stand = Stand()
    asked = []
    while stand.entry.status not in {Status.FAILED, Status.DOWNLOADED}:
        task = stand.give_one()
        asked.append((task.file != "", task.stop))
        stand.refuse(task, 403)
        stand.work()
    assert trouble_code(stand) == "http_status"
    assert asked == [(False, 1), (True, 0)] * 2, "once more, from the URL that was given"


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_that_expires_is_renewed_through_the_original_url(status: int) -> None:
    stand = Stand()
    stand.end(stand.give_one(), head=first_byte(LENGTH), url=MIRROR)
    stand.work()
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.refuse(second, status)
    assert stand.entry.status is Status.CHECKING
    question = stand.give_one()
    assert (question.url, question.file) == (URL, "")
    fresh = "http://mirror.example/fresh"
    stand.end(question, head=first_byte(LENGTH), url=fresh)
    assert stand.work() == [Find], "what came stays"
    again = stand.give_one()
    assert (again.url, again.start) == (fresh, 70)
    # It works again: the next time that it expires it is renewed again.
    stand.come(again, 80)
    stand.refuse(again, status, position=80)
    assert stand.entry.status is Status.CHECKING


def test_a_link_that_expires_again_and_again_is_asked_for_at_a_pace() -> None:
    stand = fetching()
    for waits in (False, True):
        first, second, *_ = stand.give_all()
        stand.come(first, first.start + 1)
        stand.refuse(second, 403)
        assert stand.entry.status is Status.CHECKING
        question = stand.give()
        assert (question is None) == waits
        if question is None:
            stand.now += POLICY.retry_interval * 2
            question = stand.give_one()
        stand.end(question, head=first_byte(LENGTH), url=URL)
        assert stand.work() == [Find]


def test_a_link_that_can_not_be_renewed_wants_a_fresh_one_and_goes_on_with_it() -> None:
    stand = fetching()
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.refuse(second, 403)
    stand.refuse(stand.give_one(), 403)
    assert (stand.entry.status, trouble_code(stand), stand.download.completed) == (
        Status.FAILED,
        "needs_url",
        70,
    )
    assert stand.download.set_url(MIRROR, "me:pass")
    assert (stand.entry.status, stand.entry.trouble) == (Status.QUEUED, None)
    stand.download.start()
    question = stand.give_one()
    assert (question.url, question.credentials) == (MIRROR, "me:pass")
    stand.end(question, head=first_byte(LENGTH))
    assert stand.work() == [Find]
    assert stand.give_one().start == 70


def test_a_link_that_is_renewed_and_brings_nothing_wants_a_fresh_one() -> None:
    stand = fetching()
    stand.refuse(stand.give_one(), 404)
    stand.end(stand.give_one(), head=first_byte(LENGTH))
    stand.work()
    stand.refuse(stand.give_one(), 404)
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, "needs_url")


def test_a_link_that_was_given_fresh_may_be_renewed_too() -> None:
    stand = fetching()
    for status in (Status.CHECKING, Status.FAILED):
        stand.refuse(stand.give_one(), 404)
        assert stand.entry.status is status
        if status is Status.CHECKING:
            stand.end(stand.give_one(), head=first_byte(LENGTH))
            stand.work()
    stand.download.set_url(MIRROR, "")
    stand.download.start()
    stand.asked()
    stand.refuse(stand.give_one(), 404)
    assert stand.entry.status is Status.CHECKING


def test_a_fresh_link_for_what_is_paused_does_not_wake_it() -> None:
    stand = fetching()
    stand.download.pause()
    assert stand.download.set_url(MIRROR, "")
    assert (stand.entry.status, stand.entry.url, stand.entry.location) == (Status.PAUSED, MIRROR, "")


def test_a_fresh_link_to_another_place_does_not_take_the_headers_along() -> None:
    stand = fetching(headers=(("Cookie", "secret"),))
    stand.download.set_url(f"{URL}?signature=2", "")
    assert stand.entry.headers == (("Cookie", "secret"),)
    stand.download.set_url(MIRROR, "")
    assert not stand.entry.headers


# --- a file that changes ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "other",
    [
        first_byte(LENGTH, OTHER),
        first_byte(LENGTH + 1),
        first_byte(LENGTH, last_modified="Tue"),
        Head(length=5),
    ],
    ids=["tag", "length", "date", "length of a whole"],
)
def test_a_file_that_has_changed_is_begun_anew_and_it_says_so(other: Head) -> None:
    stand = Stand()
    stand.asked(last_modified="Mon")
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.end(second, Reason.CHANGED)
    assert stand.give() is None, "a moment later"
    stand.now += 1
    question = stand.give_one()
    assert (question.file, stand.download.completed) == ("", 70), "nothing is thrown away before it is sure"
    stand.end(question, status=206 if other.stop == 1 else 200, head=other)
    assert stand.work() == [Make], "in a new part file of the same name"
    assert (stand.download.completed, stand.entry.done, trouble_code(stand)) == (0, (), "changed")
    task = stand.give_one()
    assert (task.start, task.etag) == (0, other.etag)
    stand.come(task, 1)
    assert trouble_code(stand) == "changed", "bytes do not make it unsaid"
    stand.end(task, Reason.RESET, position=1)
    assert trouble_code(stand) == "changed", "nor do failures"


def test_a_file_that_has_not_changed_after_all_goes_on() -> None:
    stand = fetching()
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.refuse(second, 416)
    stand.now += 1
    stand.end(stand.give_one(), head=first_byte(LENGTH))
    assert stand.work() == [Find]
    assert (stand.give_one().start, stand.entry.restarts) == (70, 0)


def test_what_a_server_leaves_out_is_still_known_of_the_bytes_that_are_here() -> None:
    """Else the ranges of another file would be put beside them."""
    stand = Stand()
    stand.asked(last_modified="Mon", repr_digest=SHA_OF_IT)
    first, second, *_ = stand.give_all()
    known = stand.entry.etag, stand.entry.last_modified, stand.entry.digest
    assert all(known)
    stand.come(first, 70)
    stand.end(second, Reason.CHANGED)
    stand.now += 1
    stand.end(stand.give_one(), head=Head(start=0, stop=1, total=LENGTH))
    assert stand.work() == [Find]
    assert (stand.entry.etag, stand.entry.last_modified, stand.entry.digest) == known
    assert stand.give_one().etag == ETAG


def test_what_was_said_of_bytes_that_are_not_kept_does_not_hold() -> None:
    stand = Stand()
    stand.asked(last_modified="Mon", repr_digest=SHA_OF_IT)
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.end(second, Reason.CHANGED)
    stand.now += 1
    stand.end(stand.give_one(), status=200, head=Head(length=LENGTH))
    assert stand.work() == [Make], "it is no file in ranges any more"
    assert (stand.entry.etag, stand.entry.last_modified, stand.entry.digest) == ("", "", None)


def test_two_servers_that_call_each_others_file_another_do_not_keep_us_busy_for_ever() -> None:
    stand = fetching()
    questions = ranges = 0
    while stand.entry.status is not Status.FAILED:
        ranges += 1
        stand.end(stand.give_one(), Reason.CHANGED)
        stand.now += 100
        if stand.entry.status is Status.CHECKING:
            questions += 1
            stand.end(stand.give_one(), head=first_byte(LENGTH))
            stand.work()
    assert (questions, ranges) == (POLICY.retries, POLICY.retries + 1)
    assert trouble_code(stand) == "changed"


def test_a_file_that_changes_too_often_will_not_be_had() -> None:
    stand = fetching()
    for restart in range(MOST_RESTARTS + 1):
        assert stand.entry.status is Status.DOWNLOADING
        task = stand.give_one()
        stand.come(task, 5)
        stand.end(task, Reason.CHANGED)
        stand.now += 100
        stand.end(stand.give_one(), head=first_byte(LENGTH, f'"{restart}"'))
        stand.work()
    assert (stand.entry.status, trouble_code(stand), stand.download.completed) == (
        Status.FAILED,
        "changed",
        0,
    )
    stand.download.retry()
    assert stand.entry.restarts == 0, "whoever tries it again gets as many"


def test_a_whole_that_has_changed_is_begun_anew() -> None:
    stand = whole()
    stand.end(stand.give_one(), Reason.CHANGED, status=200)
    assert stand.work() == [Make]
    assert stand.entry.ranges is False
    task = stand.give_one()
    assert (task.stop, task.etag, task.total, trouble_code(stand)) == (0, "", -1, "changed")


# --- a whole, for want of ranges --------------------------------------------------------------------------


def test_the_whole_in_answer_to_a_range_is_fetched_as_a_whole() -> None:
    stand = fetching()
    first, second, *rest = stand.give_all()
    stand.come(first, 70)
    stand.cuts()
    stand.end(second, Reason.NO_RANGE, status=200)
    assert stand.cuts() == [(task.task, 0) for task in (first, *rest)]
    assert stand.work() == [Make], "what came in ranges is no beginning for it"
    assert (stand.download.completed, stand.entry.ranges) == (0, False)
    task = stand.give_one()
    assert (task.start, task.stop, task.total, task.etag) == (0, 0, LENGTH, ETAG)
    stand.end(task, Reason.NO_RANGE, status=206)
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, "no_range"), "neither nor"


def test_a_whole_that_breaks_off_begins_in_a_new_part_after_a_wait() -> None:
    stand = whole()
    task = stand.give_one()
    stand.end(task, Reason.RESET, status=200, position=1000)
    assert (stand.give(), stand.jobs(), trouble_code(stand)) == (None, [], "reset")
    stand.now += 1
    assert stand.give() is None
    assert stand.work() == [Make]
    again = stand.give_one()
    assert again.inode not in {0, task.inode}
    assert again.start == 0


def test_a_whole_that_breaks_off_again_and_again_is_given_up_although_bytes_came() -> None:
    stand = whole()
    tries = 0
    while stand.entry.status is Status.DOWNLOADING:
        if (task := stand.give()) is None:
            stand.work()
            continue
        tries += 1
        stand.come(task, 1000)
        stand.end(task, Reason.SHORT, status=200, position=2000)
        stand.now += 100
    assert (tries, stand.entry.status, trouble_code(stand)) == (POLICY.retries + 1, Status.FAILED, "short")


def test_a_whole_that_is_lost_with_its_fetcher_is_begun_again_a_moment_later() -> None:
    stand = whole()
    stand.end(stand.give_one(), Reason.LEASE, status=0)
    assert (stand.give(), stand.jobs(), trouble_code(stand)) == (None, [], "lease")
    assert stand.download.wake_at(stand.now) == stand.now + 1
    stand.now += 1
    assert stand.give() is None
    assert stand.work() == [Make]
    assert stand.give_one().start == 0


def test_a_link_that_expires_under_a_whole_is_renewed_once() -> None:
    stand = whole()
    for status in (Status.CHECKING, Status.FAILED):
        task = stand.give_one()
        stand.come(task, 10)
        stand.refuse(task, 404, position=10)
        assert stand.entry.status is status
        if status is Status.CHECKING:
            stand.end(stand.give_one(), status=200, position=0, head=Head(length=LENGTH, etag=ETAG))
            stand.work()
