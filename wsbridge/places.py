"""Which downloads run: there are so many places, and the longest in the list go first.

A place is for who has something to do. What must wait for long leaves its place to others, and is the first
to have one again when its time has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from wsbridge.download import Download
from wsbridge.entry import Status


class Places:
    """Moments are seconds of the monotonic clock."""

    def __init__(self, most: int) -> None:
        self._most = most
        # By id: what waits for a place, what has one, and what left it while it has nothing to do.
        self._queue: dict[str, Download] = {}
        self._running: dict[str, Download] = {}
        self._yielded: dict[str, Download] = {}
        # When the yielded have something to do again: (moment, id). Deletion is lazy.
        self._wakes: list[tuple[float, str]] = []

    @property
    def running(self) -> Iterable[Download]:
        """Those that have a place."""
        return self._running.values()

    def settle(self, download: Download, *, is_listed: bool) -> None:
        """The status of ``download`` may have changed: take its place away, or let it wait for one."""
        id_, entry = download.entry.id, download.entry
        is_over = not is_listed or entry.has_ended or entry.status is Status.PAUSED
        if is_over or entry.status is Status.QUEUED:
            self._running.pop(id_, None)
            self._yielded.pop(id_, None)
        if is_over:
            self._queue.pop(id_, None)
        elif entry.status is Status.QUEUED:
            self._queue[id_] = download

    def fill(self, now: float) -> None:
        """Let the next ones begin where there is room."""
        for id_, download in list(self._running.items()):
            if download.yields(now):
                self._yielded[id_] = self._running.pop(id_)
                if (wake := download.wake_at(now)) is not None:
                    heapq.heappush(self._wakes, (wake, id_))
        while len(self._running) < self._most:
            next_one = self._next(now)
            if next_one is None:
                return
            self._running[next_one.entry.id] = next_one
            next_one.start()
            self.settle(next_one, is_listed=True)

    def wake_at(self, now: float) -> float | None:
        """When somebody has something to do that nobody tells; None: never."""
        moments = [download.wake_at(now) for download in self._running.values()]
        self._forget_wakes()
        # One that is due already waits for a place, of which others tell.
        moments += [when for when, _ in self._wakes[:1] if when > now]
        return min((moment for moment in moments if moment is not None), default=None)

    def _next(self, now: float) -> Download | None:
        self._forget_wakes()
        if self._wakes and self._wakes[0][0] <= now:
            return self._yielded.pop(heapq.heappop(self._wakes)[1])
        first = min(self._queue.values(), key=lambda download: download.entry.position, default=None)
        return None if first is None else self._queue.pop(first.entry.id)

    def _forget_wakes(self) -> None:
        """Those of downloads that have been paused, cancelled or queued since."""
        while self._wakes and self._wakes[0][1] not in self._yielded:
            heapq.heappop(self._wakes)

    def __repr__(self) -> str:
        return f"<Places: {len(self._running)} of {self._most} running, {len(self._queue)} queued>"
