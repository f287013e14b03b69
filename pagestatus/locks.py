"""Lock files: who was here first. The kernel gives a lock back when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path


class Taken(Exception):
    """Another process holds the lock; the message is one line for the operator."""


class Lock:
    """An exclusive lock on ``path``, held until ``release`` or the end of the process."""

    def __init__(self, path: Path, *, wait: bool = False) -> None:
        """Take it, or ``wait`` for it; raises ``Taken``, or OSError when the file cannot be made."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise Taken(f"{path} is held by process {holder}: it is running already") from None
        # Whom else it may concern; on a full disk the lock is held all the same.
        with suppress(OSError):
            os.truncate(self._fd, os.pwrite(self._fd, f"{os.getpid()}\n".encode(), 0))

    def release(self) -> None:
        """Give it back; again is no mistake. The file stays: removing it would let two holders in."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
