"""Holds the logs of a run that has drained against the promise: one final line for every slot.

Example: .venv/bin/python -m scripts.audit var --urls urls.json
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from itertools import islice
from pathlib import Path

from pagestatus.identity import target_word
from pagestatus.targets import TargetList
from scripts.audit import log, minutes
from scripts.audit.slots import gathered

MOST_SHOWN = 20


def intervals_us(urls: Path) -> Mapping[str, int]:
    """The interval of each target of a list, by the word that the log has for it."""
    return {target_word(target.id, target.name): target.interval_us for target in TargetList(urls)}


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--urls", type=Path, default=Path("urls.json"), help="the list that was watched")
    arguments = parser.parse_args()
    slots = gathered(log.lines(arguments.data_dir))
    found = [
        *slots.findings(intervals_us(arguments.urls)),
        *minutes.findings(log.lines(arguments.data_dir), log.minutes(arguments.data_dir)),
    ]
    for finding in islice(found, MOST_SHOWN):
        print(finding)
    print(f"{slots.settled} slots, {len(found)} findings")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
