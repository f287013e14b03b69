"""What clients may ask of a download in each of its phases, and who comes too late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pagestatus.config import Downloads as Policy
from pagestatus.messages import Reason
from range_records import (
    LENGTH,
    Stand,
    answered,
    at_choosing,
    at_finding,
    at_making,
    at_publishing,
    at_verifying,
    fetching,
    first_byte,
    trouble_code,
    whole,
)
from wsbridge.course import Phase
from wsbridge.entry import Status, Trouble
from wsbridge.jobs import Discard

MIRROR = "http://mirror.example/file.bin"
At = Callable[[], Stand]


# --- what clients ask for ---------------------------------------------------------------------------------

Ask = Callable[[Stand], bool]


def pause(stand: Stand) -> bool:
    return stand.download.pause()


def resume(stand: Stand) -> bool:
    return stand.download.resume()


def retry(stand: Stand) -> bool:
    return stand.download.retry()


def cancel(stand: Stand) -> bool:
    return stand.download.cancel()


def set_url(stand: Stand) -> bool:
    return stand.download.set_url(MIRROR, "")


def paused() -> Stand:
    stand = fetching()
    pause(stand)
    return stand


def failed() -> Stand:
    stand = fetching()
    stand.end(stand.give_one(), Reason.ADDRESS)
    return stand


def cancelled() -> Stand:
    stand = fetching()
    cancel(stand)
    return stand


def downloaded() -> Stand:
    stand = fetching()
    stand.finish()
    return stand


ASKS = (pause, resume, retry, cancel, set_url)


@pytest.mark.parametrize(
    ("at", "possible"),
    [
        (Stand, "pause cancel set_url"),
        (at_choosing, "pause cancel set_url"),
        (at_making, "pause cancel set_url"),
        (at_finding, "pause cancel set_url"),
        (fetching, "pause cancel set_url"),
        (whole, "pause cancel set_url"),
        (at_verifying, "cancel"),
        (at_publishing, ""),
        (paused, "resume cancel set_url"),
        (failed, "retry cancel set_url"),
        (cancelled, "retry"),
        (downloaded, ""),
    ],
)
def test_what_can_be_asked_for_when(at: At, possible: str) -> None:
    for ask in ASKS:
        stand = at()
        before = stand.entry.status
        assert ask(stand) is (ask.__name__ in possible.split()), ask.__name__
        if ask.__name__ not in possible.split():
            assert stand.entry.status is before


@pytest.mark.parametrize("at", [at_choosing, at_making, at_finding, at_verifying])
@pytest.mark.parametrize("ask", [pause, cancel])
def test_what_the_disk_says_too_late_is_not_heard(at: At, ask: Ask) -> None:
    stand = at()
    job = stand.job()
    if not ask(stand):
        assert (at, ask) == (at_verifying, pause)
        return
    status, name = stand.entry.status, stand.entry.name
    stand.jobs()
    assert not stand.download.waits_for(job)
    stand.answer(answered(job))
    stand.fail(job)
    assert (stand.entry.status, stand.entry.name, stand.download.phase) == (status, name, Phase.IDLE)
    assert stand.jobs() == []


@pytest.mark.parametrize("at", [at_choosing, at_making, at_finding, at_verifying, at_publishing])
def test_what_a_job_waits_for_is_told_until_it_is_done(at: At) -> None:
    stand = at()
    job = stand.job()
    for _ in range(2):
        stand.download.on_delay(job, Trouble("no_fds", "no descriptors"))
        assert trouble_code(stand) == "no_fds"
    stand.answer(answered(job))
    assert trouble_code(stand) == ""


def test_a_wait_for_the_disk_does_not_hide_that_the_file_has_changed() -> None:
    stand = fetching()
    stand.end(stand.give_one(), Reason.CHANGED)
    stand.now += 100
    stand.end(stand.give_one(), head=first_byte(10, etag='"b"'))
    job = stand.jobs()[-1]
    stand.download.on_delay(job, Trouble("no_fds", "no descriptors"))
    stand.answer(answered(job))
    assert trouble_code(stand) == "changed"


@pytest.mark.parametrize("at", [at_choosing, at_making, at_finding, fetching, whole])
def test_what_was_paused_anywhere_goes_on_to_its_end(at: At) -> None:
    stand = at()
    total = max(stand.entry.total, 0)
    tasks, late = stand.give_all(), stand.jobs()
    assert pause(stand)
    assert (stand.entry.status, stand.give()) == (Status.PAUSED, None)
    assert [task for task, _ in stand.cuts()] == [task.task for task in tasks]
    assert resume(stand)
    for job in late:
        stand.answer(answered(job))
    stand.download.start()
    stand.asked(total)
    stand.finish()
    assert (stand.entry.status, stand.entry.total) == (Status.DOWNLOADED, total)


def test_tasks_that_end_after_a_pause_change_nothing() -> None:
    stand = fetching()
    first, *_ = stand.give_all()
    stand.come(first, 70)
    pause(stand)
    stand.end(first)
    assert (stand.download.completed, stand.entry.status) == (70, Status.PAUSED)


def test_what_is_cancelled_leaves_nothing_and_can_be_begun_anew() -> None:
    stand = fetching()
    stand.end(stand.give_one())
    cancel(stand)
    assert stand.work() == [Discard]
    assert (stand.download.completed, stand.entry.name, stand.entry.total) == (0, "", -1)
    assert stand.orders.ended == [], "nobody calls that a failure"
    retry(stand)
    stand.download.start()
    stand.asked()
    assert stand.give_one().start == 0


def test_what_has_no_name_yet_leaves_nothing_to_discard() -> None:
    stand = Stand()
    cancel(stand)
    assert stand.jobs() == []


def test_a_retry_has_as_many_tries_as_the_first() -> None:
    stand = Stand(Policy(retries=0))
    for _ in range(3):
        stand.end(stand.give_one(), Reason.CONNECT)
        assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, "connect")
        assert retry(stand)
        stand.download.start()


def test_a_bridge_that_ends_breaks_off_and_keeps_what_it_knows() -> None:
    stand = fetching()
    first, *_ = tasks = stand.give_all()
    stand.cuts()
    stand.come(first, 70)
    stand.download.suspend()
    assert stand.cuts() == [(task.task, 0) for task in tasks]
    assert stand.give() is None
    written = stand.download.unsynced()
    assert written is not None
    assert written.pairs == ((0, 70),), "the last of it can still be noted"
    stand.download.on_synced(written)
    assert stand.entry.done == ((0, 70),)


def test_what_the_disk_says_after_the_bridge_has_ended_is_not_heard() -> None:
    stand = at_publishing()
    publish = stand.job()
    stand.download.suspend()
    assert not stand.download.waits_for(publish)
    stand.answer(answered(publish))
    assert stand.entry.status is Status.VERIFYING, "its successor finds out"


def _set_url(stand: Stand) -> object:
    pause(stand)
    stand.download.unsaved = stand.download.changed = False
    return set_url(stand)


@pytest.mark.parametrize(
    ("at", "happens", "is_saved", "why"),
    [
        (Stand, lambda stand: stand.give_one(), False, "a question is asked"),
        (at_choosing, lambda stand: stand.answer(answered(stand.job())), True, "a name is chosen"),
        (fetching, lambda stand: stand.give_one(), False, "a range is given out"),
        (fetching, pause, True, "somebody pauses it"),
        (fetching, cancel, True, "somebody cancels it"),
        (fetching, _set_url, True, "it gets another link"),
        (paused, resume, True, "somebody lets it go on"),
    ],
)
def test_what_is_to_be_shown_and_to_be_written_down(
    at: At, happens: Callable[[Stand], object], *, is_saved: bool, why: str
) -> None:
    stand = at()
    assert stand.download.changed, "at first in any case"
    stand.download.unsaved = stand.download.changed = False
    happens(stand)
    assert (stand.download.changed, stand.download.unsaved) == (True, is_saved), why


def test_bytes_and_ends_are_to_be_shown() -> None:
    stand = fetching()
    first, second, *_ = stand.give_all()
    events: list[Callable[[], None]] = [
        lambda: stand.come(first, 5),
        lambda: stand.end(first, position=5),
        lambda: stand.end(second, Reason.LEASE),
    ]
    for happens in events:
        stand.download.changed = False
        happens()
        assert stand.download.changed


def test_an_end_or_a_pause_is_news_and_nothing_else() -> None:
    for at, ask, expected in (
        (fetching, pause, True),
        (fetching, cancel, True),
        (paused, resume, False),
        (fetching, set_url, False),
    ):
        stand = at()
        stand.orders.news.clear()
        ask(stand)
        assert stand.orders.news == [(stand.entry, stand.entry.status)] * expected, ask
    stand = fetching()
    assert stand.orders.news == []
    stand.finish()
    assert stand.orders.news == [(stand.entry, Status.DOWNLOADED)]


def test_what_has_stopped_has_no_speed_and_wants_no_place() -> None:
    stand = fetching()
    stand.come(stand.give_one(), 1000)
    assert stand.download.speed.per_second(stand.now) == 2000
    assert not stand.download.yields(stand.now)
    pause(stand)
    assert stand.download.speed.per_second(stand.now) == 0
    assert stand.download.yields(stand.now)
    assert stand.download.wake_at(stand.now) is None


def test_how_it_looks_to_whoever_debugs_it() -> None:
    assert repr(fetching().download) == f"<Download 3f9c Downloading, 0 of {LENGTH}>"
