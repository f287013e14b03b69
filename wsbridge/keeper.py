"""Brings to the disk what changes: first the bytes of the part files, then what the journal says of them.

So the journal never calls a byte done that a power cut can take. What is in it is at most a second old.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from pagestatus.clock import Clock
from wsbridge.book import Book
from wsbridge.course import Written
from wsbridge.download import Download
from wsbridge.entry import Entry, Trouble
from wsbridge.executors import executor
from wsbridge.jobs import PartError
from wsbridge.journal import Journal, Row, Unwritable, row_of
from wsbridge.minutes import Minutes
from wsbridge.orders import Orders
from wsbridge.parts import RESERVE, Folder, mebibytes

log = logging.getLogger(__name__)

INTERVAL_S = 1.0
# Part files that are synced at the same time.
SYNCS = 4
# How often the room on the disk is looked at. Seconds.
LOOK_S = 0.25
# Whom it delays need not know where the journal is: operators are told more.
UNWRITTEN = Trouble("disk", "the journal cannot be written: there may be no room on its disk")


def _nothing() -> None:
    """Nobody is to be woken."""


def _nobody(_trouble: Trouble) -> None:
    """Nobody wants to know."""


class _Waiting(NamedTuple):
    """Who waits until what has changed is in the journal."""

    written: asyncio.Future[None]
    delayed: Callable[[Trouble], None]


class Keeper:
    """Runs on asyncio; files and journal are touched in threads."""

    def __init__(  # noqa: PLR0913, PLR0917 - what it keeps, and where
        self,
        book: Book,
        orders: Orders,
        minutes: Minutes,
        folder: Folder,
        journal: Journal,
        clock: Clock,
        kick: Callable[[], None] = _nothing,
    ) -> None:
        """``kick`` is called when something was decided here that is to be carried out."""
        # Why the journal can not be written, in words; empty: it can.
        self.trouble = ""
        self._kick = kick
        self._book = book
        self._orders = orders
        self._minutes = minutes
        self._folder = folder
        self._journal = journal
        self._clock = clock
        self._removed: set[str] = set()
        # By id, what is to be written of those that are off the list.
        self._leaving: dict[str, Entry] = {}
        self._waiting: list[_Waiting] = []
        self._wanted = asyncio.Event()
        self._saving = asyncio.Lock()
        self._syncing: set[asyncio.Task[None]] = set()
        self._thread = executor(1, "journal")
        # Parts may be synced side by side.
        self._syncs = executor(SYNCS, "syncs")

    @property
    def writable(self) -> bool:
        """The journal took what last changed."""
        return not self.trouble

    async def save_for_ever(self) -> None:
        """Write what changes, at the latest after ``INTERVAL_S``, and at once for who waits."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), INTERVAL_S)
            self._wanted.clear()
            if not await self._save():
                await asyncio.sleep(INTERVAL_S)

    async def sync_for_ever(self) -> None:
        """Bring part files to the disk, once a second."""
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.sync()

    async def sync(self) -> None:
        """Bring all part files to the disk that have got more."""
        for download in self._book.downloads.values():
            if (written := download.unsynced()) is not None:
                task = asyncio.create_task(self._sync(download, written))
                self._syncing.add(task)
                task.add_done_callback(self._syncing.discard)
        await self.quiet()

    async def quiet(self) -> None:
        """Return when nothing is being synced that is now: what the disk says of it has been told then."""
        if self._syncing:
            await asyncio.gather(*self._syncing)

    async def watch_room_for_ever(self) -> None:
        """Pause what runs before the disk is full, so that others, the logs among them, have room left."""
        while True:
            await asyncio.sleep(LOOK_S)
            running = [download for download in self._book.running if download.in_flight]
            if running and (trouble := self._shortage(running)) is not None:
                log.error("%s: downloads are paused", trouble.message)
                for download in running:
                    download.on_disk_trouble(trouble)
                    self._book.settle(download)
                self._kick()

    def _shortage(self, running: list[Download]) -> Trouble | None:
        """What the next second brings must fit."""
        now = asyncio.get_running_loop().time()
        coming = sum(_coming(download, now) for download in running)
        try:
            is_short = self._folder.room() < coming
        except OSError:
            # Whoever writes is told.
            return None
        words = f"there is no room left beside the {mebibytes(RESERVE)} that are for others"
        return Trouble("disk_full", words) if is_short else None

    async def written(self, delayed: Callable[[Trouble], None] = _nobody) -> None:
        """Return when everything that has changed up to now is in the journal.

        ``delayed`` is told why it takes longer, whenever it could not be written.
        """
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(future, delayed))
        self._wanted.set()
        await future

    def leave(self, entry: Entry) -> None:
        """A download is no longer in the list, but its part file is there: a successor is to see to that."""
        entry.removed = True
        self._leaving[entry.id] = entry
        self._wanted.set()

    def forget(self, id_: str) -> None:
        """Nothing is left of a download."""
        self._leaving.pop(id_, None)
        self._removed.add(id_)
        self._wanted.set()

    async def finish(self) -> None:
        """The last of it, before the end."""
        await self.sync()
        if not await self._save():
            log.error("%s: the next bridge does not know what was done lately", self.trouble)

    def close(self) -> None:
        """Wait for the threads, and close the journal."""
        self._syncs.shutdown(cancel_futures=True)
        self._thread.shutdown()
        self._journal.close()

    async def _sync(self, download: Download, written: Written) -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._syncs, self._folder.sync, download.entry.name, written.inode
            )
        except PartError as mistake:
            if not mistake.is_passing:
                log.error("download %s: %s", download.entry.id, mistake)  # noqa: TRY400 - one clear line
                download.on_sync_failed(written, mistake.trouble)
                self._book.settle(download)
                self._kick()
        else:
            download.on_synced(written)

    async def _save(self) -> bool:
        # One after the other: whoever waits is told when its own rows are written.
        async with self._saving:
            return await self._save_now()

    async def _save_now(self) -> bool:
        self._minutes.count(self._orders.ended, self._orders.bytes, self._clock.now_us())
        self._orders.ended, self._orders.bytes = [], 0
        changed = [download for download in self._book.downloads.values() if download.unsaved]
        removed, self._removed = self._removed, set()
        minutes, self._minutes.unsaved = self._minutes.unsaved, set()
        waiting, self._waiting = self._waiting, []
        leaving, self._leaving = self._leaving, {}
        if not (changed or removed or leaving or minutes):
            _release(waiting)
            return self.writable
        for download in changed:
            download.unsaved = False
        # In this order: the id of one that leaves may be that of a new one.
        rows = [row_of(entry) for entry in (*leaving.values(), *(download.entry for download in changed))]
        try:
            await self._write(rows, removed, minutes)
        except Unwritable as trouble:
            for download in changed:
                download.unsaved = True
            # What was forgotten meanwhile stays so.
            gone = self._removed
            self._leaving = {id_: entry for id_, entry in leaving.items() if id_ not in gone} | self._leaving
            self._removed |= removed
            self._minutes.unsaved |= minutes
            self._waiting = waiting + self._waiting
            self._say(str(trouble))
            for one in waiting:
                one.delayed(UNWRITTEN)
            return False
        self._say("")
        _release(waiting)
        return True

    async def _write(self, rows: list[Row], removed: set[str], minutes: set[int]) -> None:
        figures = {start_us: self._minutes.copy(start_us) for start_us in minutes}
        host = asyncio.get_running_loop()
        await host.run_in_executor(self._thread, self._journal.save, rows, removed, figures)

    def _say(self, trouble: str) -> None:
        if trouble and self.writable:
            log.error("%s: nothing new is begun until it can be written", trouble)
        elif not trouble and not self.writable:
            log.warning("the journal can be written again")
        self.trouble = trouble


def _coming(download: Download, now: float) -> float:
    """Bytes that the next second brings, and never more than are missing: for those there is room."""
    speed = download.speed.per_second(now)
    return min(speed, download.missing) if download.entry.total >= 0 else speed


def _release(waiting: list[_Waiting]) -> None:
    for one in waiting:
        if not one.written.done():
            one.written.set_result(None)
