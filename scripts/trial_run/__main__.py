"""The main job on real input, and an audit of what it leaves.

nginx serves real files of this machine on hundreds of loopback addresses, beside servers that hang, refuse,
reset and fail. All of them are watched for some minutes, with the books checked every second; with --kill,
each process is killed in turn meanwhile. Exit code 0: every claim of the report holds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from scripts.nginx import NotEnough
from scripts.trial_run.pages import copy_pages, serving
from scripts.trial_run.report import Report, asked, written
from scripts.trial_run.system import configure, supervised
from scripts.trial_run.targets import targets
from scripts.trial_run.watcher import Watcher

START_S = 30
RECOVER_S = 20
KILLED = ("scheduler", "fetchers", "fetcher-1", "aggregator")
ROOT = Path(__file__).parents[2]


def main() -> int:
    arguments = _arguments()
    folder: Path = arguments.folder.resolve()
    try:
        report = trial(
            folder, arguments.minutes * 60, arguments.fetchers, kills=KILLED if arguments.kill else ()
        )
    except NotEnough as mistake:
        print(f"trial: {mistake}", file=sys.stderr)
        return 69
    report.show()
    return 0 if report.held else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        "scripts/trial", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--fetchers", type=int, default=2)
    parser.add_argument("--kill", action="store_true", help="kill -9 each process in turn")
    parser.add_argument(
        "--folder", type=Path, default=ROOT / "var" / "trial", help="what it leaves goes here"
    )
    return parser.parse_args()


def trial(folder: Path, seconds: float, fetchers: int, kills: Sequence[str]) -> Report:
    """Run it all once; raises ``NotEnough``."""
    report = Report()
    shutil.rmtree(folder / "data", ignore_errors=True)
    pages = copy_pages(folder / "pages")
    # A socket's path may have 107 bytes, and the folder may be deep.
    with (
        TemporaryDirectory(prefix="pagestatus-trial-") as run_dir,
        serving(folder) as port,
        bad_servers() as bad,
    ):
        listed = targets(pages, port, bad)
        (folder / "urls.json").write_text(json.dumps(listed), encoding="utf-8")
        report.figure("targets", f"{len(listed):,}, {len(pages):,} of them healthy")
        report.figure("time", f"{seconds:g} s, {fetchers} fetchers")
        configure(folder, run_dir, fetchers)
        print(f"to look on: .venv/bin/pagestatus-ctl --run-dir {run_dir} status --watch", file=sys.stderr)
        watcher = Watcher()
        with supervised():
            if watcher.until("running", START_S) > START_S:
                raise NotEnough("the system does not start; its logs are in var and in the data folder")
            _watch(watcher, seconds, kills, report)
            before_drain = watcher.last_schedule
            began = time.monotonic()
        report.figure("drained", f"in {time.monotonic() - began:.1f} s")
    report.figure("checks settled each second", before_drain["per_second"])
    asked(report, watcher)
    written(report, folder)
    return report


@contextmanager
def bad_servers() -> Iterator[Mapping[str, Sequence[str]]]:
    """The servers that misbehave, by kind."""
    command = [sys.executable, "-m", "scripts.trial_run.bad_servers"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        try:
            if process.stdout is None or not (line := process.stdout.readline()):
                raise NotEnough("the bad servers did not start")
            yield json.loads(line)
        finally:
            process.terminate()


def _watch(watcher: Watcher, seconds: float, kills: Sequence[str], report: Report) -> None:
    began = time.monotonic()
    # Spread over the run, the first after some quiet.
    kill_at = {began + seconds * (n + 1) / (len(kills) + 1): name for n, name in enumerate(kills)}
    due = began
    while due < began + seconds:
        picture = watcher.look()
        if kill_at and due >= min(kill_at):
            _kill(kill_at.pop(min(kill_at)), picture, watcher, report)
        due = max(due + 1, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _kill(name: str, picture: Mapping[str, Any], watcher: Watcher, report: Report) -> None:
    pid = next(process["pid"] for process in picture["processes"] if process["name"] == name)
    os.kill(pid, signal.SIGKILL)
    degraded = watcher.until("degraded", RECOVER_S)
    running = watcher.until("running", RECOVER_S)
    report.claim(
        f"kill -9 {name}: degraded, then running again",
        f"degraded after {degraded:.2f} s, running after {degraded + running:.2f} s",
        holds=degraded + running < RECOVER_S,
    )


if __name__ == "__main__":
    sys.exit(main())
