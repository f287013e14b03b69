"""Memory, descriptors and threads of processes, looked at again and again, and what has grown meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

# A process is judged when it was seen for so long: it settles first. Seconds.
SETTLES_S = 30.0
LONG_ENOUGH_S = 150.0
# The least of the last part of its life may be so much more than the least of the first one. What a peak took
# is kept for the next one: a fetcher has a handle for each slot that was ever in use.
PART = 4
MORE = {"rss_kib": 32 << 10, "descriptors": 16, "threads": 0}
MORE_TIMES = {"rss_kib": 1.1, "descriptors": 1.1, "threads": 1.0}


class Size(NamedTuple):
    """What a process takes (proc_pid_status(5))."""

    rss_kib: int
    descriptors: int
    threads: int


class Sample(NamedTuple):
    """One look. Seconds of the monotonic clock."""

    at_s: float
    name: str
    pid: int
    size: Size


def look(at_s: float, pids: Mapping[str, int]) -> Iterator[Sample]:
    """At those that live."""
    for name, pid in pids.items():
        with suppress(OSError, IndexError):
            yield Sample(at_s, name, pid, _size(Path("/proc") / str(pid)))


def _size(process: Path) -> Size:
    status = (process / "status").read_text(encoding="utf-8", errors="replace")
    descriptors = sum(1 for _ in (process / "fd").iterdir())
    return Size(_field(status, "VmRSS"), descriptors, _field(status, "Threads"))


def _field(status: str, name: str) -> int:
    return int(status.partition(f"\n{name}:")[2].split(maxsplit=1)[0])


class Grown(NamedTuple):
    """One process, at the begin of the time in which it is judged and at the end."""

    name: str
    pid: int
    lived_s: float
    first: Size
    last: Size

    def findings(self) -> Iterator[str]:
        for what, first, last in zip(Size._fields, self.first, self.last, strict=True):
            if last > first * MORE_TIMES[what] + MORE[what]:
                yield f"{self.name} ({self.pid}): {what} grew from {first} to {last} in {self.lived_s:.0f} s"


def grown(samples: Iterable[Sample]) -> Iterator[Grown]:
    """Those that were there for long enough, by what they took when they took least.

    What is in flight comes and goes; what is never given back is there at the quietest moment, too.
    """
    lives: defaultdict[tuple[str, int], list[Sample]] = defaultdict(list)
    for sample in samples:
        lives[sample.name, sample.pid].append(sample)
    for (name, pid), seen in lives.items():
        lived_s = seen[-1].at_s - seen[0].at_s
        if lived_s < LONG_ENOUGH_S:
            continue
        settled = [sample.size for sample in seen if sample.at_s >= seen[0].at_s + SETTLES_S]
        part = max(1, len(settled) // PART)
        yield Grown(name, pid, lived_s, _least(settled[:part]), _least(settled[-part:]))


def _least(sizes: Iterable[Size]) -> Size:
    return Size(*map(min, zip(*sizes, strict=True)))
