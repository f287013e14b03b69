"""A process that plays a part of the outside: it does as it is told, a word at a time, until it is killed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripts.nginx import NotEnough

ROOT = Path(__file__).parents[2]
# The manner of each that has been told nothing else.
ANSWERING = "answering"


class Servant:
    """One process of a module at a time."""

    def __init__(self, module: str, *arguments: str) -> None:
        """Start the first one; raises ``NotEnough``."""
        self._command = [sys.executable, "-m", module, *arguments]
        self.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """Start one; it serves when this returns. Raises ``NotEnough``."""
        self._process = subprocess.Popen(
            self._command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        if not _open(self._process.stdout).readline():
            raise NotEnough(f"{self._command[2]} did not start")

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _open(pipe).close()

    @contextmanager
    def behaving(self, manner: str) -> Iterator[None]:
        """Treat everybody in this manner for as long as this lasts."""
        self._tell(manner)
        try:
            yield
        finally:
            self._tell(ANSWERING)

    @contextmanager
    def gone(self) -> Iterator[None]:
        """SIGKILL, and started again at the end."""
        self.kill()
        try:
            yield
        finally:
            self.start()

    def _tell(self, manner: str) -> None:
        pipe = _open(self._process.stdin)
        pipe.write(f"{manner}\n".encode())
        pipe.flush()


def obey(obeyed: Callable[[str], None]) -> None:
    """In the process: read the manner that it is to have now; the end of the words is its own."""
    lines = os.read(0, 4096).decode("ascii").splitlines()
    if not lines:
        sys.exit(0)
    obeyed(lines[-1])


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("a pipe was asked for")
    return pipe
