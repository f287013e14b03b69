"""The aggregator, killed by itself at a chosen step of its way to the disk; run as a program.

It is the real one, except that its calls of write and fdatasync are counted. Once only: a file says where it
is to die, and is gone when it begins; another one beside it says then which process that is.
"""

from __future__ import annotations

import json
import os
import runpy
import signal
import sys
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

# The end of that other file's name.
TAKEN = ".pid"


class Step(StrEnum):
    """Where it dies."""

    # In the middle of a line.
    TORN = "torn"
    # The lines are with the kernel, and perhaps not on the disk.
    WRITTEN = "written"
    # They are on the disk, and nobody has been told.
    SYNCED = "synced"


class Death(NamedTuple):
    """At a step of the ``number``-th piece for ``file``; of a torn one ``share`` of it is written, 0 to 1."""

    file: str
    step: Step
    number: int
    share: float


class Undertaker:
    """Stands between the aggregator and the kernel."""

    def __init__(self, death: Death) -> None:
        self._death = death
        self._pieces = 0
        self._write, self._sync = os.write, os.fdatasync
        os.write, os.fdatasync = self.write, self.sync  # type: ignore[assignment]

    def write(self, fd: int, piece: memoryview) -> int:
        """``os.write``."""
        if not self._is_meant(fd):
            return self._write(fd, piece)
        self._pieces += 1
        if self._is_due(Step.TORN):
            # At least a byte, and never up to the end of a line.
            size = max(1, round(self._death.share * len(piece)))
            self._write(fd, bytes(piece[:size]).rstrip(b"\n"))
            _die()
        written = self._write(fd, piece)
        if self._is_due(Step.WRITTEN):
            _die()
        return written

    def sync(self, fd: int) -> None:
        """``os.fdatasync``."""
        self._sync(fd)
        if self._is_meant(fd) and self._is_due(Step.SYNCED):
            _die()

    def _is_due(self, step: Step) -> bool:
        return step == self._death.step and self._pieces == self._death.number

    def _is_meant(self, fd: int) -> bool:
        return Path(f"/proc/self/fd/{fd}").readlink().name == self._death.file


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """The program: its arguments are ``aggregator``, by which it is known, and the ``Death``'s file."""
    orders = Path(sys.argv[2])
    Undertaker(Death(*json.loads(orders.read_text(encoding="ascii"))))
    orders.with_suffix(TAKEN).write_text(str(os.getpid()), encoding="ascii")
    orders.unlink()
    sys.argv[1:] = ["--log-file"]
    runpy.run_module("aggregator", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
