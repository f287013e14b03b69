"""CPU time of the system's processes."""

from __future__ import annotations

from collections.abc import Mapping

from scripts.bench_run.processes import cpu_s_of
from scripts.bench_run.system import ACTORS, System

POOL = "pool"


def pids(system: System) -> dict[str, int]:
    """All processes that live, by name; raises ``NotEnough`` when the pool does not say which."""
    found = dict(zip(ACTORS, system.pids, strict=True))
    found[POOL] = found.pop("fetchers")
    for fetcher in system.told("fetchers").get("fetchers", []):
        if fetcher.get("pid"):
            found[fetcher["name"]] = fetcher["pid"]
    return found


def usage(found: Mapping[str, int]) -> dict[str, float]:
    """User and system time so far, seconds, by name."""
    return {name: cpu_s_of(pid) for name, pid in found.items()}
