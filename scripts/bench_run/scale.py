"""A million targets, each checked once a minute, on hosts of their own: what is missed, and the lag.

What counts are the first whole minutes after the first check, as ``minutes.log`` has them. ``start`` and
``latency`` are measured in the same run. The site is on the same machine, and takes its share of it.
"""

from __future__ import annotations

import argparse
import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

from scripts.bench_run import crowd, minutes, start
from scripts.bench_run.asking import asking
from scripts.bench_run.latency import Asked
from scripts.bench_run.minutes import MINUTE_S, Minute
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.start import Started
from scripts.bench_run.table import Claim, table, told
from scripts.bench_run.use import SoFar, Use

MOST_P50_MS = 20
MOST_P99_MS = 250


def add_arguments(parser: argparse.ArgumentParser) -> None:
    crowd.add_arguments(parser)
    parser.add_argument("--minutes", type=count, default=10, metavar="N", help="that are measured")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Start it, and watch it for some minutes; raises ``NotEnough``."""
    small_rss = start.rss_of_small(folder)
    with crowd.watched(arguments, folder) as watched:
        first_s = start.until_first(watched)
        first_minute_s = minutes.next_minute(time.time())
        with asking(watched.system) as latencies:
            before = SoFar.of(watched.system, watched.site)
            started = start.watch(watched, first_s, small_rss)
            time.sleep(max(0.0, first_minute_s + arguments.minutes * MINUTE_S - time.time()))
            use = SoFar.of(watched.system, watched.site) - before
        found = minutes.read(watched.system, first_minute_s, arguments.minutes)
    slots = watched.targets * (MINUTE_S // watched.interval_s) * arguments.minutes
    return Measured(found, slots, use, started, Asked(latencies))


@dataclass(frozen=True)
class Measured:
    """What a million a minute comes to."""

    minutes: Sequence[Minute]
    # That had to fall due in them.
    slots: int
    use: Use
    started: Started
    asked: Asked

    @property
    def claims(self) -> list[Claim]:
        due = sum(minute.due for minute in self.minutes)
        checked, ok = (sum(getattr(minute, name) for minute in self.minutes) for name in ("checked", "ok"))
        missed = sum((Counter(minute.missed) for minute in self.minutes), Counter())
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in missed.most_common())
        p50 = max((minute.lag_ms.p50 for minute in self.minutes), default=float("inf"))
        p99 = max((minute.lag_ms.p99 for minute in self.minutes), default=float("inf"))
        return [
            Claim(f"{due:,} of {self.slots:,} slots settled", due == self.slots),
            Claim(f"{checked - ok:,} of {checked:,} checks failed", 0 < checked == ok),
            Claim(f"{missed.total():,} missed{reasons and f': {reasons}'}", not missed),
            Claim(f"lag p50 in the worst minute {p50:.1f} ms", p50 < MOST_P50_MS),
            Claim(f"lag p99 in the worst minute {p99:.1f} ms", p99 < MOST_P99_MS),
        ]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims) and self.started.held and self.asked.held

    def as_json(self) -> dict[str, Any]:
        return {
            "minutes": msgspec.to_builtins(self.minutes),
            "use": asdict(self.use),
            "claims": told(self.claims),
            "start": self.started.as_json(),
            "latency": self.asked.as_json(),
        }

    def picture(self) -> str:
        values = [(f"{minute.minute:%H:%M}", minute.lag_ms.p99, True) for minute in self.minutes]
        return bars(f"Lag p99 of {self.started.targets:,} targets, by the minute", "ms", values, MOST_P99_MS)

    def __str__(self) -> str:
        head = f"{self.use.checks / self.use.seconds:,.0f} checks a second, {os.cpu_count()} cores"
        parts = [
            table(("minute", "due", "ok", "missed", "p50 ms", "p99 ms", "max ms"), list(self._rows())),
            head,
            table(("", "us a check", "cores"), list(self.use.rows())),
            "\n".join(map(str, self.claims)),
            str(self.started),
            str(self.asked),
        ]
        return "\n\n".join(parts)

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for minute in self.minutes:
            counts = (minute.due, minute.ok, sum(minute.missed.values()))
            lag = (minute.lag_ms.p50, minute.lag_ms.p99, minute.lag_ms.max)
            yield (
                f"{minute.minute:%H:%M}",
                *(f"{count:,}" for count in counts),
                *(f"{ms:.1f}" for ms in lag),
            )
