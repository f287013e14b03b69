"""What the part ``downloads`` comes to: medians, ratios and claims, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from scripts.bench_run.clients import Run

MOST_LAG_MS = 100
OURS = "pagestatus"


@dataclass
class CaseFigures:
    """The downloads of one case, by client, in the order of the rounds."""

    name: str
    about: str
    mib: int
    runs: dict[str, list[Run]] = field(default_factory=dict)
    # Of the checks that fell due during our downloads.
    lags_ms: list[float] = field(default_factory=list)

    def ratio(self, other: str, figure: str) -> float:
        """Ours by theirs, of the medians."""
        theirs = self._median(other, figure)
        return self._median(OURS, figure) / theirs if theirs else float("inf")

    def claims(self) -> Iterator[tuple[str, bool]]:
        """What is to hold, and whether it does."""
        for other in self.others:
            ratio = self.ratio(other, "seconds")
            yield f"{self.name}: {ratio:.2f} of the time of {other}", ratio < 1
        if self.lags_ms:
            p99 = percentile(self.lags_ms, 99)
            yield (
                f"{self.name}: lag of {len(self.lags_ms)} checks meanwhile, p99: {p99:.1f} ms",
                p99 < MOST_LAG_MS,
            )

    @property
    def others(self) -> list[str]:
        return [name for name in self.runs if name != OURS]

    def rows(self) -> Iterator[tuple[str, ...]]:
        yield (f"{self.name}: {self.mib} MiB; {self.about}",)
        for name in self.runs:
            figures = [self._median(name, figure) for figure in ("seconds", "told_s", "cpu_s")]
            compared = () if name == OURS else ("seconds", "cpu_s", "own_cpu_s")
            ratios = [self.ratio(name, figure) for figure in compared]
            yield (
                f"  {name}",
                *(f"{figure:.2f}" for figure in figures),
                *(f"{ratio:.2f}" for ratio in ratios),
            )

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

    def _median(self, name: str, figure: str) -> float:
        return float(median(getattr(run, figure) for run in self.runs[name]))


def percentile(values: Sequence[float], hundredths: int) -> float:
    """The smallest value that so many hundredths of all do not exceed; ``values`` is not empty."""
    ordered = sorted(values)
    return ordered[min(len(ordered) * hundredths // 100, len(ordered) - 1)]


def table(cases: Sequence[CaseFigures]) -> str:
    """For people."""
    head = ("", "on disk s", "told s", "CPU s", "our time", "our CPU", "less checks")
    rows = [row for case in cases for row in case.rows()]
    width = max((len(row[0]) for row in rows if len(row) > 1), default=0)
    lines = [_line(head, width), *(_line(row, width) for row in rows), ""]
    claims = [claim for case in cases for claim in case.claims()]
    lines += [f"{'ok' if holds else 'NOT':>3}  {words}" for words, holds in claims]
    return "\n".join(lines)


def _line(row: Sequence[str], width: int) -> str:
    if len(row) == 1:
        return row[0]
    return f"{row[0]:{width}}" + "".join(f"{cell:>12}" for cell in row[1:])
