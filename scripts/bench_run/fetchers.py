"""How many checks a second there are with 1, 2 and 4 fetchers, when more fall due than can be made."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.site import pages
from scripts.bench_run.steady import MOST_RATE, Load, steady
from scripts.bench_run.table import table
from scripts.bench_run.use import Use

FETCHERS = (1, 2, 4)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    rate = partial(count, most=MOST_RATE)
    parser.add_argument(
        "--rate", type=rate, default=30_000, metavar="N", help="checks that fall due a second"
    )
    parser.add_argument("--seconds", type=count, default=6, metavar="N", help="that are measured")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """One system after the other; raises ``NotEnough`` and ``Failed``."""
    uses: dict[int, Use] = {}
    with pages(folder, lean=True) as site:
        for fetchers in FETCHERS:
            load = Load(arguments.rate)
            with steady(folder / f"{fetchers}", site, load, {"fetchers": fetchers}) as system:
                uses[fetchers] = system.measure(arguments.seconds)
    return Measured(uses)


@dataclass(frozen=True)
class Measured:
    """By the number of fetchers."""

    uses: Mapping[int, Use]

    @property
    def held(self) -> bool:
        return all(use.checks for use in self.uses.values())

    def as_json(self) -> dict[str, Any]:
        return {
            f"{fetchers}": asdict(use) | {"per_second": round(use.per_second)}
            for fetchers, use in self.uses.items()
        }

    def picture(self) -> str:
        values = [(f"{fetchers}", use.per_second, True) for fetchers, use in self.uses.items()]
        return bars("Checks a second, by the number of fetchers", "checks/s", values)

    def __str__(self) -> str:
        rows = [
            (
                f"{fetchers}",
                f"{use.per_second:,.0f}",
                f"{use.missed / use.seconds:,.0f}",
                f"{use.us_a_check:.1f}",
                f"{use.ours_s / use.seconds:.2f}",
            )
            for fetchers, use in self.uses.items()
        ]
        return table(("fetchers", "checks a second", "missed a second", "us a check", "cores"), rows)
