"""The folder of downloads: part files and final names. Everything is done relative to the folder itself.

Names come from strangers, so that a name is one component and no link is followed; nothing that is there is
ever overwritten. A part file that the journal names is ours.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pagestatus.locks import Taken
from wsbridge.digests import Digest
from wsbridge.entry import Trouble
from wsbridge.jobs import Claims, PartError
from wsbridge.names import PART as SUFFIX
from wsbridge.names import numbered

log = logging.getLogger(__name__)

# How often another name is tried: "a (2)" to "a (9999)".
MOST_NUMBERS = 9999
# How many of these are looked at after a start.
MOST_LOOKED_AT = 100
# Room that is left for others on the disk: the logs are perhaps on the same. Bytes.
RESERVE = 64 << 20
_PIECE = 1 << 20
_UNLIMITED = 1 << 62
# Of a part file on the way to its name: only one is made at a time.
_NEW = ".pagestatus.new"
_MAKE = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# File systems without hard links say one of these (FAT: EPERM).
_NO_LINKS = frozenset({errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK})
_NO_FDS = frozenset({errno.EMFILE, errno.ENFILE})
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class Folder:
    """``downloads.dir``, held open so that nobody can put another in its place."""

    def __init__(self, path: Path) -> None:
        """Make it if it is not there; raises OSError."""
        path.mkdir(parents=True, exist_ok=True)
        self.path = path.resolve()
        self._fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._fd)
            raise Taken(f"{path} is held by another process: two bridges cannot share it") from None
        # As it stands in links.
        self.uri = self.path.as_uri()
        # Names that were chosen, by the download they are for, until their part file is there.
        self._chosen: dict[str, str] = {}

    def close(self) -> None:
        """Give it back."""
        os.close(self._fd)

    def room(self) -> int:
        """How many bytes may be written before the reserve is touched; raises OSError."""
        found = os.fstatvfs(self._fd)
        if not found.f_blocks:
            # A file system that tells no size has no end that could be seen.
            return _UNLIMITED
        return found.f_bavail * found.f_frsize - RESERVE

    def choose(self, id_: str, name: str, size: int, taken: Claims) -> str:
        """A name like ``name`` for the download ``id_`` that nobody else has, if ``size`` bytes fit.

        Two downloads never get the same one, whichever of them is made first. Raises PartError, OSError.
        """
        self._see_that_it_fits(size, taken.bytes)
        self._chosen.pop(id_, None)
        # Some file systems do not tell capitals from small letters.
        others = {other.casefold() for other in (*taken.names, *self._chosen.values())}
        for candidate in _numbered(name):
            if candidate.casefold() not in others and not any(
                self._exists(path) for path in (candidate, candidate + SUFFIX)
            ):
                self._chosen[id_] = candidate
                return candidate
        raise PartError(Trouble("disk", f"{shown(self.path)}: there are too many files of this name"))

    def _see_that_it_fits(self, size: int, promised: int) -> None:
        try:
            free = max(self.room(), 0)
        except OSError as mistake:
            raise _told(mistake, self.path) from mistake
        if size > free - promised:
            kept = f"{mebibytes(promised)} of them for other downloads, " if promised else ""
            words = f"{mebibytes(size)} are needed, and {mebibytes(free)} are free, {kept}beside"
            reserve = f"{mebibytes(RESERVE)} that are left for others"
            raise PartError(Trouble("disk_full", f"{shown(self.path)}: {words} {reserve}"))

    def make(self, id_: str, name: str) -> int:
        """A new, empty part file in the place of an old one; returns its inode. Raises PartError.

        It is made while the old one is there: a file system may use the inode of a removed file again.
        """
        part = name + SUFFIX
        self._chosen.pop(id_, None)
        try:
            self._unlink(_NEW)
            fd = os.open(_NEW, _MAKE, 0o644, dir_fd=self._fd)
            try:
                inode = os.fstat(fd).st_ino
                os.rename(_NEW, part, src_dir_fd=self._fd, dst_dir_fd=self._fd)
                os.fsync(self._fd)
            finally:
                os.close(fd)
        except OSError as mistake:
            with suppress(OSError):
                self._unlink(_NEW)
            raise _told(mistake, self.path / part) from mistake
        return inode

    def release(self, id_: str) -> None:
        """The name that was chosen for the download ``id_`` is not wanted any more."""
        self._chosen.pop(id_, None)

    def sync(self, name: str, inode: int) -> None:
        """Bring what is in the part file to the disk; raises PartError."""
        part = name + SUFFIX
        try:
            fd = self._open(part, inode)
            try:
                os.fdatasync(fd)
            finally:
                os.close(fd)
        except OSError as mistake:
            raise _told(mistake, self.path / part) from mistake

    def verify(
        self, name: str, inode: int, size: int, digests: Collection[Digest], wanted: Callable[[], bool]
    ) -> None:
        """Hold the part file against ``size`` and ``digests``, and sync it; raises PartError.

        Reading ends early once it is not ``wanted`` any more.
        """
        part = name + SUFFIX
        try:
            fd = self._open(part, inode)
            try:
                os.fsync(fd)
                if (found := os.fstat(fd).st_size) != size:
                    raise PartError(Trouble("size", f"the file has {found} bytes, expected {size}"))
                _check(fd, digests, wanted)
            finally:
                os.close(fd)
        except OSError as mistake:
            raise _told(mistake, self.path / part) from mistake

    def publish(self, name: str, inode: int, title: str) -> str:
        """Give the part file of ``name`` its final name ``title``, or one like it; returns which.

        Raises PartError.
        """
        part = name + SUFFIX
        try:
            os.close(self._open(part, inode))
            for candidate in _numbered(title):
                try:
                    self._give_name(part, candidate)
                except FileExistsError:
                    continue
                os.fsync(self._fd)
                return candidate
        except OSError as mistake:
            raise _told(mistake, self.path / part) from mistake
        raise PartError(Trouble("disk", f"{shown(self.path)}: there are too many files of this name"))

    def _give_name(self, part: str, name: str) -> None:
        """Raises FileExistsError, or another OSError."""
        try:
            # Unlike rename(2), link(2) never replaces what is there.
            os.link(part, name, src_dir_fd=self._fd, dst_dir_fd=self._fd, follow_symlinks=False)
        except OSError as mistake:
            if mistake.errno not in _NO_LINKS:
                raise
            if self._exists(name):
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), name) from None
            os.rename(part, name, src_dir_fd=self._fd, dst_dir_fd=self._fd)
        else:
            os.unlink(part, dir_fd=self._fd)

    def discard(self, name: str, inode: int) -> None:
        """Remove the part file, if it is the one with this ``inode`` (0: whichever); raises PartError."""
        try:
            found = self._stat(name + SUFFIX)
            if found is not None and inode in {0, found.st_ino}:
                self._unlink(name + SUFFIX)
        except OSError as mistake:
            raise _told(mistake, self.path / (name + SUFFIX)) from mistake

    # --- after a start ------------------------------------------------------------------------------------

    def holds(self, name: str, inode: int, length: int) -> bool:
        """Whether the part file is the one that the journal knows, with at least ``length`` bytes.

        Raises OSError.
        """
        found = self._stat(name + SUFFIX)
        return found is not None and found.st_ino == inode and found.st_size >= length

    def published(self, name: str, inode: int, title: str) -> str:
        """The final name, ``title`` or one like it, if the part file of ``name`` had been published; else "".

        Whoever was killed between the two steps of that has left both names: the part's is removed.
        """
        for candidate in islice(_numbered(title), MOST_LOOKED_AT):
            found = self._stat(candidate)
            if found is not None and found.st_ino == inode:
                try:
                    self.discard(name, inode)
                except PartError as mistake:
                    # It has its final name all the same.
                    log.warning("%s", mistake)
                return candidate
        return ""

    def _open(self, part: str, inode: int) -> int:
        fd = os.open(part, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._fd)
        if os.fstat(fd).st_ino != inode:
            os.close(fd)
            raise OSError(errno.ESTALE, "another file stands in its place")
        return fd

    def _stat(self, name: str) -> os.stat_result | None:
        try:
            found = os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return None
        # Anything else but a file is in the way, and has no bytes of ours.
        return found if stat.S_ISREG(found.st_mode) else None

    def _exists(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self._fd, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def _unlink(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self._fd)
        except FileNotFoundError:
            return


def _numbered(name: str) -> Iterator[str]:
    yield name
    for number in range(2, MOST_NUMBERS + 1):
        yield numbered(name, number)


def _check(fd: int, digests: Collection[Digest], wanted: Callable[[], bool]) -> None:
    if not digests:
        return
    hashes = [hashlib.new(digest.algorithm, usedforsecurity=False) for digest in digests]
    offset = 0
    while wanted() and (piece := os.pread(fd, _PIECE, offset)):
        offset += len(piece)
        for hash_ in hashes:
            hash_.update(piece)
    for hash_, digest in zip(hashes, digests, strict=True):
        if wanted() and hash_.hexdigest() != digest.hex:
            words = f"the file's {digest.algorithm} is {hash_.hexdigest()}, expected {digest.hex}"
            raise PartError(Trouble("digest", words))


def _told(mistake: OSError, path: Path) -> PartError:
    code = "disk_full" if mistake.errno in _FULL else "no_fds" if mistake.errno in _NO_FDS else "disk"
    return PartError(Trouble(code, f"{shown(path)}: {mistake.strerror or mistake}"))


def shown(path: Path) -> str:
    """``path`` as it may stand in a message: a name may hold bytes that are no characters."""
    return str(path).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def mebibytes(size: int) -> str:
    """``size`` bytes for people."""
    return f"{size / (1 << 20):.1f} MiB"
