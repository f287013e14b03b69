"""What a system did in some time, and the CPU that it took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from scripts.bench_run.site import Pages
from scripts.bench_run.system import System
from scripts.bench_run.usage import usage

SITE = "the site"


@dataclass(frozen=True)
class Use:
    """Of the time so far, or of the time between two of these."""

    seconds: float
    # Slots settled by a check.
    checks: int
    # User and system time, by process; with the site.
    cpu_s: Mapping[str, float]
    # Slots that were not checked.
    missed: int = 0

    @classmethod
    def so_far(cls, system: System, site: Pages) -> Use:
        schedule = system.status("scheduler").get("schedule", {})
        cpu_s = usage(system) | {SITE: site.cpu_s()}
        missed = sum(schedule.get("missed_total", {}).values())
        return cls(time.monotonic(), schedule.get("checked_total", 0), cpu_s, missed)

    def __sub__(self, before: Use) -> Use:
        cpu_s = {name: used_s - before.cpu_s.get(name, 0.0) for name, used_s in self.cpu_s.items()}
        checks, missed = self.checks - before.checks, self.missed - before.missed
        return Use(self.seconds - before.seconds, checks, cpu_s, missed)

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
