"""``failures``: the last failed attempts, from the aggregator's own ring of them."""

from __future__ import annotations

from typing import Any

import click

from pagestatus.ctl.answers import Attempt
from pagestatus.ctl.attempts import detailed
from pagestatus.ctl.group import Command
from pagestatus.ctl.output import Refused, note, palette, width, write, write_json
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.targets import complete

EXAMPLES = """
pagestatus-ctl failures                       the last 10, newest last
pagestatus-ctl failures https://example.org/  those of one target
pagestatus-ctl failures -n 1000 --json        all that are kept
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("url", required=False, shell_complete=complete)
@click.option("-n", "--lines", type=click.IntRange(1), default=10, show_default=True, help="How many.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, newest last.")
@click.pass_obj
def failures(place: Place, *, url: str | None, lines: int, as_json: bool) -> None:
    """The last failures with their phases.

    URL may be a target's name as well. Each phase is shown with how long it took; the last one is the phase
    in which the attempt ended.
    """
    found = place.ask("aggregator", "failures", list[Any], n=lines, url=url)[::-1]
    if url and not found:
        _see_that_it_is_listed(place, url)
    if as_json:
        write_json(found)
        return
    attempts = understood("aggregator", found, list[Attempt])
    if not attempts:
        note("no failure since the aggregator started" + (f", of {url}" if url else ""))
    for attempt in attempts:
        write(detailed(attempt, width(), palette()))


def _see_that_it_is_listed(place: Place, url: str) -> None:
    """A word that is misspelled has no failures either; raises Refused."""
    try:
        place.ask("scheduler", "why", list[Any], target=url)
    except Refused as refused:
        if not refused.nobody_answers:
            raise
