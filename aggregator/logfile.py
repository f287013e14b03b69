"""A file of lines that only ever ends in a whole line, as far as we can help it.

A full disk shows as a short write, not as an exception; what was written of the piece is cut off again, so
that nobody reads half a line. A failed ``fdatasync`` may have dropped pages that look written: the piece is
cut off, too, and written again. (CPython ignores SIGXFSZ, so a limit on the file's size is an EFBIG.)
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

log = logging.getLogger(__name__)

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC
_MODE = 0o644
_PIECE = 64 << 10


class Unwritable(Exception):
    """The piece is not on the disk; the message says why. The file ends as it did before."""


class LogFile:
    """Appends whole lines to ``path``, and rotates it to ``path``.1, .2, … ``keep``."""

    def __init__(self, path: Path, *, max_bytes: int, keep: int, sync: bool) -> None:
        """Open it and cut a torn last line; raises OSError."""
        self.path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._sync = sync
        # What follows the last whole line is to be cut off before anything is written.
        self._torn = False
        # The last rotation went wrong, and that has been said.
        self._stuck = False
        self._fd, self._size = _open(path)

    @property
    def size(self) -> int:
        """Bytes in the file."""
        return self._size

    def append(self, piece: bytes) -> None:
        """Bring whole lines to the disk; raises ``Unwritable``, and then none of them is in the file."""
        try:
            self._cut_torn()
            if self._size and self._size + len(piece) > self._max_bytes:
                self._rotate()
            self._torn = True
            _write(self._fd, piece)
            if self._sync:
                os.fdatasync(self._fd)
            self._size += len(piece)
            self._torn = False
        except OSError as trouble:
            self._leave_whole()
            raise Unwritable(f"{self.path}: {trouble.strerror}") from trouble

    def sync(self) -> None:
        """Bring to the disk what the kernel still holds; raises ``Unwritable``."""
        try:
            os.fdatasync(self._fd)
        except OSError as trouble:
            raise Unwritable(f"{self.path}: {trouble.strerror}") from trouble

    def reopen(self) -> None:
        """Go on in a new file if this one was renamed or removed; raises OSError, and stays where it was."""
        # Its whole lines would be written once more.
        self._cut_torn()
        self._replace(*_open(self.path))

    def close(self) -> None:
        """Give the descriptor back."""
        os.close(self._fd)

    def _replace(self, fd: int, size: int) -> None:
        os.close(self._fd)
        self._fd, self._size, self._torn = fd, size, False

    def _cut_torn(self) -> None:
        if self._torn:
            os.ftruncate(self._fd, self._size)
            self._torn = False

    def _leave_whole(self) -> None:
        try:
            self._cut_torn()
        except OSError as trouble:
            # Tried again before the next write; until then the torn end stays.
            log.warning("%s: the torn end stays for now: %s", self.path, trouble.strerror)

    def _rotate(self) -> None:
        """Go on in a new file. What hinders that hinders no line: the old file grows until it works."""
        try:
            self._begin_anew()
        except OSError as trouble:
            if not self._stuck:
                log.warning("%s: not rotated: %s", self.path, trouble.strerror)
            self._stuck = True
        else:
            self._stuck = False

    def _begin_anew(self) -> None:
        """The new file is there before the old one moves: only under its own name is a torn end cut off."""
        successor = self.path.with_name(f"{self.path.name}.new")
        fd, size = _open(successor)
        try:
            self._shift()
            successor.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError:
            os.close(fd)
            raise
        self._replace(fd, size)

    def _shift(self) -> None:
        """Free ``path``; a gap in the numbers, left by a crash, is filled."""
        if self._keep == 0:
            self.path.unlink(missing_ok=True)
        elif self.path.exists():
            free = next((n for n in range(1, self._keep) if not self._numbered(n).exists()), self._keep)
            for number in range(free, 1, -1):
                self._numbered(number - 1).replace(self._numbered(number))
            self.path.replace(self._numbered(1))

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")

    def __repr__(self) -> str:
        return f"<LogFile {self.path}, {self._size} bytes>"


def _open(path: Path) -> tuple[int, int]:
    """(descriptor, size) of the file, without the torn last line; raises OSError."""
    fd = os.open(path, _FLAGS, _MODE)
    try:
        size, torn = _whole(fd)
        if torn:
            os.ftruncate(fd, size)
            log.warning("%s: cut off a torn last line of %d bytes", path, torn)
        # Lines that a predecessor wrote and did not live to sync count as ours from here on.
        os.fdatasync(fd)
        _sync_folder(path.parent)
    except OSError:
        os.close(fd)
        raise
    return fd, size


def _write(fd: int, piece: bytes) -> None:
    """All of it. After a short write the next one tells the reason."""
    view = memoryview(piece)
    while view:
        view = view[os.write(fd, view) :]


def _whole(fd: int) -> tuple[int, int]:
    """(length up to the end of the last whole line, bytes after it)."""
    end = os.fstat(fd).st_size
    start = end
    while start > 0:
        length = min(_PIECE, start)
        start -= length
        found = os.pread(fd, length, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1, end - (start + found + 1)
    return 0, end


def _sync_folder(folder: Path) -> None:
    """Bring a new or renamed entry of ``folder`` to the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
