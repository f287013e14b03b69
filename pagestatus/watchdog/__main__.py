"""``python -m pagestatus.watchdog``: started by supervisord, as an event listener."""

from __future__ import annotations

import os
import sys

import click

from pagestatus.main import actor_options, main
from pagestatus.runner import Exit
from pagestatus.watchdog.actor import Watchdog
from pagestatus.watchdog.patience import SILENT, Patience
from pagestatus.watchdog.supervisord import Supervisord

URL = "SUPERVISOR_SERVER_URL"


@click.command()
@actor_options
@click.option("--silent", type=click.IntRange(min=1), default=SILENT, help="Seconds an answer may take.")
def run(silent: int, **flags: object) -> None:
    """Ask all processes how they are, and kill one that does not answer; supervisord starts it again."""
    try:
        supervisord = Supervisord(os.environ.get(URL, ""))
    except ValueError as mistake:
        click.echo(f"{URL}: {mistake}; supervisord sets it", err=True)
        sys.exit(Exit.CONFIGURATION)
    sys.exit(main(lambda _config: Watchdog(supervisord, Patience(silent)), flags))


if __name__ == "__main__":
    run()
