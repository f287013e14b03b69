"""Measures the system, part by part, beside what others would use in its place.

Exit code 0: every claim holds; 1: one does not; 69: this machine lacks something.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

from scripts.bench_run import profile, report
from scripts.bench_run.clients import Failed
from scripts.bench_run.parts import PARTS, Command
from scripts.nginx import NotEnough

ROOT = Path(__file__).parents[2]


def main() -> int:
    arguments = _parser().parse_args()
    folder: Path = arguments.folder.resolve()
    if folder.exists() and any(folder.iterdir()):
        print(f"bench: {folder} is not empty", file=sys.stderr)
        return 64
    folder.mkdir(parents=True, exist_ok=True)
    kept = arguments.keep
    try:
        measured = arguments.measure(arguments, folder)
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
    parser = argparse.ArgumentParser(
        "scripts/bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parts = parser.add_subparsers(dest="part", required=True, metavar="PART")
    others: dict[str, Command] = {"all": report, "profile": profile}
    for name, part in {**PARTS, **others}.items():
        options = parts.add_parser(
            name,
            help=(part.__doc__ or "").partition("\n")[0],
            description=part.__doc__,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        part.add_arguments(options)
        options.add_argument("--json", action="store_true", help="figures as JSON")
        options.add_argument("--keep", action="store_true", help="leave the folder behind, with its logs")
        options.add_argument(
            "--folder", type=Path, default=ROOT / "var" / "bench", help="where all files go; made and removed"
        )
        options.set_defaults(measure=part.measure)
    return parser


if __name__ == "__main__":
    sys.exit(main())
