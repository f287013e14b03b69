"""The system beside aria2, axel, curl and wget2: the same files, from servers good and bad.

These are fast, slow, unequal and unreliable, and a few hundred targets are checked meanwhile. Times are from
asking until the whole file is on the disk under its name (the others' files are synced afterwards, which we
do ourselves); each figure is a median. Who takes more than 2.5 times as long as we do is stopped. Where a
limit says how long it takes one round is enough.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from scripts.audit import log
from scripts.bench_run.cases import CASES, Site
from scripts.bench_run.clients import Pagestatus
from scripts.bench_run.figures import CaseFigures
from scripts.bench_run.moment import measuring
from scripts.bench_run.options import count
from scripts.bench_run.picture import groups
from scripts.bench_run.programs import programs
from scripts.bench_run.rounds import Rounds
from scripts.bench_run.system import running
from scripts.bench_run.table import Claim, told

TARGETS = 300
FETCHERS = 2
SETTINGS = {
    "fetchers": FETCHERS,
    "downloads.threads": 16,
    "downloads.per_host": 16,
    "downloads.allow_private": "true",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", nargs="*", metavar="CASE", type=_case, help=", ".join(CASES))
    parser.add_argument("--rounds", type=count, metavar="N", help="the same number in all cases")
    parser.add_argument("--mib", type=count, metavar="N", help="size of the files, for a quick look")
    parser.add_argument("--targets", type=count, default=TARGETS, metavar="N", help="checked meanwhile")


def _case(name: str) -> str:
    if name not in CASES:
        raise argparse.ArgumentTypeError(f"unknown case {name!r}, expected one of {', '.join(CASES)}")
    return name


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Run the cases that were asked for, in ``folder``, which is empty; raises ``NotEnough``, ``Failed``."""
    names = arguments.cases or list(CASES)
    site = Site(folder)
    with ExitStack() as stack:
        stack.enter_context(site.nginx(folder))
        targets = [
            {"url": url, "interval": 1 + number % 2}
            for number, url in enumerate(site.pages(arguments.targets))
        ]
        system = stack.enter_context(running(folder, targets, SETTINGS))
        system.until_running(FETCHERS, arguments.targets)
        rounds = Rounds(site, [Pagestatus(system), *programs(folder)])
        stack.enter_context(measuring())
        for name in names:
            case = CASES[name]
            rounds.measure(name, case, arguments.mib or case.mib, arguments.rounds or case.rounds)
    return Measured(rounds.figures(log.lines(system.data_dir)))


class Measured:
    """The figures of all cases."""

    def __init__(self, cases: Sequence[CaseFigures]) -> None:
        self._cases = cases

    @property
    def claims(self) -> list[Claim]:
        return [claim for case in self._cases for claim in case.claims()]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        cases = {case.name: case.as_json() for case in self._cases}
        return {**cases, "claims": told(self.claims)}

    def picture(self) -> str:
        return groups(
            "Until the file is on the disk",
            "s",
            [(f"{case.mib} MiB, {case.about}", case.bars()) for case in self._cases],
        )

    def __str__(self) -> str:
        return "\n".join([*(f"{case}\n" for case in self._cases), *map(str, self.claims)])
