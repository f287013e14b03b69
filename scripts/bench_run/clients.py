"""Who downloads, and the system that is measured as one of them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from websockets.sync.client import ClientConnection, connect

from scripts.bench_run.processes import cpu_s
from scripts.bench_run.system import System

# How often is looked whether the file has its name.
LOOK_S = 0.002
IDLE_S = 5


class Failed(Exception):
    """A download did not succeed; the message says whose and why."""


@dataclass(frozen=True)
class Run:
    """One download. Times are seconds from asking for it."""

    # Until the whole file is on the disk, under its name.
    seconds: float
    # Until the client said that it is done; most say so before the file is on the disk.
    told_s: float
    # User and system time.
    cpu_s: float
    # How much of it the checks alone would have taken.
    checks_cpu_s: float = 0
    # It was not done after ``seconds``, and was not waited for.
    stopped: bool = False

    @property
    def own_cpu_s(self) -> float:
        return self.cpu_s - self.checks_cpu_s


class Client(Protocol):
    """Somebody who downloads."""

    name: str
    # Where its files go.
    folder: Path

    def fetch(self, url: str, name: str, most_s: float) -> Run:
        """Download ``url`` as ``name``, or stop after ``most_s``; raises ``Failed``."""


class Pagestatus:
    """Asks a running system over its websocket."""

    name = "pagestatus"

    def __init__(self, system: System) -> None:
        """Looks for some seconds what the checks alone take."""
        self.folder = system.downloads
        self._system = system
        before_s = cpu_s(system.pids)
        time.sleep(IDLE_S)
        # Seconds of CPU for each second.
        self.checks_cpu = (cpu_s(system.pids) - before_s) / IDLE_S

    def fetch(self, url: str, name: str, most_s: float) -> Run:
        path = self.folder / name
        with connect(self._system.websocket, proxy=None, max_size=None) as websocket:
            cpu_before_s = cpu_s(self._system.pids)
            began = time.monotonic()
            websocket.send(json.dumps({"url": url, "filename": name}))
            told = _Told()
            # The list comes once in a while; that the file has its name can be seen at once.
            while not path.exists():
                told.look(websocket, LOOK_S)
                _in_time(began, most_s)
            seconds = time.monotonic() - began
            used_s = cpu_s(self._system.pids) - cpu_before_s
            while told.status != "Downloaded":
                told.look(websocket, 1)
                _in_time(began, most_s)
            told_s = time.monotonic() - began
        return Run(seconds, told_s, used_s, self.checks_cpu * seconds)


@dataclass
class _Told:
    """What the bridge has told of the download that was asked for."""

    id: str = ""
    entry: dict[str, Any] = field(default_factory=dict)

    @property
    def status(self) -> str:
        return str(self.entry.get("process_status", ""))

    def look(self, websocket: ClientConnection, within_s: float) -> None:
        """Take the next message, if one comes in time; raises ``Failed``."""
        with suppress(TimeoutError):
            message = json.loads(websocket.recv(within_s))
            if "error" in message:
                raise Failed(f"pagestatus: {message['error']}")
            data = message["data"]
            if isinstance(data, dict):
                self.id = data["id"]
            elif found := [entry for entry in data if entry["id"] == self.id]:
                self.entry = found[0]
        if self.status in {"Failed", "Cancelled", "Paused"}:
            raise Failed(f"pagestatus: {self.status}: {self.entry['error']}")


def _in_time(began: float, most_s: float) -> None:
    if time.monotonic() - began > most_s:
        raise Failed(f"pagestatus: not done after {most_s:.0f} s")
