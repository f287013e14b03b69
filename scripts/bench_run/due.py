"""What became of the slots that fell due in a window of time, from the final lines of the log."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

from scripts.audit import log
from scripts.bench_run.figures import percentile

Key = TypeVar("Key")


class Window(NamedTuple):
    """Seconds since the epoch."""

    began_s: float
    ended_s: float


@dataclass
class Due:
    """The slots of one window."""

    # Of those that were checked.
    lags_ms: list[float] = field(default_factory=list)
    missed: int = 0
    failed: int = 0

    @property
    def checked(self) -> int:
        return len(self.lags_ms)

    @property
    def slots(self) -> int:
        return self.checked + self.missed

    def add(self, line: log.Line) -> None:
        """Take a final line."""
        if line.outcome == "missed":
            self.missed += 1
        elif line.lag_ms is not None:
            self.failed += line.outcome != "ok"
            self.lags_ms.append(line.lag_ms)

    def lag_ms(self, hundredths: int) -> float:
        """Infinite when nothing was checked."""
        return percentile(self.lags_ms, hundredths) if self.lags_ms else float("inf")

    def as_json(self) -> dict[str, Any]:
        lag_ms = {"p50": self.lag_ms(50), "p99": self.lag_ms(99), "max": self.lag_ms(100)}
        if not self.checked:
            # JSON knows no infinity.
            lag_ms = {}
        return {"slots": self.slots, "missed": self.missed, "failed": self.failed, "lag_ms": lag_ms}

    def cells(self) -> tuple[str, ...]:
        """For a table with the head HEAD."""
        counts = (self.slots, self.missed, self.failed)
        lags = (self.lag_ms(50), self.lag_ms(99), self.lag_ms(100))
        return (*(f"{count:,}" for count in counts), *(f"{lag:.1f}" for lag in lags))


HEAD = ("slots", "missed", "failed", "p50 ms", "p99 ms", "max ms")


def due(
    lines: Iterable[log.Line], windows: Mapping[Key, Window], wanted: Callable[[str], bool] = bool
) -> dict[Key, Due]:
    """The slots of each window, of targets whose URL is ``wanted``; windows do not overlap."""
    found = {key: Due() for key in windows}
    for line in lines:
        if not line.final or line.due is None or line.url is None or not wanted(line.url):
            continue
        due_s = line.due.timestamp()
        for key, window in windows.items():
            if window.began_s <= due_s < window.ended_s:
                found[key].add(line)
                break
    return found
