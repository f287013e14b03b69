"""CPU of a check, and the lag, with more and more targets and always the same rate of checks.

A thousand targets have a slot each second, a million each thousand seconds. Each is watched by a
system of its own, all at once. Two have the fewest targets, to show how much of a difference is noise.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scripts.bench_run.beside import HEAD, Run, Watched, beside
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.site import MOST_HOSTS, pages
from scripts.bench_run.table import Claim, table, times, told

RATE = 1000
# What is claimed is of the last beside the first.
INTERVALS_S = (1, 1, 10, 100, 1000)
SETTINGS = {"fetchers": 1}
MOST_TIMES = 1.15
WARM_S = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    rate = partial(count, most=MOST_HOSTS // max(INTERVALS_S))
    parser.add_argument("--rate", type=rate, default=RATE, metavar="N", help="checks a second, of each")
    parser.add_argument("--seconds", type=count, default=30, metavar="N", help="that are measured")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Run all systems at once; raises ``NotEnough``."""
    with pages(folder) as site:
        urls = [site.url(number) for number in range(arguments.rate * max(INTERVALS_S))]
        watched = [Watched(urls[: arguments.rate * interval_s], interval_s) for interval_s in INTERVALS_S]
        runs = beside(
            folder, site, watched=watched, settings=SETTINGS, warm_s=WARM_S, seconds=arguments.seconds
        )
    return Measured([(len(one.urls), run) for one, run in zip(watched, runs, strict=True)])


@dataclass(frozen=True)
class Measured:
    """From few targets to many."""

    # How many targets, and what came of them.
    steps: Sequence[tuple[int, Run]]

    @property
    def claims(self) -> list[Claim]:
        (few, first), (many, last) = self.steps[0], self.steps[-1]
        cpu = times(last.us_a_check, first.us_a_check)
        few_ms, many_ms = first.due.lag_ms(50), last.due.lag_ms(50)
        # At one and the same rate nothing is a reason to miss or to fail.
        failed = sum(run.due.failed + run.due.missed for _targets, run in self.steps)
        checked = all(run.due.checked for _targets, run in self.steps)
        less, more = f"with {few:,}", f"with {many:,} targets"
        return [
            Claim(f"CPU of a check {more}: {cpu:.2f} times that {less}", cpu <= MOST_TIMES),
            Claim(
                f"p50 lag {more}: {times(many_ms, few_ms):.2f} times that {less}",
                checked and many_ms <= MOST_TIMES * few_ms,
            ),
            Claim(f"{failed:,} checks failed or missed", checked and not failed),
        ]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        steps = [{"targets": targets} | run.as_json() for targets, run in self.steps]
        return {"steps": steps, "claims": told(self.claims)}

    def picture(self) -> str:
        values = [(f"{targets:,} targets", run.us_a_check, True) for targets, run in self.steps]
        return bars("CPU of a check, at the same rate of checks", "µs", values, MOST_TIMES * values[0][1])

    def __str__(self) -> str:
        rows = [(f"{targets:,}", *run.cells()) for targets, run in self.steps]
        return "\n".join([table(("targets", *HEAD), rows), "", *map(str, self.claims)])
