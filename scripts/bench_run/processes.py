"""CPU time of running processes and all that they have started, from /proc (proc(5))."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

_TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    """What the kernel says of one process."""

    parent: int
    cpu_s: float


def cpu_s(roots: Iterable[int]) -> float:
    """User and system time so far, of these processes and their descendants that live."""
    return sum(process.cpu_s for process in _family(roots).values())


def descendants(root: int) -> list[int]:
    """The processes that ``root`` and its descendants have started, and that live."""
    return sorted(_family([root]).keys() - {root})


def _family(roots: Iterable[int]) -> dict[int, Process]:
    found = dict(_processes())
    wanted = set(roots)
    # Children have a parent that is older, but not always a number that is greater.
    while more := {pid for pid, process in found.items() if process.parent in wanted} - wanted:
        wanted |= more
    return {pid: found[pid] for pid in wanted if pid in found}


def _processes() -> Iterable[tuple[int, Process]]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            # It may have ended meanwhile.
            with suppress(OSError):
                yield int(entry.name), _parsed((entry / "stat").read_text(encoding="utf-8", errors="replace"))


def _parsed(stat: str) -> Process:
    # The name, in brackets, may hold anything; the state comes next.
    fields = stat.rpartition(")")[2].split()
    return Process(parent=int(fields[1]), cpu_s=(int(fields[11]) + int(fields[12])) / _TICKS_A_SECOND)
