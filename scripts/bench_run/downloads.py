"""The system beside aria2: the same files, in turn, from servers that are fast, slow, unequal and unreliable.

A few hundred targets are checked meanwhile. Times are from asking until the whole file is on the disk under
its name (after aria2 its file is synced, which we do ourselves); each figure is a median.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from scripts.audit import log
from scripts.bench_run.cases import CASES, MIB, Case, Site
from scripts.bench_run.clients import Aria2, Client, Failed, Pagestatus, Run
from scripts.bench_run.figures import OURS, CaseFigures, table
from scripts.bench_run.system import System, running
from scripts.nginx import NotEnough

TARGETS = 300
FETCHERS = 2
SETTINGS = {
    "fetchers": FETCHERS,
    "downloads.threads": 16,
    "downloads.per_host": 16,
    "downloads.allow_private": "true",
}
ARIA2 = (("-x16", "-s16", "-k1M"), ("-x16", "-s16"))
# How far from its rate a connection may be.
RATE_TOLERANCE = 0.1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("cases", nargs="*", metavar="CASE", type=_case, help=", ".join(CASES))
    parser.add_argument("--rounds", type=int, default=3, metavar="N")
    parser.add_argument("--mib", type=int, metavar="N", help="size of the files, for a quick look")
    parser.add_argument("--targets", type=int, default=TARGETS, metavar="N", help="checked meanwhile")


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
        rounds = Rounds(site, _clients(system, folder))
        for name in names:
            rounds.measure(name, CASES[name], arguments.mib or CASES[name].mib, arguments.rounds)
    return Measured(rounds.figures(log.lines(system.data_dir)))


def _clients(system: System, folder: Path) -> list[Client]:
    clients: list[Client] = [Pagestatus(system)]
    if program := shutil.which("aria2c"):
        clients += [Aria2(program, folder / "aria2", options) for options in ARIA2]
    else:
        _say("aria2 is left out; on Debian: apt install aria2")
    return clients


class Measured:
    """The figures of all cases."""

    def __init__(self, cases: Sequence[CaseFigures]) -> None:
        self._cases = cases

    @property
    def held(self) -> bool:
        return all(holds for case in self._cases for _words, holds in case.claims())

    def as_json(self) -> dict[str, Any]:
        return {case.name: case.as_json() for case in self._cases}

    def __str__(self) -> str:
        return table(self._cases)


class Rounds:
    """Lets the clients download in turn."""

    def __init__(self, site: Site, clients: Sequence[Client]) -> None:
        self._site = site
        self._clients = clients
        self._figures: list[CaseFigures] = []
        # When we downloaded: number of the case, seconds since the epoch.
        self._times: list[tuple[int, float, float]] = []

    def measure(self, name: str, case: Case, mib: int, rounds: int) -> None:
        """One case; raises ``NotEnough`` and ``Failed``."""
        path, sum_ = self._site.make(mib)
        figures = CaseFigures(name, case.about, mib, {client.name: [] for client in self._clients})
        self._figures.append(figures)
        if case.manner and case.manner.rate:
            with self._site.serving(case, path) as url:
                _verify_rate(url, case.manner.rate, mib * MIB)
        for number in range(rounds):
            # Turn and turn about, so that nobody is always the first.
            for client in self._clients[:: -1 if number % 2 else 1]:
                with self._site.serving(case, path) as url:
                    _warm(path)
                    run = self._one(client, url, f"{name}-{number + 1}.bin", case.aria2, sum_)
                figures.runs[client.name].append(run)
                _say(f"{name}, round {number + 1}: {client.name}: {run.seconds:.2f} s, CPU {run.cpu_s:.2f} s")
        path.unlink()

    def _one(self, client: Client, url: str, name: str, options: Sequence[str], sum_: str) -> Run:
        # What the one before has left to be written is not to be this one's burden.
        os.sync()
        began = time.time()
        run = client.fetch(url, name, options)
        if client.name == OURS:
            self._times.append((len(self._figures) - 1, began, began + run.seconds))
        path = client.folder / name
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != sum_:
                raise Failed(f"{client.name}: {name}: the file is not what was served")
        path.unlink()
        return run

    def figures(self, lines: Iterator[log.Line]) -> list[CaseFigures]:
        """All cases, with the lag of the checks in ``lines`` that fell due while we downloaded."""
        for line in lines:
            if line.lag_ms is None or line.due is None or not line.final:
                continue
            due = line.due.timestamp()
            for number, began, ended in self._times:
                if began <= due <= ended:
                    self._figures[number].lags_ms.append(line.lag_ms)
        return self._figures


def _warm(path: Path) -> None:
    """Write as much as ``path`` has: the first after a pause pays for memory that a machine gave away."""
    copy = path.with_suffix(".copy")
    shutil.copyfile(path, copy)
    copy.unlink()


def _verify_rate(url: str, rate: int, size: int) -> None:
    """See that one connection gets its rate over several requests, and no more; raises ``NotEnough``."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc)
    length = min(size, 2 * MIB)
    began = time.monotonic()
    for _ in range(3):
        connection.request("GET", parts.path, headers={"Range": f"bytes=0-{length - 1}"})
        connection.getresponse().read()
    connection.close()
    found = 3 * length / (time.monotonic() - began)
    _say(f"one connection gets {found / MIB:.2f} MiB/s of {rate / MIB:g}")
    if abs(found / rate - 1) > RATE_TOLERANCE:
        raise NotEnough(f"one connection gets {found / MIB:.2f} MiB/s where {rate / MIB:g} are meant")


def _say(words: str) -> None:
    print(words, file=sys.stderr, flush=True)
