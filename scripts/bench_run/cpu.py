"""CPU of a check, of all processes together, beside a bare pycurl loop, aiohttp and blackbox_exporter.

The log is on, and synced. Each check has a new connection to a host of its own; with --keep-alive all go to
one host, over connections that are kept. The bare loop is measured twice: making the same requests at the
same rate, in as many processes as there are fetchers; and alone, as fast as can be, when nobody ever sleeps.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from pagestatus.config import MOST_FETCHERS
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.reference import Reference, Round, reference
from scripts.bench_run.references.blackbox import PROGRAM
from scripts.bench_run.site import Pages, pages
from scripts.bench_run.steady import MOST_RATE, Load, steady
from scripts.bench_run.table import Claim, table, told

MOST_BARE = {False: 1.25, True: 2.0}
MOST_AIOHTTP = 1 / 5
MOST_BLACKBOX = 1 / 6
BARE = "bare pycurl loop"
FLAT_OUT = "bare pycurl loop, as fast as can be"
AIOHTTP = "aiohttp"
BLACKBOX = "blackbox_exporter"
OURS = "pagestatus"
BARE_S = 5
# Requests of the references that are made as fast as can be: some seconds of each.
REQUESTS = {FLAT_OUT: 50_000, AIOHTTP: 8_000, BLACKBOX: 6_000}
PROBES_IN_FLIGHT = 16


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--keep-alive", action="store_true", help="one host, connections are kept")
    rate = partial(count, most=MOST_RATE)
    parser.add_argument("--rate", type=rate, default=14_000, metavar="N", help="checks a second")
    parser.add_argument("--seconds", type=count, default=6, metavar="N", help="of each round")
    parser.add_argument("--rounds", type=count, default=3, metavar="N", help="how often")
    fetchers = partial(count, most=MOST_FETCHERS)
    parser.add_argument(
        "--fetchers", type=fetchers, default=os.cpu_count() or 1, metavar="N", help="processes"
    )


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Turn and turn about, as the machine is not always as fast; raises ``NotEnough`` and ``Failed``."""
    keep_alive = arguments.keep_alive
    settings = {
        "fetchers": arguments.fetchers,
        "check.keep_alive": str(keep_alive).lower(),
        # All go to one host.
        "check.per_host": 0 if keep_alive else 32,
    }
    load = Load(arguments.rate, one_host=keep_alive)
    rounds: list[Round] = []
    with pages(folder) as site, steady(folder / "system", site, load, settings) as system:
        for _ in range(arguments.rounds):
            references = {BARE: _bare(arguments, site)}
            use = system.measure(arguments.seconds)
            rounds.append(Round(use, references | dict(_others(arguments, site))))
    return Measured(keep_alive, rounds)


def _options(arguments: argparse.Namespace) -> list[str]:
    return ["--one-host", "--keep-alive"] if arguments.keep_alive else []


def _bare(arguments: argparse.Namespace, site: Pages) -> Reference:
    rate, loops = arguments.rate, arguments.fetchers
    paced = ["--in-flight", "1000", "--rate", str(rate / loops)]
    return reference("bare", site, rate * BARE_S, *_options(arguments), *paced, loops=loops)


def _others(arguments: argparse.Namespace, site: Pages) -> Iterator[tuple[str, Reference]]:
    options = _options(arguments)
    yield FLAT_OUT, reference("bare", site, REQUESTS[FLAT_OUT], *options)
    if importlib.util.find_spec(AIOHTTP) is None:
        print(f"{AIOHTTP} is left out; pip install {AIOHTTP}", file=sys.stderr)
    else:
        yield AIOHTTP, reference("aio", site, REQUESTS[AIOHTTP], *options)
    if arguments.keep_alive:
        return
    if shutil.which(PROGRAM) is None:
        print(f"{BLACKBOX} is left out; on Debian: apt install {PROGRAM}", file=sys.stderr)
        return
    in_flight = ["--in-flight", str(PROBES_IN_FLIGHT)]
    yield BLACKBOX, reference("blackbox", site, REQUESTS[BLACKBOX], *in_flight)


@dataclass(frozen=True)
class Measured:
    """Medians of the rounds."""

    keep_alive: bool
    rounds: Sequence[Round]

    @property
    def claims(self) -> list[Claim]:
        most = {BARE: MOST_BARE[self.keep_alive]}
        if not self.keep_alive:
            most |= {AIOHTTP: MOST_AIOHTTP, BLACKBOX: MOST_BLACKBOX}
        ratios = {name: self._ratio(name) for name in most if name in self._names}
        return [
            Claim(f"{ratio:.3f} times {name}, at most {most[name]:.3f}", ratio <= most[name])
            for name, ratio in ratios.items()
        ]

    @property
    def _names(self) -> list[str]:
        return list(self.rounds[0].references)

    def _ratio(self, name: str) -> float:
        return median(round_.ratio(name) for round_ in self.rounds)

    def _us(self, name: str) -> float:
        if name == OURS:
            return median(round_.use.us_a_check for round_ in self.rounds)
        return median(round_.references[name].us for round_ in self.rounds)

    def _per_second(self, name: str) -> float:
        if name == OURS:
            return median(round_.use.per_second for round_ in self.rounds)
        return median(round_.references[name].per_second for round_ in self.rounds)

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        return {
            "us": {name: round(self._us(name), 2) for name in (OURS, *self._names)},
            "ratio": {name: round(self._ratio(name), 3) for name in self._names},
            "rounds": [asdict(round_) for round_ in self.rounds],
            "claims": told(self.claims),
        }

    def picture(self) -> str:
        title = "CPU of a check" + (", connections kept" if self.keep_alive else ", a new connection each")
        return bars(title, "µs", [(name, self._us(name), name == OURS) for name in (OURS, *self._names)])

    def __str__(self) -> str:
        rows = [
            (name, f"{self._us(name):.1f}", f"{self._per_second(name):,.0f}", self._shown(name))
            for name in (OURS, *self._names)
        ]
        middle = sorted(self.rounds, key=lambda round_: round_.use.us_a_check)[len(self.rounds) // 2].use
        return "\n".join(
            [
                table(("", "us a request", "a second", "ours / theirs"), rows),
                "",
                table(("", "us a check", "cores"), list(middle.rows())),
                "",
                *map(str, self.claims),
            ]
        )

    def _shown(self, name: str) -> str:
        return "" if name == OURS else f"{self._ratio(name):.2f}"
