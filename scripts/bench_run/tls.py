"""CPU of a check with a new TLS connection each time, certificate verified, beside a bare pycurl loop."""

from __future__ import annotations

import argparse
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.reference import Reference, reference
from scripts.bench_run.site import pages
from scripts.bench_run.steady import Load, steady
from scripts.bench_run.table import Claim, table
from scripts.bench_run.use import Use

MOST_BARE = 1.1
BARE_S = 8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--rate", type=count, default=800, metavar="N", help="checks a second")
    parser.add_argument("--seconds", type=count, default=12, metavar="N")
    parser.add_argument("--fetchers", type=count, default=os.cpu_count() or 1, metavar="N")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Run both in turn; raises ``NotEnough`` and ``Failed``."""
    rate, loops = arguments.rate, arguments.fetchers
    with pages(folder, tls=True) as site:
        certificate = site.folder / "site.pem"
        paced = ["--in-flight", "500", "--rate", str(rate / loops)]
        options = ["--one-host", "--ca-file", str(certificate)]
        bare = reference("bare", site, rate * BARE_S, *options, *paced, loops=loops)
        settings = {"fetchers": loops, "check.per_host": 0, "check.ca_file": certificate}
        with steady(folder / "system", site, Load(rate, one_host=True), settings) as system:
            use = system.measure(arguments.seconds)
    return Measured(use, bare)


@dataclass(frozen=True)
class Measured:
    """Ours, and theirs."""

    use: Use
    bare: Reference

    @property
    def claims(self) -> list[Claim]:
        ratio = self.use.us_a_check / self.bare.us
        return [Claim(f"{ratio:.2f} times a bare pycurl loop, at most {MOST_BARE}", ratio <= MOST_BARE)]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        return {
            "us_a_check": round(self.use.us_a_check, 2),
            "use": asdict(self.use),
            "bare": asdict(self.bare),
            "claims": {claim.words: claim.holds for claim in self.claims},
        }

    def picture(self) -> str:
        values = [("pagestatus", self.use.us_a_check, True), ("bare pycurl loop", self.bare.us, False)]
        return bars("CPU of a check, a new TLS connection each", "µs", values)

    def __str__(self) -> str:
        rows = [
            ("pagestatus", f"{self.use.us_a_check:.0f}", f"{self.use.per_second:,.0f}"),
            ("bare pycurl loop", f"{self.bare.us:.0f}", f"{self.bare.per_second:,.0f}"),
        ]
        return "\n".join([table(("", "us a request", "a second"), rows), "", *map(str, self.claims)])
