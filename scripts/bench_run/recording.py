"""Looks into running processes for some seconds: stacks by py-spy and, where it is installed, code by perf.

One look after the other, each at all processes at once, so that none sees what another one costs.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from scripts.nginx import NotEnough

# Times a second.
SPY_RATE, PERF_RATE = 200, 499
FLAMES, STACKS, CODE = ".svg", ".raw", ".perf"
TOP = 25
# Code without a name is its library's.
_NAMELESS = re.compile("0x[0-9a-f]+ ")

Shares = list[tuple[str, float]]


class Look(NamedTuple):
    """A command, that takes ``--pid`` and ``--output`` before its ``end``."""

    suffix: str
    command: Sequence[str]
    end: Sequence[str] = ()


def record(pids: Mapping[str, int], looks: Sequence[Look], to: Path) -> None:
    """Make a file of each process for each look, in ``to``; raises ``NotEnough``."""
    for look in looks:
        recorders = {
            name: _start(
                [*look.command, "--pid", f"{pid}", "--output", f"{to / name}{look.suffix}", *look.end]
            )
            for name, pid in pids.items()
        }
        failed = [
            f"{name}: {words}" for name, recorder in recorders.items() if (words := _complaint(recorder))
        ]
        if len(failed) == len(pids):
            raise NotEnough(f"{look.command[0]} can not record {failed[0]}")
        for words in failed:
            print(f"not recorded: {words}", file=sys.stderr)


def looks(seconds: int) -> Iterator[Look]:
    """Those that there can be; raises ``NotEnough``."""
    spy = shutil.which("py-spy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if spy is None:
        raise NotEnough("py-spy is needed; .venv/bin/pip install py-spy")
    spying = [spy, "record", "--native", "--rate", f"{SPY_RATE}", "--duration", f"{seconds}"]
    yield Look(FLAMES, [*spying, "--format", "flamegraph"])
    yield Look(STACKS, [*spying, "--format", "raw", "--nolineno"])
    if shutil.which("perf"):
        # It lasts as long as the command that it is given.
        yield Look(CODE, ["perf", "record", "--quiet", "-F", f"{PERF_RATE}"], ["--", "sleep", f"{seconds}"])
    else:
        print("perf is left out; on Debian: apt install linux-perf", file=sys.stderr)


def _start(command: Sequence[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _complaint(recorder: subprocess.Popen[str]) -> str:
    """Wait for it; empty if all went well."""
    words = recorder.communicate()[1]
    if not recorder.returncode:
        return ""
    found = re.search(r"^Error: (.*)", words, re.MULTILINE)
    return found[1] if found else (words.strip().splitlines() or [f"ended with {recorder.returncode}"])[-1]


def functions(stacks: Path) -> Shares:
    """Own time of each function, as shares of all, greatest first; empty when nothing was recorded."""
    own: Counter[str] = Counter()
    for line in _text(stacks).splitlines():
        stack, _, count = line.rpartition(" ")
        own[_NAMELESS.sub("nameless ", stack.rpartition(";")[2])] += int(count)
    return [(name, count / own.total()) for name, count in own.most_common(TOP)]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


def libraries(code: Path) -> Shares:
    """The kernel's share, and each library's; empty when nothing was recorded."""
    if not code.exists():
        return []
    command = ["perf", "report", "--stdio", "--sort", "dso", "-g", "none", "-i", f"{code}"]
    told = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    found = re.findall(r"^ +([0-9.]+)% +(.*\S)", told, re.MULTILINE)
    return [(library, float(share) / 100) for share, library in found]
