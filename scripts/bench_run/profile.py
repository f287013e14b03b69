"""Runs a part and records, process by process, where its time goes: flame graphs, and the functions on top.

The options of the part follow its name: ``scripts/bench profile --seconds 5 cpu --rate 5000``. It must last
long enough for three recordings, and is ended after them. py-spy records, with the code of libraries; where
perf is installed it tells what part is the kernel's, libcurl's, Python's.
"""

from __future__ import annotations

import argparse
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scripts.bench_run.options import count
from scripts.bench_run.parts import PARTS
from scripts.bench_run.processes import descendants
from scripts.bench_run.recording import CODE, FLAMES, STACKS, Shares, functions, libraries, looks, record
from scripts.bench_run.table import table
from scripts.nginx import NotEnough

ROOT = Path(__file__).parents[2]
# What comes after -m in the command line of our processes.
NAMES = {"scheduler": "scheduler", "aggregator": "aggregator", "wsbridge": "wsbridge", "fetchers": "pool"}
FETCHER = "fetchers.fetcher"
OUTPUT = "part.out"
LONGEST_WAIT_S = 120
LOOK_S = 0.2
LEAST = 0.01
WIDEST = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--after",
        type=float,
        default=5,
        metavar="SECONDS",
        help="from when there are fetchers to the first recording",
    )
    parser.add_argument("--seconds", type=count, default=6, metavar="N", help="of each recording")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "var" / "profiles", metavar="FOLDER", help="where a folder is made"
    )
    parser.add_argument("profiled", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="OPTION", help="of the part")


def measure(arguments: argparse.Namespace, folder: Path) -> Profiles:
    """Record all processes of the system at once; raises ``NotEnough``."""
    planned = list(looks(arguments.seconds))
    to: Path = arguments.to.resolve() / arguments.profiled
    to.mkdir(parents=True, exist_ok=True)
    for old in to.iterdir():
        old.unlink()
    with _running([arguments.profiled, *arguments.options], folder) as part:
        _wait_for_fetchers(part, folder / OUTPUT)
        time.sleep(arguments.after)
        pids = dict(_ours(part.pid))
        record(pids, planned, to)
    profiles = Profiles(to, {name: Profile.of(to / name) for name in pids})
    (to / "functions.txt").write_text(f"{profiles}\n", encoding="utf-8")
    return profiles


@contextmanager
def _running(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A part, for as long as this lasts."""
    command = [sys.executable, "-m", "scripts.bench_run", *words, "--folder", f"{folder / 'part'}"]
    with (
        (folder / OUTPUT).open("wb") as output,
        subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output) as part,
    ):
        try:
            yield part
        finally:
            # As Ctrl-C does, for then it drains the system.
            part.send_signal(signal.SIGINT)


def _wait_for_fetchers(part: subprocess.Popen[bytes], output: Path) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not any(name.startswith("fetcher") for name, _pid in _ours(part.pid)):
        if part.poll() is not None or time.monotonic() > deadline:
            words = output.read_text(encoding="utf-8", errors="replace").splitlines()
            raise NotEnough(f"the part has no fetchers: {(words or ['it says nothing'])[-1]}")
        time.sleep(LOOK_S)


def _ours(root: int) -> Iterator[tuple[str, int]]:
    """The system's processes below ``root``, by name; with a number, where a part has several systems."""
    seen: Counter[str] = Counter()
    for pid in descendants(root):
        # It may have ended meanwhile.
        with suppress(OSError):
            name = _name(
                Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8", errors="replace").split("\0")
            )
            if name:
                seen[name] += 1
                yield (name if seen[name] == 1 else f"{name}.{seen[name]}"), pid


def _name(command: list[str]) -> str:
    """Empty if it is none of ours."""
    module = command[2] if command[1:2] == ["-m"] and len(command) > 2 else ""
    if module != FETCHER:
        return NAMES.get(module, "")
    return next((f"fetcher-{word.partition('=')[2]}" for word in command if word.startswith("--index=")), "")


class Profile(NamedTuple):
    """Shares of the time of one process."""

    functions: Shares
    libraries: Shares

    @classmethod
    def of(cls, path: Path) -> Profile:
        """Of the files whose names begin so."""
        return cls(functions(Path(f"{path}{STACKS}")), libraries(Path(f"{path}{CODE}")))

    def table(self, name: str) -> str:
        tables = [
            table((name, "own time"), [(words[:WIDEST], f"{share:.1%}") for words, share in self.functions])
        ]
        if self.libraries:
            rows = [(words, f"{share:.1%}") for words, share in self.libraries if share >= LEAST]
            tables.append(table(("code of", "time"), rows))
        return "\n\n".join(tables)


@dataclass(frozen=True)
class Profiles:
    """By process."""

    folder: Path
    profiles: Mapping[str, Profile]
    held: bool = True

    def as_json(self) -> dict[str, Any]:
        return {
            name: {"functions": dict(found.functions), "libraries": dict(found.libraries)}
            for name, found in self.profiles.items()
        }

    def __str__(self) -> str:
        tables = [found.table(name) for name, found in self.profiles.items()]
        return "\n\n".join([*tables, f"Flame graphs: {self.folder}/*{FLAMES}"])
