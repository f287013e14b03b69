"""The file that a range is written into: one that the bridge has made in the folder of downloads.

It is opened by its bare name in that folder, never through a link, and never made here: whatever name comes,
nothing outside of the folder is written, and nothing in it that is not a part of a download.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from pagestatus.messages import RangeTask, Reason

# O_NONBLOCK: opening a named pipe would wait for its reader; files do not mind.
_FLAGS = os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_CLOSED = -1
_REASONS: Mapping[int, Reason] = MappingProxyType(
    {
        errno.ENOSPC: Reason.DISK_FULL,
        errno.EDQUOT: Reason.DISK_FULL,
        errno.EFBIG: Reason.DISK_FULL,
        # Our own trouble, which passes: the disk has nothing to do with it.
        errno.EMFILE: Reason.NO_FDS,
        errno.ENFILE: Reason.NO_FDS,
        errno.ENOMEM: Reason.NO_MEMORY,
    }
)


class DiskTrouble(Exception):
    """The file can not be written; the message is one line.

    ``reason`` is DISK, DISK_FULL, NO_FDS or NO_MEMORY.
    """

    def __init__(self, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.reason = reason


class PartFile:
    """An open part file."""

    __slots__ = ("_fd",)

    def __init__(self, folder: Path, task: RangeTask) -> None:
        """Open the file of ``task`` in ``folder``; raises DiskTrouble."""
        if "/" in task.file or "\0" in task.file or task.file in {".", ".."}:
            raise DiskTrouble(Reason.DISK, f"{task.file!a} is not the name of a file")
        try:
            self._fd = _open(folder, task.file)
        except OSError as trouble:
            raise _told(trouble) from trouble
        try:
            _see_that_it_is_ours(os.fstat(self._fd), task)
        except DiskTrouble:
            self.close()
            raise

    def write(self, piece: memoryview, at: int) -> None:
        """Write all of ``piece`` at the offset ``at``; raises DiskTrouble."""
        try:
            while (written := os.pwrite(self._fd, piece, at)) < len(piece):
                # A short write comes before the end of the room: the next one says what is wrong.
                if written == 0:
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                piece, at = piece[written:], at + written
        except OSError as trouble:
            raise _told(trouble) from trouble

    def close(self) -> None:
        """Give the descriptor back, once.

        Raises DiskTrouble: some file systems (NFS) say only now that they had no room for what was written.
        """
        fd, self._fd = self._fd, _CLOSED
        if fd == _CLOSED:
            return
        try:
            os.close(fd)
        except OSError as trouble:
            raise _told(trouble) from trouble


def _open(folder: Path, name: str) -> int:
    folder_fd = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        return os.open(name, _FLAGS, dir_fd=folder_fd)
    finally:
        os.close(folder_fd)


def _see_that_it_is_ours(found: os.stat_result, task: RangeTask) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise DiskTrouble(Reason.DISK, "the part file is not a file")
    if found.st_nlink != 1:
        raise DiskTrouble(Reason.DISK, "the part file has a second name, or none")
    if task.inode and found.st_ino != task.inode:
        raise DiskTrouble(Reason.DISK, "the part file is another one than before")


def _told(trouble: OSError) -> DiskTrouble:
    reason = _REASONS.get(trouble.errno or 0, Reason.DISK)
    return DiskTrouble(reason, f"the part file: {trouble.strerror or trouble}")
