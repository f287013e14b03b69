"""Rounds of the part ``downloads``: all clients download the same file, turn and turn about."""

from __future__ import annotations

import hashlib
import http.client
import os
import shutil
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from scripts.audit import log
from scripts.bench_run.cases import MIB, Case, Site
from scripts.bench_run.clients import Client, Failed, Run
from scripts.bench_run.figures import OURS, CaseFigures
from scripts.nginx import NotEnough

LONGEST_S = 300
# Who has not done what we have done in so much less time is not waited for.
MOST_TIMES = 2.5
# How far from its rate a connection may be.
RATE_TOLERANCE = 0.1


class Rounds:
    """Lets the clients download, us first of all."""

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
            # So that nobody is always the first.
            for client in self._clients[:: -1 if number % 2 else 1]:
                if client.name in figures.failed:
                    continue
                with self._site.serving(case, path) as url:
                    _warm(path)
                    self._turn(client, url, f"{name}-{number + 1}.bin", sum_)
        path.unlink()

    def _turn(self, client: Client, url: str, name: str, sum_: str) -> None:
        """``name`` is one that has not been used."""
        figures = self._figures[-1]
        most_s = LONGEST_S if client.name == OURS else figures.ours_s * MOST_TIMES
        try:
            run = self._one(client, url, name, sum_, most_s)
        except Failed as failed:
            # Another's failure is a figure, too.
            if client.name == OURS:
                raise
            figures.failed[client.name] = str(failed)
            _say(f"{figures.name}: {failed}")
        else:
            figures.runs[client.name].append(run)
            cpu = "stopped" if run.stopped else f"CPU {run.cpu_s:.2f} s"
            _say(f"{figures.name}: {client.name}: {run.seconds:.2f} s, {cpu}")

    def _one(self, client: Client, url: str, name: str, sum_: str, most_s: float) -> Run:
        # What the one before has left to be written is not to be this one's burden.
        os.sync()
        began = time.time()
        try:
            run = client.fetch(url, name, most_s)
            if client.name == OURS:
                self._times.append((len(self._figures) - 1, began, began + run.seconds))
            if not run.stopped and _sum(client.folder / name) != sum_:
                raise Failed(f"{client.name}: the file is not what was served")
        finally:
            # With whatever others keep beside it.
            for left in client.folder.glob(f"{name}*"):
                left.unlink()
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


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
