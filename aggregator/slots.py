"""The open minutes of due time: which slots are settled, how, and when a minute is over.

Minutes close in order and for good: everything due before the watermark is settled, and nothing more is
taken for it. So what is remembered is bounded by how long a slot can take.
"""

from __future__ import annotations

from collections.abc import Iterator

from aggregator.downtime import Downtime
from aggregator.minutes import Minute
from pagestatus.clock import MINUTE_US

TARGET_BITS = 64
_TARGET_MASK = (1 << TARGET_BITS) - 1
# Minutes without a slot get a line only this far back: a clock that was set right by years does not make
# millions of them.
LONGEST_GAP_US = 24 * 60 * MINUTE_US


def slot_of(target: int, due_us: int) -> int:
    """The key of one slot."""
    return due_us << TARGET_BITS | target


class Slots:
    """The minutes from the watermark on."""

    def __init__(self) -> None:
        # Everything due before this is closed; a whole minute, 0: nothing ever was.
        self.watermark_us = 0
        self._minutes: dict[int, Minute] = {}

    def minute(self, due_us: int) -> Minute:
        """The open minute of a due time at or after the watermark."""
        number = due_us // MINUTE_US
        minute = self._minutes.get(number)
        if minute is None:
            minute = self._minutes[number] = Minute(number * MINUTE_US)
        return minute

    def latest_us(self) -> int:
        """The latest due time that is known of; 0: there is no history."""
        dues = [
            slot >> TARGET_BITS
            for minute in self._minutes.values()
            for slots in (minute.settled, minute.attempts)
            if slots
            for slot in (max(slots),)
        ]
        return max(dues, default=max(self.watermark_us - 1, 0))

    def earliest_us(self) -> int:
        """The earliest due time that is known of; 0: there is no history."""
        dues = [
            min(slots) >> TARGET_BITS
            for minute in self._minutes.values()
            for slots in (minute.settled, minute.attempts)
            if slots
        ]
        return min(dues, default=0)

    def known(self, from_us: int, to_us: int) -> Iterator[tuple[int, int, int, bool]]:
        """(target, due_us, attempts on the disk, settled) of the slots due in ``[from_us, to_us]``."""
        first, last = slot_of(0, from_us), slot_of(_TARGET_MASK, to_us)
        for minute in self._minutes.values():
            for slot in minute.settled:
                if first <= slot <= last:
                    yield slot & _TARGET_MASK, slot >> TARGET_BITS, minute.attempts_of(slot), True
            for slot in minute.attempts:
                if first <= slot <= last:
                    yield slot & _TARGET_MASK, slot >> TARGET_BITS, minute.attempts_of(slot), False

    def close(self, settled_us: int, downtime: Downtime) -> list[Minute]:
        """The minutes that end at or before ``settled_us``, in order; they are forgotten.

        A minute in which nobody ran has none; one without a slot in which somebody did has empty figures.
        """
        closed: list[Minute] = []
        while self.watermark_us + MINUTE_US <= settled_us:
            start_us = self.watermark_us
            minute = self._minutes.pop(start_us // MINUTE_US, None)
            if minute is None and (later_us := self._skipped_to(settled_us, downtime)) > start_us:
                self.watermark_us = later_us
                continue
            closed.append(minute or Minute(start_us))
            self.watermark_us += MINUTE_US
        downtime.forget(self.watermark_us)
        return closed

    def _skipped_to(self, settled_us: int, downtime: Downtime) -> int:
        """The start of the next minute, from the watermark on, that gets a line."""
        start_us = self.watermark_us
        window_until_us = downtime.spans(start_us, start_us + MINUTE_US)
        if window_until_us is not None:
            next_us = window_until_us + 1
        else:
            # Without any history the first minute is the one in which we begin.
            next_us = max(settled_us - (LONGEST_GAP_US if start_us else 0), start_us)
        return min([next_us // MINUTE_US, *self._minutes]) * MINUTE_US
