"""When a fetcher that ended is started again: at once, unless it ends again and again at once.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

# Whoever lived longer than this has not failed to start.
LONG_ENOUGH_S = 10.0
FIRST_WAIT_S = 0.5
# Not longer: a fetcher that was left behind by a killed pool holds its name until it has drained.
LONGEST_WAIT_S = 5.0


class Respawn:
    """The history of one index."""

    def __init__(self) -> None:
        self._short_lives = 0

    def wait_s(self, *, lived_s: float, expected: bool) -> float:
        """Seconds until the next may start, after one that ``lived_s``; ``expected``: it was asked to end."""
        if expected or lived_s >= LONG_ENOUGH_S:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        # The first short life may be an accident, such as a kill.
        if self._short_lives == 1:
            return 0.0
        return float(min(FIRST_WAIT_S * 2 ** min(self._short_lives - 2, 16), LONGEST_WAIT_S))
