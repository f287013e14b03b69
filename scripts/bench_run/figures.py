"""What the part ``downloads`` comes to: medians, ratios and claims, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from scripts.bench_run.clients import Run
from scripts.bench_run.picture import Bar
from scripts.bench_run.table import Claim, table

MOST_LAG_MS = 100
OURS = "pagestatus"
HEAD = ("", "on disk s", "told s", "CPU s", "our time", "our CPU", "less checks")


@dataclass
class CaseFigures:
    """The downloads of one case, by client, in the order of the rounds."""

    name: str
    about: str
    mib: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    # Who could not do it, and why.
    failed: dict[str, str] = field(default_factory=dict)
    # Of the checks that fell due during our downloads.
    lags_ms: list[float] = field(default_factory=list)

    @property
    def ours_s(self) -> float:
        """Our time so far."""
        return self._median(OURS, "seconds")

    def ratio(self, other: str, figure: str) -> float:
        """Ours by theirs, of the medians; at most that, where they were stopped."""
        theirs = self._median(other, figure)
        return self._median(OURS, figure) / theirs if theirs else float("inf")

    def claims(self) -> Iterator[Claim]:
        """What is to hold; nothing is claimed against who has failed."""
        for other in self.runs:
            if other == OURS or other in self.failed:
                continue
            ratio, most = self.ratio(other, "seconds"), "less than " if self._stopped(other) else ""
            yield Claim(f"{self.name}: {most}{ratio:.2f} of the time of {other}", ratio < 1)
        if self.lags_ms:
            p99, checks = percentile(self.lags_ms, 99), len(self.lags_ms)
            yield Claim(
                f"{self.name}: lag of {checks} checks meanwhile, p99: {p99:.1f} ms", p99 < MOST_LAG_MS
            )

    def __str__(self) -> str:
        rows = [(name, *self._cells(name)) for name in self.runs]
        return f"{self.name}: {self.mib} MiB, {self.about}\n{table(HEAD, rows)}"

    def _cells(self, name: str) -> tuple[str, ...]:
        if name in self.failed:
            return ("failed", *[""] * (len(HEAD) - 2))
        if self._stopped(name):
            time, ratio = self._median(name, "seconds"), self.ratio(name, "seconds")
            return (f"> {time:.2f}", "", "", f"< {ratio:.2f}", "", "")
        figures = [self._median(name, figure) for figure in ("seconds", "told_s", "cpu_s")]
        if name != OURS:
            figures += [self.ratio(name, figure) for figure in ("seconds", "cpu_s", "own_cpu_s")]
        cells = [f"{figure:.2f}" for figure in figures]
        return (*cells, *[""] * (len(HEAD) - 1 - len(cells)))

    def bars(self) -> list[Bar]:
        """The time of each that has not failed."""
        return [
            Bar(name, self._median(name, "seconds"), name == OURS, self._stopped(name))
            for name in self.runs
            if name not in self.failed
        ]

    def as_json(self) -> dict[str, Any]:
        lags = self.lags_ms
        return {
            "bytes": self.mib << 20,
            "clients": {name: self._client(name) for name in self.runs},
            "lag_ms": {
                "checks": len(lags),
                "p50": percentile(lags, 50),
                "p99": percentile(lags, 99),
                "max": max(lags),
            }
            if lags
            else None,
        }

    def _client(self, name: str) -> dict[str, Any]:
        if name in self.failed:
            return {"failed": self.failed[name]}
        if self._stopped(name):
            return {"stopped_after_s": round(self._median(name, "seconds"), 4)}
        figures = {
            figure: {
                "median": round(self._median(name, figure), 4),
                "rounds": [round(getattr(run, figure), 4) for run in self.runs[name]],
            }
            for figure in ("seconds", "told_s", "cpu_s", "own_cpu_s")
        }
        if name == OURS:
            return figures
        ratios = {
            "time": round(self.ratio(name, "seconds"), 4),
            "time_without_sync": round(self._median(OURS, "seconds") / self._median(name, "told_s"), 4),
            "cpu": round(self.ratio(name, "cpu_s"), 4),
            "cpu_without_checks": round(self.ratio(name, "own_cpu_s"), 4),
        }
        return {**figures, "ratio": ratios}

    def _stopped(self, name: str) -> bool:
        """Whether one was not waited for, so that its median is only known to be no less."""
        return any(run.stopped for run in self.runs[name])

    def _median(self, name: str, figure: str) -> float:
        return float(median(getattr(run, figure) for run in self.runs[name]))


def percentile(values: Sequence[float], hundredths: int) -> float:
    """The smallest value that so many hundredths of all do not exceed; ``values`` is not empty."""
    ordered = sorted(values)
    # Rounded up, in whole numbers.
    return ordered[max(0, -(-len(ordered) * hundredths // 100) - 1)]
