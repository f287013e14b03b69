"""Every slot of every target has exactly one final line, except in the times when no scheduler ran.

A target's slots are known from its interval and any one of its due times; so the grid is drawn anew here, and
the log is held against it in both directions.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from scripts.audit.log import Line, microseconds


class Window(NamedTuple):
    """A time in which no scheduler ran: ``slots`` fell due in (since, until]."""

    since_us: int
    until_us: int
    slots: int


class Slots:
    """The final lines of a run, by target and due time."""

    def __init__(self) -> None:
        self.windows: list[Window] = []
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self._finals: defaultdict[str, Counter[int]] = defaultdict(Counter)
        self._attempts: Counter[tuple[str, int, int]] = Counter()

    def add(self, line: Line) -> None:
        """Take one line of the log, in any order."""
        if line.since is not None and line.until is not None:
            self.windows.append(Window(microseconds(line.since), microseconds(line.until), line.slots))
            self.outcomes[line.outcome, line.reason] += line.slots
            return
        due_us = microseconds(line.due) if line.due else 0
        if line.attempt:
            self._attempts[line.target, due_us, line.attempt] += 1
        if line.final:
            self._finals[line.target][due_us] += 1
            self.outcomes[line.outcome, line.reason] += 1

    @property
    def settled(self) -> int:
        """Number of final lines, and of slots that a line of a window stands for."""
        return self.outcomes.total()

    @property
    def began_us(self) -> int:
        """When watching began: the first line of a log is a window of no slots that ends there."""
        first_due_us = min((min(finals) for finals in self._finals.values()), default=0)
        return min([first_due_us, *(window.until_us + 1 for window in self.windows)])

    @property
    def last_due_us(self) -> int:
        """The latest due time of any final line; 0: there is none."""
        return max((max(finals) for finals in self._finals.values()), default=0)

    def findings(self, intervals_us: Mapping[str, int]) -> Iterator[str]:
        """One line for everything that breaks the promise; ``intervals_us`` by target."""
        for (target, due_us, attempt), count in self._attempts.items():
            if count > 1:
                yield f"{target}: attempt {attempt} at the slot {due_us} has {count} lines"
            if due_us not in self._finals.get(target, ()):
                yield f"{target}: slot {due_us} has attempts and no final line"
        yield from (f"{target}: not in the list" for target in self._finals.keys() - intervals_us.keys())
        yield from self._without_lines(intervals_us)
        yield from self._off_the_grid(intervals_us)
        yield from (found for window in self.windows for found in self._miscounted(window, intervals_us))

    def _without_lines(self, intervals_us: Mapping[str, int]) -> Iterator[str]:
        """Targets whose every slot cannot have been in a window, or after the end."""
        starts_us = [self.began_us, *sorted(window.until_us for window in self.windows)]
        ends_us = [*sorted(window.since_us for window in self.windows), self.last_due_us]
        watched_us = max(end_us - start_us for start_us, end_us in zip(starts_us, ends_us, strict=True))
        for target in intervals_us.keys() - self._finals.keys():
            if intervals_us[target] <= watched_us:
                yield f"{target}: no line at all"

    def _miscounted(self, window: Window, intervals_us: Mapping[str, int]) -> Iterator[str]:
        first_us, last_us = max(window.since_us + 1, self.began_us), window.until_us
        least = sum(
            len(_grid(min(finals), intervals_us[target], first_us, last_us))
            for target, finals in self._finals.items()
            if target in intervals_us
        )
        # A target that has no line of its own may have had its slots here.
        silent = intervals_us.keys() - self._finals.keys()
        most = least + sum((last_us - first_us) // intervals_us[target] + 1 for target in silent)
        if not least <= window.slots <= most:
            yield f"down until {window.until_us}: {window.slots} slots, and {least} fell due"

    def _off_the_grid(self, intervals_us: Mapping[str, int]) -> Iterator[str]:
        last_us = self.last_due_us
        began_us = self.began_us
        for target, finals in self._finals.items():
            if target not in intervals_us:
                continue
            expected = set(_grid(min(finals), intervals_us[target], began_us, last_us))
            for window in self.windows:
                expected.difference_update(
                    _grid(min(finals), intervals_us[target], window.since_us + 1, window.until_us)
                )
            yield from (
                f"{target}: slot {due_us} has no final line" for due_us in sorted(expected - finals.keys())
            )
            yield from (
                f"{target}: {due_us} is no slot to settle" for due_us in sorted(finals.keys() - expected)
            )
            yield from (
                f"{target}: slot {due_us} has {count} final lines"
                for due_us, count in finals.items()
                if count > 1
            )


def _grid(anchor_us: int, interval_us: int, first_us: int, last_us: int) -> range:
    """The due times in [first, last] of the target that has one at ``anchor_us``."""
    start_us = first_us + (anchor_us - first_us) % interval_us
    return range(start_us, last_us + 1, interval_us)


def gathered(lines: Iterable[Line]) -> Slots:
    """The slots of a whole log."""
    slots = Slots()
    for line in lines:
        slots.add(line)
    return slots
