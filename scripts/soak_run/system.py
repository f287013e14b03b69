"""The system as a user runs it: ``supervisord.conf``, in a checkout of its own that disturbs no other."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pagestatus.addresses import Addresses
from pagestatus.control import ControlError, NoAnswer, ask
from scripts.bench_run.system import ACTORS

SCRIPTS = Path(__file__).parents[1]
CONF = SCRIPTS / "supervisord.conf"
ACTOR, PROPER = "actor", "actor-proper"
# In the place of the script that runs an actor: the same, unless it is an aggregator that is to die.
_MORTAL = """\
#!/bin/sh
set -eu
cd -- "$(dirname -- "$0")/.."
if [ "$1" = aggregator ] && [ -e {orders} ]; then
    PYTHONPATH={root} exec {python} -m scripts.soak_run.dying aggregator {orders}
fi
exec scripts/{proper} "$@"
"""
SUPERVISORD = "supervisord"
# Four processes, one after the other, with 30 s each.
DRAIN_S = 130
FETCHER = "fetcher-"
FETCHERS = 2


class Supervised:
    """Supervisord and what it has started, with the configuration of this process's environment."""

    def __init__(self, root: Path, run_dir: Path, data_dir: Path) -> None:
        """``root`` is made: the checkout; short, for supervisord's socket."""
        self.data_dir = data_dir
        self.addresses = Addresses(run_dir)
        self.var = root / "var"
        # Where an aggregator is to die, as ``dying`` reads it; there is none, mostly.
        self.orders = self.var / "death.json"
        self._conf = root / "scripts" / CONF.name
        self._conf.parent.mkdir(parents=True)
        self.var.mkdir()
        shutil.copy(CONF, self._conf)
        self._write_actor(self._conf.parent)

    def _write_actor(self, scripts: Path) -> None:
        shutil.copy(SCRIPTS / ACTOR, scripts / PROPER)
        words = {"orders": self.orders, "root": SCRIPTS.parent, "python": sys.executable, "proper": PROPER}
        text = _MORTAL.format_map({name: shlex.quote(str(word)) for name, word in words.items()})
        (scripts / ACTOR).write_text(text, encoding="utf-8")
        (scripts / ACTOR).chmod(0o755)

    def start(self) -> None:
        """Start supervisord, which starts the rest."""
        program = Path(sys.executable).with_name(SUPERVISORD)
        with (self.var / f"{SUPERVISORD}.out").open("ab") as output:
            self._process = subprocess.Popen(
                [program, "--nodaemon", "--silent", "-c", self._conf],
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                # Ctrl-C ends the soak, which then drains the system.
                start_new_session=True,
            )

    def kill_supervisord(self) -> None:
        """SIGKILL to supervisord alone."""
        self._process.kill()
        self._process.wait()

    def drain(self) -> list[str]:
        """TERM to supervisord, and to what one that was killed has left behind; what did not drain."""
        self._process.terminate()
        left = []
        try:
            self._process.wait(DRAIN_S)
        except subprocess.TimeoutExpired:
            self.kill_supervisord()
            left.append(SUPERVISORD)
        return left + [name for name in ACTORS if (pid := self.pid(name)) and not _terminated(pid)]

    def kill_all(self) -> None:
        """SIGKILL to whatever is still there."""
        self.kill_supervisord()
        for pid in self.pids().values():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def pid(self, name: str) -> int:
        """The process that has the name's lock, also while it is stopped; 0: there is none."""
        if name == SUPERVISORD:
            return self._process.pid
        try:
            pid = int(self.addresses.lock(name).read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return 0
        # The number may be somebody else's by now.
        wanted = f"--index={name.removeprefix(FETCHER)}" if name.startswith(FETCHER) else name
        return pid if wanted.encode() in command else 0

    def fetchers(self) -> list[str]:
        """The names of the fetchers that live."""
        names = sorted(path.stem for path in self.addresses.run_dir.glob(f"{FETCHER}*.lock"))
        return [name for name in names if self.pid(name)]

    def pids(self) -> dict[str, int]:
        """All that live, by name."""
        found = {name: self.pid(name) for name in (SUPERVISORD, *ACTORS, *self.fetchers())}
        return {name: pid for name, pid in found.items() if pid}

    def ask(self, name: str, command: str) -> dict[str, Any]:
        """What a process answers; empty when it does not."""
        try:
            answer: dict[str, Any] = ask(self.addresses.control(name), command, timeout_s=2)
        except (NoAnswer, ControlError):
            return {}
        return answer

    def ctl(self, *arguments: str) -> str:
        """Run ``pagestatus-ctl``; "" or why it failed."""
        command = [sys.executable, "-m", "pagestatus.ctl", *arguments]
        done = subprocess.run(
            command, cwd=self.var, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        words = f"pagestatus-ctl {' '.join(arguments)} ended with {done.returncode}: {done.stderr.strip()}"
        return words if done.returncode else ""


def _terminated(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    return has_ended(pid, DRAIN_S)


def has_ended(pid: int, within_s: float) -> bool:
    """Wait for the end of a process that may not be our child."""
    deadline = time.monotonic() + within_s
    while lives(pid):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def lives(pid: int) -> bool:
    """Whether there is such a process, and it is no zombie."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"
