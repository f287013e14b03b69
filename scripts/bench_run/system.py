"""The system that is measured: its processes, with folders and a websocket of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pagestatus.addresses import Addresses
from pagestatus.control import NoAnswer, ask
from scripts.bench_run.processes import descendants
from scripts.nginx import NotEnough, free_port

# In the order in which they are to drain.
ACTORS = ("wsbridge", "scheduler", "fetchers", "aggregator")
START_S = 30
DRAIN_S = 40
# Until it is given up to wait for an answer.
ANSWER_S = 10

Target = Mapping[str, object]


@dataclass(frozen=True)
class System:
    """A system that runs."""

    data_dir: Path
    addresses: Addresses
    websocket: str
    pids: tuple[int, ...]

    @property
    def downloads(self) -> Path:
        return self.data_dir / "downloads"

    def status(self, name: str) -> dict[str, Any]:
        """What a process says of itself; empty when it does not answer."""
        try:
            answer: dict[str, Any] = ask(self.addresses.control(name), "status")
        except NoAnswer:
            return {}
        return answer

    def told(self, name: str) -> dict[str, Any]:
        """The same from one that must answer; raises ``NotEnough``."""
        deadline = time.monotonic() + ANSWER_S
        while not (answer := self.status(name)):
            if time.monotonic() > deadline:
                raise NotEnough(f"{name} does not say how it is; {self.data_dir.parent} has the logs")
            time.sleep(0.1)
        return answer

    def until_running(self, fetchers: int, checked: int) -> None:
        """Wait until all processes answer and so many slots are checked; raises ``NotEnough``."""
        deadline = time.monotonic() + START_S
        while not self._is_running(fetchers, checked):
            if time.monotonic() > deadline:
                raise NotEnough(f"the system does not start; {self.data_dir.parent} has its logs")
            time.sleep(0.1)

    def _is_running(self, fetchers: int, checked: int) -> bool:
        found = {name: self.status(name) for name in ACTORS}
        return (
            all(found.values())
            and sum(fetcher["state"] == "running" for fetcher in found["fetchers"]["fetchers"]) == fetchers
            and found["scheduler"]["schedule"]["checked_total"] >= checked
        )


@contextmanager
def running(folder: Path, targets: Sequence[Target], settings: Mapping[str, object]) -> Iterator[System]:
    """Start it with ``settings`` (configuration keys), and drain it at the end; raises ``NotEnough``."""
    urls = folder / "urls.json"
    urls.write_text(json.dumps(targets), encoding="utf-8")
    port = free_port()
    # A socket's path may have 107 bytes, and the folder may be deep.
    with TemporaryDirectory(prefix="pagestatus-bench-") as run_dir:
        places = {"run_dir": run_dir, "data_dir": folder / "data", "urls": urls, "websocket.port": port}
        environment = _environment({**places, **settings})
        processes: list[subprocess.Popen[bytes]] = []
        try:
            for name in ACTORS:
                # One by one, so that those that run are ended when this one does not start.
                processes.append(_start(name, folder, environment))  # noqa: PERF401
            yield System(
                folder / "data",
                Addresses(Path(run_dir)),
                f"ws://127.0.0.1:{port}/",
                tuple(process.pid for process in processes),
            )
        finally:
            _end(processes)


def _environment(settings: Mapping[str, object]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGESTATUS_")}
    given = {f"PAGESTATUS_{key.upper().replace('.', '_')}": str(value) for key, value in settings.items()}
    return inherited | given


def _start(name: str, folder: Path, environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.out").open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", name, "--log-file"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            # Ctrl-C ends the measuring, which then drains the system.
            start_new_session=True,
        )


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """Drain one after the other; when that is interrupted, by a second Ctrl-C, none is left either."""
    try:
        for process in processes:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(DRAIN_S)
    finally:
        for process in processes:
            _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """If it still lives, and the fetchers that it has started."""
    if process.poll() is None:
        for pid in (process.pid, *descendants(process.pid)):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()
