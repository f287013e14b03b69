"""The whole system under one fault after the other, held against its promises.

A site that writes down every request is watched at a steady rate, one file after the other is downloaded, and
every few seconds something is killed, stopped, filled up, cut off or fed with garbage, or the site or the
name server has bad manners. Ctrl-C ends it early. At the end the system drains, and what it has written is
held against what the site saw. Exit code 0: every promise was kept.

As root it has a disk of its own, which is full at times, and with --namespace a network of its own, which
fails. scripts/soak_run/faults/table.py has all faults, and says which are not among them, and why.

Examples:
  scripts/soak --minutes 60 --rate 1000 --json soak.json
  scripts/soak --seed 7 --only scheduler --only disk
  scripts/soak --namespace --only route --only "name server"
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import time
from functools import partial
from pathlib import Path

from scripts.bench_run.options import count
from scripts.help import Formatter
from scripts.nginx import NotEnough
from scripts.soak_run.report import as_json, as_text
from scripts.soak_run.soak import Plan, soak

RATE = 1000
MOST_RATE = 100_000


def main() -> int:
    arguments = _arguments()
    # Who is not at a terminal ends it early, too; and a shell may have taught us to ignore Ctrl-C.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)
    plan = Plan(
        arguments.minutes * 60,
        arguments.rate,
        arguments.seed,
        arguments.every,
        tuple(arguments.only),
        has_network=arguments.namespace,
    )
    print(f"soak: seed {plan.seed}", file=sys.stderr)
    try:
        found = soak(plan, arguments.folder)
    except NotEnough as mistake:
        print(f"soak: {mistake}", file=sys.stderr)
        return 69
    except KeyboardInterrupt:
        print("soak: ended before there was anything to judge", file=sys.stderr)
        return 130
    print(as_text(plan, found))
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(as_json(plan, found), indent=1) + "\n", encoding="utf-8")
    return 0 if found.held else 1


def _arguments() -> argparse.Namespace:
    rate = partial(count, most=MOST_RATE)
    parser = argparse.ArgumentParser("scripts/soak", description=__doc__, formatter_class=Formatter)
    parser.add_argument("--minutes", type=_positive, default=60, metavar="M", help="how long")
    parser.add_argument("--rate", type=rate, default=RATE, metavar="R", help="checks a second")
    parser.add_argument("--seed", type=int, default=int(time.time()), metavar="S", help="which faults, when")
    parser.add_argument("--every", type=_positive, default=10, metavar="SECONDS", help="a fault begins")
    parser.add_argument(
        "--only", action="append", default=[], metavar="WORD", help="faults with this word in their names"
    )
    parser.add_argument(
        "--namespace", action="store_true", help="in a network of its own, which is broken, too (takes root)"
    )
    parser.add_argument("--folder", type=_new_folder, help="logs of the run are copied there")
    parser.add_argument("--json", type=_file, metavar="FILE", help="the report for programs")
    return parser.parse_args()


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(f"{text}: expected a number above 0")
    return number


def _new_folder(text: str) -> Path:
    folder = Path(text).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_empty = not any(folder.iterdir())
    except OSError as mistake:
        raise argparse.ArgumentTypeError(f"{text}: {mistake.strerror}") from mistake
    if not is_empty:
        raise argparse.ArgumentTypeError(f"{text} is not empty")
    return folder


def _file(text: str) -> Path:
    """Seen to be writable at once: an hour later would be late."""
    try:
        Path(text).open("a", encoding="utf-8").close()
    except OSError as mistake:
        raise argparse.ArgumentTypeError(f"{text}: {mistake.strerror}") from mistake
    return Path(text)


if __name__ == "__main__":
    sys.exit(main())
