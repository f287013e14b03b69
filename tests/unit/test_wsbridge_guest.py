"""Our loop as a guest of a real asyncio loop: timers, descriptors, kicks, and what ends it."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import closing

import pytest

from pagestatus.loop import READ, Loop
from wsbridge.guest import QUIET_S, Guest

# Whatever hangs ends here. Seconds.
AT_MOST_S = 20.0


@pytest.fixture
def guest() -> Iterator[Guest]:
    made = Guest()
    made.host.call_later(AT_MOST_S, made.fail, TimeoutError("nothing has stopped it"))
    yield made
    made.close()


@pytest.fixture
def loop() -> Iterator[Loop]:
    with closing(Loop()) as made:
        yield made


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        os.close(end)


def rounds(loop: Loop) -> list[float]:
    """The moments of the rounds from now on."""
    found: list[float] = []
    loop.before_wait(lambda: found.append(loop.now))
    return found


def test_a_timer_of_ours_comes_in_time_and_nothing_turns_meanwhile(guest: Guest, loop: Loop) -> None:
    seen = rounds(loop)
    begun = loop.now
    loop.after(0.05, loop.stop)
    guest.run(loop)
    assert loop.now - begun >= 0.05
    # The first one, the timer's, and perhaps one that asyncio made a moment too early.
    assert len(seen) <= 4


def test_timers_come_in_their_order_also_those_that_are_set_by_others(guest: Guest, loop: Loop) -> None:
    seen: list[str] = []

    def first() -> None:
        seen.append("first")
        loop.after(0.001, lambda: seen.append("third"))

    def last() -> None:
        seen.append("last")
        loop.stop()

    loop.after(0.3, last)
    loop.after(0.001, first)
    loop.after(0.01, lambda: seen.append("never")).cancel()
    loop.soon(lambda: seen.append("at once"))
    guest.run(loop)
    # A machine that is busy may be late for what is at once, and never early for what is not.
    assert sorted(seen[:2]) == ["at once", "first"]
    assert seen[2:] == ["third", "last"]


def test_what_is_to_be_done_soon_is_done_at_once(guest: Guest, loop: Loop) -> None:
    left = [3]

    def again() -> None:
        left[0] -= 1
        if left[0]:
            loop.soon(again)
        else:
            loop.stop()

    loop.soon(again)
    guest.run(loop)
    assert left == [0]


def test_a_descriptor_of_ours_is_seen(guest: Guest, loop: Loop, pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    seen: list[bytes] = []

    def ready(fd: int, _events: int) -> None:
        seen.append(os.read(fd, 1))
        if len(seen) == 3:
            loop.stop()

    loop.watch(reading, READ, ready)
    for moment in (0.0, 0.01, 0.02):
        guest.host.call_later(moment, os.write, writing, b"x")
    guest.run(loop)
    assert seen == [b"x"] * 3


def test_without_anything_to_wait_for_it_sleeps_until_it_is_kicked(guest: Guest, loop: Loop) -> None:
    seen = rounds(loop)
    kicked: list[None] = []

    def kick() -> None:
        kicked.append(None)
        # Twice before a round is one round.
        guest.kick()
        guest.kick()

    def stop_if_kicked() -> None:
        if kicked:
            loop.stop()

    loop.before_wait(stop_if_kicked)
    guest.host.call_later(0.03, kick)
    guest.run(loop)
    assert len(seen) == 2


def test_what_asyncio_has_to_do_is_done_while_ours_turns(guest: Guest, loop: Loop) -> None:
    seen: list[int] = []

    async def work() -> None:
        for number in range(3):
            await asyncio.sleep(0)
            seen.append(number)
        loop.stop()
        guest.kick()

    def again() -> None:
        if loop.is_running:
            loop.soon(again)

    working = guest.host.create_task(work())
    loop.soon(again)
    guest.run(loop)
    assert seen == [0, 1, 2]
    assert working.done()


class Bug(Exception):
    pass


def bug() -> None:
    raise Bug


def test_a_bug_in_our_loop_ends_it(guest: Guest, loop: Loop) -> None:
    loop.soon(bug)
    with pytest.raises(Bug):
        guest.run(loop)


def test_an_error_of_the_system_in_our_loop_ends_it_too(guest: Guest, loop: Loop) -> None:
    loop.soon(lambda: os.close(-1))
    with pytest.raises(OSError, match="Bad file descriptor"):
        guest.run(loop)


def test_a_bug_on_asyncios_side_ends_it(guest: Guest, loop: Loop) -> None:
    guest.host.call_soon(bug)
    with pytest.raises(Bug):
        guest.run(loop)


def test_what_somebody_does_to_a_socket_of_asyncio_does_not_end_it(
    guest: Guest, loop: Loop, caplog: pytest.LogCaptureFixture
) -> None:
    guest.host.call_soon(os.close, -1)
    loop.after(0.01, loop.stop)
    guest.run(loop)
    assert "Bad file descriptor" in caplog.text


def test_what_goes_on_is_told_once_in_a_while(
    guest: Guest, loop: Loop, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It tells of each try, once a second and more."""
    begun = guest.host.time()
    told = []
    for seconds in (0.0, 1.0, QUIET_S - 0.1, QUIET_S + 0.1, QUIET_S + 1):
        monkeypatch.setattr(guest.host, "time", lambda moment=begun + seconds: moment)
        guest.host.call_exception_handler({"message": "no", "exception": OSError("descriptors")})
        told.append(caplog.text.count("no: descriptors"))
    assert told == [1, 1, 1, 2, 2]
    monkeypatch.undo()
    loop.after(0.001, loop.stop)
    guest.run(loop)


def test_of_two_bugs_the_first_one_is_told(guest: Guest, loop: Loop) -> None:
    guest.fail(Bug("first"))
    guest.fail(Bug("second"))
    with pytest.raises(Bug, match="first"):
        guest.run(loop)


def test_a_complaint_of_asyncio_without_an_exception_ends_it(guest: Guest, loop: Loop) -> None:
    guest.host.call_soon(guest.host.call_exception_handler, {"message": "something is odd"})
    with pytest.raises(RuntimeError, match="something is odd"):
        guest.run(loop)


def test_no_round_is_made_after_the_end(guest: Guest, loop: Loop, pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    loop.watch(reading, READ, lambda *_: None)
    loop.after(0.01, loop.stop)
    loop.after(60, bug)
    guest.run(loop)
    seen = rounds(loop)
    os.write(writing, b"x")
    for _ in range(5):
        # Looks at all descriptors.
        guest.host.run_until_complete(asyncio.sleep(0))
    assert seen == []
