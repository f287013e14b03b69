"""The disk under the aggregator: what was not synced may be gone after a crash, and there may be no room.

It stands in for the module ``os`` in ``aggregator.logfile``; the bytes are in real files, so that the real
recovery reads them. Their times are those of the simulated clock.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from random import Random

from simulation.process import Killed


class Disk:
    """Everything that ``LogFile`` asks of the operating system."""

    def __init__(self, random: Random, now_us: Callable[[], int]) -> None:
        self.is_full = False
        self.fails_sync = False
        # The process dies at the so-manieth call that changes something; 0: it does not.
        self.dies_in = 0
        self._random = random
        self._now_us = now_us
        self._open: set[int] = set()
        # By inode: a rotated file keeps what it has.
        self._synced: dict[int, int] = {}

    def __getattr__(self, name: str) -> object:
        """Everything else is as it is."""
        return getattr(os, name)

    def open(self, path: Path, flags: int, mode: int = 0o777) -> int:
        fd = os.open(path, flags, mode)
        if path.is_file():
            self._open.add(fd)
        return fd

    def close(self, fd: int) -> None:
        self._open.discard(fd)
        os.close(fd)

    def write(self, fd: int, piece: memoryview) -> int:
        if self.is_full:
            if len(piece) < 2 or self._random.random() < 0.5:
                raise OSError(errno.ENOSPC, "No space left on device")
            return os.write(fd, piece[: self._random.randrange(1, len(piece))])
        if self._is_dying():
            os.write(fd, piece[: self._random.randint(0, len(piece))])
            raise Killed
        return os.write(fd, piece)

    def fdatasync(self, fd: int) -> None:
        if self._is_dying():
            raise Killed
        if self.fails_sync:
            raise OSError(errno.EIO, "Input/output error")
        state = os.fstat(fd)
        self._synced[state.st_ino] = state.st_size
        now_ns = self._now_us() * 1000
        os.utime(fd, ns=(now_ns, now_ns))
        if self._is_dying():
            raise Killed

    def fsync(self, _fd: int) -> None:
        """Of the folder: renames are durable at once."""

    def crash(self, *, power_cut: bool) -> None:
        """The process is gone; at a power cut so is any part of what was not synced."""
        self.dies_in = 0
        for fd in sorted(self._open):
            state = os.fstat(fd)
            synced = self._synced.get(state.st_ino, 0)
            if power_cut and state.st_size > synced:
                os.ftruncate(fd, self._random.randint(synced, state.st_size))
            os.close(fd)
        self._open.clear()

    def _is_dying(self) -> bool:
        if not self.dies_in:
            return False
        self.dies_in -= 1
        return not self.dies_in
