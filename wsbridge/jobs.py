"""What a download wants of the disk. Decided here, done by ``disk``, answered with ``Done`` or ``Failed``.

Each job carries the serial number that its download gave it: an answer with another one is of a time before
the download was paused, cancelled or begun again, and is not for it.
"""

from __future__ import annotations

from typing import NamedTuple

from wsbridge.digests import Digest
from wsbridge.entry import Trouble


class Claims(NamedTuple):
    """What of the folder belongs to other downloads: names, and bytes that are still to come."""

    names: frozenset[str] = frozenset()
    bytes: int = 0


class Choose(NamedTuple):
    """Find a name like ``name`` that nobody has, and see whether ``size`` bytes fit."""

    id: str
    serial: int
    name: str
    size: int
    taken: Claims


class Make(NamedTuple):
    """Make an empty part file for ``name``. One that is there is ours, the journal says, and goes."""

    id: str
    serial: int
    name: str


class Find(NamedTuple):
    """See whether the part file of ``name`` is still the one that was made, with ``length`` bytes or more."""

    id: str
    serial: int
    name: str
    inode: int
    length: int


class Verify(NamedTuple):
    """Bring the part file to the disk and hold it against ``size`` and ``digests``."""

    id: str
    serial: int
    name: str
    inode: int
    size: int
    digests: tuple[Digest, ...]


class Publish(NamedTuple):
    """Give the part file its final name ``title``, or one like it if that is taken by now."""

    id: str
    serial: int
    name: str
    inode: int
    title: str


class Discard(NamedTuple):
    """Remove the part file of ``name``; with an ``inode``, only that one."""

    id: str
    serial: int
    name: str
    inode: int


Job = Choose | Make | Find | Verify | Publish | Discard


class Done(NamedTuple):
    """A job is done: the name it chose or gave, the inode of the file it made or found (0: none)."""

    job: Job
    name: str = ""
    inode: int = 0
    # The folder that the file is in, as a URI.
    folder: str = ""


class Failed(NamedTuple):
    """A job could not be done."""

    job: Job
    trouble: Trouble


Answer = Done | Failed


class PartError(Exception):
    """It cannot be done; ``trouble`` says why."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message)
        self.trouble = trouble

    @property
    def is_passing(self) -> bool:
        """It is our own trouble, and says nothing about the disk: try again."""
        return self.trouble.code == "no_fds"
