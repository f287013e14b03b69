"""Whether a transfer brings next to nothing: less than ``SLOWEST`` bytes a second over a whole window.

Pure: moments are given, in seconds of the monotonic clock. Not libcurl's low speed: it counts whole seconds,
and after a fast beginning it takes its average of the last five for a while.
"""

from __future__ import annotations

from collections import deque

# Bytes per second.
SLOWEST = 1024
# How finely the window slides.
_SAMPLES = 16


class LowSpeed:
    """The position of one transfer over the last ``window_s`` seconds."""

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._samples: deque[tuple[float, int]] = deque()

    def begin(self, now: float, position: int) -> None:
        """Forget what was: the window begins here."""
        self._samples.clear()
        self._samples.append((now, position))

    def is_low(self, now: float, position: int) -> bool:
        """Note where the transfer is, and say whether it was too slow for a whole window."""
        samples = self._samples
        while len(samples) > 1 and samples[1][0] <= now - self._window_s:
            samples.popleft()
        since, before = samples[0]
        if now - samples[-1][0] >= self._window_s / _SAMPLES:
            samples.append((now, position))
        return now - since >= self._window_s and position - before < SLOWEST * self._window_s
