"""The whole ring in one process: real actors, and a clock, a network, a disk and sites that a seed decides.

Nothing here waits, and nothing is random but by the seed: a run that breaks a promise can be run again.
"""

from __future__ import annotations

import functools
import heapq
import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from aggregator.actor import Aggregator
from fetchers.actor import Fetcher
from pagestatus.config import Check, Config, Log
from pagestatus.messages import Gone
from scheduler.actor import Scheduler
from scheduler.planner import SILENT_US
from scheduler.slots import Stage
from simulation.disk import Disk
from simulation.history import History, NotedHandover
from simulation.lists import HeldLists, Listing
from simulation.network import SECOND_US, Conditions, Inbox, Link, Mailbox, Outbox
from simulation.process import Killed, Process
from simulation.sites import Checker, Ranges, Resolver, Sites, Ways

# 2026-01-31T11:59:20Z: the first minute is a short one.
START_US = 1_769_860_760_000_000


class World:
    """One machine."""

    def __init__(self, seed: int, data_dir: Path) -> None:
        self.random = random = Random(seed)  # noqa: S311 - a run is to be repeated
        self.now_us = START_US
        # How far the wall clock was set forward (or back).
        self.wall_ahead_us = 0
        self.rounds = 0
        self.healed = False
        # What ends now is not started again.
        self.closing = False
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._sequence = itertools.count()
        self._mailboxes: dict[Path, Mailbox] = {}
        self._epochs = itertools.count(1)
        self.conditions = Conditions(random)
        self.disk = Disk(random, lambda: self.wall_ns() // 1000)
        self.sites = Sites(random)
        self.listing = Listing(random)
        self.config = Config(
            data_dir=data_dir,
            run_dir=data_dir / "run",
            slots=random.choice([1, 2, 5, 20]),
            check=Check(
                timeout=random.choice([1.0, 3.0]),
                retries=random.choice([0, 2]),
                retry_interval=random.choice([0.1, 1.0]),
                per_host=random.choice([0, 1, 3]),
                backoff_max=random.choice([1, 4]),
            ),
            log=Log(
                fsync_ms=random.choice([0, 100, 1000]),
                max_bytes=random.choice([50_000, 1 << 28]),
                keep=1000,
            ),
        )
        self.wanted_fetchers = random.randint(1, 3)
        self.scheduler: Process | None = None
        self.aggregator: Process | None = None
        self.fetchers: dict[int, Process] = {}
        self.schedulers_started = 0
        self.history = History()

    # --- time -----------------------------------------------------------------------------------------------

    def at(self, at_us: int, callback: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at_us, next(self._sequence), callback))

    def after(self, seconds: float, callback: Callable[[], None]) -> None:
        self.at(self.now_us + int(seconds * SECOND_US), callback)

    def moment(self, at_us: int) -> float:
        return (at_us - START_US) / SECOND_US

    def monotonic(self) -> float:
        return (self.now_us - START_US) / SECOND_US

    def monotonic_ns(self) -> int:
        return (self.now_us - START_US) * 1000

    def wall_ns(self) -> int:
        return (self.now_us + self.wall_ahead_us) * 1000

    def run_until(self, until_us: int = 1 << 62, rounds: int = 1 << 62) -> None:
        """Let happen what is to happen, up to a moment or a number of rounds."""
        events = self._events
        while events and events[0][0] <= until_us and self.rounds < rounds:
            self.now_us, _number, callback = heapq.heappop(events)
            callback()
        if self.rounds < rounds:
            self.now_us = max(self.now_us, min(until_us, self.now_us + SECOND_US))

    # --- the processes --------------------------------------------------------------------------------------

    def mailbox(self, path: Path) -> Mailbox:
        if path not in self._mailboxes:
            self._mailboxes[path] = Mailbox(self.conditions)
        return self._mailboxes[path]

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Put the model's parts in the place of the sockets, the disk and the transfers."""
        for actor in ("scheduler", "aggregator", "fetchers"):
            monkeypatch.setattr(f"{actor}.actor.Inbox", Inbox)
            monkeypatch.setattr(f"{actor}.actor.Outbox", Outbox)
        monkeypatch.setattr("scheduler.actor.time", self)
        monkeypatch.setattr("scheduler.actor.Handover", functools.partial(NotedHandover, self.history))
        monkeypatch.setattr("scheduler.actor.Random", lambda: self.random)
        monkeypatch.setattr("aggregator.actor.Lock", _NoLock)
        monkeypatch.setattr("scheduler.actor.Lock", _NoLock)
        monkeypatch.setattr("aggregator.logfile.os", self.disk)
        monkeypatch.setattr("scheduler.listed.os.fdatasync", lambda _file: None)
        # So that an answer has more than one part.
        monkeypatch.setattr("aggregator.ledger.SLOTS_A_RECAP", 7)
        monkeypatch.setattr("fetchers.actor.Checker", functools.partial(Checker, self.sites))
        monkeypatch.setattr("fetchers.actor.Ranges", Ranges)
        monkeypatch.setattr("fetchers.actor.Resolver", Resolver)
        monkeypatch.setattr("fetchers.actor.Ways", Ways)
        monkeypatch.setattr("fetchers.actor.descriptor_limit", lambda: 1 << 20)

    def time_ns(self) -> int:
        """The epoch of a scheduler; no two have the same."""
        return self.wall_ns() + next(self._epochs) * 1000

    def start(self) -> None:
        self.start_aggregator()
        self.start_scheduler()
        for index in range(1, self.wanted_fetchers + 1):
            self.start_fetcher(index)

    def start_scheduler(self) -> None:
        actor = Scheduler(self.config)
        actor.lists = HeldLists(self.config, self.listing, self.history)
        process = Process(self, actor, self.config)
        process.after_round = _Watch(self, actor).look
        self.schedulers_started += 1
        self.scheduler = process
        self._begin(process, self._scheduler_ended)

    def _scheduler_ended(self, process: Process) -> None:
        self.scheduler = None
        if isinstance(process.actor, Scheduler):
            self.history.ended(process.actor.planner.swept_us)
        if not self.closing:
            self.after(self._pause_s(), self.start_scheduler)

    def start_aggregator(self) -> None:
        self.aggregator = process = Process(self, Aggregator(self.config), self.config)
        self._begin(process, self._aggregator_ended)

    def _aggregator_ended(self, process: Process) -> None:
        self.disk.crash(power_cut=not process.drained and self.random.random() < 0.5)
        self.aggregator = None
        if not self.closing:
            self.after(self._pause_s(), self.start_aggregator)

    def start_fetcher(self, index: int) -> None:
        if index in self.fetchers or index > self.wanted_fetchers:
            return
        epoch = self.time_ns() // 1000
        process = Process(self, Fetcher(self.config, index, epoch, None), self.config)
        self.fetchers[index] = process
        self._begin(process, lambda _process: self._fetcher_ended(index, epoch))

    def _fetcher_ended(self, index: int, epoch: int) -> None:
        del self.fetchers[index]
        if self.healed or self.random.random() < 0.8:
            self.tell_gone(index, epoch)
        self.after(self._pause_s(), lambda: self.start_fetcher(index))

    def tell_gone(self, index: int, epoch: int) -> None:
        """What the pool says when a fetcher has ended."""
        link = Link(self.mailbox(self.config.run_dir / "scheduler.in"))
        link.send([Gone(epoch, index)], self.now_us)

    def scale(self, number: int) -> None:
        self.wanted_fetchers = number
        for index, process in list(self.fetchers.items()):
            if index > number:
                process.drain()
        for index in range(1, number + 1):
            self.start_fetcher(index)

    def _begin(self, process: Process, ended: Callable[[Process], None]) -> None:
        process.ended = ended
        try:
            process.start()
        except (Killed, OSError):
            # An OSError: it cannot start, and says so.
            process.kill()

    def _pause_s(self) -> float:
        """How long a process is away."""
        return 0.5 if self.healed else self.random.choice([0.05, 0.5, 0.5, 2.0, 2.0, 10.0, 70.0])


class _NoLock:
    """Nobody else is there."""

    def __init__(self, _path: Path) -> None:
        pass

    def release(self) -> None:
        pass


class BrokenBooks(AssertionError):
    """The scheduler's own figures do not agree."""


class _Watch:
    """Looks at a scheduler after each of its rounds, and once a second more closely."""

    def __init__(self, world: World, scheduler: Scheduler) -> None:
        self._world = world
        self._scheduler = scheduler
        self._next_us = 0

    def look(self) -> None:
        books = self._scheduler.planner.accounts
        if books.due != books.checked + books.missed.total() + books.in_flight:
            raise BrokenBooks(
                f"due {books.due}, checked {books.checked}, missed {books.missed}, open {books.in_flight}"
            )
        if self._world.now_us >= self._next_us:
            self._next_us = self._world.now_us + SECOND_US
            self.count()

    def count(self) -> None:
        """Slots and leases, one by one."""
        planner = self._scheduler.planner
        leased = [slot for slot in planner.slots.values() if slot.stage is Stage.LEASED]
        leases = Counter(slot.fetcher for slot in leased)
        for fetcher in planner.dispatcher.fetchers.values():
            if leases.pop(fetcher.epoch, 0) != fetcher.leases:
                raise BrokenBooks(f"fetcher-{fetcher.index} has {fetcher.leases} leases by its own count")
        # Of a fetcher that drained: its results are on their way to the disk, and get a moment for it.
        soon_us = self._scheduler._clock.now_us() + SILENT_US
        if any(slot.fetcher in leases and slot.lease_until_us > soon_us for slot in leased):
            raise BrokenBooks(f"leases of nobody: {leases}")
        book = planner.book
        held = len(book._alone) + sum(record.count for records in book._held.values() for record in records)
        sent = sum(sent.record.count for sent in book._sent.values())
        if planner.accounts.in_flight != len(planner.slots) + held + sent:
            raise BrokenBooks(
                f"in flight {planner.accounts.in_flight}, slots {len(planner.slots)}, "
                f"missed and held {held}, sent {sent}"
            )
