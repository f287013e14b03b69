"""CPU of a check with a new TLS connection each time, certificate verified, beside a bare pycurl loop."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pagestatus.config import MOST_FETCHERS
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.reference import Round, reference
from scripts.bench_run.site import pages
from scripts.bench_run.steady import MOST_RATE, Load, steady
from scripts.bench_run.table import Claim, table, told

MOST_BARE = 1.1
BARE = "bare pycurl loop"
BARE_S = 4


def add_arguments(parser: argparse.ArgumentParser) -> None:
    rate = partial(count, most=MOST_RATE)
    parser.add_argument("--rate", type=rate, default=1600, metavar="N", help="checks a second")
    parser.add_argument("--seconds", type=count, default=4, metavar="N", help="of each round")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="how often")
    fetchers = partial(count, most=MOST_FETCHERS)
    parser.add_argument(
        "--fetchers", type=fetchers, default=os.cpu_count() or 1, metavar="N", help="processes"
    )


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Turn and turn about, as the machine is not always as fast; raises ``NotEnough`` and ``Failed``."""
    rate, loops = arguments.rate, arguments.fetchers
    rounds: list[Round] = []
    with pages(folder, tls=True) as site:
        certificate = site.folder / "site.pem"
        paced = ["--in-flight", "500", "--rate", str(rate / loops)]
        options = ["--one-host", "--ca-file", str(certificate)]
        settings = {"fetchers": loops, "check.per_host": 0, "check.ca_file": certificate}
        with steady(folder / "system", site, Load(rate, one_host=True), settings) as system:
            for _ in range(arguments.rounds):
                bare = reference("bare", site, rate * BARE_S, *options, *paced, loops=loops)
                rounds.append(Round(system.measure(arguments.seconds), {BARE: bare}))
    return Measured(rounds)


@dataclass(frozen=True)
class Measured:
    """Medians of the rounds."""

    rounds: Sequence[Round]

    @property
    def claims(self) -> list[Claim]:
        ratio = median(round_.ratio(BARE) for round_ in self.rounds)
        return [Claim(f"{ratio:.2f} times a bare pycurl loop, at most {MOST_BARE}", ratio <= MOST_BARE)]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    @property
    def _ours_us(self) -> float:
        return median(round_.use.us_a_check for round_ in self.rounds)

    @property
    def _bare_us(self) -> float:
        return median(round_.references[BARE].us for round_ in self.rounds)

    def as_json(self) -> dict[str, Any]:
        return {
            "us": {"pagestatus": round(self._ours_us, 2), BARE: round(self._bare_us, 2)},
            "rounds": [asdict(round_) for round_ in self.rounds],
            "claims": told(self.claims),
        }

    def picture(self) -> str:
        values = [("pagestatus", self._ours_us, True), (BARE, self._bare_us, False)]
        return bars("CPU of a check, a new TLS connection each", "µs", values)

    def __str__(self) -> str:
        ours = median(round_.use.per_second for round_ in self.rounds)
        bare = median(round_.references[BARE].per_second for round_ in self.rounds)
        rows = [
            ("pagestatus", f"{self._ours_us:.0f}", f"{ours:,.0f}"),
            (BARE, f"{self._bare_us:.0f}", f"{bare:,.0f}"),
        ]
        return "\n".join([table(("", "us a request", "a second"), rows), "", *map(str, self.claims)])
