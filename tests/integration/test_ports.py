"""Inboxes and outboxes over real sockets, on one loop: what arrives, what waits, and what is lost."""

from __future__ import annotations

import select
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from aggregator.ledger import SLOTS_A_RECAP
from pagestatus.codec import encode
from pagestatus.loop import READ, Loop
from pagestatus.messages import Message, Pulse, Recap
from pagestatus.ports import (
    FRAMES_A_ROUND,
    LARGEST_FRAME,
    RECORDS_A_FRAME,
    Context,
    Inbox,
    Outbox,
    Receive,
)
from system import SLOWNESS

WITHIN_S = 10


class Ring:
    """A loop with a folder for its sockets, and everything that is opened on it."""

    def __init__(self, run_dir: Path) -> None:
        self.loop = Loop()
        self.context: Context = zmq.Context()
        self.path = run_dir / "peer.in"
        self.frames: list[list[Message]] = []
        self._raw: list[zmq.Socket[bytes]] = []

    def inbox(self, receive: Receive | None = None) -> Inbox:
        return Inbox(self.loop, self.context, self.path, receive or self.frames.append)

    def outbox(self, **settings: Any) -> Outbox:  # noqa: ANN401 - those of an Outbox
        return Outbox(self.loop, self.context, self.path, **settings)

    def raw(self) -> zmq.Socket[bytes]:
        """A peer that sends whatever the test gives it."""
        socket = self.context.socket(zmq.PUSH)
        socket.set(zmq.LINGER, 0)
        socket.connect(f"ipc://{self.path}")
        # One that is forgotten would be closed with what it has not sent yet.
        self._raw.append(socket)
        return socket

    @property
    def numbers(self) -> list[int]:
        return [record.epoch for frame in self.frames for record in frame if isinstance(record, Pulse)]

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + WITHIN_S * SLOWNESS
        while not condition():
            assert time.monotonic() < deadline, f"still not so; arrived: {self.numbers[:100]}"
            timeout = self.loop.timeout()
            self.loop.round(min(timeout, 0.02) if timeout >= 0 else 0.02)


@pytest.fixture
def ring() -> Iterator[Ring]:
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as run_dir:
        ring = Ring(Path(run_dir))
        yield ring
        ring.context.destroy(linger=0)
        ring.loop.close()


def pulses(*numbers: int) -> list[Message]:
    return [Pulse(number) for number in numbers]


def test_what_is_sent_in_one_round_goes_in_batches_and_in_order(ring: Ring) -> None:
    ring.inbox()
    outbox = ring.outbox()
    outbox.send_all(pulses(*range(600)))
    outbox.send(Pulse(600))
    assert outbox.waiting == 601
    ring.until(lambda: len(ring.numbers) == 601)
    assert ring.numbers == list(range(601))
    assert [len(frame) for frame in ring.frames] == [
        RECORDS_A_FRAME,
        RECORDS_A_FRAME,
        601 - 2 * RECORDS_A_FRAME,
    ]
    assert outbox.waiting == outbox.dropped == 0


def test_a_busy_outbox_rests_between_its_batches(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    ring.inbox()
    outbox = ring.outbox(longest_rest_s=3600.0)
    monkeypatch.setattr("pagestatus.ports.REST_S", 1000.0)
    outbox.send(Pulse(0))
    outbox.send(Pulse(1))
    ring.until(lambda: ring.numbers == [0, 1])
    assert 0 < outbox._rests_until - ring.loop.now < 2000, "for two records"
    outbox.send_all(pulses(2, 3, 4))
    ring.loop.round(0)
    assert outbox.waiting == 3
    # It is over.
    outbox._rests_until = ring.loop.now
    ring.until(lambda: ring.numbers == [0, 1, 2, 3, 4])
    # Not for a whole frame, however long it would rest.
    outbox._rests_until = ring.loop.now + 3600
    outbox.send_all(pulses(*range(5, 5 + RECORDS_A_FRAME)))
    ring.until(lambda: len(ring.numbers) == 5 + RECORDS_A_FRAME)
    outbox.send(Pulse(1000))
    ring.loop.round(0)
    assert outbox.waiting == 1
    outbox.close(linger_s=1)
    ring.until(lambda: ring.numbers[-1] == 1000)


def test_an_inbox_has_its_share_of_a_round(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    """However few the frames are: one may be a tenth of a second's work."""
    monkeypatch.setattr("pagestatus.ports.SHARE_S", 0.0)
    taken_in: list[int] = []
    number = 0
    inbox = ring.inbox(lambda _records: taken_in.append(number))
    inbox.pause()
    peer = ring.raw()
    for pulse in range(5):
        peer.send(encode(pulses(pulse)))
    ring.until(lambda: has(inbox, zmq.POLLIN))
    inbox.resume()
    while len(taken_in) < 5:
        number += 1
        ring.loop.round(0)
    assert len(set(taken_in)) == 5, "one in each"


def test_what_is_given_back_comes_again_in_the_next_round_and_before_all_else(ring: Ring) -> None:
    def receive(records: list[Message]) -> list[Message]:
        ring.frames.append(records[:2])
        return records[2:]

    inbox = ring.inbox(receive)
    outbox = ring.outbox()
    outbox.send_all(pulses(*range(5)))
    ring.until(lambda: len(ring.frames) == 1)
    assert inbox.has_left
    outbox.send(Pulse(5))
    inbox.pause()
    for _ in range(5):
        ring.loop.round(0)
    assert ring.numbers == [0, 1]
    inbox.resume()
    ring.until(lambda: len(ring.numbers) == 6)
    assert ring.numbers == list(range(6))
    assert not inbox.has_left


def test_a_round_in_which_nothing_was_sent_sends_nothing(ring: Ring) -> None:
    ring.inbox()
    outbox = ring.outbox()
    for _ in range(5):
        ring.loop.round(0)
    outbox.send(Pulse(1))
    ring.until(lambda: ring.numbers == [1])
    assert len(ring.frames) == 1


def test_very_many_frames_arrive_and_the_loop_does_its_other_work_in_between(ring: Ring) -> None:
    inbox = ring.inbox()
    inbox.pause()
    raw = ring.raw()
    count = 5 * FRAMES_A_ROUND + 1
    for number in range(count):
        raw.send(encode(pulses(number)))
    # All of them are there before the first is taken.
    ring.until(lambda: has(inbox, zmq.POLLIN))
    a_round: list[int] = []

    def edge() -> None:
        # As if more came in every single round.
        inbox._on_ready(inbox._fd, READ)
        ring.loop.after(0, edge)

    edge()
    ring.loop.before_wait(lambda: a_round.append(len(ring.frames)))
    inbox.resume()
    ring.until(lambda: len(ring.numbers) == count)
    assert ring.numbers == list(range(count))
    assert (
        max(after - before for before, after in zip([0, *a_round], a_round, strict=False)) <= FRAMES_A_ROUND
    )


@pytest.mark.parametrize(
    "bad",
    [b"", b"\xff", b"\x91\x91\x63", encode(pulses(1))[:-1], b"\x91" * 10_000],
    ids=lambda bad: bad[:4].hex(),
)
def test_a_bad_frame_is_counted_and_skipped(ring: Ring, bad: bytes) -> None:
    inbox = ring.inbox()
    raw = ring.raw()
    for frame in (encode(pulses(1)), bad, encode(pulses(2)), bad, encode(pulses(3))):
        raw.send(frame)
    ring.until(lambda: len(ring.numbers) == 3)
    assert ring.numbers == [1, 2, 3]
    assert inbox.bad_frames == 2


def test_a_frame_that_is_too_large_is_not_even_taken_in(ring: Ring) -> None:
    inbox = ring.inbox()
    raw = ring.raw()
    raw.send(bytes(LARGEST_FRAME + 1))

    def arrived() -> bool:
        # Who sent it is hung up on, and comes again.
        raw.send(encode(pulses(1)))
        return bool(ring.numbers)

    ring.until(arrived)
    assert inbox.bad_frames == 0


def test_a_frame_of_the_largest_records_is_taken_in() -> None:
    # Every integer in its longest form.
    slots = ((2**64 - 1, 2**63 - 1, 1000, True),) * SLOTS_A_RECAP
    recap = Recap(2**62, 2**62, 2**62, slots, last=False)
    assert len(encode([recap] * RECORDS_A_FRAME)) < LARGEST_FRAME


def test_while_it_is_paused_nothing_is_taken_and_nothing_is_lost(ring: Ring) -> None:
    inbox = ring.inbox()
    outbox, other = ring.outbox(), ring.outbox()
    inbox.pause()
    outbox.send_all(pulses(1, 2))
    # That something is there is seen without taking it.
    ring.until(lambda: has(inbox, zmq.POLLIN))
    for _ in range(5):
        ring.loop.round(0)
    assert ring.frames == []
    inbox.resume()
    inbox.resume()
    ring.until(lambda: ring.numbers == [1, 2])
    other.send(Pulse(3))
    ring.until(lambda: ring.numbers == [1, 2, 3])


def test_while_it_is_paused_what_comes_does_not_keep_the_loop_awake(ring: Ring) -> None:
    """The descriptor stays ready until somebody reads: it must not be watched."""
    inbox = ring.inbox()
    ring.loop.round(0)
    inbox.pause()
    ring.raw().send(encode(pulses(1)))
    assert select.select([inbox._fd], [], [], WITHIN_S * SLOWNESS)[0]
    assert not select.select([ring.loop.fileno()], [], [], 0)[0]
    inbox.resume()
    ring.until(lambda: ring.numbers == [1])


def test_who_is_full_may_pause_in_the_midst_of_it(ring: Ring) -> None:
    def receive(records: list[Message]) -> None:
        ring.frames.append(records)
        inbox.pause()

    inbox = ring.inbox(receive)
    raw = ring.raw()
    for number in range(3):
        raw.send(encode(pulses(number)))
    for taken in (1, 2, 3):
        ring.until(lambda taken=taken: len(ring.frames) == taken)  # type: ignore[misc]
        ring.loop.round(0)
        assert len(ring.frames) == taken
        inbox.resume()


@pytest.mark.parametrize("immediate", [False, True])
def test_a_peer_may_appear_late(ring: Ring, *, immediate: bool) -> None:
    outbox = ring.outbox(immediate=immediate)
    # More frames than the socket itself would hold.
    for number in range(1500):
        outbox.send(Pulse(number))
        outbox.flush()
    assert outbox.waiting >= (1500 if immediate else 1)
    ring.inbox()
    ring.until(lambda: len(ring.numbers) == 1500)
    assert ring.numbers == list(range(1500))
    assert (outbox.waiting, outbox.dropped) == (0, 0)


def test_a_peer_may_end_and_come_back(ring: Ring) -> None:
    outbox = ring.outbox()
    for number in range(3):
        inbox = ring.inbox()

        def arrived(number: int = number) -> bool:
            # What is sent while the old connection ends may be lost, as anything may.
            outbox.send(Pulse(number))
            return number in ring.numbers

        ring.until(arrived)
        inbox.close()
        assert not ring.path.exists()


def has(port: Inbox | Outbox, event: int) -> bool:
    """Whether its socket has something to take (POLLIN), or takes something (POLLOUT)."""
    events = port._socket.get(zmq.EVENTS)
    return isinstance(events, int) and bool(events & event)


def test_a_successor_gets_nothing_that_was_sent_to_its_predecessor(ring: Ring) -> None:
    predecessor = ring.inbox()
    predecessor.pause()
    outbox = ring.outbox(immediate=True)
    for number in range(50):
        outbox.send(Pulse(number))
        outbox.flush()
    ring.until(lambda: outbox.waiting == 0)
    predecessor.close()
    ring.until(lambda: not has(outbox, zmq.POLLOUT))
    ring.inbox()
    outbox.send(Pulse(99))
    ring.until(lambda: 99 in ring.numbers)
    assert ring.numbers == [99]


def test_what_waits_has_a_bound_and_the_oldest_goes_first(ring: Ring) -> None:
    outbox = ring.outbox(immediate=True, most_waiting=100)
    for number in range(130):
        outbox.send(Pulse(number))
        outbox.flush()
    assert (outbox.waiting, outbox.dropped) == (100, 30)
    ring.inbox()
    ring.until(lambda: len(ring.numbers) == 100)
    assert ring.numbers == list(range(30, 130))


def test_closing_gives_what_is_on_its_way_a_moment(ring: Ring) -> None:
    outbox = ring.outbox()
    outbox.send_all(pulses(1, 2, 3))
    outbox.close(linger_s=WITHIN_S * SLOWNESS)
    # Even a peer that is just starting gets it.
    ring.inbox()
    ring.until(lambda: ring.numbers == [1, 2, 3])


@pytest.mark.parametrize("records", [0, 3])
def test_it_may_be_closed_at_the_end_of_a_round_with_something_waiting(ring: Ring, records: int) -> None:
    outbox = ring.outbox(immediate=True)
    outbox.send_all(pulses(*range(records)))
    closing = [outbox.close]
    ring.loop.before_wait(lambda: closing.pop()() if closing else None)
    for _ in range(3):
        ring.loop.round(0)
    assert closing == []
    # The alarm of what waited finds nobody.
    done: list[bool] = []
    ring.loop.after(0.02, lambda: done.append(True))
    ring.until(lambda: bool(done))


def test_an_inbox_that_is_closed_takes_nothing_more(ring: Ring) -> None:
    inbox = ring.inbox()
    outbox = ring.outbox()
    outbox.send(Pulse(1))
    ring.until(lambda: ring.numbers == [1])
    inbox.resume()
    inbox.close()
    outbox.send(Pulse(2))
    for _ in range(5):
        ring.loop.round(0)
    assert ring.numbers == [1]


def test_a_place_that_can_not_be_bound_is_an_oserror_that_names_it(ring: Ring) -> None:
    ring.path.mkdir()
    with pytest.raises(OSError, match="Address already in use") as mistake:
        ring.inbox()
    assert mistake.value.filename == str(ring.path)
    ring.path = ring.path.parent / "no-such" / "peer.in"
    with pytest.raises(OSError, match="No such file or directory"):
        ring.inbox()


def test_what_a_killed_predecessor_left_behind_is_no_obstacle(ring: Ring) -> None:
    ring.path.touch()
    ring.inbox()
    ring.outbox().send(Pulse(1))
    ring.until(lambda: ring.numbers == [1])
