"""Who gets a check: credit, the fetcher that a host prefers, the slow lane, the cap per host.

Credit is arithmetic: what a fetcher says it can hold, less the leases it has. Slow targets may use half of
it, and half of their host's share. A slot that cannot be given now waits without holding any of it: for its
host in the host's own queue, else for credit in the common one.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator

from pagestatus.messages import FetcherState, Reason
from scheduler.slots import Slot, Stage

# A fetcher that has not been heard of for this long gets nothing new.
SILENT_US = 3_000_000
# After this it is taken for gone, even if nobody said so (its pool may have been killed too).
GONE_US = 30_000_000
# Epochs that are remembered as gone: more than are ever on their way at once.
MOST_GONE = 256
# A member looked up in its enum costs as much as a method call.
_LEASED = Stage.LEASED
# What it had from a scheduler before us has ended by then; what is too much waits in its own queue.
FOREIGN_US = 30_000_000


class Fetcher:
    """One incarnation of a fetcher, as the scheduler sees it."""

    __slots__ = (
        "draining",
        "epoch",
        "foreign",
        "foreign_until_us",
        "heard_us",
        "index",
        "leases",
        "room",
        "slots",
        "slow_leases",
    )

    def __init__(self, state: FetcherState, now_us: int) -> None:
        self.epoch = state.epoch
        self.index = state.fetcher
        self.leases = 0
        self.slow_leases = 0
        # What it already had when we first heard of it: leases of a scheduler before us.
        self.foreign = state.in_flight
        self.foreign_until_us = now_us + FOREIGN_US
        self.hear(state, now_us)

    def hear(self, state: FetcherState, now_us: int) -> None:
        """Take over what it says of itself."""
        self.heard_us = now_us
        self.slots = state.slots
        self.draining = state.draining
        # In flight, ours and theirs look alike: one that is always busy would never be rid of them.
        self.foreign = min(self.foreign, state.in_flight) if now_us < self.foreign_until_us else 0
        # How many leases of ours it has room for.
        self.room = self.slots - self.foreign

    @property
    def credit(self) -> int:
        """How many more it will take."""
        return self.room - self.leases

    def takes(self, slot: Slot) -> bool:
        """Whether there is credit for this slot, in its lane."""
        return self.leases < self.room and not (slot.slow and self.slow_leases >= half(self.slots))

    def alive(self, now_us: int) -> bool:
        """Whether it may get something."""
        return not self.draining and self.slots > 0 and now_us - self.heard_us < SILENT_US


class Queue:
    """What waits for one host, because as many attempts as may be are in flight to it."""

    __slots__ = ("slow_waiting", "waiting")

    def __init__(self) -> None:
        self.waiting: deque[Slot] = deque()
        self.slow_waiting: deque[Slot] = deque()


class Dispatcher:
    """Gives slots to fetchers. The answers are ``(fetcher, slot)`` pairs; sending is not its business."""

    def __init__(self, per_host: int) -> None:
        self.fetchers: dict[int, Fetcher] = {}
        self._most_per_host = per_host or sys.maxsize
        self._ring: list[Fetcher] = []
        # Attempts in flight by host, and how many of them are slow; no entry: none. Bare numbers, because
        # nearly every check is its host's only one.
        self._leases: dict[int, int] = {}
        self._slow_leases: dict[int, int] = {}
        self._queues: dict[int, Queue] = {}
        self._gone: deque[int] = deque(maxlen=MOST_GONE)
        self.waiting: deque[Slot] = deque()
        self.slow_waiting: deque[Slot] = deque()

    def hear(self, state: FetcherState, now_us: int) -> bool:
        """A fetcher spoke; True: it is new."""
        if state.epoch in self._gone:
            return False
        fetcher = self.fetchers.get(state.epoch)
        if fetcher is None:
            self.fetchers[state.epoch] = Fetcher(state, now_us)
        else:
            fetcher.hear(state, now_us)
        self.look(now_us)
        return fetcher is None

    def excuse(self, now_us: int) -> None:
        """Count as silence only what comes from now on."""
        for fetcher in self.fetchers.values():
            fetcher.heard_us = now_us

    def forget(self, epoch: int, now_us: int) -> None:
        """A fetcher is lost, or silent for too long. Its leases are the caller's to end, before this."""
        self.fetchers.pop(epoch, None)
        self.look(now_us)

    def bury(self, epoch: int) -> None:
        """Never hear this one again: what it said last may come after the news that it is gone."""
        self._gone.append(epoch)

    def long_silent(self, now_us: int) -> list[int]:
        """The epochs of fetchers that will not come back."""
        return [epoch for epoch, it in self.fetchers.items() if now_us - it.heard_us > GONE_US]

    def look(self, now_us: int) -> None:
        """See who is alive; in the order of their indices, so that a host keeps its fetcher."""
        alive = (fetcher for fetcher in self.fetchers.values() if fetcher.alive(now_us))
        self._ring = sorted(alive, key=lambda fetcher: (fetcher.index, fetcher.epoch))

    def offer(self, slot: Slot) -> Fetcher | None:
        """Lease ``slot`` to a fetcher, or let it wait."""
        ring = self._ring
        if ring and not slot.slow and not self.waiting:
            # The way of nearly every check, all in one: what ``try_`` would do.
            host, leases = slot.host, self._leases
            fetcher = ring[host % len(ring)]
            busy = leases.get(host, 0)
            if busy < self._most_per_host and fetcher.leases < fetcher.room:
                leases[host] = busy + 1
                fetcher.leases += 1
                slot.stage = _LEASED
                slot.fetcher = fetcher.epoch
                return fetcher
        return self._offer(slot)

    def _offer(self, slot: Slot) -> Fetcher | None:
        if self.waiting and not slot.slow and self._has_room(slot):
            # Others have waited longer for credit.
            slot.waits_for = Reason.NO_CAPACITY
            self.waiting.append(slot)
            return None
        fetcher = self.try_(slot)
        if fetcher is None:
            queues = self._queue(slot.host) if slot.waits_for is Reason.PER_HOST else self
            (queues.slow_waiting if slot.slow else queues.waiting).append(slot)
        return fetcher

    def try_(self, slot: Slot) -> Fetcher | None:
        """Lease ``slot``, if that is possible now; notes on the slot what it waits for."""
        if not self._has_room(slot):
            slot.waits_for = Reason.PER_HOST
            return None
        fetcher = self._choose(slot)
        if fetcher is None:
            slot.waits_for = Reason.NO_CAPACITY
        else:
            self._lease(slot, fetcher)
        return fetcher

    def release(self, slot: Slot) -> None:
        """The lease on ``slot`` has ended."""
        fetcher = self.fetchers.get(slot.fetcher)
        if fetcher is not None:
            fetcher.leases -= 1
            fetcher.slow_leases -= slot.slow
        host = slot.host
        _take_one(self._leases, host)
        if slot.slow:
            _take_one(self._slow_leases, host)
        if host in self._queues:
            self._wake(host)

    def served(self) -> Iterator[tuple[Fetcher, Slot]]:
        """Lease what waits for credit, as far as there is credit; the healthy first."""
        for queue in (self.waiting, self.slow_waiting):
            while queue:
                slot = queue[0]
                if slot.stage is not Stage.WAITING:
                    # It was settled while it waited; somebody may wait for the place it was let through to.
                    queue.popleft()
                    self._wake(slot.host)
                elif (fetcher := self._choose(slot)) is None:
                    break
                else:
                    queue.popleft()
                    if self._has_room(slot):
                        self._lease(slot, fetcher)
                        yield fetcher, slot
                    else:
                        self.offer(slot)

    @property
    def waiting_counts(self) -> dict[str, int]:
        """How many slots wait, and for what."""
        return {
            "credit": len(self.waiting),
            "slow_credit": len(self.slow_waiting),
            "per_host": sum(len(queue.waiting) + len(queue.slow_waiting) for queue in self._queues.values()),
        }

    def _choose(self, slot: Slot) -> Fetcher | None:
        ring = self._ring
        if not ring:
            return None
        preferred = ring[slot.host % len(ring)]
        if preferred.takes(slot):
            return preferred
        able = (fetcher for fetcher in ring if fetcher.takes(slot))
        return max(able, key=lambda fetcher: fetcher.credit, default=None)

    def _has_room(self, slot: Slot) -> bool:
        """Whether one more attempt may go to its host."""
        most = self._most_per_host
        if self._leases.get(slot.host, 0) >= most:
            return False
        return not slot.slow or self._slow_leases.get(slot.host, 0) < half(most)

    def _lease(self, slot: Slot, fetcher: Fetcher) -> None:
        slot.stage = _LEASED
        slot.fetcher = fetcher.epoch
        fetcher.leases += 1
        host, leases = slot.host, self._leases
        leases[host] = leases.get(host, 0) + 1
        if slot.slow:
            fetcher.slow_leases += 1
            self._slow_leases[host] = self._slow_leases.get(host, 0) + 1

    def _queue(self, host: int) -> Queue:
        queue = self._queues.get(host)
        if queue is None:
            queue = self._queues[host] = Queue()
        return queue

    def _wake(self, host: int) -> None:
        """Let the next one that waits for this host wait for credit instead; forget an empty queue."""
        queues = self._queues.get(host)
        if queues is None:
            return
        for queue, common in ((queues.waiting, self.waiting), (queues.slow_waiting, self.slow_waiting)):
            while queue and queue[0].stage is not Stage.WAITING:
                queue.popleft()
            if queue and self._has_room(queue[0]):
                slot = queue.popleft()
                slot.waits_for = Reason.NO_CAPACITY
                common.append(slot)
                break
        if not queues.waiting and not queues.slow_waiting:
            del self._queues[host]


def _take_one(leases: dict[int, int], host: int) -> None:
    left = leases[host] - 1
    if left:
        leases[host] = left
    else:
        del leases[host]


def half(whole: int) -> int:
    """A lane's share; never nothing."""
    return (whole + 1) // 2
