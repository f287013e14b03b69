"""Asks a running system how it is, as ``pagestatus-ctl status`` does, and notes how long that takes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import cycle

from pagestatus.control import ask_all
from scripts.bench_run.clients import Failed
from scripts.bench_run.system import ACTORS, System

ASK_S = 0.3
# The command is run after so many rounds: it takes CPU from who is asked.
ROUNDS_A_COMMAND = 30
# What the command asks for.
STATUS = [*((name, "status") for name in ACTORS), ("aggregator", "log_path")]
# The answers alone: without the start of Python, and without the picture that is made of them.
ANSWERS = "the answers of all processes"
COMMAND = "pagestatus-ctl status"
COMMANDS: dict[str, Sequence[str]] = {
    COMMAND: ["status"],
    "pagestatus-ctl status --help": ["status", "--help"],
}
# Exit codes that come with a picture: running, degraded.
SHOWN = {0, 3}


class Latencies:
    """Milliseconds, by what was waited for, and how often in vain."""

    def __init__(self) -> None:
        self.ms: dict[str, list[float]] = {}
        self.lost = 0

    def note(self, name: str, get: Callable[[], bool]) -> None:
        """See how long ``get`` takes, which says whether it got everything."""
        began = time.monotonic()
        self.lost += not get()
        self.ms.setdefault(name, []).append((time.monotonic() - began) * 1000)


@contextmanager
def asking(system: System) -> Iterator[Latencies]:
    """Ask from a thread of this process, for as long as this lasts; raises ``Failed`` if it could not."""
    latencies, ended = Latencies(), threading.Event()
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(_ask, system, latencies, ended)
        try:
            yield latencies
        finally:
            ended.set()
    try:
        asked.result()
    except OSError as mistake:
        raise Failed(f"status could not be asked for: {mistake}") from mistake


def _ask(system: System, latencies: Latencies, ended: threading.Event) -> None:
    commands = cycle(COMMANDS)
    for number, name in enumerate(cycle(ACTORS), 1):
        latencies.note(ANSWERS, partial(_answered, system, STATUS))
        latencies.note(name, partial(_answered, system, [(name, "status")]))
        if number % ROUNDS_A_COMMAND == 0:
            command = next(commands)
            latencies.note(command, partial(_shown, system, COMMANDS[command]))
        if ended.wait(ASK_S):
            return


def _answered(system: System, questions: Sequence[tuple[str, str]]) -> bool:
    """Ask processes for what is named, all at once; whether all have answered."""
    answers = ask_all(
        {f"{name} {command}": (system.addresses.control(name), command, {}) for name, command in questions}
    )
    return not any(isinstance(answer, Exception) for answer in answers.values())


def _shown(system: System, command: Sequence[str]) -> bool:
    """Run ``pagestatus-ctl``; whether it had something to show."""
    places = ["--run-dir", str(system.addresses.run_dir), "--data-dir", str(system.data_dir)]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PAGESTATUS_")}
    ended = subprocess.run(
        [sys.executable, "-m", "pagestatus.ctl", *places, *command],
        cwd=system.data_dir,
        env=inherited,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        check=False,
    )
    return ended.returncode in SHOWN
