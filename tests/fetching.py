"""A checker on a loop of its own, driven by the test until what it waits for has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import msgspec

from fetchers.checker import Checker, Incarnation
from pagestatus.clock import Clock
from pagestatus.config import Check as CheckConfig
from pagestatus.loop import Loop, Timer
from pagestatus.messages import Check, Result
from system import POLL_S, SLOWNESS

SECOND_US = 1_000_000


def run_until(loop: Loop, condition: Callable[[], object], what: str, within_s: float = 10) -> None:
    """Let ``loop`` go round until ``condition`` holds."""
    if condition():
        return
    deadline = time.monotonic() + within_s * SLOWNESS

    def look() -> None:
        if condition() or time.monotonic() > deadline:
            loop.stop()

    def tick() -> None:
        # What other processes do wakes nobody here.
        ticks.append(loop.after(POLL_S, tick))

    ticks: list[Timer] = []
    tick()
    loop.last_before_wait(look)
    loop.run()
    loop.not_before_wait(look)
    ticks[-1].cancel()
    if not condition():
        raise AssertionError(f"still not so after {within_s * SLOWNESS:g} s: {what}")


def check(url: str, *, timeout_s: float = 10, target: int = 1, max_bytes: int = 0) -> Check:
    """A check of ``url``; its time-out grows with the slowness."""
    timeout_us = int(timeout_s * SLOWNESS * SECOND_US)
    return Check(target, 0, 1, 0, 0, timeout_us, url, max_bytes=max_bytes)


class Bench:
    """Makes attempts, one or several at a time."""

    def __init__(self, *, slots: int = 100, **config: object) -> None:
        self.loop = Loop()
        self.results: list[Result] = []
        settings = msgspec.structs.replace(CheckConfig(), **config)
        self.checker = Checker(self.loop, Clock(), settings, Incarnation(7, 1, slots), self.results.append)

    def attempt(self, url: str, *, timeout_s: float = 10, max_bytes: int = 0) -> Result:
        """Make one attempt and return what was measured."""
        return self.attempts([check(url, timeout_s=timeout_s, max_bytes=max_bytes)])[0]

    def attempts(self, checks: Sequence[Check]) -> list[Result]:
        """Make several at once; the results are in the order in which they came."""
        self.results.clear()
        for one in checks:
            self.checker.take(one)
        run_until(self.loop, lambda: len(self.results) == len(checks), "every attempt has a result", 30)
        return list(self.results)

    def close(self) -> None:
        """Give everything back."""
        self.checker.close()
        self.loop.close()
