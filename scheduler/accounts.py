"""The books: every slot that fell due is checked, missed or not settled yet. Nothing else exists."""

from __future__ import annotations

import sys
from collections import Counter, deque
from collections.abc import Iterable

from pagestatus.clock import MINUTE_US
from pagestatus.messages import Reason

# The rate is told over so many seconds.
RATE_SECONDS = 10


class Accounts:
    """Counts since this scheduler began, and up to where all slots are settled."""

    def __init__(self) -> None:
        self.due = 0
        self.checked = 0
        self.missed: Counter[Reason] = Counter()
        # Slots that are not settled, by the minute they were due in.
        self._open: Counter[int] = Counter()
        # No slot was due before the first one, however long its minute had begun.
        self._first_us = sys.maxsize
        self._last_seconds: deque[int] = deque([0], maxlen=RATE_SECONDS + 1)

    @property
    def in_flight(self) -> int:
        """Slots that are not settled yet."""
        return self._open.total()

    def fell_due(self, due_us: int) -> None:
        """One slot."""
        self.due += 1
        if due_us < self._first_us:  # noqa: PLR1730 - calling min() costs as much as all the rest
            self._first_us = due_us
        self._open[due_us // MINUTE_US] += 1

    def fell_due_in_a_row(self, due_us: int, count: int, interval_us: int) -> None:
        """``count`` slots, ``interval_us`` apart."""
        for at_us in _in_a_row(due_us, count, interval_us):
            self.fell_due(at_us)

    def settle_checked(self, due_us: int) -> None:
        """A slot has its final line."""
        self.checked += 1
        self._close(due_us)

    def settle_missed(self, reason: Reason, due_us: int, count: int = 1, interval_us: int = 0) -> None:
        """So many slots have their lines saying ``missed``."""
        self.missed[reason] += count
        for at_us in _in_a_row(due_us, count, interval_us):
            self._close(at_us)

    def _close(self, due_us: int) -> None:
        minute = due_us // MINUTE_US
        left = self._open[minute] - 1
        if left:
            self._open[minute] = left
        else:
            del self._open[minute]

    def down(self, slots: int) -> None:
        """Slots that fell due while no scheduler ran; one line stands for all of them."""
        self.due += slots
        self.missed[Reason.DOWN] += slots

    def settled_us(self, swept_us: int) -> int:
        """All slots due before this are settled; exact to the minute, which is what closes."""
        if not self._open:
            return swept_us
        return min(swept_us, max(min(self._open) * MINUTE_US, self._first_us))

    def second(self) -> None:
        """Remember where the count stood: the rate is a difference of these."""
        self._last_seconds.append(self.checked)

    @property
    def per_second(self) -> float:
        """Checks settled per second, lately."""
        counts = self._last_seconds
        return (counts[-1] - counts[0]) / max(1, len(counts) - 1)


def _in_a_row(due_us: int, count: int, interval_us: int) -> Iterable[int]:
    return range(due_us, due_us + count * interval_us, interval_us) if count > 1 else (due_us,)
