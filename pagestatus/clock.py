"""The clock of the actors: wall time that never goes back.

Due times lie on the wall clock, so that a restart and another machine agree on them. Within one process,
though, time must not run backwards (a slot would fall due twice): elapsed time is taken from the monotonic
clock, and the wall clock only ever moves it forward (suspend, a step of NTP).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
# A wall clock that runs ahead of the monotonic one by less than this is left alone: slewing, not a step.
STEP_US = SECOND_US // 2


class Clock:
    """Microseconds since the epoch, UTC; never smaller than the last answer."""

    def __init__(
        self,
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._wall_ns = wall_ns
        self._monotonic_ns = monotonic_ns
        self._offset_us = wall_ns() // 1000 - monotonic_ns() // 1000

    def now_us(self) -> int:
        """The time now."""
        return self._monotonic_ns() // 1000 + self._offset_us

    def at_us(self, monotonic_us: int) -> int:
        """What the clock says now of a moment of the monotonic one."""
        return monotonic_us + self._offset_us

    @property
    def is_behind(self) -> bool:
        """The wall clock has gone forward and was not followed yet: the machine may have been suspended."""
        return self._off_us() > SECOND_US

    @property
    def set_back_s(self) -> int:
        """By how much the wall clock was set back, whole seconds; 0: by no more than one."""
        off_us = self._off_us()
        return round(-off_us / SECOND_US) if off_us < -SECOND_US else 0

    def follow(self) -> int:
        """Take over a step forward of the wall clock; returns how far it stands off now, microseconds.

        Positive: the step was taken. Negative: the wall clock is behind and is not followed.
        """
        ahead_us = self._off_us()
        if ahead_us > STEP_US:
            self._offset_us += ahead_us
        return ahead_us

    def _off_us(self) -> int:
        """How far the wall clock is ahead of this one."""
        return self._wall_ns() // 1000 - self.now_us()


def monotonic_us() -> int:
    """Microseconds of the monotonic clock."""
    return time.monotonic_ns() // 1000


def iso(us: int) -> str:
    """``us`` as ``2026-01-31T12:00:00.123Z`` (RFC 3339, UTC, milliseconds, rounded down)."""
    return datetime.fromtimestamp(us // 1000 / 1000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"
