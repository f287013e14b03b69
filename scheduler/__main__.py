"""``python -m scheduler``: gives due targets to the fetchers."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from pagestatus.main import actor_options, main
from scheduler.actor import Scheduler


@click.command(help=__doc__)
@click.option("--urls", type=click.Path(path_type=Path), help="The list of targets.")
@actor_options
def cli(**flags: object) -> None:
    """Run the scheduler until it is told to stop."""
    sys.exit(main(Scheduler, flags))


if __name__ == "__main__":
    cli(prog_name="python -m scheduler")
