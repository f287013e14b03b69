"""Memory of processes, as the kernel counts it (proc_pid_smaps(5), proc_pid_status(5))."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_KIB = 1024


class Memory(NamedTuple):
    """Of one process, bytes."""

    # What is resident, and the most that ever was.
    rss: int
    most: int
    # The same, where a page that several processes share counts as a part of one for each: these add up.
    pss: int


def memory(pid: int) -> Memory:
    """What ``pid`` takes now; raises OSError when it is gone."""
    found = _fields(pid, "status", ("VmRSS", "VmHWM")) | _fields(pid, "smaps_rollup", ("Pss",))
    return Memory(found["VmRSS"], found["VmHWM"], found["Pss"])


def _fields(pid: int, file: str, names: Iterable[str]) -> dict[str, int]:
    """Lines such as ``VmRSS:     51712 kB``."""
    lines = Path(f"/proc/{pid}/{file}").read_text(encoding="ascii", errors="replace").splitlines()
    parted = (line.partition(":") for line in lines)
    return {name: int(value.split()[0]) * _KIB for name, _, value in parted if name in names}
