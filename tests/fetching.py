"""A checker, or ranges, on a loop of its own, driven by the test until what it waits for has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from fetchers.checker import Checker, Incarnation, Means
from fetchers.ranges import Ranges
from fetchers.resolver import Resolver
from fetchers.ways import Ways
from pagestatus.clock import Clock
from pagestatus.config import Check as CheckConfig
from pagestatus.config import Config, Downloads
from pagestatus.loop import Loop, Timer
from pagestatus.messages import Check, Message, RangeDone, RangeProgress, RangeTask, Result
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
        self.resolver = Resolver(self.loop, settings.name_servers)
        self.ways = Ways(self.loop)
        means = Means(self.loop, Clock(), self.resolver, self.ways)
        self.checker = Checker(means, settings, Incarnation(7, 1, slots), self.results.append)

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
        self.resolver.close()
        self.ways.close()
        self.loop.close()


class RangeBench:
    """Fetches ranges into one part file, with the test as the bridge."""

    def __init__(
        self, data_dir: Path, *, slots: int = 100, check: CheckConfig | None = None, **downloads: object
    ) -> None:
        """``downloads`` are settings of that section; private addresses are allowed by default."""
        self.loop = Loop()
        settings: dict[str, Any] = {"allow_private": True, **downloads}
        check = check or CheckConfig()
        self.config = Config(data_dir=data_dir, check=check, downloads=Downloads(**settings))
        self.folder = self.config.downloads.folder(data_dir)
        self.folder.mkdir()
        self.part = self.folder / "file.bin.part"
        self.part.touch()
        self.told: list[Message] = []
        self.resolver = Resolver(self.loop, check.name_servers)
        self.ways = Ways(self.loop)
        means = Means(self.loop, Clock(), self.resolver, self.ways)
        self.ranges = Ranges(means, self.config, Incarnation(7, 1, slots), self.told.append)
        self._tasks = 0

    def task(self, url: str, start: int, stop: int, **different: Any) -> RangeTask:  # noqa: ANN401
        """A task of the part file."""
        self._tasks += 1
        fields: dict[str, Any] = {"file": self.part.name, "inode": self.part.stat().st_ino}
        return RangeTask(1, self._tasks, url, start, stop, **(fields | different))

    def question(self, url: str, **different: Any) -> RangeTask:  # noqa: ANN401
        """A task that asks for the head alone."""
        return self.task(url, 0, 0, file="", inode=0, **different)

    def fetch(self, *tasks: RangeTask) -> list[RangeDone]:
        """Fetch these at once; how they ended, in the order of the tasks."""
        for task in tasks:
            self.ranges.take(task)
        return self.ends(*tasks)

    def ends(self, *tasks: RangeTask) -> list[RangeDone]:
        """Wait until these have ended."""
        wanted = [task.task for task in tasks]
        self.until(lambda: set(wanted) <= self._ended().keys(), f"tasks {wanted} have ended")
        ended = self._ended()
        return [ended[number] for number in wanted]

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let time pass until ``condition`` holds."""
        run_until(self.loop, condition, what)

    def positions(self, task: RangeTask) -> list[int]:
        """The progress that was told of ``task``."""
        told = [record for record in self.told if isinstance(record, RangeProgress)]
        return [record.position for record in told if record.task == task.task]

    def close(self) -> None:
        """Give everything back."""
        self.ranges.close()
        self.resolver.close()
        self.ways.close()
        self.loop.close()

    def _ended(self) -> dict[int, RangeDone]:
        return {record.task: record for record in self.told if isinstance(record, RangeDone)}
