"""``inflight``: what is being checked at this moment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import click

from pagestatus.ctl.answers import InFlight
from pagestatus.ctl.group import Command
from pagestatus.ctl.output import note, palette, width, write, write_json
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.table import PLAIN, Column, Palette, table
from pagestatus.ctl.text import clean, milliseconds

EXAMPLES = """
pagestatus-ctl inflight                 the 20 longest
pagestatus-ctl inflight -n 1000 --json
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("-n", "--lines", type=click.IntRange(1), default=20, show_default=True, help="At most so many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, longest first.")
@click.pass_obj
def inflight(place: Place, *, lines: int, as_json: bool) -> None:
    """URLs being checked now, longest first."""
    found = place.ask("scheduler", "inflight", list[Any], n=lines)
    if as_json:
        write_json(found)
        return
    checks = understood("scheduler", found, list[InFlight])
    if not checks:
        note("nothing is in flight")
        return
    write(show(checks, width(), palette()))


def show(checks: Iterable[InFlight], width: int, palette: Palette = PLAIN) -> list[str]:
    """One line a check."""
    heads = [
        Column("SINCE", right=True),
        Column("TRY", right=True),
        Column("FETCHER", right=True),
        Column("URL", flexible=True),
    ]
    rows = [
        (
            milliseconds(check.seconds * 1000),
            f"#{check.attempt}" if check.attempt else "",
            str(check.fetcher) if check.fetcher is not None else "",
            clean(check.url),
        )
        for check in checks
    ]
    return table(heads, rows, width, palette)
