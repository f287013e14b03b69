"""Lock files: who was here first. The kernel gives a lock back when its holder ends, however it ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path


class Taken(Exception):
    """Another process holds the lock; the message is one line for the operator."""


class Lock:
    """An exclusive lock on ``path``, held until ``release`` or the end of the process."""

    def __init__(self, path: Path) -> None:
        """Take it; raises ``Taken``, or OSError when the file cannot be made."""
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._fd, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._fd)
            raise Taken(f"{path} is held by process {holder}: it is running already") from None
        os.truncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give it back; again is no mistake. The file stays: removing it would let two holders in."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)
