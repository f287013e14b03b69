"""The loop with real pipes; the clock is held by the test where time matters."""

from __future__ import annotations

import itertools
import os
import select
from collections.abc import Iterator

import pytest

from pagestatus.loop import EDGE, READ, STALL_S, WRITE, Loop


class Hand:
    """A clock that stands still until the test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Sleepy:
    """In the place of epoll: nothing happens, and sleeping takes as long as the test says."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand
        self.sleeps = 0.0

    def poll(self, _timeout: float) -> list[tuple[int, int]]:
        self._hand.now += self.sleeps
        return []


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def loop(hand: Hand) -> Iterator[Loop]:
    loop = Loop(hand)
    yield loop
    loop.close()


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    read, write = os.pipe()
    yield read, write
    for fd in (read, write):
        try:
            os.close(fd)
        except OSError:
            continue


# --- descriptors -----------------------------------------------------------------------------------------


def test_a_callback_is_told_who_is_ready_for_what(loop: Loop, pipe: tuple[int, int]) -> None:
    read, write = pipe
    told: list[tuple[int, int]] = []
    loop.watch(read, READ, lambda fd, events: told.append((fd, events)))
    loop.watch(write, WRITE, lambda fd, events: told.append((fd, events)))
    loop.round(0)
    assert told == [(write, WRITE)]
    os.write(write, b"x")
    loop.round(0)
    assert sorted(told[1:]) == sorted([(read, READ), (write, WRITE)])


def test_it_is_told_again_until_it_was_read(loop: Loop, pipe: tuple[int, int]) -> None:
    told: list[int] = []
    loop.watch(pipe[0], READ, lambda fd, _events: told.append(fd))
    os.write(pipe[1], b"x")
    for _ in range(3):
        loop.round(0)
    assert len(told) == 3


def test_other_events_can_be_waited_for(loop: Loop, pipe: tuple[int, int]) -> None:
    told: list[int] = []
    loop.watch(pipe[1], WRITE, lambda _fd, events: told.append(events))
    loop.change(pipe[1], READ)
    loop.round(0)
    assert told == []
    loop.change(pipe[1], WRITE)
    loop.round(0)
    assert told == [WRITE]


def test_whoever_watches_last_is_told(loop: Loop, pipe: tuple[int, int]) -> None:
    told: list[str] = []
    loop.watch(pipe[1], READ, lambda _fd, _events: told.append("first"))
    loop.watch(pipe[1], WRITE, lambda _fd, _events: told.append("second"))
    loop.round(0)
    assert told == ["second"]


def test_who_is_not_watched_any_more_is_not_told(loop: Loop, pipe: tuple[int, int]) -> None:
    told: list[int] = []
    loop.watch(pipe[1], WRITE, lambda fd, _events: told.append(fd))
    loop.unwatch(pipe[1])
    loop.unwatch(pipe[1])
    loop.round(0)
    assert told == []


def test_who_was_forgotten_is_not_told_and_does_not_keep_the_loop_awake(
    loop: Loop, pipe: tuple[int, int]
) -> None:
    read, write = pipe
    told: list[int] = []

    def tell(fd: int, _events: int) -> None:
        told.append(fd)

    loop.watch(read, READ, tell)
    loop.forget(read, tell)
    os.write(write, b"x")
    # It was not closed: the kernel has something to say once, and is told then.
    loop.round(0)
    assert told == []
    assert select.select([loop.fileno()], [], [], 0) == ([], [], [])
    loop.watch(read, READ, tell)
    # Of its number, but not of the one that watches now.
    loop.forget(read, lambda _fd, _events: None)
    loop.round(0)
    assert told == [read]


def test_an_edge_is_told_once(loop: Loop, pipe: tuple[int, int]) -> None:
    read, write = pipe
    told: list[int] = []
    loop.watch(read, READ | EDGE, lambda fd, _events: told.append(fd))
    os.write(write, b"x")
    loop.round(0)
    loop.round(0)
    assert told == [read]
    os.write(write, b"x")
    loop.round(0)
    assert told == [read, read]


def test_one_callback_may_end_the_watch_on_another_that_is_ready_in_the_same_round(loop: Loop) -> None:
    told: list[int] = []
    pipes = [os.pipe() for _ in range(2)]
    writers = [write for _read, write in pipes]

    def end_both(fd: int, _events: int) -> None:
        told.append(fd)
        for writer in writers:
            loop.unwatch(writer)

    for writer in writers:
        loop.watch(writer, WRITE, end_both)
    loop.round(0)
    loop.round(0)
    assert len(told) == 1
    for ends in pipes:
        for fd in ends:
            os.close(fd)


def test_a_descriptor_may_be_closed_before_it_is_unwatched_and_come_back(
    loop: Loop, pipe: tuple[int, int]
) -> None:
    read, write = pipe
    told: list[str] = []
    loop.watch(write, WRITE, lambda _fd, _events: told.append("before"))
    os.close(write)
    loop.unwatch(write)
    assert os.dup2(os.open(os.devnull, os.O_WRONLY), write) == write
    os.close(write)
    # The same number again, without an unwatch in between.
    loop.watch(read, READ, lambda _fd, _events: told.append("before"))
    os.close(read)
    again_read, again_write = os.pipe()
    assert {again_read, again_write} & {read, write}
    loop.watch(again_read, READ, lambda _fd, _events: told.append("after"))
    os.write(again_write, b"x")
    loop.round(0)
    assert told == ["after"]


def test_a_change_of_a_descriptor_that_came_back_registers_it(loop: Loop, pipe: tuple[int, int]) -> None:
    read, write = pipe
    told: list[int] = []
    other_read, other_write = os.pipe()
    loop.watch(write, READ, lambda _fd, events: told.append(events))
    # The number stands for something else now, and the kernel has forgotten it.
    os.close(write)
    os.dup2(other_write, write)
    loop.change(write, WRITE)
    loop.round(0)
    assert told == [WRITE]
    for fd in (other_read, other_write):
        os.close(fd)
    assert read != write


# --- timers ----------------------------------------------------------------------------------------------


def test_timers_are_called_in_the_order_of_their_times_then_of_their_making(loop: Loop, hand: Hand) -> None:
    called: list[str] = []
    for when, name in [(103, "c"), (101, "a"), (102, "b1"), (102, "b2"), (104, "d")]:
        loop.at(when, lambda name=name: called.append(name))  # type: ignore[misc]
    loop.round(0)
    assert called == []
    hand.now = 103.0
    loop.round(0)
    assert called == ["a", "b1", "b2", "c"]


def test_a_cancelled_timer_is_not_called_and_wakes_nobody(loop: Loop, hand: Hand) -> None:
    called: list[str] = []
    for timer in [loop.after(delay, lambda: called.append("x")) for delay in (1, 2, 3)]:
        timer.cancel()
    assert loop.timeout() == -1
    loop.after(5, lambda: called.append("y"))
    assert loop.timeout() == 5
    hand.now += 6
    loop.round(0)
    assert called == ["y"]


def test_a_timer_may_cancel_another_that_is_due_too(loop: Loop, hand: Hand) -> None:
    called: list[str] = []
    second = loop.at(102, lambda: called.append("second"))
    loop.at(101, second.cancel)
    hand.now = 103.0
    loop.round(0)
    assert called == []


def test_it_sleeps_until_the_next_timer_and_not_at_all_when_that_is_late(loop: Loop, hand: Hand) -> None:
    assert loop.timeout() == -1
    loop.at(101.5, lambda: None)
    assert loop.timeout() == 1.5
    hand.now = 102.0
    assert loop.timeout() == 0


# --- deferred calls --------------------------------------------------------------------------------------


def test_what_is_to_be_done_soon_is_done_without_sleeping(loop: Loop) -> None:
    called: list[int] = []

    def again() -> None:
        called.append(len(called))
        if len(called) < 3:
            loop.soon(again)

    loop.soon(again)
    for rounds in (1, 2, 3):
        assert loop.timeout() == 0
        # One step each: the other work of the loop has its turn in between.
        loop.round(0)
        assert len(called) == rounds
    assert loop.timeout() == -1


def test_a_round_ends_with_those_who_decide_and_then_with_those_who_send(
    loop: Loop, hand: Hand, pipe: tuple[int, int]
) -> None:
    called: list[str] = []

    def send() -> None:
        called.append("send")

    loop.last_before_wait(send)
    loop.before_wait(lambda: called.append("decide"))
    loop.soon(lambda: called.append("soon"))
    loop.at(hand.now, lambda: called.append("timer"))
    loop.watch(pipe[1], WRITE, lambda _fd, _events: called.append("ready"))
    loop.round(0)
    assert called == ["ready", "timer", "soon", "decide", "send"]
    loop.unwatch(pipe[1])
    loop.not_before_wait(send)
    loop.round(0)
    assert called[5:] == ["decide"]


def test_it_runs_until_it_is_stopped(pipe: tuple[int, int]) -> None:
    loop = Loop()
    called: list[str] = []

    def stop(_fd: int, _events: int) -> None:
        loop.stop()
        # What is to be done in this round is done.
        loop.soon(lambda: called.append("soon"))

    loop.watch(pipe[0], READ, stop)
    os.write(pipe[1], b"x")
    loop.run()
    assert called == ["soon"]
    loop.close()


def test_a_bug_in_a_callback_is_not_swallowed(loop: Loop) -> None:
    loop.soon(lambda: os.close(-1))
    with pytest.raises(OSError, match="Bad file descriptor"):
        loop.round(0)


# --- standing still --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "works_s", "timeout_s", "sleeps_s", "stalled_s"),
    [
        ("quick work", 0.1, 0.5, 0.5, None),
        ("work for just as long as is allowed", STALL_S, 0.5, 0.5, None),
        ("work that takes too long", 1.5, 0.5, 0.5, 1.5),
        ("an event that comes early makes up for nothing", 1.5, 10, 0, 1.5),
        ("stopped while it slept", 0, 1, 4, 3),
        ("a bit of both", 0.75, 1, 1.5, 1.25),
        ("sleeping for as long as was wanted", 0, 10, 10, None),
        ("sleeping for ever ends when something happens", 0, -1, 3600, None),
        ("working, and then sleeping for ever", 2, -1, 3600, 2),
    ],
)
def test_standing_still(  # noqa: PLR0913, PLR0917 - the columns of the table
    hand: Hand, why: str, works_s: float, timeout_s: float, sleeps_s: float, stalled_s: float | None
) -> None:
    told: list[object] = []
    loop = Loop(hand)
    sleepy = Sleepy(hand)
    loop.close()
    loop._epoll = sleepy  # type: ignore[assignment]
    loop.on_stall(told.append)

    def work() -> None:
        hand.now += works_s

    loop.soon(work)
    loop.round(0)
    assert told == []
    sleepy.sleeps = sleeps_s
    loop.round(timeout_s)
    assert told == ([] if stalled_s is None else [pytest.approx(stalled_s)]), why


@pytest.mark.parametrize("reading", range(1, 7))
def test_who_stands_still_at_any_moment_of_its_run_is_told(reading: int) -> None:
    """Stopped just before one of the looks at the clock, between two rounds as well as in one."""
    told: list[float] = []
    hand, looks, rounds = Hand(), itertools.count(), itertools.count()

    def stop_once() -> float:
        if is_running and next(looks) == reading:
            hand.now += 60
        return hand()

    def work() -> None:
        loop.soon(work if next(rounds) < 4 else loop.stop)

    is_running = False
    loop = Loop(stop_once)
    loop.on_stall(told.append)
    loop.soon(work)
    is_running = True
    loop.run()
    loop.close()
    assert told == [pytest.approx(60)]


def test_who_is_told_of_a_stall_is_told_before_anything_else(loop: Loop, hand: Hand) -> None:
    called: list[str] = []
    loop.on_stall(lambda _seconds: called.append("stall"))

    def slow() -> None:
        hand.now += 5

    loop.soon(slow)
    loop.round(0)
    loop.at(hand.now, lambda: called.append("timer"))
    loop.round(0)
    assert called == ["stall", "timer"]


def test_a_loop_that_another_one_drives_does_not_stand_still_between_its_rounds(
    loop: Loop, hand: Hand, pipe: tuple[int, int]
) -> None:
    told: list[object] = []
    inner = Loop(hand)
    inner.on_stall(told.append)
    inner.watch(pipe[0], READ, lambda fd, _events: told.append(os.read(fd, 10)))
    loop.watch(inner.fileno(), READ, lambda _fd, _events: inner.round(0))
    for piece in (b"one", b"two"):
        os.write(pipe[1], piece)
        loop.round(0)
        hand.now += 60
    assert told == [b"one", b"two"]
    inner.close()
