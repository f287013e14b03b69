"""CPU time of running processes, with all their threads and all that they have started (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def cpu_s(roots: Iterable[int]) -> float:
    """User and system time so far, of these processes and their descendants that live."""
    return sum(map(cpu_s_of, _family(roots)))


def cpu_s_of(pid: int) -> float:
    """User and system time of one process, seconds, exact where the kernel tells; 0 if it has ended."""
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
    fields = _fields(task / "stat")
    return (int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND


def descendants(root: int) -> list[int]:
    """The processes that ``root`` and its descendants have started, and that live."""
    return sorted(_family([root]) - {root})


def _family(roots: Iterable[int]) -> set[int]:
    parents = dict(_parents())
    wanted = set(roots)
    # Children have a parent that is older, but not always a number that is greater.
    while more := {pid for pid, parent in parents.items() if parent in wanted} - wanted:
        wanted |= more
    return wanted & parents.keys()


def _parents() -> Iterable[tuple[int, int]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # It may have ended meanwhile.
            with suppress(OSError):
                yield int(entry.name), int(_fields(entry / "stat")[1])


def _fields(stat: Path) -> list[str]:
    """From the state on."""
    # The name, in brackets, may hold anything.
    return stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
