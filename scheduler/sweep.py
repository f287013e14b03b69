"""What falls due: one cursor per interval, going round and round over the phases.

A target is due at ``k * interval + phase`` on the wall clock, for every whole k. The catalog is sorted by
interval and phase, so for one interval the targets are due one after the other, and finding what is due is
moving a cursor; a small heap says whose turn it is among the intervals. Nothing is allocated per slot.
"""

from __future__ import annotations

import heapq
from bisect import bisect_right
from collections.abc import Iterator, Sequence

from scheduler.catalog import Catalog

# The target's index, when its first slot was due, and how many in a row: more than one when the sweep came
# late. A bare tuple, because there is one for every check.
Due = tuple[int, int, int]


class _Group:
    """The targets of one interval, ``[start, stop)`` of the catalog, and the place the cursor has come to."""

    __slots__ = ("cursor", "interval_us", "phases_us", "start", "stop", "turn_us")

    def __init__(self, interval_us: int, start: int, stop: int, phases_us: Sequence[int]) -> None:
        self.interval_us = interval_us
        self.start = start
        self.stop = stop
        self.phases_us = phases_us
        self.place(0)

    def place(self, at_us: int) -> None:
        """Put the cursor on the first due time after ``at_us``."""
        self.turn_us = at_us - at_us % self.interval_us
        self.cursor = bisect_right(self.phases_us, at_us - self.turn_us, self.start, self.stop)
        if self.cursor == self.stop:
            self._turn()

    def _turn(self) -> None:
        self.cursor = self.start
        self.turn_us += self.interval_us

    @property
    def next_us(self) -> int:
        return self.turn_us + self.phases_us[self.cursor]

    def sweep(self, now_us: int, swept_us: int) -> Iterator[Due]:
        if now_us - swept_us >= self.interval_us:
            yield from self._catch_up(now_us, swept_us)
            return
        while (due_us := self.turn_us + self.phases_us[self.cursor]) <= now_us:
            index = self.cursor
            self.cursor += 1
            if self.cursor == self.stop:
                self._turn()
            yield index, due_us, 1

    def _catch_up(self, now_us: int, swept_us: int) -> Iterator[Due]:
        """More than one interval has passed: several slots of each target at once."""
        self.place(now_us)
        for index in range(self.start, self.stop):
            phase_us = self.phases_us[index]
            count = slots_between(swept_us, now_us, self.interval_us, phase_us)
            if count:
                yield index, next_due(swept_us, self.interval_us, phase_us), count


class Sweep:
    """All intervals together. ``swept_us``: everything due up to there has been handed out."""

    def __init__(self, catalog: Catalog, at_us: int) -> None:
        """Begin after ``at_us``: the first slots are those due later."""
        self._groups = [
            _Group(interval_us, start, stop, catalog.phases_us)
            for interval_us, start, stop in catalog.groups()
        ]
        self.place(at_us)

    def place(self, at_us: int) -> None:
        """Go on after ``at_us``, wherever the cursors are."""
        self.swept_us = at_us
        for group in self._groups:
            group.place(at_us)
        self._heap = [(group.next_us, number) for number, group in enumerate(self._groups)]
        heapq.heapify(self._heap)

    @property
    def next_us(self) -> int | None:
        """When the next slot falls due; None: never, there are no targets."""
        return self._heap[0][0] if self._heap else None

    def due(self, now_us: int) -> Iterator[Due]:
        """All that has fallen due since the last sweep. Exhaust it: then ``swept_us`` is ``now_us``."""
        heap = self._heap
        while heap and heap[0][0] <= now_us:
            number = heap[0][1]
            group = self._groups[number]
            yield from group.sweep(now_us, self.swept_us)
            heapq.heapreplace(heap, (group.next_us, number))
        self.swept_us = max(self.swept_us, now_us)


def next_due(after_us: int, interval_us: int, phase_us: int) -> int:
    """The first due time later than ``after_us``."""
    return after_us + interval_us - (after_us - phase_us) % interval_us


def slots_between(after_us: int, until_us: int, interval_us: int, phase_us: int) -> int:
    """How many due times lie in (after, until]."""
    return (until_us - phase_us) // interval_us - (after_us - phase_us) // interval_us


def slots_of_group(
    after_us: int, until_us: int, interval_us: int, phases_us: Sequence[int], group: range
) -> int:
    """How many due times of all targets of a ``group``, sorted by phase, lie in (after, until]."""
    start, stop = group.start, group.stop

    def until(us: int) -> int:
        rounds, phase_us = divmod(us, interval_us)
        return rounds * (stop - start) + bisect_right(phases_us, phase_us, start, stop) - start

    return until(until_us) - until(after_us)
