"""The sites that are watched, and what a fetcher measures of them: by chance, and remembered."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from random import Random
from typing import NamedTuple

from fetchers.checker import Incarnation, Means
from pagestatus.config import Check as CheckConfig
from pagestatus.config import Config
from pagestatus.messages import Check, Message, Reason, Result
from simulation.network import SECOND_US, HeldLoop


class Answer(NamedTuple):
    """How an attempt ends below our own verdict."""

    reason: Reason = Reason.NONE
    status: int = 0
    retry_after_s: int = -1


_OK = Answer(status=200)
_ERROR = Answer(status=500)
_TIMEOUT = Answer(Reason.TIMEOUT)
_MISSING = Answer(status=404)
_BUSY = Answer(status=503, retry_after_s=7)
_RESET = Answer(Reason.RESET)
_NO_NAME = Answer(Reason.NO_SUCH_NAME)
_NO_FDS = Answer(Reason.NO_FDS)

# What a site is like: its answers, any of them as likely.
CHARACTERS = (
    (_OK,),
    (_OK, _ERROR, _RESET),
    (_TIMEOUT,),
    (_OK, _TIMEOUT),
    (_MISSING,),
    (_OK, _OK, _BUSY),
    (_NO_NAME, _NO_NAME, _NO_NAME, _NO_NAME, _OK),
    (_OK, _NO_FDS),
    (_OK, _ERROR, _TIMEOUT, _MISSING, _BUSY, _RESET, _NO_NAME, _NO_FDS),
)


class Measured(NamedTuple):
    """What the log may say of an attempt."""

    fetcher: int
    started_ms: int
    duration_us: int
    status: int
    reason: Reason


class Sites:
    """All of them, and all that was ever measured."""

    def __init__(self, random: Random) -> None:
        self.measured: defaultdict[tuple[int, int, int], set[Measured]] = defaultdict(set)
        self._random = random
        # The share of an attempt's time-out that it takes.
        self.pace = random.choice([0.01, 0.1, 0.5])

    def answer(self, check: Check) -> tuple[Answer, int]:
        """How this attempt ends, and after how long, microseconds."""
        answer = self._random.choice(CHARACTERS[check.target % len(CHARACTERS)])
        if answer.reason is Reason.TIMEOUT:
            return answer, check.timeout_us
        return answer, int(min(self._random.expovariate(1 / self.pace), 1.0) * check.timeout_us)

    def note(self, result: Result) -> None:
        self.measured[result.target, result.due_us, result.attempt].add(
            Measured(
                result.fetcher, result.started_us // 1000, result.duration_us, result.status, result.reason
            )
        )


class _Attempt:
    __slots__ = ("answer", "check", "is_tainted", "started_us")

    def __init__(self, check: Check, answer: Answer, started_us: int) -> None:
        self.check = check
        self.answer = answer
        self.started_us = started_us
        self.is_tainted = False


class Resolver:
    """Stands in for ``fetchers.resolver.Resolver``: all names are known."""

    lookups = 0

    def __init__(self, _loop: HeldLoop, _name_servers: Sequence[str]) -> None:
        """There is nobody to ask."""

    def refresh(self) -> None:
        """Nothing changes."""

    def close(self) -> None:
        """Nothing is open."""


class Ways:
    """Stands in for ``fetchers.ways.Ways``: nothing is asked of a kernel."""

    def __init__(self, _loop: HeldLoop) -> None:
        """There is no network of this machine."""

    def close(self) -> None:
        """Nothing is open."""


class Ranges:
    """Stands in for ``fetchers.ranges.Ranges``: there is no bridge, and nobody asks for any."""

    in_flight = 0

    def __init__(
        self, _means: Means, _config: Config, _fetcher: Incarnation, _report: Callable[[Message], None]
    ) -> None:
        """Nothing to keep."""

    def drain(self) -> None:
        """Nothing is in flight."""

    def close(self) -> None:
        """Nothing is open."""


class Checker:
    """Stands in for ``fetchers.checker.Checker``: the same queues, without transfers."""

    def __init__(
        self,
        sites: Sites,
        means: Means,
        _config: CheckConfig,
        fetcher: Incarnation,
        report: Callable[[Result], None],
    ) -> None:
        self.dropped = 0
        self._sites = sites
        self._loop = means.loop
        self._clock = means.clock
        self._fetcher = fetcher
        self._report = report
        self._attempts: set[_Attempt] = set()
        self._waiting: deque[Check] = deque()
        means.loop.on_stall(self._on_stall)

    @property
    def in_flight(self) -> int:
        return len(self._attempts) + len(self._waiting)

    def take(self, check: Check) -> None:
        if len(self._attempts) < self._fetcher.slots:
            self._begin(check)
        elif len(self._waiting) < self._fetcher.slots:
            self._waiting.append(check)
        else:
            self.dropped += 1

    def close(self) -> None:
        self._attempts.clear()
        self._waiting.clear()

    def _begin(self, check: Check) -> None:
        answer, duration_us = self._sites.answer(check)
        attempt = _Attempt(check, answer, self._clock.now_us())
        self._attempts.add(attempt)
        self._loop.after(duration_us / SECOND_US, lambda: self._finish(attempt))

    def _finish(self, attempt: _Attempt) -> None:
        if attempt not in self._attempts:
            return
        self._attempts.discard(attempt)
        check = attempt.check
        answer = Answer(Reason.STALLED) if attempt.is_tainted else attempt.answer
        result = Result(
            check.target,
            check.due_us,
            check.attempt,
            check.retry_by_us,
            check.first_started_us,
            check.url,
            check.name,
            check.expect,
            self._fetcher.epoch,
            self._fetcher.number,
            attempt.started_us,
            self._clock.now_us() - attempt.started_us,
            answer.reason,
            answer.status,
            10 if answer.status else -1,
            retry_after_s=answer.retry_after_s,
        )
        self._sites.note(result)
        self._report(result)
        if self._waiting and len(self._attempts) < self._fetcher.slots:
            self._begin(self._waiting.popleft())

    def _on_stall(self, _seconds: float) -> None:
        for attempt in self._attempts:
            attempt.is_tainted = True
