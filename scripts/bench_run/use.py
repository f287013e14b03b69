"""What a system did in some time, and the CPU that it took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.bench_run.clients import Failed
from scripts.bench_run.site import Pages
from scripts.bench_run.system import System
from scripts.bench_run.usage import pids, usage

SITE = "the site"


@dataclass(frozen=True)
class Use:
    """Of some time."""

    seconds: float
    # Slots settled by a check.
    checks: int
    # User and system time, by process; with the site.
    cpu_s: Mapping[str, float]
    # Slots that were not checked.
    missed: int = 0

    @property
    def per_second(self) -> float:
        return self.checks / self.seconds

    @property
    def ours_s(self) -> float:
        """Of all our processes."""
        return sum(self.cpu_s.values()) - self.cpu_s[SITE]

    @property
    def us_a_check(self) -> float:
        """Of all our processes."""
        return self.ours_s / max(self.checks, 1) * 1e6

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """By process: microseconds a check, and cores."""
        for name, used_s in [*self.cpu_s.items(), ("pagestatus", self.ours_s)]:
            yield name, f"{used_s / max(self.checks, 1) * 1e6:.1f}", f"{used_s / self.seconds:.2f}"


@dataclass(frozen=True)
class SoFar:
    """Since the processes began; the difference of two of these is what came between."""

    # Which processes they are, by name.
    pids: Mapping[str, int]
    use: Use

    @classmethod
    def of(cls, system: System, site: Pages) -> SoFar:
        """Raises ``NotEnough``: without an answer all that was used before would count."""
        schedule = system.told("scheduler")["schedule"]
        found = pids(system)
        cpu_s = usage(found) | {SITE: site.cpu_s()}
        missed = sum(schedule["missed_total"].values())
        return cls(found, Use(time.monotonic(), schedule["checked_total"], cpu_s, missed))

    def __sub__(self, before: SoFar) -> Use:
        """Raises ``Failed`` when they are not the same processes: one that has ended has no CPU time."""
        new, old = self.use, before.use
        cpu_s = {name: used_s - old.cpu_s.get(name, 0.0) for name, used_s in new.cpu_s.items()}
        if self.pids != before.pids or any(used_s < 0 for used_s in cpu_s.values()):
            raise Failed("a process has ended while its CPU time was measured")
        return Use(new.seconds - old.seconds, new.checks - old.checks, cpu_s, new.missed - old.missed)
