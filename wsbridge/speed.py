"""How fast bytes come: over the last seconds, so that the figure is calm and yet follows."""

from __future__ import annotations

from collections import deque

WINDOW_S = 5.0
# Shorter, and the first report would look like a burst.
SHORTEST_S = 0.5


class Speed:
    """Bytes per second over the last ``WINDOW_S`` seconds."""

    def __init__(self) -> None:
        self._reports: deque[tuple[float, int]] = deque()
        self._sum = 0
        self._since: float | None = None

    def add(self, size: int, now: float) -> None:
        """``size`` bytes have come by ``now``, seconds of the monotonic clock."""
        if self._since is None:
            self._since = now
        self._reports.append((now, size))
        self._sum += size
        self._forget(now)

    def reset(self) -> None:
        """It begins again."""
        self._reports.clear()
        self._sum = 0
        self._since = None

    def per_second(self, now: float) -> float:
        """Bytes per second; 0 when nothing came of late."""
        self._forget(now)
        if self._since is None:
            return 0.0
        return self._sum / min(max(now - self._since, SHORTEST_S), WINDOW_S)

    def _forget(self, now: float) -> None:
        """Nobody may have asked for long."""
        while self._reports and self._reports[0][0] < now - WINDOW_S:
            self._sum -= self._reports.popleft()[1]
