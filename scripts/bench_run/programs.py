"""What others download with: programs of the command line, each run as a process of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.bench_run.clients import LOOK_S, Failed, Run


class Peer(NamedTuple):
    """A program, and how it is asked."""

    # What it is known by in the tables.
    words: Sequence[str]
    # The others it needs; last comes the one that the file's name follows.
    options: Sequence[str]
    # Of Debian.
    package: str


# All may have sixteen connections and try again at once, as far as they can: curl makes one connection, and
# wget2 1.99 asks for one chunk after the other.
PEERS = (
    Peer(
        ("aria2c", "-x16", "-s16", "-k1M"),
        ("--no-conf", "--quiet", "--max-tries=0", "--retry-wait=0", "--out"),
        "aria2",
    ),
    Peer(("axel", "-n", "16"), ("--quiet", "--output"), "axel"),
    # The first one must be the first one (curl(1)).
    Peer(("curl",), ("--disable", "--silent", "--show-error", "--fail", "--output"), "curl"),
    Peer(
        ("wget2", "--max-threads=16", "--chunk-size=8M"),
        ("--no-config", "--quiet", "--waitretry=0", "--output-document"),
        "wget2",
    ),
)
# Where there is no option for it.
_AXELRC = "reconnect_delay = 0\n"


def programs(folder: Path) -> Iterator[Program]:
    """Those that are installed; what they write goes to ``folder``."""
    home = folder / "home"
    home.mkdir()
    (home / ".axelrc").write_text(_AXELRC, encoding="ascii")
    for peer in PEERS:
        if shutil.which(peer.words[0]):
            yield Program(peer, folder / peer.words[0], home)
        else:
            print(f"{peer.words[0]} is left out; on Debian: apt install {peer.package}", file=sys.stderr)


class Program:
    """Its file is synced afterwards, as the bridge does it."""

    def __init__(self, peer: Peer, folder: Path, home: Path) -> None:
        self.name = " ".join(peer.words)
        self.folder = folder
        self._command = [*peer.words, *peer.options]
        # Nothing of what the user has set, for this machine alone.
        self._environment = {
            name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")
        } | {"HOME": str(home)}
        folder.mkdir()

    def fetch(self, url: str, name: str, most_s: float) -> Run:
        began = time.monotonic()
        process = subprocess.Popen(
            [*self._command, name, url],
            cwd=self.folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        try:
            used_s = _ended(process, began + most_s)
            told_s = time.monotonic() - began
            if process.returncode:
                raise Failed(f"{self.name}: {_how_ended(process.returncode)}")
            _sync(self.folder / name)
            _sync(self.folder)
            return Run(time.monotonic() - began, told_s, used_s)
        except TimeoutError:
            return Run(most_s, most_s, 0, stopped=True)
        finally:
            if process.returncode is None:
                process.kill()
                process.wait()


def _ended(process: subprocess.Popen[bytes], deadline: float) -> float:
    """Wait for the end; the user and system time used, which only who waits is told. Raises TimeoutError."""
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(LOOK_S)


def _how_ended(code: int) -> str:
    return f"ended by {signal.Signals(-code).name}" if code < 0 else f"ended with {code}"


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
