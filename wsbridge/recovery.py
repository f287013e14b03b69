"""After a start: what the journal says, held against what the folder really has."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from wsbridge.entry import Entry, Status

log = logging.getLogger(__name__)

_WITHOUT_PART = frozenset({Status.DOWNLOADED, Status.CANCELLED})


class Place(Protocol):
    """What is asked of the folder of downloads: see ``parts.Folder``."""

    def published(self, name: str, inode: int) -> str:
        """The final name of our file, if it has one."""

    def holds(self, name: str, inode: int, length: int) -> bool:
        """Whether the part file is there."""


def recovered(entries: Iterable[Entry], folder: Place) -> list[Entry]:
    """The ``entries`` of the journal as they really are; raises OSError."""
    entries = list(entries)
    for entry in entries:
        if entry.inode and entry.status not in _WITHOUT_PART:
            _hold_against(entry, folder)
    if entries:
        log.info("%d downloads are in the journal", len(entries))
    return entries


def _hold_against(entry: Entry, folder: Place) -> None:
    is_complete = sum(stop - start for start, stop in entry.done) == entry.total
    if is_complete and (name := folder.published(entry.name, entry.inode)):
        # Only what was verified gets its final name: we ended just before that was noted.
        entry.name = name
        entry.status, entry.trouble = Status.DOWNLOADED, None
    elif not folder.holds(entry.name, entry.inode, max((stop for _, stop in entry.done), default=0)):
        log.warning("download %s: its part file %s is gone: begun again", entry.id, entry.name)
        entry.inode, entry.done = 0, ()
