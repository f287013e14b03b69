"""``python -m fetchers.fetcher``: one fetcher process, as the pool starts it."""

from __future__ import annotations

import sys
import time

import click

from fetchers.actor import Fetcher
from fetchers.lifeline import ChildEnd
from pagestatus.main import actor_options, main


@click.command()
@actor_options
@click.option("--index", type=click.IntRange(min=1), required=True, help="Number of the fetcher.")
@click.option("--epoch", type=click.IntRange(min=1), help="This incarnation. [default: now, in microseconds]")
@click.option("--lifeline", type=click.IntRange(min=0), help="Inherited descriptor of the pool's lifeline.")
def run(index: int, epoch: int | None, lifeline: int | None, **flags: object) -> None:
    """Make attempts and measure them. The pool (python -m fetchers) starts as many of these as it should."""
    own_epoch = epoch or time.time_ns() // 1000
    end = None if lifeline is None else ChildEnd(lifeline)
    sys.exit(main(lambda config: Fetcher(config, index, own_epoch, end), flags))


if __name__ == "__main__":
    run()
