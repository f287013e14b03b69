"""The journal: every download and every open minute, in one SQLite file that survives kill -9 and power cuts.

SQLite does what our own file would have to: whole transactions, a torn end cut off, no growth beyond what is
in it. Write-ahead log with synchronous=FULL: a transaction that has returned is on the disk
(https://www.sqlite.org/pragma.html#pragma_synchronous). All calls come from one thread at a time.
"""

from __future__ import annotations

import errno
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec

from wsbridge.entry import Entry
from wsbridge.minutes import Figures

log = logging.getLogger(__name__)

FILE = "downloads.db"
_TABLES = """
CREATE TABLE IF NOT EXISTS downloads (id TEXT PRIMARY KEY, position INTEGER NOT NULL, entry BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS minutes (minute_us INTEGER PRIMARY KEY, figures BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS incarnations (epoch INTEGER PRIMARY KEY);
"""
# What may pass is told from a file that is none of ours (https://www.sqlite.org/rescode.html).
_ERRNOS = MappingProxyType({sqlite3.SQLITE_FULL: errno.ENOSPC, sqlite3.SQLITE_IOERR: errno.EIO})
_PRIMARY = 0xFF
_entry = msgspec.json.Decoder(Entry)
_figures = msgspec.json.Decoder(Figures)


class Row(NamedTuple):
    """A download as it is written; made where nobody changes it meanwhile."""

    id: str
    position: int
    entry: bytes


def row_of(entry: Entry) -> Row:
    """``entry`` as it is now."""
    return Row(entry.id, entry.position, msgspec.json.encode(entry))


class Unwritable(Exception):
    """The transaction is not on the disk, and no part of it; the message says why."""


class Journal:
    """Opened by the bridge alone: the caller holds the lock of the folder."""

    def __init__(self, data_dir: Path) -> None:
        """Open or make it, mode 0600: links and headers may hold secrets. Raises OSError."""
        self.path = data_dir / FILE
        self.path.touch(mode=0o600)
        self.path.chmod(0o600)
        try:
            self._db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        except sqlite3.Error as mistake:
            raise self._unusable(mistake) from mistake
        try:
            self._db.executescript(f"PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; {_TABLES}")
        except sqlite3.Error as mistake:
            self._db.close()
            raise self._unusable(mistake) from mistake

    def entries(self) -> list[Entry]:
        """All downloads in the order of the list. What cannot be read is told and left where it is.

        Raises OSError.
        """
        found = []
        for id_, raw in self._rows("SELECT id, entry FROM downloads ORDER BY position, id"):
            try:
                found.append(_entry.decode(raw))
            except (msgspec.MsgspecError, UnicodeDecodeError) as mistake:
                log.error("%s: download %s cannot be read and is left out: %s", self.path, id_, mistake)  # noqa: TRY400
        return found

    def minutes(self) -> dict[int, Figures]:
        """All open minutes; raises OSError. What cannot be read is told and left out."""
        found = {}
        for start_us, raw in self._rows("SELECT minute_us, figures FROM minutes"):
            try:
                found[start_us] = _figures.decode(raw)
            except (msgspec.MsgspecError, UnicodeDecodeError) as mistake:
                log.error("%s: minute %s cannot be read and is left out: %s", self.path, start_us, mistake)  # noqa: TRY400
        return found

    def next_epoch(self, now_us: int) -> int:
        """An epoch for a new incarnation, later than all before, whatever the clock says; raises OSError."""
        last = next(iter(self._rows("SELECT max(epoch) FROM incarnations")))[0] or 0
        epoch = max(now_us, last + 1)
        try:
            self._db.execute("INSERT INTO incarnations VALUES (?)", (epoch,))
            self._db.execute("DELETE FROM incarnations WHERE epoch < ?", (epoch,))
        except sqlite3.Error as mistake:
            # The disk may be full: an epoch that is not noted is as good as the clock.
            log.warning("%s: the epoch is not noted: %s", self.path, mistake)
        return epoch

    def save(
        self, rows: Iterable[Row], removed: Iterable[str], minutes: Mapping[int, Figures | None]
    ) -> None:
        """Write all of it in one transaction; a minute without figures is removed. Raises Unwritable."""
        try:
            self._db.execute("BEGIN IMMEDIATE")
            # In this order: the id of one that was removed may be that of a new one.
            self._db.executemany("DELETE FROM downloads WHERE id = ?", [(id_,) for id_ in removed])
            self._db.executemany("INSERT OR REPLACE INTO downloads VALUES (?, ?, ?)", rows)
            for start_us, figures in minutes.items():
                self._save_minute(start_us, figures)
            self._db.execute("COMMIT")
        except sqlite3.Error as trouble:
            if self._db.in_transaction:
                # It may fail for the same reason; the next transaction begins with another.
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
            raise Unwritable(f"{self.path}: {trouble}") from trouble

    def _rows(self, query: str) -> list[tuple[Any, ...]]:
        try:
            return self._db.execute(query).fetchall()
        except sqlite3.Error as mistake:
            raise self._unusable(mistake) from mistake

    def _unusable(self, mistake: sqlite3.Error) -> OSError:
        number = _ERRNOS.get(getattr(mistake, "sqlite_errorcode", 0) & _PRIMARY, 0)
        return OSError(number, f"the journal cannot be used: {mistake}", str(self.path))

    def _save_minute(self, start_us: int, figures: Figures | None) -> None:
        if figures is None:
            self._db.execute("DELETE FROM minutes WHERE minute_us = ?", (start_us,))
        else:
            row = (start_us, msgspec.json.encode(figures))
            self._db.execute("INSERT OR REPLACE INTO minutes VALUES (?, ?)", row)

    def close(self) -> None:
        """Give it back."""
        self._db.close()
