"""What all references are asked for, and what they answer: one line of JSON."""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_run.site import Pages


@dataclass(frozen=True)
class Asked:
    """So many requests; each to a host of its own, beginning with ``first``, unless there is one host."""

    requests: int
    in_flight: int
    # Requests a second; 0: as fast as can be.
    rate: float
    first: int
    one_host: bool
    keep_alive: bool
    ca_file: str
    pages: Pages

    def url(self, number: int) -> str:
        """Of the request ``number``, from 0."""
        number += self.first
        return self.pages.url_of_one_host(number) if self.one_host else self.pages.url(number)


def asked(about: str | None) -> Asked:
    """From the command line."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--requests", type=int, required=True)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--rate", type=float, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--one-host", action="store_true")
    parser.add_argument("--keep-alive", action="store_true")
    parser.add_argument("--ca-file", default="")
    parser.add_argument("--scheme", default="http")
    parser.add_argument("--port", type=int, required=True)
    given = vars(parser.parse_args())
    pages = Pages(given.pop("scheme"), given.pop("port"), Path())
    return Asked(pages=pages, **given)


def tell(requests: int, make: Callable[[], None]) -> None:
    """Let ``make`` make the requests; tell the CPU of one in microseconds, and how many a second."""
    before, began = _cpu_s(), time.monotonic()
    make()
    cpu_s, seconds = _cpu_s() - before, time.monotonic() - began
    print(json.dumps({"us": cpu_s / requests * 1e6, "per_second": requests / seconds}), flush=True)


def _cpu_s() -> float:
    spent = resource.getrusage(resource.RUSAGE_SELF)
    return spent.ru_utime + spent.ru_stime
