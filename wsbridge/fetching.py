"""What of a file is on its way: in ranges, as a whole, or nothing but the answer to a question.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wsbridge.orders import Orders
from wsbridge.ranges import Range, Ranges
from wsbridge.spans import Piece

QUESTION: Piece = (0, 1)
WHOLE: Piece = (0, 0)


class Fetching:
    """The tasks of one download. A question or a whole file is one task; a file in ranges is several."""

    def __init__(self, orders: Orders) -> None:
        self.ranges: Ranges | None = None
        # The part file is new, so that a transfer of the whole may go into it.
        self.is_fresh = False
        self._orders = orders
        self._single: dict[int, Range] = {}

    @property
    def in_flight(self) -> Mapping[int, Range]:
        """What is with fetchers, by task."""
        return self.ranges.in_flight if self.ranges is not None and not self._single else self._single

    @property
    def whole(self) -> int:
        """Bytes of a whole file that have come."""
        return sum(range_.position for range_ in self._single.values())

    def in_ranges(self, total: int, size: int, done: Iterable[Piece]) -> Ranges:
        """The file comes in ranges of ``size``. Bytes that came before count, synced or not."""
        self.ranges = Ranges(total, size, done if self.ranges is None else self.ranges.done)
        return self.ranges

    def next(self, now: float) -> Piece | None:
        """What to fetch next of a file in ranges: the earliest missing piece, else a part of what is slow."""
        if self.ranges is None:
            return None
        piece = self.ranges.next(now)
        if piece is None and (found := self.ranges.split(now)) is not None:
            range_, stop = found
            self.ranges.cut(range_, stop)
            self._orders.cut(range_, stop)
            piece = self.ranges.next(now)
        return piece

    def begin(self, range_: Range, *, single: bool) -> None:
        """A piece is with a fetcher."""
        if single or self.ranges is None:
            self._single[range_.task] = range_
            self.is_fresh = False
        else:
            self.ranges.begin(range_)

    def advance(self, task: int, position: int, now: float) -> int:
        """A task has come up to ``position``; returns how many bytes are new."""
        if task in self._single:
            before = self._single[task].position
            self._single[task].advance(position, now)
            return max(0, position - before)
        return 0 if self.ranges is None else self.ranges.advance(task, position, now)

    def end_single(self, task: int) -> bool:
        """A question or a whole file has ended; False: the task is one of several ranges."""
        return self._single.pop(task, None) is not None

    def drop(self) -> None:
        """Break off whatever is with fetchers: nobody waits for it any more. What is here stays."""
        for range_ in list(self.in_flight.values()):
            self._orders.cut(range_, 0)
            if not self.end_single(range_.task) and self.ranges is not None:
                self.ranges.end(range_.task)

    def forget(self) -> None:
        """What is here is of no use."""
        self.drop()
        self.ranges = None
        self.is_fresh = False
