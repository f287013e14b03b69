"""How long ``pagestatus-ctl status`` takes while a million targets are checked, each once a minute.

The answers that make it up are asked for several times a second, all at once, as the command does it; each
process in turn also alone, to see who is slow. Now and then the whole command is run, and its mere start.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench_run import crowd, start
from scripts.bench_run.asking import ANSWERS, COMMAND, Latencies, asking
from scripts.bench_run.figures import percentile
from scripts.bench_run.minutes import MINUTE_S
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.table import Claim, table, told

MOST_MS = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    crowd.add_arguments(parser)
    parser.add_argument("--minutes", type=count, default=1, metavar="N", help="that are measured")


def measure(arguments: argparse.Namespace, folder: Path) -> Asked:
    """Start the system and ask it once it checks; raises ``NotEnough``."""
    with crowd.watched(arguments, folder) as watched:
        start.until_first(watched)
        with asking(watched.system) as latencies:
            time.sleep(arguments.minutes * MINUTE_S)
    return Asked(latencies)


@dataclass(frozen=True)
class Asked:
    """How long the answers took."""

    latencies: Latencies

    @property
    def claims(self) -> list[Claim]:
        lost = self.latencies.lost
        return [
            self._claim(COMMAND),
            self._claim(ANSWERS),
            Claim(f"{lost} answers that did not come", not lost),
        ]

    def _claim(self, name: str) -> Claim:
        found = self.latencies.ms.get(name, [])
        p99 = percentile(found, 99) if found else float("inf")
        return Claim(f"{name}, {len(found):,} times: p99 {p99:.0f} ms", p99 < MOST_MS)

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        waits = {name: _figures(found) for name, found in self.latencies.ms.items()}
        return {"lost": self.latencies.lost, "ms": waits, "claims": told(self.claims)}

    def picture(self) -> str:
        values = [(name, percentile(found, 99), True) for name, found in self.latencies.ms.items()]
        return bars("How long status is waited for, p99", "ms", values, MOST_MS)

    def __str__(self) -> str:
        rows = table(("ms", "times", "p50", "p99", "max"), list(self._rows()))
        return "\n".join([rows, "", *map(str, self.claims)])

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, found in self.latencies.ms.items():
            yield (name, f"{len(found):,}", *(f"{figure:.1f}" for figure in _figures(found).values()))


def _figures(ms: Sequence[float]) -> dict[str, float]:
    return {
        "p50": round(percentile(ms, 50), 2),
        "p99": round(percentile(ms, 99), 2),
        "max": round(max(ms), 2),
    }
