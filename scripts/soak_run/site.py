"""The witness as others see it: started, told how to behave, killed, and started again at the same port."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from scripts.nginx import NotEnough
from scripts.soak_run.witness import ANSWERING

ROOT = Path(__file__).parents[2]


class Site:
    """One witness at a time."""

    def __init__(self, folder: Path) -> None:
        """Start the first one; raises ``NotEnough``."""
        self.record = folder / "witness.log"
        self._held = held_port()
        self.port: int = self._held.getsockname()[1]
        self.start()

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def start(self) -> None:
        """Start one; it listens when this returns. Raises ``NotEnough``."""
        command = [sys.executable, "-m", "scripts.soak_run.witness", str(self.port), str(self.record)]
        self._process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
        )
        if not _open(self._process.stdout).readline():
            raise NotEnough("the site did not start")

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            _open(pipe).close()

    @contextmanager
    def behaving(self, manner: str) -> Iterator[None]:
        """Treat visitors in this manner, of ``witness``, for as long as this lasts."""
        self._tell(manner)
        try:
            yield
        finally:
            self._tell(ANSWERING)

    def close(self) -> None:
        """End it for good."""
        self.kill()
        self._held.close()

    def _tell(self, manner: str) -> None:
        pipe = _open(self._process.stdin)
        pipe.write(f"{manner}\n".encode())
        pipe.flush()


def held_port() -> socket.socket:
    """A port that is ours, also while nobody listens: bound, the kernel gives it to nobody by chance.

    A server that sets SO_REUSEADDR, as this does, can listen there all the same (socket(7)).
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Never listening, it accepts nothing, anywhere.
    held.bind(("0.0.0.0", 0))  # noqa: S104
    return held


def _open(pipe: IO[bytes] | None) -> IO[bytes]:
    if pipe is None:
        raise ValueError("a pipe was asked for")
    return pipe
