"""What the trial comes to: a table of claims, each held or not, from the logs that the run has left."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from scripts.audit import log, minutes
from scripts.audit.__main__ import intervals_us
from scripts.audit.slots import gathered
from scripts.trial_run.targets import HEALTHY
from scripts.trial_run.watcher import Watcher

MOST_LAG_MS = 100
MOST_SHOWN = 10


@dataclass
class Report:
    """Claims and figures, in the order in which they were added."""

    rows: list[tuple[str, str, str]] = field(default_factory=list)
    held: bool = True

    def figure(self, name: str, value: object) -> None:
        self.rows.append(("", name, str(value)))

    def claim(self, name: str, value: object, *, holds: bool) -> None:
        self.rows.append(("ok" if holds else "NOT", name, str(value)))
        self.held &= holds

    def show(self) -> None:
        width = max(len(name) for _verdict, name, _value in self.rows)
        for verdict, name, value in self.rows:
            print(f"{verdict:>3}  {name:{width}}  {value}")


def written(report: Report, folder: Path) -> None:
    """What the logs say, once the system has drained."""
    lines = list(log.lines(folder / "data"))
    slots = gathered(lines)
    for (outcome, reason), count in sorted(slots.outcomes.items()):
        report.figure(f"slots {outcome} {reason}".rstrip(), f"{count:,}")
    found = list(slots.findings(intervals_us(folder / "urls.json")))
    report.claim("each slot has one final line", f"{slots.settled:,} slots, {_told(found)}", holds=not found)
    summaries = list(log.minutes(folder / "data"))
    found = list(minutes.findings(lines, summaries))
    report.claim(
        "the minutes add up to the log", f"{len(summaries)} minutes, {_told(found)}", holds=not found
    )
    p50, p99, most = lag_ms(lines)
    report.claim(
        f"healthy targets' lag: p99 below {MOST_LAG_MS} ms",
        f"p50 {p50:.1f} ms, p99 {p99:.1f} ms, max {most:.1f} ms",
        holds=p99 < MOST_LAG_MS,
    )
    unhealthy = sum(
        line.final and line.target.startswith(HEALTHY) and line.outcome == "fail" for line in lines
    )
    report.claim("no healthy target failed", f"{unhealthy} failures", holds=not unhealthy)


def asked(report: Report, watcher: Watcher) -> None:
    """What the system said of itself while it ran."""
    report.claim(
        "due = checked + missed + in flight, in every answer",
        f"{watcher.answers:,} answers, {_told([str(books) for books in watcher.wrong])}",
        holds=watcher.answers > 0 and not watcher.wrong,
    )


def lag_ms(lines: Iterable[log.Line]) -> tuple[float, float, float]:
    """Median, 99th percentile and maximum of the healthy targets' lag, over their settled checks."""
    lags = sorted(
        line.lag_ms
        for line in lines
        if line.final and line.lag_ms is not None and line.target.startswith(HEALTHY)
    )
    if not lags:
        return (float("inf"),) * 3
    return lags[len(lags) // 2], lags[len(lags) * 99 // 100], lags[-1]


def _told(findings: list[str]) -> str:
    return "; ".join([f"{len(findings)} findings", *findings[:MOST_SHOWN]])
