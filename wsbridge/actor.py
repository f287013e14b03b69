"""The bridge's sockets and wiring: people ask, the book decides, fetchers and the disk do."""

from __future__ import annotations

import asyncio
import errno
import logging
import secrets
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from functools import partial
from random import Random
from typing import Any

from pagestatus import logs
from pagestatus.config import Config
from pagestatus.control import Command
from pagestatus.locks import Lock, Taken
from pagestatus.loop import Timer
from pagestatus.messages import (
    DownloadsCounted,
    FetcherState,
    Gone,
    Message,
    RangeCut,
    RangeDone,
    RangeProgress,
)
from pagestatus.ports import Inbox, Outbox
from pagestatus.quoting import quoted_link
from pagestatus.runner import CannotStart, Runner
from wsbridge.book import Book
from wsbridge.clients import Clients
from wsbridge.commands import Commands
from wsbridge.course import Phase
from wsbridge.desk import Desk
from wsbridge.disk import Disk
from wsbridge.entry import Entry, Status, Trouble
from wsbridge.guest import Guest
from wsbridge.handshake import Door
from wsbridge.jobs import Discard, Job, Make, Publish, Verify
from wsbridge.journal import Journal
from wsbridge.keeper import Keeper
from wsbridge.minutes import Minutes
from wsbridge.orders import Orders
from wsbridge.parts import Folder
from wsbridge.reception import Reception
from wsbridge.recovery import recovered

log = logging.getLogger(__name__)
# What clients do makes news as fast as they like. Lines a second.
log.addFilter(logs.Sparing(20))

LOCK = "downloads.lock"
LINGER_S = 1.0
# What fetchers are given to say how far they came, when we end.
LAST_WORDS_S = 1.0


class Bridge:
    """Turns downloads into range tasks."""

    name = "wsbridge"

    def __init__(self, config: Config, guest: Guest) -> None:
        """``guest`` drives our loop on asyncio's, where the websocket clients are."""
        self.config = config
        self.guest = guest
        self._ports: dict[int, Outbox] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._wake: Timer | None = None
        self._is_finished = False
        # Part files that are being removed.
        self._discards: set[asyncio.Task[None]] = set()
        # While we drain: no fetcher has a task of ours any more.
        self._idle = asyncio.Event()

    # --- the life of an actor -----------------------------------------------------------------------------

    def start(self, runner: Runner) -> None:
        """Take the folders, know again what is in them, and open the ports; raises OSError, ``Taken``."""
        config, loop, context = self.config, runner.loop, runner.context
        self.runner = runner
        # run_dir has a lock of its own; this one keeps two run_dirs from sharing one journal.
        self._lock = Lock(config.data_dir / LOCK)
        folder, journal = self._open_folder(), Journal(config.data_dir)
        self._orders = Orders(journal.next_epoch(runner.clock.now_us()))
        self.book = Book(config.downloads, self._orders, Random(), lambda: secrets.token_hex(2))  # noqa: S311
        entries = recovered(journal.entries(), folder, self._orders)
        self.book.restore(entry for entry in entries if not entry.removed)
        self._minutes = Minutes(journal.minutes())
        self.keeper = Keeper(
            self.book, self._orders, self._minutes, folder, journal, runner.clock, self.guest.kick
        )
        self._disk = Disk(folder, self._is_wanted)
        self._folder = folder
        for entry in entries:
            if entry.removed and not entry.given_up:
                self.keeper.forget(entry.id)
        self.desk = Desk(self.book, self.keeper.forget, self.keeper.leave)
        self._aggregator = Outbox(loop, context, runner.addresses.aggregator)
        self._inbox = Inbox(loop, context, runner.addresses.wsbridge, self._receive)
        door = Door(config.websocket, config.websocket.read_token())
        self.reception = Reception(self.book, self.desk, self.keeper, door, self.guest, runner.clock)
        self.clients = Clients(door, self.reception, self.guest.fail)
        self._listen()
        loop.before_wait(self._round)
        for work in (
            self.keeper.save_for_ever(),
            self.keeper.sync_for_ever(),
            self.keeper.watch_room_for_ever(),
            self._broadcast_for_ever(),
        ):
            self._begin(work)

    def _open_folder(self) -> Folder:
        path = self.config.downloads.folder(self.config.data_dir)
        try:
            return Folder(path)
        except OSError as mistake:
            expected = "expected a folder that can be written to"
            raise CannotStart(f"downloads.dir: {path}: {mistake.strerror}, {expected}") from mistake

    def _listen(self) -> None:
        where = self.config.websocket
        try:
            self.guest.host.run_until_complete(self.clients.open(where.host, where.port))
        except OSError as mistake:
            if mistake.errno == errno.EADDRINUSE:
                # It may be free again at any moment: no mistake in the configuration.
                raise Taken(f"websocket.port: {where.port} is taken by another program") from mistake
            words = mistake.strerror or mistake
            raise CannotStart(f"websocket.host: {where.host}, port {where.port}: {words}") from mistake

    def commands(self) -> Mapping[str, Command]:
        """What an operator may ask."""
        return Commands(self).table()

    def inbox_told(self) -> dict[str, object]:
        """What came and was no message."""
        return self._inbox.told()

    def second(self) -> None:
        """The heartbeat: who is silent, and the figures of the minutes."""
        for epoch in self.book.second(self.runner.loop.now):
            log.warning("a fetcher (epoch %d) has not been heard of for long: forgotten", epoch)
            self._close_port(epoch)
        active = self.book.counts()["active"]
        self._aggregator.send_all(self._minutes.records(active, self.runner.clock.now_us()))

    def reload(self) -> None:
        """The list of targets is the scheduler's affair."""

    def reopen(self) -> None:
        """The runner has reopened the log; there is no other."""

    def drain(self) -> None:
        """Break off what is in flight: the journal knows where to go on."""
        self.reception.is_closing = True
        for download in self.book.downloads.values():
            download.suspend()
        self._begin(self._finish())

    def drained(self) -> bool:
        """Whether everything is on the disk."""
        return self._is_finished

    def close(self) -> None:
        """Close the ports."""
        for task in self._tasks:
            task.cancel()
        self.guest.host.run_until_complete(self.clients.close())
        self._disk.close()
        self.keeper.close()
        self._inbox.close()
        for port in self._ports.values():
            port.close(LINGER_S)
        self._aggregator.close(LINGER_S)
        self._folder.close()
        self.guest.close()
        self._lock.release()

    # --- messages -----------------------------------------------------------------------------------------

    def _receive(self, records: list[Message]) -> None:
        now = self.runner.loop.now
        for record in records:
            if isinstance(record, RangeProgress):
                if record.bridge == self._orders.bridge:
                    self.book.on_progress(record, now)
            elif isinstance(record, RangeDone):
                if record.bridge == self._orders.bridge:
                    self.book.on_done(record, now)
            elif isinstance(record, FetcherState):
                self._on_state(record, now)
            elif isinstance(record, Gone):
                self.book.on_gone(record.epoch, now)
                self._close_port(record.epoch)
            elif isinstance(record, DownloadsCounted):
                self._minutes.on_counted(record, self.runner.clock.now_us())

    def _on_state(self, state: FetcherState, now: float) -> None:
        if self.book.on_state(state, now):
            loop, context, addresses = self.runner.loop, self.runner.context, self.runner.addresses
            path = addresses.fetcher(state.fetcher, state.epoch)
            port = self._ports[state.epoch] = Outbox(loop, context, path, immediate=True)
            # It drops what it has of a bridge before us, and which nobody waits for.
            port.send(RangeCut(self._orders.bridge, 0))
            log.info("fetcher-%d is here with room for %d ranges", state.fetcher, state.range_slots)

    def _close_port(self, epoch: int) -> None:
        port = self._ports.pop(epoch, None)
        if port is not None:
            port.close()

    # --- the loop -----------------------------------------------------------------------------------------

    def _round(self) -> None:
        """At the end of each round: give out what can be given, and sleep until there is more."""
        loop = self.runner.loop
        if not self.runner.draining:
            self.book.plan(loop.now)
        elif self.book.is_idle:
            self._idle.set()
        self._carry_out()
        self._set_wake(self.book.wake_at(loop.now))

    def _set_wake(self, when: float | None) -> None:
        """One timer, and a new one for another moment only: cancelled ones stay in the heap."""
        if self._wake is not None:
            if self._wake.when == when:
                return
            self._wake.cancel()
        self._wake = None if when is None else self.runner.loop.at(when, _nothing)

    def _carry_out(self) -> None:
        for epoch, record in self._orders.messages:
            port = self._ports.get(epoch)
            if port is not None:
                port.send(record)
        self._orders.messages.clear()
        if self._orders.news:
            for entry, status in self._orders.news:
                _log(entry, status)
                if status is not Status.QUEUED:
                    # Who has asked for it hears so first, when it is in the journal.
                    self.reception.news.set()
            self._orders.news.clear()
        jobs, self._orders.jobs = self._orders.jobs, []
        for job in jobs:
            task = self._begin(self._do(job))
            if isinstance(job, Discard):
                self._discards.add(task)
                task.add_done_callback(self._discards.discard)

    def _is_wanted(self, job: Job) -> bool:
        download = self.book.downloads.get(job.id)
        return download is not None and download.waits_for(job)

    async def _do(self, job: Job) -> None:
        delayed = partial(self._delayed, job)
        if isinstance(job, Verify):
            # The kernel tells of a write that failed once: not to us, if a sync is told first.
            await self.keeper.quiet()
        if isinstance(job, Make | Publish):
            # What was decided is written down before it is done, so that nobody is left in the dark after.
            await self.keeper.written(delayed)
        if isinstance(job, Discard) or self._is_wanted(job):
            answer = await self._disk.do(job, delayed)
            self.book.on_answer(answer)
        # A name that was chosen for a download that is gone, or was given up or paused, is free again.
        download = self.book.downloads.get(job.id)
        if download is None and isinstance(job, Discard):
            self.keeper.forget(job.id)
        if download is None or (download.phase is Phase.IDLE and not download.entry.name):
            self._disk.release(job.id)
        self.guest.kick()

    def _delayed(self, job: Job, trouble: Trouble) -> None:
        download = self.book.downloads.get(job.id)
        if download is not None:
            download.on_delay(job, trouble)
            self.guest.kick()

    async def _finish(self) -> None:
        """Hear from the fetchers how far they came, and bring it to the disk."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._idle.wait(), LAST_WORDS_S)
        if self._discards:
            await asyncio.wait(self._discards, timeout=LAST_WORDS_S)
        await self.keeper.finish()
        self._is_finished = True
        self.guest.kick()

    async def _broadcast_for_ever(self) -> None:
        while True:
            listing = await self.reception.next_list(self.config.downloads.broadcast_interval)
            if listing is not None:
                self.clients.broadcast(listing)

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Let it run; what it raises ends us."""
        task = self.guest.host.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_end)
        return task

    def _on_end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (failure := task.exception()) is not None:
            self.guest.fail(failure)


def _log(entry: Entry, status: Status) -> None:
    """What has become of a download, for whoever reads our log."""
    match status:
        case Status.QUEUED:
            log.info("download %s is added: %s", entry.id, quoted_link(entry.url))
        case Status.DOWNLOADED:
            log.info("download %s is there: %s", entry.id, entry.name)
        case Status.FAILED if entry.trouble is not None:
            log.warning("download %s has failed: %s", entry.id, entry.trouble.message)
        case _ if entry.trouble is not None:
            log.warning("download %s is %s: %s", entry.id, status, entry.trouble.message)
        case _:
            log.info("download %s is %s", entry.id, status)


def _nothing() -> None:
    """Waking up is all that is wanted: the end of the round does the work."""
