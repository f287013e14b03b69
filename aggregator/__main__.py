"""``python -m aggregator``: writes every result to the log, and commits it."""

from __future__ import annotations

import sys

import click

from aggregator.actor import Aggregator
from pagestatus.main import actor_options, main


@click.command(help=__doc__)
@actor_options
def cli(**flags: object) -> None:
    """Run the aggregator until it is told to stop."""
    sys.exit(main(Aggregator, flags))


if __name__ == "__main__":
    cli(prog_name="python -m aggregator")
