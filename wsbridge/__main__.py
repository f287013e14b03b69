"""``python -m wsbridge``: downloads for websocket clients, fetched in ranges by the fetchers."""

from __future__ import annotations

import sys

import click

from pagestatus.config import Config
from pagestatus.main import actor_options, main
from wsbridge.actor import Bridge
from wsbridge.guest import Guest


@click.command(help=__doc__)
@actor_options
def cli(**flags: object) -> None:
    """Run the bridge until it is told to stop."""
    guest = Guest()

    def make(config: Config) -> Bridge:
        return Bridge(config, guest)

    sys.exit(main(make, flags, drive=guest.run))


if __name__ == "__main__":
    cli(prog_name="python -m wsbridge")
