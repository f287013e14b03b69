"""Measures the system, part by part, beside what others would use in its place.

nginx, with one page, listens at all addresses of this machine meanwhile: there are millions that it serves.

Exit code 0: every claim holds; 1: one does not; 64: it is not asked for properly; 69: this machine lacks
something; 130 and the like: it was ended by a signal, and has ended all that it had started.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

from scripts.bench_run import profile, report
from scripts.bench_run.clients import Failed
from scripts.bench_run.parts import PARTS, Command
from scripts.bench_run.place import DEFAULT, Occupied, taken
from scripts.help import Formatter
from scripts.nginx import NotEnough


def main() -> int:
    arguments = _parser().parse_args()
    _heed_signals()
    folder: Path = arguments.folder.resolve()
    try:
        with taken(folder):
            return _measured(arguments, folder)
    except Occupied as mistake:
        print(f"bench: {mistake}", file=sys.stderr)
        return 64
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _heed_signals() -> None:
    """Let each end the run in order, as Ctrl-C does: what was started is not to be left behind."""
    # In the background of a shell it is ignored, but whoever sends it to this process means it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, _end)
    # Ignored: by nohup, so as to outlive the terminal.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _end)


def _end(number: int, _frame: FrameType | None) -> None:
    sys.exit(128 + number)


def _measured(arguments: argparse.Namespace, folder: Path) -> int:
    kept = arguments.keep
    try:
        measured = arguments.measure(arguments, folder)
        # What a part has left has its logs.
        kept |= isinstance(measured, report.Report) and bool(measured.left_out)
    except (NotEnough, Failed) as mistake:
        kept = True
        print(f"bench: {mistake}; what it left is in {folder}", file=sys.stderr)
        return 69 if isinstance(mistake, NotEnough) else 1
    finally:
        if not kept:
            shutil.rmtree(folder)
    print(json.dumps({arguments.part: measured.as_json()}, indent=1) if arguments.json else measured)
    return 0 if measured.held else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("scripts/bench", description=__doc__, formatter_class=Formatter)
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    others: dict[str, Command] = {"all": report, "profile": profile}
    for name, part in {**PARTS, **others}.items():
        options = parts.add_parser(
            name,
            help=(part.__doc__ or "").partition("\n")[0],
            description=part.__doc__,
            formatter_class=Formatter,
        )
        part.add_arguments(options)
        options.add_argument("--json", action="store_true", help="figures as JSON")
        options.add_argument(
            "--keep", action="store_true", help="leave the folder behind, with its logs, until the next run"
        )
        options.add_argument(
            "--folder", type=Path, default=DEFAULT, help="where all files go; made and removed"
        )
        options.set_defaults(measure=part.measure)
    return parser


if __name__ == "__main__":
    sys.exit(main())
