"""Runs a part and records, process by process, where its time goes: flame graphs, and the functions on top.

The options of the part follow its name: ``scripts/bench profile --seconds 5 cpu --rate 5000``. It is recorded
while it measures, for which it is given the time that it takes, and ended then. py-spy records, with the code
of libraries; where perf is installed it tells what part is the kernel's, libcurl's, Python's.
"""

from __future__ import annotations

import argparse
import math
import os
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

from scripts.bench_run.clients import Failed
from scripts.bench_run.moment import VARIABLE
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
MEASURING = "measuring"
FUNCTIONS = "functions.txt"
LONGEST_WAIT_S = 120
LOOK_S = 0.2
# Beyond its seconds, of each look.
MORE_S = 5
LEAST = 0.01
WIDEST = 90


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--after",
        type=float,
        default=5,
        metavar="SECONDS",
        help="from when it measures to the first recording",
    )
    parser.add_argument("--seconds", type=count, default=6, metavar="N", help="of each recording")
    parser.add_argument(
        "--to", type=Path, default=ROOT / "var" / "profiles", metavar="FOLDER", help="where a folder is made"
    )
    parser.add_argument("profiled", choices=PARTS, metavar="PART", help=", ".join(PARTS))
    parser.add_argument("options", nargs=argparse.REMAINDER, metavar="OPTION", help="of the part")


def measure(arguments: argparse.Namespace, folder: Path) -> Profiles:
    """Record all processes of the system at once; raises ``NotEnough`` and ``Failed``."""
    planned = list(looks(arguments.seconds))
    to: Path = arguments.to.resolve() / arguments.profiled
    make_empty(to)
    lasting = _lasting(arguments.profiled, arguments.after + len(planned) * (arguments.seconds + MORE_S))
    with _running([arguments.profiled, *lasting, *arguments.options], folder) as part:
        began = _wait_until_it_measures(part, folder)
        time.sleep(arguments.after)
        pids = dict(_ours(part.pid))
        if pids:
            record(pids, planned, to)
        if _began(folder) != began:
            raise Failed("the part did not measure for long enough: see what options it has")
    profiles = Profiles(to, {name: Profile.of(to / name) for name in pids})
    (to / FUNCTIONS).write_text(f"{profiles}\n", encoding="utf-8")
    return profiles


def make_empty(to: Path) -> None:
    """Remove the profile that was there, and nothing else; raises ``Failed``."""
    to.mkdir(parents=True, exist_ok=True)
    old = list(to.iterdir())
    foreign = [path for path in old if not (path.is_file() and _is_ours(path))]
    if foreign:
        raise Failed(f"{foreign[0]} is no profile: give another folder with --to")
    for path in old:
        path.unlink()


def _is_ours(path: Path) -> bool:
    return path.suffix in {FLAMES, STACKS, CODE} or path.name == FUNCTIONS


@contextmanager
def _running(words: list[str], folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A part, for as long as this lasts."""
    command = [sys.executable, "-m", "scripts.bench_run", *words, "--folder", f"{folder / 'part'}"]
    env = os.environ | {VARIABLE: f"{folder / MEASURING}"}
    with (
        (folder / OUTPUT).open("wb") as output,
        # Ctrl-C is for this process, which passes it on: the second one would not let the system drain.
        subprocess.Popen(
            command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True
        ) as part,
    ):
        try:
            yield part
        finally:
            # As Ctrl-C does, for then it drains the system.
            part.send_signal(signal.SIGINT)


def _lasting(part: str, seconds: float) -> list[str]:
    """Options with which it measures for so long, where it can be told; those of the user come after them."""
    parser = argparse.ArgumentParser()
    PARTS[part].add_arguments(parser)
    known = "seconds" in vars(parser.parse_args([]))
    return ["--seconds", f"{math.ceil(seconds)}"] if known else []


def _wait_until_it_measures(part: subprocess.Popen[bytes], folder: Path) -> int:
    """Since when it does; raises ``NotEnough``."""
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not (began := _began(folder)):
        if part.poll() is not None or time.monotonic() > deadline:
            words = (folder / OUTPUT).read_text(encoding="utf-8", errors="replace").splitlines()
            raise NotEnough(f"the part measures nothing: {(words or ['it says nothing'])[-1]}")
        time.sleep(LOOK_S)
    return began


def _began(folder: Path) -> int:
    """0: it does not measure."""
    try:
        return (folder / MEASURING).stat().st_mtime_ns
    except FileNotFoundError:
        return 0


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
