"""What downloads come to in each minute, told to the aggregator until it says what it has counted.

Figures of a minute are absolute and repeated, so that a message may be lost or come twice. What came too late
for its minute's line counts in the minute that runs. Nothing is lost or counted twice, whoever is killed: the
figures lie in the journal, together with the downloads that they are about.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from pagestatus.clock import MINUTE_US
from pagestatus.messages import DownloadMinute, DownloadsCounted
from wsbridge.entry import Status

# Sent at once, oldest first: when the aggregator has been away for a day it need not get it all every second.
MOST_SENT = 60
# Clocks of processes may differ by what the wall clock was set back; further ahead is no minute of ours.
AHEAD_US = 24 * 60 * MINUTE_US


class Figures(msgspec.Struct):
    """Of one minute."""

    active: int = 0
    completed: int = 0
    failed: int = 0
    bytes: int = 0


class Minutes:
    """The minutes that the aggregator has not answered for."""

    def __init__(self, minutes: Mapping[int, Figures] | None = None) -> None:
        """``minutes`` are those of the journal, by their start in microseconds since the epoch."""
        self.open: dict[int, Figures] = dict(minutes or {})
        # Those that differ from the journal; what is not open any more is to be removed there.
        self.unsaved: set[int] = set()
        # Up to here every minute has its line, and none is begun again.
        self._answered_us = 0

    def count(self, ended: Iterable[Status], size: int, now_us: int) -> None:
        """Downloads have ended, and ``size`` bytes have come to the disk."""
        ended = list(ended)
        if not ended and not size:
            return
        figures = self._figures(now_us)
        for status in ended:
            figures.completed += status is Status.DOWNLOADED
            figures.failed += status is Status.FAILED
        figures.bytes += size

    def copy(self, start_us: int) -> Figures | None:
        """The figures of one minute as they are now; None: it is not open any more."""
        figures = self.open.get(start_us)
        return None if figures is None else msgspec.structs.replace(figures)

    def records(self, active: int, now_us: int) -> list[DownloadMinute]:
        """What to tell, once a second; ``active`` downloads are running."""
        current_us = self._current_us(now_us)
        if active or current_us in self.open:
            # Not worth writing down: whoever starts again knows how many are running.
            self.open.setdefault(current_us, Figures()).active = active
        return [
            DownloadMinute(start_us, figures.active, figures.completed, figures.failed, figures.bytes)
            for start_us, figures in sorted(self.open.items())[:MOST_SENT]
        ]

    def on_counted(self, counted: DownloadsCounted, now_us: int) -> None:
        """The minute has its line: what is not in it counts now."""
        if counted.minute_us % MINUTE_US or counted.minute_us > now_us + AHEAD_US:
            return
        self._answered_us = max(self._answered_us, counted.minute_us + MINUTE_US)
        figures = self.open.pop(counted.minute_us, None)
        if figures is None:
            return
        self.unsaved.add(counted.minute_us)
        rest = (
            figures.completed - counted.completed,
            figures.failed - counted.failed,
            figures.bytes - counted.bytes,
        )
        if not any(rest):
            return
        now = self._figures(now_us)
        now.completed += max(0, rest[0])
        now.failed += max(0, rest[1])
        now.bytes += max(0, rest[2])

    def _figures(self, now_us: int) -> Figures:
        start_us = self._current_us(now_us)
        self.unsaved.add(start_us)
        return self.open.setdefault(start_us, Figures())

    def _current_us(self, now_us: int) -> int:
        """The minute that counts what happens now: the running one, or the next if that has its line."""
        return max(now_us - now_us % MINUTE_US, self._answered_us)
