"""A set of bytes: sorted, disjoint, half-open spans; those that touch are one."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

# Half-open: [start, stop).
Piece = tuple[int, int]


class Spans:
    """Which bytes of a file. An empty or reversed span has no bytes: adding or removing it does nothing."""

    def __init__(self, pairs: Iterable[Piece] = ()) -> None:
        # Of the same length: span ``i`` is [_starts[i], _stops[i]), and _stops[i] < _starts[i + 1].
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._total = 0
        for start, stop in pairs:
            self.add(start, stop)

    @property
    def total(self) -> int:
        """How many bytes are in it."""
        return self._total

    def add(self, start: int, stop: int) -> None:
        """Put the bytes [start, stop) in."""
        if start >= stop:
            return
        # Those that overlap or touch.
        first, last = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if first < last:
            start, stop = min(start, self._starts[first]), max(stop, self._stops[last - 1])
        self._replace(first, last, [(start, stop)])

    def remove(self, start: int, stop: int) -> None:
        """Take the bytes [start, stop) out."""
        if start >= stop:
            return
        # Those that overlap.
        first, last = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        if first < last:
            rest = [(self._starts[first], start), (stop, self._stops[last - 1])]
            self._replace(first, last, [pair for pair in rest if pair[0] < pair[1]])

    def _replace(self, first: int, last: int, pairs: list[Piece]) -> None:
        self._total += sum(self._starts[first:last]) - sum(self._stops[first:last])
        self._total += sum(stop - start for start, stop in pairs)
        self._starts[first:last] = [start for start, _ in pairs]
        self._stops[first:last] = [stop for _, stop in pairs]

    def first_gap(self, start: int, stop: int) -> Piece | None:
        """The earliest bytes of [start, stop) that are not in it, as many as there are in a row."""
        index = bisect_right(self._stops, start)
        if index < len(self) and self._starts[index] <= start:
            start = self._stops[index]
            index += 1
        if start >= stop:
            return None
        return (start, min(stop, self._starts[index])) if index < len(self) else (start, stop)

    def covers(self, start: int, stop: int) -> bool:
        """Whether all bytes of [start, stop) are in it; there may be none."""
        return self.first_gap(start, stop) is None

    def pairs(self) -> tuple[Piece, ...]:
        """All spans, in order."""
        return tuple(self)

    def __iter__(self) -> Iterator[Piece]:
        return zip(self._starts, self._stops, strict=True)

    def __len__(self) -> int:
        """Number of spans."""
        return len(self._starts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Spans) and self.pairs() == other.pairs()

    # It changes.
    __hash__ = None  # type: ignore[assignment]  # the documented way to say so (object.__hash__)

    def __repr__(self) -> str:
        return f"Spans({list(self)})"
