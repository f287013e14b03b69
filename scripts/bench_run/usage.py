"""CPU time of the system's processes, with all their threads; exact where the kernel tells (proc(5))."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from scripts.bench_run.system import ACTORS, System

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")
POOL = "pool"


def pids(system: System) -> dict[str, int]:
    """All processes that live, by name."""
    found = dict(zip(ACTORS, system.pids, strict=True))
    found[POOL] = found.pop("fetchers")
    for fetcher in system.status("fetchers").get("fetchers", []):
        if fetcher.get("pid"):
            found[fetcher["name"]] = fetcher["pid"]
    return found


def usage(system: System) -> dict[str, float]:
    """User and system time so far by process, seconds; a fetcher that has ended is not in it."""
    return {name: cpu_s_of(pid) for name, pid in pids(system).items()}


def cpu_s_of(pid: int) -> float:
    """User and system time of one process, seconds; 0 if it has ended."""
    spent_s = 0.0
    with suppress(OSError):
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            # A thread may have ended meanwhile.
            with suppress(OSError):
                spent_s += _of_task(task)
    return spent_s


def _of_task(task: Path) -> float:
    schedstat = task / "schedstat"
    if schedstat.exists():
        return int(schedstat.read_text(encoding="ascii").split()[0]) / 1e9
    # The name, in brackets, may hold anything.
    fields = (task / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND
