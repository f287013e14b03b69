"""After a start: what the journal says, held against what the folder really has."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from typing import Protocol

from wsbridge.entry import Entry, Status
from wsbridge.jobs import PartError
from wsbridge.orders import Orders

log = logging.getLogger(__name__)


class Place(Protocol):
    """What is asked of the folder of downloads: see ``parts.Folder``."""

    uri: str

    def published(self, name: str, inode: int, title: str) -> str:
        """The final name of our file, if it has one."""

    def holds(self, name: str, inode: int, length: int) -> bool:
        """Whether the part file is there."""

    def discard(self, name: str, inode: int) -> None:
        """Remove the part file; raises PartError."""


def recovered(entries: Iterable[Entry], folder: Place, orders: Orders) -> list[Entry]:
    """The ``entries`` of the journal as they really are; what has ended unnoticed is told to ``orders``.

    Raises OSError.
    """
    entries = list(entries)
    for entry in entries:
        if entry.folder not in {"", folder.uri} and entry.status is not Status.DOWNLOADED:
            log.warning("download %s: downloads.dir is not %s any more: begun again", entry.id, entry.folder)
            entry.name, entry.inode, entry.done, entry.folder, entry.given_up = "", 0, (), "", False
        elif entry.given_up:
            _remove(entry, folder)
        elif entry.inode and entry.status is not Status.DOWNLOADED:
            _hold_against(entry, folder, orders)
    if entries:
        log.info("%d downloads are in the journal", len(entries))
    return entries


def _hold_against(entry: Entry, folder: Place, orders: Orders) -> None:
    title = entry.title or entry.name
    if entry.synced == entry.total and (name := folder.published(entry.name, entry.inode, title)):
        # Only what was verified gets its final name: we ended just before that was noted.
        entry.name, entry.folder = name, folder.uri
        entry.status, entry.trouble = Status.DOWNLOADED, None
        orders.ended.append(Status.DOWNLOADED)
    elif not folder.holds(entry.name, entry.inode, entry.reach):
        log.warning(
            "download %s: its part file %s is not in %s: begun again", entry.id, entry.name, folder.uri
        )
        entry.inode, entry.done = 0, ()


def _remove(entry: Entry, folder: Place) -> None:
    """It was given up, and we ended before its part file was seen to be gone."""
    try:
        folder.discard(entry.name, entry.inode)
    except PartError as mistake:
        log.warning("download %s: %s", entry.id, mistake)
        return
    entry.name, entry.inode, entry.given_up = "", 0, False
