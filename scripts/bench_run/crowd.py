"""The system at work on very many targets, each on a host of its own: what several parts look at."""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from pagestatus.config import MOST_FETCHERS
from scripts.bench_run.minutes import MINUTE_S
from scripts.bench_run.moment import measuring
from scripts.bench_run.options import count, part_of_a_minute
from scripts.bench_run.site import Pages, pages
from scripts.bench_run.system import System, running

# For how many seconds of checks there are slots, over all fetchers: as long as one may last, and wait for
# the disk.
SLOTS_S = 0.6
# A minute at full rate is 400 MB of log, and there are ten of them.
LOG = {"log.max_bytes": 256 << 20, "log.keep": 2}


@dataclass(frozen=True)
class Crowd:
    """The system that watches, and what."""

    system: System
    site: Pages
    targets: int
    interval_s: int
    # What their URLs alone come to.
    url_bytes: int
    # When the processes were started, on the monotonic clock.
    began: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--targets", type=count, default=1_000_000, metavar="N", help="in the list")
    parser.add_argument(
        "--interval", type=part_of_a_minute, default=MINUTE_S, metavar="SECONDS", help="of each target"
    )
    fetchers = partial(count, most=MOST_FETCHERS)
    parser.add_argument(
        "--fetchers", type=fetchers, default=os.cpu_count() or 1, metavar="N", help="processes"
    )


@contextmanager
def watched(arguments: argparse.Namespace, folder: Path) -> Iterator[Crowd]:
    """Start it in ``folder``; raises ``NotEnough``."""
    targets, interval_s, fetchers = arguments.targets, arguments.interval, arguments.fetchers
    slots = max(1000, round(targets / interval_s * SLOTS_S / fetchers))
    settings = {"fetchers": fetchers, "slots": slots, **LOG}
    # It shares the cores with what is measured.
    with pages(folder, lean=True) as site:
        urls = [site.url(number) for number in range(targets)]
        listed = [{"url": url, "interval": interval_s} for url in urls]
        # How it starts is measured, too.
        with running(folder, listed, settings) as system, measuring():
            yield Crowd(system, site, targets, interval_s, sum(map(len, urls)), time.monotonic())
