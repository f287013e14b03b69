"""Takes checks, makes the attempts and reports what was measured; never more at once than it has slots."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from fetchers.attempt import Attempt
from fetchers.check_handle import CheckHandle
from fetchers.engine import Engine
from fetchers.resolver import Resolver
from fetchers.ways import Ways
from pagestatus.clock import Clock, monotonic_us
from pagestatus.config import Check as CheckConfig
from pagestatus.loop import Loop
from pagestatus.messages import Check, Result

# A round begins no more than this, so that what is under way is served, and its times are taken, soon; and
# with no time left for more, no more than are served are under way.
BEGUN_A_ROUND = 32


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
    ways: Ways

    @property
    def stands_still(self) -> bool:
        """What happens now may come of a stall that nobody was told of yet, of this round or this machine."""
        return self.loop.is_late or self.clock.is_behind


class Checker:
    """All attempts of one fetcher."""

    def __init__(
        self, means: Means, config: CheckConfig, fetcher: Incarnation, report: Callable[[Result], None]
    ) -> None:
        self.means = means
        self.loop = means.loop
        self.config = config
        self.max_bytes = config.max_bytes
        self.epoch = fetcher.epoch
        self.index = fetcher.number
        self.clock = means.clock
        self.engine = Engine(means.loop, keep_connections=fetcher.slots)
        self.resolver = means.resolver
        self.ways = means.ways
        # Checks beyond what fits into the second queue; their leases run out.
        self.dropped = 0
        self._slots = fetcher.slots
        self._report = report
        self._attempts: set[Attempt] = set()
        self._waiting: deque[Check] = deque()
        self._coming_back = False
        self._free: list[CheckHandle] = []
        means.loop.on_stall(self.stalled)

    @property
    def in_flight(self) -> int:
        """Checks that were taken and not reported."""
        return len(self._attempts) + len(self._waiting)

    def take(self, check: Check) -> None:
        """Make an attempt, now or as soon as there is a slot."""
        if self.in_flight >= 2 * self._slots:
            # A new scheduler does not know of its predecessor's checks and may give too many.
            self.dropped += 1
            return
        self._waiting.append(check)
        self._go_on()

    def take_handle(self) -> CheckHandle:
        """A handle that is free, else a new one."""
        return self._free.pop() if self._free else CheckHandle(self.config)

    def give_back(self, handle: CheckHandle) -> None:
        """The handle is free again, and stays configured."""
        self._free.append(handle)

    def finished(self, attempt: Attempt, result: Result) -> None:
        """An attempt has ended."""
        self._attempts.discard(attempt)
        self._report(result)
        if self._waiting:
            self._go_on()

    def close(self) -> None:
        """Break off what is in flight."""
        self._attempts.clear()
        self._waiting.clear()
        self.engine.close()

    def _go_on(self) -> None:
        if not self._coming_back:
            self._coming_back = True
            self.loop.soon(self._begin_some)

    def _begin_some(self) -> None:
        self._coming_back = False
        waiting, attempts = self._waiting, self._attempts
        for _ in range(BEGUN_A_ROUND):
            if not waiting or len(attempts) >= self._slots:
                return
            began_us = monotonic_us()
            attempt = Attempt(waiting.popleft(), self, began_us, self.clock.at_us(began_us))
            attempts.add(attempt)
            attempt.begin()
        if waiting:
            self._go_on()

    def stalled(self, _seconds: float) -> None:
        """The loop stood still: what is in flight was not served and cannot be trusted."""
        for attempt in self._attempts:
            attempt.stall()
