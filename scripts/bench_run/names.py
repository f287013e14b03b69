"""What host names cost: distinct ones from a local dnsmasq, of which a tenth are never answered for.

Three systems at once: the healthy targets by their addresses; by their names, each of which is asked for at
every check; and with others beside them, for whose names nobody answers. All CPU counts for the healthy.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.bench_run.beside import HEAD, Run, Watched, beside
from scripts.bench_run.name_server import KNOWN, SILENT, name_server
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.site import pages
from scripts.bench_run.table import Claim, table, told

INTERVAL_S = 10
# Of the targets one in so many.
SILENT_EVERY = 10
MOST_MORE_US = 40
# Until each of the silent ones has been tried, in vain.
WARM_S = 14
ADDRESSES, NAMES, SOME_SILENT = "addresses", "names", "names, a tenth silent"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    # With more, dnsmasq is what is measured: at each question it looks through all that are open.
    parser.add_argument("--targets", type=count, default=6_000, metavar="N", help="in the list")
    parser.add_argument("--seconds", type=count, default=20, metavar="N", help="that are measured")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Run all systems at once; raises ``NotEnough``."""
    silent = arguments.targets // SILENT_EVERY
    with pages(folder) as site:
        urls = [site.url(number) for number in range(arguments.targets - silent)]
        hosts = {f"n{number}.{KNOWN}": urlsplit(url).hostname or "" for number, url in enumerate(urls)}
        named = [url.replace(address, name) for url, (name, address) in zip(urls, hosts.items(), strict=True)]
        unanswered = [f"http://n{number}.{SILENT}/" for number in range(silent)]
        lists = {ADDRESSES: urls, NAMES: named, SOME_SILENT: named + unanswered}
        with name_server(folder, hosts) as server:
            runs = beside(
                folder,
                site,
                watched=[Watched(list_, INTERVAL_S) for list_ in lists.values()],
                settings={"fetchers": 1, "check.name_servers": server},
                warm_s=WARM_S,
                seconds=arguments.seconds,
                wanted=lambda url: SILENT not in url,
            )
    return Measured(dict(zip(lists, runs, strict=True)))


@dataclass(frozen=True)
class Measured:
    """By kind of list."""

    runs: Mapping[str, Run]

    @property
    def claims(self) -> list[Claim]:
        more_us = self.runs[SOME_SILENT].us_a_check - self.runs[ADDRESSES].us_a_check
        failed = sum(run.due.failed + run.due.missed for run in self.runs.values())
        checked = all(run.due.checked for run in self.runs.values())
        return [
            Claim(f"{more_us:.1f} us a check more than with addresses", checked and more_us <= MOST_MORE_US),
            Claim(f"{failed:,} checks of healthy targets failed or missed", checked and not failed),
        ]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        runs = {name: run.as_json() for name, run in self.runs.items()}
        return {**runs, "claims": told(self.claims)}

    def picture(self) -> str:
        values = [(name, run.us_a_check, True) for name, run in self.runs.items()]
        most_us = self.runs[ADDRESSES].us_a_check + MOST_MORE_US
        return bars("CPU of a check of a healthy target", "µs", values, most_us)

    def __str__(self) -> str:
        rows = [(name, *run.cells()) for name, run in self.runs.items()]
        return "\n".join([table(("hosts", *HEAD), rows), "", *map(str, self.claims)])
