"""Takes checks, makes the attempts and reports what was measured; never more at once than it has slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from fetchers.attempt import Attempt
from fetchers.check_handle import CheckHandle
from fetchers.engine import Engine
from fetchers.resolver import Resolver
from pagestatus.clock import Clock
from pagestatus.config import Check as CheckConfig
from pagestatus.loop import Loop
from pagestatus.messages import Check, Result


class Incarnation(NamedTuple):
    """Which fetcher this is, and how much it can hold."""

    epoch: int
    number: int
    slots: int


class Means(NamedTuple):
    """What transfers are made with."""

    loop: Loop
    clock: Clock
    resolver: Resolver


class Checker:
    """All attempts of one fetcher."""

    def __init__(
        self, means: Means, config: CheckConfig, fetcher: Incarnation, report: Callable[[Result], None]
    ) -> None:
        self.loop = means.loop
        self.config = config
        self.epoch = fetcher.epoch
        self.index = fetcher.number
        self.now_us = means.clock.now_us
        self.engine = Engine(means.loop, keep_connections=fetcher.slots)
        self.resolver = means.resolver
        # Checks beyond what fits into the second queue; their leases run out.
        self.dropped = 0
        self._slots = fetcher.slots
        self._report = report
        self._attempts: set[Attempt] = set()
        self._waiting: deque[Check] = deque()
        self._free: list[CheckHandle] = []
        means.loop.on_stall(self.stalled)

    @property
    def in_flight(self) -> int:
        """Checks that were taken and not reported."""
        return len(self._attempts) + len(self._waiting)

    def take(self, check: Check) -> None:
        """Make an attempt, now or as soon as there is a slot."""
        if len(self._attempts) < self._slots:
            self._begin(check)
        elif len(self._waiting) < self._slots:
            # A new scheduler does not know of its predecessor's checks and may give too many.
            self._waiting.append(check)
        else:
            self.dropped += 1

    def take_handle(self, owner: Attempt) -> CheckHandle:
        """A handle for ``owner``: one that is free, else a new one."""
        handle = self._free.pop() if self._free else CheckHandle(self.config)
        handle.owner = owner
        return handle

    def give_back(self, handle: CheckHandle) -> None:
        """The handle is free again, and stays configured."""
        handle.owner = None
        self._free.append(handle)

    def finished(self, attempt: Attempt, result: Result) -> None:
        """An attempt has ended."""
        self._attempts.discard(attempt)
        self._report(result)
        if self._waiting:
            self.loop.soon(self._begin_waiting)

    def close(self) -> None:
        """Break off what is in flight."""
        self._attempts.clear()
        self._waiting.clear()
        self.engine.close()

    def _begin(self, check: Check) -> None:
        attempt = Attempt(check, self)
        self._attempts.add(attempt)
        attempt.begin()

    def _begin_waiting(self) -> None:
        while self._waiting and len(self._attempts) < self._slots:
            self._begin(self._waiting.popleft())

    def stalled(self, _seconds: float) -> None:
        """The loop stood still: what is in flight was not served and cannot be trusted."""
        for attempt in self._attempts:
            attempt.stall()
