"""From the start to the first check, and until every target has been checked; memory of all processes.

A million targets on hosts of their own. What the scheduler takes for each of them is how much larger it is
than one with a single target, less the bytes of their URLs.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.bench_run import crowd
from scripts.bench_run.clients import Failed
from scripts.bench_run.crowd import Crowd
from scripts.bench_run.memory import Memory, memory
from scripts.bench_run.picture import bars
from scripts.bench_run.system import System, running
from scripts.bench_run.table import Claim, table, told
from scripts.bench_run.usage import pids
from scripts.nginx import NotEnough

MOST_FIRST_S = 10
# Beyond one interval.
MOST_LONGER_S = 10
MOST_BYTES_A_TARGET = 400
# Until it is given up to wait that all have been checked; the first check of a huge list.
MOST_INTERVALS = 2
LONGEST_FIRST_S = 120
# How often is looked: to look costs the scheduler some milliseconds.
FIRST_LOOK_S = 0.1
ALL_LOOK_S = 0.5
MIB = 1 << 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    crowd.add_arguments(parser)


def measure(arguments: argparse.Namespace, folder: Path) -> Started:
    """Start it with the whole list, after one with next to none; raises ``NotEnough``."""
    small_rss = rss_of_small(folder)
    with crowd.watched(arguments, folder) as watched:
        return watch(watched, until_first(watched), small_rss)


@dataclass(frozen=True)
class Started:
    """How a start went. Times are seconds from the start of the processes."""

    targets: int
    interval_s: int
    # Until a check was on the disk.
    first_s: float
    # Until all targets had been checked, or until no longer was waited; how many had not been by then.
    all_s: float
    unchecked: int
    memory: Mapping[str, Memory]
    # Of a scheduler with a single target; what the URLs come to. Bytes.
    small_rss: int
    url_bytes: int
    # Whose check has failed.
    down: int = 0

    @property
    def bytes_a_target(self) -> float:
        """Of the scheduler, beyond the URL itself."""
        return (self.memory["scheduler"].rss - self.small_rss - self.url_bytes) / self.targets

    @property
    def claims(self) -> list[Claim]:
        most_s = self.interval_s + MOST_LONGER_S
        late = f", {self.unchecked:,} not" if self.unchecked else ""
        return [
            Claim(f"first check after {self.first_s:.1f} s", self.first_s <= MOST_FIRST_S),
            Claim(f"all checked after {self.all_s:.1f} s{late}", not self.unchecked and self.all_s <= most_s),
            Claim(f"{self.down:,} targets failed", not self.down),
            Claim(
                f"the scheduler takes {self.bytes_a_target:.0f} bytes a target beyond its URL",
                self.bytes_a_target <= MOST_BYTES_A_TARGET,
            ),
        ]

    @property
    def held(self) -> bool:
        return all(claim.holds for claim in self.claims)

    def as_json(self) -> dict[str, Any]:
        return {
            "targets": self.targets,
            "interval_s": self.interval_s,
            "first_check_s": round(self.first_s, 2),
            "all_checked_s": round(self.all_s, 2),
            "unchecked": self.unchecked,
            "down": self.down,
            "bytes_a_target": round(self.bytes_a_target, 1),
            "memory": {name: found._asdict() for name, found in self.memory.items()},
            "scheduler_of_one_target_rss": self.small_rss,
            "claims": told(self.claims),
        }

    def picture(self) -> str:
        values = [(name, found.pss / MIB, True) for name, found in self.memory.items()]
        return bars(f"Memory with {self.targets:,} targets", "MiB", values)

    def __str__(self) -> str:
        return "\n".join(
            [table(("MiB", "resident", "at most", "share"), list(self._rows())), "", *map(str, self.claims)]
        )

    def _rows(self) -> Iterator[tuple[str, ...]]:
        for name, found in self.memory.items():
            yield (name, *(f"{size / MIB:.0f}" for size in found))
        yield ("all", "", "", f"{sum(found.pss for found in self.memory.values()) / MIB:.0f}")


def watch(watched: Crowd, first_s: float, small_rss: int) -> Started:
    """Wait until all targets have been checked, or for a time in which they should have been.

    Raises ``NotEnough`` and ``Failed``.
    """
    most_s = first_s + MOST_INTERVALS * watched.interval_s
    all_s = _until(watched, lambda status: not status["targets"]["unknown"], most_s, ALL_LOOK_S)
    known = watched.system.told("scheduler")["targets"]
    return Started(
        targets=watched.targets,
        interval_s=watched.interval_s,
        first_s=first_s,
        all_s=all_s,
        unchecked=known["unknown"],
        memory=_memory(watched.system),
        small_rss=small_rss,
        url_bytes=watched.url_bytes,
        down=known["down"],
    )


def _memory(system: System) -> dict[str, Memory]:
    try:
        return {name: memory(pid) for name, pid in pids(system).items()}
    except OSError as gone:
        raise Failed(f"a process has ended while its memory was measured: {gone}") from gone


def until_first(watched: Crowd) -> float:
    """Seconds from the start to the first check that is on the disk; raises ``NotEnough``."""
    seconds = _until(watched, _has_checked, LONGEST_FIRST_S, FIRST_LOOK_S)
    if seconds > LONGEST_FIRST_S:
        raise NotEnough(f"nothing is checked after {LONGEST_FIRST_S} s")
    return seconds


def _until(watched: Crowd, holds: Callable[[Mapping[str, Any]], bool], most_s: float, look_s: float) -> float:
    """Seconds from the start until the scheduler's status is so; more than ``most_s``: it never was."""
    while True:
        status = watched.system.status("scheduler")
        seconds = time.monotonic() - watched.began
        if (status and holds(status)) or seconds > most_s:
            return seconds
        time.sleep(look_s)


def _has_checked(status: Mapping[str, Any]) -> bool:
    return bool(status["schedule"]["checked_total"])


def rss_of_small(folder: Path) -> int:
    """Bytes of a scheduler with a single target, which need not answer; raises ``NotEnough``."""
    small = folder / "small"
    small.mkdir()
    with running(small, [{"url": "http://127.0.0.1:9/", "interval": 1}], {"fetchers": 1}) as system:
        system.until_running(fetchers=1, checked=1)
        return _memory(system)["scheduler"].rss
