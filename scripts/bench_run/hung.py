"""Ten thousand targets, each every ten seconds, of which some hang until the time-out: the lag of the others.

There are slots for a tenth of what those need that hang, when they are most. Which ones hang is learned from
one time-out of each, once, with fetchers enough for that; then all but one fetcher are taken away.
"""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.audit import log
from scripts.bench_run.due import HEAD, Due, Window, due
from scripts.bench_run.hanging import hanging
from scripts.bench_run.moment import measuring
from scripts.bench_run.options import count
from scripts.bench_run.picture import bars
from scripts.bench_run.site import pages
from scripts.bench_run.steered import Steered
from scripts.bench_run.system import Target, running
from scripts.bench_run.table import Claim, table, times, told

INTERVAL_S = 10
TIMEOUT_S = 10
# Of a hundred targets, in the order in which they hang: after the most, all that hang are known.
SHARES = (0, 30, 10, 1)
MOST = max(SHARES)
TENTH = 10
MOST_TIMES = 2
# Until a change has come to rest; until a healthy slot is settled.
REST_S = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--targets", type=count, default=10_000, metavar="N", help="in the list")


def measure(arguments: argparse.Namespace, folder: Path) -> Measured:
    """Watch one list after the other; raises ``NotEnough``."""
    targets = arguments.targets
    slots = max(1, targets * MOST * TIMEOUT_S // INTERVAL_S // 100 // TENTH)
    settings = {"fetchers": 1, "slots": slots, "check.timeout": TIMEOUT_S}
    windows: dict[int, Window] = {}
    with pages(folder) as site, hanging() as port:
        urls = [site.url(number) for number in range(targets)]
        with running(folder, _listed(urls, port, SHARES[0]), settings) as system, measuring():
            steered = Steered(system)
            steered.until_all_checked()
            for share in SHARES:
                if windows:
                    steered.watch(_listed(urls, port, share))
                if share == MOST:
                    # One more than hang at a time: for the others.
                    steered.scale(TENTH + 1)
                    steered.until_all_checked()
                    steered.scale(1)
                time.sleep(REST_S)
                began = time.time()
                time.sleep(INTERVAL_S)
                windows[share] = Window(began, time.time())
            time.sleep(REST_S)
            # Once more at the end of this block, which stops them: those that hang are not waited for.
            for pid in system.pids:
                os.kill(pid, signal.SIGTERM)
    return Measured(
        slots, due(log.lines(folder / "data"), windows, lambda url: not url.endswith(f":{port}/"))
    )


def _listed(urls: Iterable[str], port: int, share: int) -> list[Target]:
    """Of each hundred the first ones hang: on the same hosts, at another port."""
    return [
        {
            "url": f"http://{urlsplit(url).hostname}:{port}/" if number % 100 < share else url,
            "interval": INTERVAL_S,
        }
        for number, url in enumerate(urls)
    ]


@dataclass(frozen=True)
class Measured:
    """The lag of the healthy, by how many of a hundred hang."""

    slots: int
    healthy: Mapping[int, Due]

    @property
    def claims(self) -> list[Claim]:
        none, most = (self.healthy[share].lag_ms(99) for share in (min(SHARES), MOST))
        missed = sum(found.missed for found in self.healthy.values())
        failed = sum(found.failed for found in self.healthy.values())
        checked = all(found.checked for found in self.healthy.values())
        return [
            Claim(
                f"p99 lag at {MOST} %: {times(most, none):.2f} times that at 0 %",
                checked and most <= MOST_TIMES * none,
            ),
            Claim(f"{missed:,} slots of healthy targets missed", checked and not missed),
            Claim(f"{failed:,} checks of healthy targets failed", checked and not failed),
        ]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        return {
            "slots": self.slots,
            "hang": {share: self.healthy[share].as_json() for share in sorted(SHARES)},
            "claims": told(self.claims),
        }

    def picture(self) -> str:
        values = [(f"{share} % hang", self.healthy[share].lag_ms(99), True) for share in sorted(SHARES)]
        return bars("Lag of healthy targets, p99", "ms", values, MOST_TIMES * values[0][1])

    def __str__(self) -> str:
        rows = [(f"{share} %", *self.healthy[share].cells()) for share in sorted(SHARES)]
        return "\n".join([table(("hang", *HEAD), rows), "", *map(str, self.claims)])
