"""Which bytes of a file are there, which are being fetched, and which come next: always the earliest missing.

Pure: moments are given, in seconds of the monotonic clock. Every byte is in one of four states: done, in
flight, held (its last range failed, and waits), missing. ``_assigned`` holds the first three.
"""

from __future__ import annotations

from collections.abc import Iterable

from wsbridge.spans import Piece, Spans

# A range is split if the rest of it would still take this long, and not before its speed is known.
SPLIT_S = 0.5
KNOWN_S = 0.5
FIRST_BYTE_S = 5.0
# Not into pieces that cost more to ask for than to wait for. Bytes.
SMALLEST_PIECE = 128 << 10
# How much of a new figure goes into the speed of a range.
_WEIGHT = 0.4


class Range:
    """Bytes [start, stop) with one fetcher; up to ``position`` they are in the file."""

    __slots__ = ("_at", "epoch", "given", "position", "speed", "start", "stop", "task")

    def __init__(self, task: int, epoch: int, start: int, stop: int, now: float) -> None:
        self.task = task
        self.epoch = epoch
        self.start = start
        self.stop = stop
        self.position = start
        self.given = now
        # Bytes per second.
        self.speed = 0.0
        self._at = now

    def advance(self, position: int, now: float) -> None:
        """It has come up to ``position``."""
        passed = now - self._at
        if passed > 0:
            speed = max(0, position - self.position) / passed
            self.speed = speed if self.speed == 0 else self.speed + _WEIGHT * (speed - self.speed)
            self._at = now
        self.position = max(self.position, position)

    def is_known(self, now: float) -> bool:
        """Whether its speed says something: many servers take their time for the first byte."""
        return now - self.given >= (KNOWN_S if self.speed else FIRST_BYTE_S)

    def left_s(self) -> float:
        """How long the rest will take, as it looks now."""
        return (self.stop - self.position) / max(self.speed, 1.0)

    def __repr__(self) -> str:
        return f"<Range {self.task}: [{self.start}, {self.stop}) at {self.position}>"


class Ranges:
    """The ranges of one file of ``total`` bytes, handed out in pieces of ``size``."""

    def __init__(self, total: int, size: int, done: Iterable[Piece] = ()) -> None:
        self.total = total
        self.done = Spans(done)
        self.in_flight: dict[int, Range] = {}
        # How often bytes that were done turned out not to be.
        self.distrusted = 0
        self._size = size
        self._assigned = Spans(done)
        self._held: list[tuple[float, int, int]] = []

    @property
    def is_complete(self) -> bool:
        """Every byte is in the file."""
        return self.done.total == self.total

    @property
    def release_at(self) -> float | None:
        """When the next held range may be tried again."""
        return min((until for until, _, _ in self._held), default=None)

    def waiting(self, now: float) -> int:
        """How many ranges are held, and not due yet."""
        return sum(until > now for until, _, _ in self._held)

    def next(self, now: float) -> Piece | None:
        """The earliest missing piece; None: everything is done, in flight or held."""
        self._release(now)
        gap = self._assigned.first_gap(0, self.total)
        if gap is None:
            return None
        start, stop = gap
        # On a grid, so that what a failure left over does not shift all the pieces behind it.
        return start, min(stop, (start // self._size + 1) * self._size)

    def begin(self, range_: Range) -> None:
        """A piece is with a fetcher."""
        self.in_flight[range_.task] = range_
        self._assigned.add(range_.start, range_.stop)

    def advance(self, task: int, position: int, now: float) -> int:
        """A range has come up to ``position``; returns how many bytes are new."""
        range_ = self.in_flight[task]
        before = self.done.total
        # Whoever was cut may have gone on for a moment; what is beyond the file is no byte of it.
        position = min(position, self.total)
        range_.advance(position, now)
        self.done.add(range_.start, position)
        self._assigned.add(range_.start, position)
        return self.done.total - before

    def forget(self, start: int, stop: int) -> None:
        """The bytes [start, stop) are wrong, or may not be on the disk: they are missing again."""
        self.distrusted += 1
        self.done.remove(start, stop)
        self._assigned.remove(start, stop)
        for range_ in self.in_flight.values():
            self._assigned.add(range_.start, range_.stop)
        for _, begin, end in self._held:
            self._assigned.add(begin, end)

    def note(self, start: int, position: int) -> None:
        """The bytes [start, position) have come by a range that is not in flight any more."""
        self.done.add(start, min(position, self.total))
        self._assigned.add(start, min(position, self.total))

    def end(self, task: int, hold_until: float = 0.0) -> None:
        """A range is no longer with its fetcher. What is missing of it is free again, or held until then."""
        range_ = self.in_flight.pop(task)
        for start, stop in self._missing(range_.start, range_.stop):
            if hold_until:
                self._held.append((hold_until, start, stop))
            else:
                self._assigned.remove(start, stop)

    def distrust(self, task: int) -> None:
        """What a range has brought is wrong: it is missing again."""
        range_ = self.in_flight[task]
        # Also what it brought beyond its end, when it had not heard yet that it was cut.
        range_.stop = max(range_.stop, range_.position)
        range_.position = range_.start
        self.distrusted += 1
        self.done.remove(range_.start, range_.stop)

    def split(self, now: float) -> tuple[Range, int] | None:
        """The range that holds up the end, and where to cut it, so that its rest can go to an idle thread.

        Each keeps as much as it can do in the same time; one that is hopeless keeps nothing. The caller owes
        the ``cut``.
        """
        known = [range_ for range_ in self.in_flight.values() if range_.is_known(now)]
        slowest = max(known, key=Range.left_s, default=None)
        if slowest is None or slowest.left_s() < SPLIT_S:
            return None
        left = slowest.stop - slowest.position
        fastest = max(range_.speed for range_ in known)
        kept = int(left * slowest.speed / max(slowest.speed + fastest, 1.0))
        if kept < SMALLEST_PIECE and slowest.speed < fastest / 4:
            return slowest, slowest.position
        if min(kept, left - kept) < SMALLEST_PIECE:
            return None
        return slowest, slowest.position + kept

    def cut(self, range_: Range, stop: int) -> None:
        """``range_`` ends at ``stop``; what is behind is missing again."""
        behind, range_.stop = range_.stop, stop
        for start, end in self._missing(stop, behind):
            self._assigned.remove(start, end)

    def _release(self, now: float) -> None:
        due = [held for held in self._held if held[0] <= now]
        if not due:
            return
        self._held = [held for held in self._held if held[0] > now]
        for _, begin, end in due:
            for start, stop in self._missing(begin, end):
                self._assigned.remove(start, stop)

    def _missing(self, start: int, stop: int) -> list[tuple[int, int]]:
        """The parts of [start, stop) that are not done."""
        found = []
        while (gap := self.done.first_gap(start, stop)) is not None:
            found.append(gap)
            start = gap[1]
        return found

    def __repr__(self) -> str:
        return f"<Ranges {self.done.total} of {self.total}, {len(self.in_flight)} in flight>"
