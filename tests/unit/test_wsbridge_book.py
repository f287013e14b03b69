"""All downloads: who has a place, which fetcher gets the next range of which, and what is lost with whom."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import FrameType

import pytest

from pagestatus.config import Downloads as Policy
from pagestatus.messages import FetcherState, Head, RangeDone, RangeProgress, RangeTask, Reason
from range_records import BRIDGE, MIB, EvenRandom, answered, done, entry, first_byte
from wsbridge.book import LEASE_S, LISTED, MOST_LISTED, STOOD_STILL_S, Book, Full
from wsbridge.course import YIELD_S, Phase
from wsbridge.crew import FORGOTTEN_S
from wsbridge.download import Download
from wsbridge.entry import Status, Trouble
from wsbridge.jobs import Choose, Claims
from wsbridge.orders import Orders
from wsbridge.requests import Add

HOST = "http://files.example"
OTHER_HOST = "http://other.example"


class Office:
    """A book with fetchers that a test speaks for, and a good disk."""

    def __init__(self, policy: Policy | None = None, ids: Iterator[str] | None = None) -> None:
        self.now = 1000.0
        self.orders = Orders(BRIDGE)
        numbers = count(1)
        self.book = Book(
            policy or Policy(threads=4, bytes=MIB, retries=3),
            self.orders,
            EvenRandom(),
            (lambda: next(ids)) if ids is not None else (lambda: f"{next(numbers):04x}"),
        )

    def fetcher(self, epoch: int = 1, slots: int = 100) -> None:
        self.book.on_state(FetcherState(epoch, epoch, 100, 0, range_slots=slots), self.now)

    def add(self, url: str = f"{HOST}/file") -> Download:
        return self.book.add(Add(url), 1)

    def at(self, seconds: float) -> list[RangeTask]:
        """Some seconds later, heard from everybody second by second: what is given out."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 1, until)
            for epoch in list(self.book.crew._members):
                self.fetcher(epoch, self.book.crew._members[epoch].slots)
            for task in self.book._heard:
                self.book._heard[task] = self.now
            list(self.book.second(self.now))
        return self.plan()

    def plan(self) -> list[RangeTask]:
        """A round: what is given out, with the disk at work."""
        given = []
        while True:
            self.book.plan(self.now)
            given += [record for _, record in self.orders.messages if isinstance(record, RangeTask)]
            self.sent = list(self.orders.messages)
            self.orders.messages.clear()
            jobs, self.orders.jobs = self.orders.jobs, []
            if not jobs:
                return given
            for job in jobs:
                self.book.on_answer(answered(job))

    def end(self, task: RangeTask, reason: Reason = Reason.NONE, status: int = 206, **more: object) -> None:
        self.book.on_done(done(task, reason, status, **more), self.now)

    def begin(self, *, total: int = 100 * MIB, places: int = 1) -> list[RangeTask]:
        """Answer the questions of so many downloads; what is given out then."""
        questions = self.plan()
        assert len(questions) == places
        for question in questions:
            self.end(question, head=first_byte(total))
        return self.plan()


def hosts(tasks: list[RangeTask]) -> list[str]:
    return [task.url.removesuffix("/file") for task in tasks]


# --- places -----------------------------------------------------------------------------------------------


def test_so_many_run_and_the_rest_waits_in_the_order_of_the_list() -> None:
    office = Office(Policy(active=2))
    office.fetcher()
    downloads = [office.add(f"{HOST}/{number}") for number in range(4)]
    questions = office.plan()
    assert [task.url for task in questions] == [f"{HOST}/0", f"{HOST}/1"]
    assert office.book.counts() == {"queued": 2, "active": 2, "complete": 0, "failed": 0}
    office.end(questions[1], Reason.ADDRESS)
    assert [task.url for task in office.plan()] == [f"{HOST}/2"]
    assert [download.entry.status for download in downloads] == [
        Status.CHECKING, Status.FAILED, Status.CHECKING, Status.QUEUED,
    ]  # fmt: skip


def test_what_is_paused_leaves_its_place_and_is_back_in_its_old_order() -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    first, second, third = (office.add(f"{HOST}/{number}") for number in range(3))
    office.plan()
    first.pause()
    office.book.settle(first)
    assert [task.url for task in office.plan()] == [f"{HOST}/1"]
    first.resume()
    office.book.settle(first)
    second.cancel()
    office.book.settle(second)
    assert [task.url for task in office.plan()] == [f"{HOST}/0"], "before the third"
    assert (list(office.book.running), third.entry.status) == ([first], Status.QUEUED)


@pytest.mark.parametrize("ask", [Download.pause, Download.cancel])
def test_what_waits_for_a_place_can_be_stopped(ask: Callable[[Download], bool]) -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    for number in range(3):
        office.add(f"{HOST}/{number}")
    first, second, _third = office.book.downloads.values()
    office.plan()
    for download in (second, first):
        ask(download)
        office.book.settle(download)
    assert [task.url for task in office.plan()] == [f"{HOST}/2"]


@pytest.mark.parametrize(("code", "is_kept"), [("disk", False), ("timeout", False), ("changed", True)])
def test_what_hindered_the_bridge_before_is_not_told_of_who_waits_anew(code: str, *, is_kept: bool) -> None:
    office = Office()
    office.book.restore([entry(status=Status.CHECKING, trouble=Trouble(code, "x"))])
    (download,) = office.book.downloads.values()
    assert (download.entry.status, download.entry.trouble is not None) == (Status.QUEUED, is_kept)
    office.book.restore([entry("failed", status=Status.FAILED, trouble=Trouble(code, "x"))])
    assert office.book.downloads["failed"].entry.trouble is not None


def test_every_status_counts_as_something() -> None:
    office = Office()
    counted = {}
    for status in Status:
        office.book.restore([entry(status, status=status)])
        download = office.book.downloads[status]
        download.entry.status = status
        before = office.book.counts()
        office.book.remove(download)
        after = office.book.counts()
        counted[status] = [name for name in before if before[name] != after[name]]
    assert counted == {
        Status.QUEUED: ["queued"],
        Status.PAUSED: ["queued"],
        Status.CHECKING: ["active"],
        Status.DOWNLOADING: ["active"],
        Status.VERIFYING: ["active"],
        Status.DOWNLOADED: ["complete"],
        Status.FAILED: ["failed"],
        Status.CANCELLED: [],
    }


def test_a_place_is_given_up_for_a_long_wait_and_taken_again_before_the_queue() -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    first, second, _third = (office.add(f"{HOST}/{number}") for number in range(3))
    (question,) = office.plan()
    office.end(question, status=429, position=0, retry_after_s=60)
    (other,) = office.plan()
    assert (other.url, list(office.book.running)) == (f"{HOST}/1", [second])
    assert office.book.wake_at(office.now) == office.now + 60
    assert office.at(60) == [], "its time has come, and there is no place for it"
    assert office.book.wake_at(office.now) is None, "somebody else has to move first"
    office.end(other, Reason.ADDRESS)
    assert [task.url for task in office.plan()] == [f"{HOST}/0"], "the third has to wait"
    assert list(office.book.running) == [first]


def test_trouble_of_our_own_gives_a_place_away_after_a_while() -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    first, second = office.add(f"{HOST}/0"), office.add(f"{HOST}/1")
    (question,) = office.plan()
    waits, others = [], [question]
    while list(office.book.running) == [first]:
        office.end(question, Reason.NAME_SERVER, status=0)
        others = office.plan()
        wake = office.book.wake_at(office.now)
        assert wake is not None
        waits.append(wake - office.now)
        if not others:
            (question,) = office.at(wake - office.now)
    assert waits == [1, 2, 4, 8, 16]
    assert [task.url for task in others] == [second.entry.url]
    assert first.entry.trouble is not None
    assert (first.entry.status, first.entry.trouble.code) == (Status.CHECKING, "name_server")
    office.end(others[0], Reason.ADDRESS)
    assert [task.url for task in office.at(16)] == [first.entry.url]


def test_who_comes_too_late_may_complete_a_file() -> None:
    office = Office(Policy(threads=1, bytes=MIB))
    office.fetcher()
    download = office.add()
    (task,) = office.begin(total=MIB)
    download.pause()
    office.book.settle(download)
    download.resume()
    office.book.settle(download)
    (question,) = office.plan()
    office.end(question, head=first_byte(MIB))
    office.plan()
    office.end(task)
    office.plan()
    assert (download.entry.status, list(office.book.running)) == (Status.DOWNLOADED, [])


def test_a_short_wait_keeps_its_place() -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    office.add()
    office.add()
    (question,) = office.plan()
    office.end(question, status=503, position=0, retry_after_s=round(YIELD_S))
    assert office.plan() == []
    assert office.book.wake_at(office.now) == office.now + YIELD_S
    assert [task.url for task in office.at(YIELD_S)] == [question.url]


@pytest.mark.parametrize("ask", [Download.pause, Download.cancel])
def test_what_left_its_place_can_be_stopped(ask: Callable[[Download], bool]) -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    first = office.add()
    (question,) = office.plan()
    office.end(question, status=429, position=0, retry_after_s=60)
    office.plan()
    assert ask(first)
    office.book.settle(first)
    assert office.at(60) == []
    assert office.book.wake_at(office.now) is None


# --- ranges -----------------------------------------------------------------------------------------------


def test_downloads_take_turns() -> None:
    office = Office(Policy(threads=4, bytes=MIB, active=2))
    office.fetcher(slots=0)
    office.add(f"{HOST}/file")
    office.add(f"{OTHER_HOST}/file")
    office.fetcher(slots=2)
    office.begin(places=2)
    office.fetcher(slots=7)
    assert hosts(office.plan()) == [HOST, OTHER_HOST, HOST, OTHER_HOST, HOST]


def test_ranges_are_spread_over_fetchers() -> None:
    office = Office()
    for epoch in (1, 2):
        office.fetcher(epoch)
    office.add()
    office.begin()
    epochs = [lease.epoch for lease in office.book._leases.values()]
    assert sorted(epochs) == [1, 1, 2, 2]


def test_nothing_is_given_out_beyond_credit_and_nothing_is_split_for_it() -> None:
    office = Office(Policy(threads=4, bytes=8 * MIB))
    office.fetcher(slots=1)
    office.add()
    (task,) = office.begin(total=8 * MIB)
    office.now += 1
    office.book.on_progress(RangeProgress(BRIDGE, task.task, MIB), office.now)
    assert office.plan() == []
    assert office.sent == [], "nor is the range that runs cut short"
    office.fetcher(slots=4)
    pieces = [(one.start, one.stop) for one in office.plan()]
    assert pieces[0] == (4 * MIB + MIB // 2, 8 * MIB), "half of what is left"
    assert len(pieces) == 3


def test_a_host_has_so_many_ranges_over_all_downloads() -> None:
    office = Office(Policy(threads=4, bytes=MIB, per_host=5, active=3))
    office.fetcher()
    for url in (f"{HOST}/file", f"{HOST}/file", f"{OTHER_HOST}/file"):
        office.add(url)
    tasks = office.begin(places=3)
    assert (hosts(tasks).count(HOST), hosts(tasks).count(OTHER_HOST)) == (5, 4)
    office.end(next(task for task in tasks if task.url.startswith(HOST)))
    assert hosts(office.plan()) == [HOST]


def test_a_range_counts_for_the_host_that_answered() -> None:
    office = Office(Policy(threads=4, bytes=MIB, per_host=3))
    office.fetcher()
    office.add()
    (question,) = office.plan()
    office.end(question, head=first_byte(100 * MIB), url=f"{OTHER_HOST}/file")
    assert hosts(office.plan()) == [OTHER_HOST] * 3
    assert office.book._per_host == {("http", "other.example", 80): 3}


def test_no_host_is_remembered_that_is_asked_nothing() -> None:
    office = Office()
    office.fetcher()
    download = office.add()
    for task in office.begin():
        office.end(task, Reason.ADDRESS)
    assert (download.entry.status, office.book._per_host, office.book._leases) == (Status.FAILED, {}, {})


def test_what_was_dropped_holds_credit_until_its_fetcher_says_so() -> None:
    office = Office(Policy(threads=4, bytes=MIB, active=1))
    office.fetcher(slots=4)
    first = office.add()
    office.add(f"{OTHER_HOST}/file")
    tasks = office.begin()
    first.pause()
    office.book.settle(first)
    assert office.plan() == [], "all four slots are still busy"
    office.end(tasks[0])
    assert hosts(office.plan()) == [OTHER_HOST]
    assert first.completed == MIB, "what was written before it was dropped counts"


def test_messages_of_tasks_that_nobody_has_are_not_heard() -> None:
    office = Office()
    office.fetcher()
    download = office.add()
    first, *_ = office.begin()
    office.end(first)
    office.end(first)
    office.book.on_progress(RangeProgress(BRIDGE, first.task, MIB), office.now)
    office.book.on_progress(RangeProgress(BRIDGE, 999, 5), office.now)
    office.book.on_done(RangeDone(BRIDGE, 999, 1, 5, Reason.NONE), office.now)
    assert (download.completed, len(download.in_flight)) == (MIB, 3)


# --- fetchers that are lost -------------------------------------------------------------------------------


def test_what_a_fetcher_had_goes_to_another_and_what_it_wrote_stays() -> None:
    office = Office(Policy(threads=2, bytes=MIB))
    office.fetcher(1)
    download = office.add()
    first, _second = office.begin()
    office.book.on_progress(RangeProgress(BRIDGE, first.task, 500), office.now)
    office.fetcher(2)
    office.book.on_gone(1, office.now)
    assert (len(download.in_flight), download.completed, len(office.book.crew)) == (0, 500, 1)
    assert download.entry.trouble is not None
    assert download.entry.trouble.code == "lease"
    (again, *_) = office.at(1)
    assert (again.start, again.stop) == (500, MIB)
    office.book.on_progress(RangeProgress(BRIDGE, again.task, 501), office.now)
    assert download.entry.trouble is None


def test_what_a_fetcher_said_last_before_it_ended_does_not_bring_it_back() -> None:
    office = Office()
    office.fetcher(1)
    office.add()
    office.book.on_gone(1, office.now)
    office.fetcher(1)
    assert office.plan() == []
    office.fetcher(2)
    assert len(office.plan()) == 1


def test_a_task_that_nobody_speaks_of_is_lost_and_called_off() -> None:
    office = Office(Policy(threads=2, bytes=MIB))
    office.fetcher()
    download = office.add()
    first, second = office.begin()
    list(office.book.second(office.now))
    for _ in range(round(LEASE_S) + 1):
        office.now += 1
        office.fetcher()
        office.book.on_progress(RangeProgress(BRIDGE, first.task, 500), office.now)
        list(office.book.second(office.now))
    assert list(download.in_flight) == [first.task]
    assert [(record.task, record.stop) for _, record in office.orders.messages] == [(second.task, 0)]  # type: ignore[union-attr]
    office.end(second)
    assert download.completed == 500, "what it says now comes too late"


def test_a_task_is_not_lost_while_its_fetcher_speaks_of_it_though_nothing_comes() -> None:
    office = Office(Policy(threads=1, bytes=MIB))
    office.fetcher()
    download = office.add()
    (task,) = office.begin()
    for _ in range(5 * round(LEASE_S)):
        office.now += 1
        office.fetcher()
        office.book.on_progress(RangeProgress(BRIDGE, task.task, 0), office.now)
        list(office.book.second(office.now))
    assert list(download.in_flight) == [task.task]


def test_a_fetcher_that_is_silent_for_long_is_forgotten_with_all_it_has() -> None:
    office = Office()
    office.fetcher()
    download = office.add()
    office.begin()
    forgotten = list(office.book.second(office.now))
    for _ in range(round(FORGOTTEN_S) + 1):
        office.now += 1
        forgotten += list(office.book.second(office.now))
    assert (forgotten, len(office.book.crew), len(download.in_flight)) == ([1], 0, 0)
    office.fetcher()
    assert office.at(1) != [], "it had only stood still"


def test_nothing_is_lost_because_we_stood_still_ourselves() -> None:
    office = Office()
    office.fetcher()
    download = office.add()
    office.begin()
    list(office.book.second(office.now))
    office.now += max(LEASE_S, FORGOTTEN_S, STOOD_STILL_S) + 1
    assert list(office.book.second(office.now)) == []
    assert len(download.in_flight) == 4


# --- the list ---------------------------------------------------------------------------------------------


def test_what_the_journal_knows_goes_on_in_the_order_of_the_list() -> None:
    office = Office(Policy(active=1))
    office.fetcher()
    known = [entry(f"id{position}", position, status=status) for position, status in enumerate(Status, 1)]
    office.book.restore(known)
    assert {
        download.entry.position: download.entry.status for download in office.book.downloads.values()
    } == {
        1: Status.QUEUED,
        2: Status.QUEUED,
        3: Status.QUEUED,
        4: Status.PAUSED,
        5: Status.QUEUED,
        6: Status.DOWNLOADED,
        7: Status.FAILED,
        8: Status.CANCELLED,
    }
    assert len(office.plan()) == 1
    new = office.add()
    assert (new.entry.position, new.unsaved) == (9, True)


def test_no_two_downloads_have_one_id() -> None:
    office = Office(ids=iter(["aa", "aa", "aa", "bb"]))
    assert [office.add().entry.id for _ in range(2)] == ["aa", "bb"]


def test_the_list_has_an_end() -> None:
    """It is sent as one message, of which ordinary clients take no more than 1 MiB."""
    office = Office()
    url = f"{HOST}/{'x' * 1000}"
    fit = MOST_LISTED // (LISTED + len(url) + 2)
    office.book.restore(entry(f"id{number}", number, url=url) for number in range(fit - 1))
    office.add(url)
    with pytest.raises(Full, match=f"there are {fit} downloads"):
        office.add(url)
    office.book.remove(office.book.downloads["id0"])
    assert office.add(url).entry.url == url


def test_the_oldest_of_those_that_are_over_leave_a_full_list(monkeypatch: pytest.MonkeyPatch) -> None:
    office = Office()
    known = [
        entry("failed", 1, status=Status.FAILED),
        entry("paused", 2, status=Status.PAUSED),
        entry("queued", 3),
        entry("given up", 4, status=Status.CANCELLED, given_up=True),
        entry("there", 5, status=Status.DOWNLOADED),
        entry("cancelled", 6, status=Status.CANCELLED),
        entry("newest", 7, status=Status.DOWNLOADED),
    ]
    size = LISTED + len(known[0].url) + 2
    monkeypatch.setattr("wsbridge.book.MOST_LISTED", 7 * size)
    office.book.restore(known)
    for gone in (["there"], ["there", "cancelled"], ["there", "cancelled", "newest"]):
        office.add(known[0].url)
        assert office.book.retired == gone
    with pytest.raises(Full):
        office.add(known[0].url)
    assert list(office.book.downloads)[:4] == ["failed", "paused", "queued", "given up"]


def test_nobody_leaves_the_list_for_one_that_does_not_fit_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    office = Office()
    office.book.restore(
        [entry("there", 1, status=Status.DOWNLOADED), entry("failed", 2, status=Status.FAILED)]
    )
    monkeypatch.setattr("wsbridge.book.MOST_LISTED", 3 * LISTED)
    with pytest.raises(Full, match="there are 2 downloads"):
        office.add(f"{HOST}/{'x' * 2 * LISTED}")
    assert (list(office.book.downloads), office.book.retired) == (["there", "failed"], [])


def test_who_is_added_is_news() -> None:
    office = Office()
    office.book.restore([entry()])
    assert office.orders.news == []
    added = office.add().entry
    assert office.orders.news == [(added, Status.QUEUED)]


def test_names_of_others_are_taken() -> None:
    office = Office()
    office.fetcher()
    office.book.restore([entry("there", 1, name="file", title="title", status=Status.DOWNLOADED)])
    office.add()
    office.plan()
    (question,) = office.book._leases
    office.book.on_done(
        RangeDone(BRIDGE, question, 1, 0, Reason.NONE, 200, url=f"{HOST}/file", head=Head(length=5)),
        office.now,
    )
    (choose,) = office.orders.jobs
    assert isinstance(choose, Choose)
    assert choose.taken == Claims(frozenset({"file", "title"}))


def test_bytes_that_others_still_miss_are_claimed() -> None:
    office = Office(Policy(threads=1, bytes=MIB, active=6))
    office.fetcher()
    running, failed, paused, waiting, whole, new = [office.add(f"{HOST}/{n}") for n in range(6)]
    questions = office.plan()
    for question, total in zip(questions[:4], (10, 20, 30, 40), strict=True):
        office.end(question, head=first_byte(total * MIB))
        if total != 40:
            office.plan()
    # The disk has been asked for a place for it, and has not answered: nothing is promised to it yet.
    assert waiting.phase is Phase.MAKING
    (first, *_) = running.in_flight
    office.book.on_progress(RangeProgress(BRIDGE, first, MIB), office.now)
    (other,) = failed.in_flight
    office.book.on_done(RangeDone(BRIDGE, other, 1, 0, Reason.ADDRESS), office.now)
    paused.pause()
    office.end(questions[4], status=200, position=0, head=Head())
    office.orders.jobs.clear()
    office.end(questions[5], head=first_byte(7))
    (choose,) = office.orders.jobs
    assert isinstance(choose, Choose)
    assert (choose.size, choose.taken.bytes) == (7, (10 - 1) * MIB)
    assert (whole.missing, new.missing) == (0, 0), "one has no length, the other no name"


def test_the_disk_may_speak_of_what_was_removed() -> None:
    office = Office()
    office.fetcher()
    download = office.add()
    office.plan()
    (task,) = download.in_flight
    office.book.on_done(
        RangeDone(BRIDGE, task, 1, 0, Reason.NONE, 206, url=f"{HOST}/file", head=first_byte(5)), office.now
    )
    (choose,) = office.orders.jobs
    download.cancel()
    office.book.remove(download)
    office.book.on_answer(answered(choose))
    assert (office.book.downloads, office.plan()) == ({}, [])


# --- work -------------------------------------------------------------------------------------------------


def calls(work: Callable[[], object]) -> int:
    """How many functions, also of C, ``work`` calls: its cost, without a clock."""
    found = 0

    def see(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal found
        found += event in {"call", "c_call"}

    # A collection, and who is told of it, would count as well.
    gc.disable()
    sys.setprofile(see)
    try:
        work()
    finally:
        sys.setprofile(None)
        gc.enable()
    return found


def crowded(queued: int, ended: int) -> Office:
    """Four downloads that run, and others in the list."""
    office = Office()
    office.fetcher()
    for number in range(4):
        office.add(f"http://{number}.example/file")
    office.begin(places=4)
    office.book.restore(entry(f"queued{number}", 10 + number) for number in range(queued))
    office.book.restore(entry(f"ended{number}", 9, status=Status.DOWNLOADED) for number in range(ended))
    return office


def test_a_round_costs_the_same_however_long_the_list_is() -> None:
    short, long = crowded(1, 0), crowded(7000, 2996)
    for office in (short, long):
        assert office.plan() == []
    work: list[Callable[[Office], object]] = [
        lambda office: office.book.plan(office.now),
        lambda office: office.book.wake_at(office.now),
        lambda office: list(office.book.second(office.now)),
        lambda office: office.fetcher(),
    ]
    for piece in work:
        assert calls(lambda piece=piece: piece(long)) == calls(lambda piece=piece: piece(short))  # type: ignore[misc]


def test_filling_a_place_looks_at_the_queue_once() -> None:
    office = crowded(9000, 0)
    one = next(iter(office.book.running))
    one.cancel()
    office.book.settle(one)
    assert calls(lambda: office.book.plan(office.now)) < 2 * 9000


def yielded(number: int) -> Office:
    """So many have left their places because a server wants nothing of them for ten minutes."""
    office = Office(Policy(active=number, per_host=number))
    office.fetcher(slots=10_000)
    office.book.restore(entry(f"id{place}", place) for place in range(number))
    for question in office.plan():
        office.end(question, status=429, position=0, retry_after_s=600)
    assert office.plan() == []
    assert list(office.book.running) == []
    return office


def test_a_round_costs_the_same_however_many_wait_for_a_server() -> None:
    few, many = yielded(2), yielded(2000)
    work: list[Callable[[Office], object]] = [
        lambda office: office.book.plan(office.now),
        lambda office: office.book.wake_at(office.now),
        lambda office: list(office.book.second(office.now)),
    ]
    for piece in work:
        assert calls(lambda piece=piece: piece(many)) == calls(lambda piece=piece: piece(few))  # type: ignore[misc]


def test_all_that_wait_for_a_server_are_back_in_their_time() -> None:
    office = yielded(500)
    stopped = list(office.book.downloads.values())[::2]
    for download in stopped:
        download.pause()
        office.book.settle(download)
    assert office.book.wake_at(office.now) == office.now + 600
    assert len(office.at(600)) == 250
    assert not any(download.in_flight for download in stopped)


def test_how_it_looks_to_whoever_debugs_it() -> None:
    assert repr(crowded(3, 2).book) == "<Book of 9, <Places: 4 of 4 running, 3 queued>>"
