"""All downloads: which of them run, and which fetcher gets the next range of which.

Limits are looked at before a download is asked what it wants, since a download that is asked may cut a range
short for it. Downloads take turns, one range each, so that none starves another.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from random import Random
from typing import NamedTuple

from pagestatus.config import Downloads as Policy
from pagestatus.messages import FetcherState, RangeDone, RangeProgress, RangeTask, Reason
from wsbridge.course import Content
from wsbridge.crew import Crew, Member
from wsbridge.download import Download
from wsbridge.entry import Entry, Status
from wsbridge.jobs import Answer, Claims
from wsbridge.orders import Orders
from wsbridge.places import Places
from wsbridge.ranges import Range
from wsbridge.requests import Add
from wsbridge.setbacks import CHANGED
from wsbridge.spans import Piece

# Of the list as a message: ordinary websocket clients take 1 MiB. Bytes.
MOST_LISTED = (1 << 20) - (64 << 10)
# Of one download in it, beside its URL.
LISTED = 640
# A task that its fetcher does not speak of for this long is lost: it tells of each once a second.
LEASE_S = 20.0
STOOD_STILL_S = 3.0


class Full(Exception):
    """There are too many downloads; the message is one line."""


class Lease(NamedTuple):
    """A task that a fetcher has."""

    download: Download
    epoch: int
    host: tuple[str, str, int]
    # Its bytes, and what they go into.
    start: int
    stop: int
    content: Content


class Book:
    """Decides for all downloads. Moments are seconds of the monotonic clock unless they are named ``_us``."""

    def __init__(self, policy: Policy, orders: Orders, random: Random, new_id: Callable[[], str]) -> None:
        self.downloads: dict[str, Download] = {}
        self.crew = Crew()
        self._places = Places(policy.active)
        self._policy = policy
        self._orders = orders
        self._random = random
        self._new_id = new_id
        # The ids of what was taken off the list to make room; the caller empties it.
        self.retired: list[str] = []
        self._leases: dict[int, Lease] = {}
        self._heard: dict[int, float] = {}
        self._per_host: dict[tuple[str, str, int], int] = {}
        self._last_task = 0
        self._last_second = 0.0
        self._last_position = 0

    # --- the list -----------------------------------------------------------------------------------------

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take over what the journal knows, in the order of the list."""
        for entry in entries:
            if not entry.has_ended and entry.status is not Status.PAUSED:
                entry.status = Status.QUEUED
                if entry.trouble is not None and entry.trouble.code != CHANGED:
                    # What has hindered the bridge before is not known to hinder this one.
                    entry.trouble = None
            self._insert(entry)

    def add(self, wanted: Add, now_us: int) -> Download:
        """Put a new download at the end of the list; raises Full."""
        self._make_room(_listed(wanted.url))
        entry = Entry(
            id=self._free_id(),
            position=self._last_position + 1,
            added_us=now_us,
            url=wanted.url,
            credentials=wanted.credentials,
            headers=wanted.headers,
            sha256=wanted.sha256,
            filename=wanted.filename,
            threads=wanted.threads,
        )
        self._orders.news.append((entry, entry.status))
        return self._insert(entry)

    def retire(self, size: int) -> None:
        """Take the oldest of those that are there or were cancelled off the list, ``size`` bytes of it."""
        for download in self._oldest(size):
            self.retired.append(download.entry.id)
            self.remove(download)

    def _make_room(self, size: int) -> None:
        """See that ``size`` bytes fit into the list; raises Full, and retires none, if that is not enough."""
        over = size + sum(_listed(download.entry.url) for download in self.downloads.values()) - MOST_LISTED
        if over > sum(_listed(download.entry.url) for download in self._oldest(over)):
            raise Full(f"there are {len(self.downloads)} downloads in the list: remove some first")
        self.retire(over)

    def _oldest(self, size: int) -> list[Download]:
        """As many of those that may be retired as take ``size`` bytes, as far as there are so many."""
        found = []
        for download in self.downloads.values():
            if size <= 0:
                break
            if download.entry.status in {Status.DOWNLOADED, Status.CANCELLED} and not download.entry.given_up:
                size -= _listed(download.entry.url)
                found.append(download)
        return found

    def remove(self, download: Download) -> None:
        """Take it off the list; the caller has seen to it that it has ended."""
        del self.downloads[download.entry.id]
        self.settle(download)

    def settle(self, download: Download) -> None:
        """Its status may have changed: give it its place, in the queue or out of it."""
        self._places.settle(download, is_listed=download.entry.id in self.downloads)

    def counts(self) -> dict[str, int]:
        """Downloads by what is shown of them as a whole."""
        counts = {"queued": 0, "active": 0, "complete": 0, "failed": 0}
        for download in self.downloads.values():
            match download.entry.status:
                case Status.QUEUED | Status.PAUSED:
                    counts["queued"] += 1
                case Status.DOWNLOADED:
                    counts["complete"] += 1
                case Status.FAILED:
                    counts["failed"] += 1
                case Status.CANCELLED:
                    pass
                case _:
                    counts["active"] += 1
        return counts

    @property
    def running(self) -> Iterable[Download]:
        """Those that have a place."""
        return self._places.running

    @property
    def is_idle(self) -> bool:
        """Whether no fetcher has a task of ours."""
        return not self._leases

    def _insert(self, entry: Entry) -> Download:
        download = Download(entry, self._policy, self._orders, self._random, self._claims)
        download.unsaved = True
        self.downloads[entry.id] = download
        self._last_position = max(self._last_position, entry.position)
        self.settle(download)
        return download

    def _free_id(self) -> str:
        while (id_ := self._new_id()) in self.downloads:
            pass
        return id_

    def _claims(self, entry: Entry) -> Claims:
        """What of the folder belongs to others than ``entry``."""
        others = [download for download in self.downloads.values() if download.entry is not entry]
        names = frozenset(
            name for download in others for name in (download.entry.name, download.entry.title) if name
        )
        return Claims(names, sum(download.missing for download in others))

    # --- what fetchers and the disk say -------------------------------------------------------------------

    def on_state(self, state: FetcherState, now: float) -> bool:
        """A fetcher says what it can hold; returns whether it is new."""
        return self.crew.on_state(state, now)

    def on_gone(self, epoch: int, now: float) -> None:
        """A fetcher has ended; what it had is lost, but not what it has written."""
        self.crew.bury(epoch)
        self._forget(epoch, now)

    def on_progress(self, progress: RangeProgress, now: float) -> None:
        """A task has come further."""
        lease = self._leases.get(progress.task)
        if lease is None:
            return
        self._heard[progress.task] = now
        if progress.task in lease.download.in_flight:
            lease.download.on_progress(progress.task, progress.position, now)

    def on_done(self, done: RangeDone, now: float) -> None:
        """A task has ended."""
        lease = self._leases.pop(done.task, None)
        if lease is None:
            return
        del self._heard[done.task]
        self.crew.take_back(lease.epoch, done.task)
        self._count_host(lease.host, -1)
        if done.task in lease.download.in_flight:
            lease.download.on_done(done, now)
        else:
            # The download has dropped it meanwhile, and has what was written all the same.
            lease.download.on_late(done, lease.start, lease.stop, lease.content)
        self.settle(lease.download)

    def on_answer(self, answer: Answer) -> None:
        """The disk has done a job."""
        download = self.downloads.get(answer.job.id)
        if download is not None:
            download.on_answer(answer)
            self.settle(download)

    def second(self, now: float) -> Iterator[int]:
        """Give up what nobody speaks of any more; yields the epochs of fetchers that are forgotten.

        Called once a second; who was not has stood still, and what it has missed may be waiting.
        """
        stood_still = now - self._last_second > STOOD_STILL_S
        self._last_second = now
        if stood_still:
            self._heard = dict.fromkeys(self._heard, now)
            self.crew.excuse(now)
        for task in [task for task, heard in self._heard.items() if now - heard > LEASE_S]:
            lease = self._leases[task]
            self._orders.cut(Range(task, lease.epoch, 0, 0, now), 0)
            self._lose(task, now)
        for epoch in self.crew.long_silent(now):
            self._forget(epoch, now)
            yield epoch

    def _forget(self, epoch: int, now: float) -> None:
        for task in self.crew.forget(epoch):
            self._lose(task, now)

    def _lose(self, task: int, now: float) -> None:
        lease = self._leases[task]
        range_ = lease.download.in_flight.get(task)
        position = 0 if range_ is None else range_.position
        self.on_done(RangeDone(self._orders.bridge, task, lease.epoch, position, Reason.LEASE), now)

    # --- what is to be done -------------------------------------------------------------------------------

    def plan(self, now: float) -> None:
        """Fill free places, and give out ranges as far as credit and limits go."""
        self._places.fill(now)
        turns = list(self.running)
        while turns:
            turns = [download for download in turns if self._give(download, now)]
        for download in list(self.running):
            self.settle(download)

    def wake_at(self, now: float) -> float | None:
        """When ``plan`` has something to do that nobody tells it."""
        return self._places.wake_at(now)

    def _give(self, download: Download, now: float) -> bool:
        """Give out one range of ``download``; False: it gets none now."""
        host = download.host
        if self._per_host.get(host, 0) >= self._policy.per_host:
            return False
        member = self.crew.choose(download.in_flight, now)
        piece = None if member is None else download.next_task(now)
        if member is None or piece is None:
            return False
        task = self._lend(download, member, piece, now)
        self._leases[task.task] = Lease(download, member.epoch, host, task.start, task.stop, download.content)
        self._heard[task.task] = now
        self._count_host(host, 1)
        return True

    def _lend(self, download: Download, member: Member, piece: Piece, now: float) -> RangeTask:
        self._last_task += 1
        range_ = Range(self._last_task, member.epoch, *piece, now)
        download.begin(range_)
        task = download.task(self._orders.bridge, range_)
        self.crew.give(member.epoch, range_.task)
        self._orders.send(member.epoch, task)
        return task

    def _count_host(self, host: tuple[str, str, int], by: int) -> None:
        count = self._per_host.get(host, 0) + by
        if count:
            self._per_host[host] = count
        else:
            self._per_host.pop(host, None)

    def __repr__(self) -> str:
        return f"<Book of {len(self.downloads)}, {self._places}>"


@lru_cache(maxsize=2048)
def _listed(url: str) -> int:
    """How many bytes a download with this URL takes in the list, at most."""
    return LISTED + len(json.dumps(url))
