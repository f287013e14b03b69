"""How much CPU a process has used lately."""

from __future__ import annotations

from collections import deque

# As long as the scheduler's rate, so that one can be divided by the other.
LATELY_S = 10


class Load:
    """Looks at two clocks once a second: one on the wall, one that runs while the process has a core."""

    def __init__(self) -> None:
        self._looks: deque[tuple[float, float]] = deque(maxlen=LATELY_S + 1)

    def note(self, now_s: float, cpu_s: float) -> None:
        """``now_s`` is monotonic, ``cpu_s`` the CPU time of all threads so far."""
        self._looks.append((now_s, cpu_s))

    @property
    def cores(self) -> float | None:
        """Cores in use, of all threads; None: it was looked at only once."""
        (then_s, cpu_then_s), (now_s, cpu_now_s) = self._looks[0], self._looks[-1]
        return (cpu_now_s - cpu_then_s) / (now_s - then_s) if now_s > then_s else None
