"""The system as supervisord.conf runs it, in a checkout of its own."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from leftovers import end_all
from system import SLOWNESS, System, eventually

SCRIPTS = Path(__file__).parents[1] / "scripts"
WATCHDOG = '"%(here)s/actor" pagestatus.watchdog'


class Supervised:
    """Supervisord, and what it has started."""

    def __init__(self, system: System, silent_s: float | None = None) -> None:
        """``silent_s``: what the watchdog lets pass; by default what is configured."""
        self.system = system
        # Short, for supervisord's socket, and with a space, as a home folder may have.
        self.root = Path(tempfile.mkdtemp(prefix="page status-"))
        (self.root / "scripts").mkdir()
        (self.root / "var").mkdir()
        for name in ("actor", "supervisord.conf"):
            shutil.copy(SCRIPTS / name, self.root / "scripts")
        if silent_s is not None:
            self._make_impatient(round(silent_s * SLOWNESS))
        self.process = self.start()

    def _make_impatient(self, silent_s: int) -> None:
        conf = self.root / "scripts" / "supervisord.conf"
        text = conf.read_text(encoding="utf-8")
        assert WATCHDOG in text
        impatient = f"{shlex.quote(sys.executable)} -m pagestatus.watchdog --log-file --silent={silent_s}"
        conf.write_text(text.replace(WATCHDOG, impatient), encoding="utf-8")

    def start(self) -> subprocess.Popen[bytes]:
        """Start a supervisord."""
        return self._popen("--nodaemon", "--silent")

    def _popen(self, *options: str, umask: int = -1) -> subprocess.Popen[bytes]:
        bare = {**self.system.environment, "PATH": "/usr/bin:/bin"}
        bare.pop("VIRTUAL_ENV", None)
        conf = self.root / "scripts" / "supervisord.conf"
        return subprocess.Popen(
            [Path(sys.executable).with_name("supervisord"), *options, "-c", conf],
            cwd="/",
            env=bare,
            umask=umask,
            stdin=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def pid(self, name: str) -> int:
        """The process id of an actor; 0 when it does not answer."""
        answer = self.system.ask(name, "status")
        return int(answer["pid"]) if answer else 0

    def back(self, name: str, killed: int) -> bool:
        """Whether an actor answers that is not the one that was killed."""
        return self.pid(name) not in {0, killed}

    def running(self) -> bool:
        return self.system.state() == "running"

    def until_running(self, when: str, within_s: float = 30) -> None:
        eventually(self.running, f"running {when}", within_s)

    def log(self, name: str) -> str:
        """What ``supervisord``, or else an actor, has said in its log."""
        folder = self.root / "var" if name == "supervisord" else self.system.data_dir
        path = folder / f"{name}.log"
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(100 * SLOWNESS)

    def start_again(self) -> None:
        """After an end."""
        self.close_pipe()
        self.process = self.start()

    def close_pipe(self) -> None:
        """Let go of what it said on its standard error."""
        if self.process.stderr:
            self.process.stderr.close()

    def close(self) -> None:
        """End whatever is left, also what hangs or has lost its supervisord, and show what that saw."""
        end_all(self.system.run_dir)
        self.process.wait()
        self.close_pipe()
        for path in sorted((self.root / "var").glob("*.*")):
            if path.suffix in {".log", ".out"}:
                sys.stdout.write(f"--- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}\n")
        shutil.rmtree(self.root)


class InBackground(Supervised):
    """A supervisord that goes to the background, as it does by itself; it is closed, not stopped."""

    def __init__(self, system: System, umask: int) -> None:
        """``umask``: the operator's."""
        self._umask = umask
        super().__init__(system)

    def start(self) -> subprocess.Popen[bytes]:
        """Start a supervisord; it has left its terminal when this returns."""
        process = self._popen(umask=self._umask)
        assert process.wait(20 * SLOWNESS) == 0
        return process
