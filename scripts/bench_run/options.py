"""What an option's value must look like, where several parts have it."""

from __future__ import annotations

import argparse

from scripts.bench_run.minutes import MINUTE_S
from scripts.bench_run.site import MOST_HOSTS


def count(text: str, most: int = MOST_HOSTS) -> int:
    """A whole number from 1 to ``most``; raises ``ArgumentTypeError``."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise argparse.ArgumentTypeError(f"{text!r}: expected a whole number from 1 to {most}")
    return int(text)


def part_of_a_minute(text: str) -> int:
    """Seconds of which a minute is a multiple: each has as many slots as any other."""
    seconds = count(text, MINUTE_S)
    if MINUTE_S % seconds:
        raise argparse.ArgumentTypeError(f"{text}: expected seconds of which {MINUTE_S} is a multiple")
    return seconds
