"""An outbox whose peer is not there for hours: what it costs, and what it holds."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import zmq

from pagestatus.loop import Loop
from pagestatus.messages import Message, Pulse
from pagestatus.ports import FIRST_RETRY_S, LONGEST_RETRY_S, Context, Inbox, Outbox


class Hand:
    """A clock that the test holds."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Lonely:
    """An outbox on a held loop."""

    def __init__(self, path: Path) -> None:
        self.hand = Hand()
        self.loop = Loop(self.hand)
        self.context: Context = zmq.Context()
        self.path = path
        self.outbox = Outbox(self.loop, self.context, path, immediate=True, most_waiting=5)

    def waits_s(self) -> float:
        """How long it waits before the next try, from now."""
        assert self.outbox._retry is not None
        return round(self.outbox._retry.when - self.hand.now, 6)


@pytest.fixture
def lonely() -> Iterator[Lonely]:
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as folder:
        lonely = Lonely(Path(folder) / "peer.in")
        yield lonely
        lonely.outbox.close()
        lonely.context.destroy(linger=0)
        lonely.loop.close()


def test_it_tries_ever_less_often(lonely: Lonely) -> None:
    lonely.outbox.send(Pulse(1))
    lonely.loop.round(0)
    waits = []
    for _ in range(8):
        waits.append(lonely.waits_s())
        lonely.hand.now += waits[-1]
        lonely.loop.round(0)
    assert waits == [FIRST_RETRY_S, 0.02, 0.04, 0.08, 0.16, LONGEST_RETRY_S, LONGEST_RETRY_S, LONGEST_RETRY_S]


def test_what_is_sent_meanwhile_waits_for_the_next_try(lonely: Lonely) -> None:
    lonely.outbox.send(Pulse(1))
    lonely.loop.round(0)
    retry = lonely.outbox._retry
    for number in range(2, 5):
        lonely.outbox.send(Pulse(number))
        lonely.loop.round(0)
    assert lonely.outbox._retry is retry
    assert lonely.outbox.waiting == 4


def test_it_holds_the_last_ones_and_sends_them_when_the_peer_comes(lonely: Lonely) -> None:
    for number in range(100):
        lonely.outbox.send(Pulse(number))
        lonely.loop.round(0)
    assert (lonely.outbox.waiting, lonely.outbox.dropped) == (5, 95)
    arrived: list[Message] = []
    inbox = Inbox(lonely.loop, lonely.context, lonely.path, arrived.extend)
    for _ in range(10_000):
        # Its tries are made, and the connection has its time: a round waits until something comes, or 10 ms.
        lonely.hand.now += LONGEST_RETRY_S
        lonely.loop.round(0.01)
        if len(arrived) == 5:
            break
    assert arrived == [Pulse(number) for number in range(95, 100)]
    lonely.outbox.send(Pulse(100))
    lonely.outbox.flush()
    assert (lonely.outbox.waiting, lonely.outbox._retry) == (0, None)
    assert lonely.outbox._retry_s == FIRST_RETRY_S
    inbox.close()
