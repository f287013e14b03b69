"""``status``: the whole on one screen, once or every second."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from pagestatus.ctl.group import Command
from pagestatus.ctl.output import palette, to_json, width, write
from pagestatus.ctl.picture import EXIT_CODES, Picture, look
from pagestatus.ctl.place import Place
from pagestatus.ctl.show_status import show
from pagestatus.ctl.troubles import troubles
from pagestatus.ctl.watch import watch as watched

EXAMPLES = """
pagestatus-ctl status                       how it goes
pagestatus-ctl status --watch               the same, every second
pagestatus-ctl status --json | jq .state    for scripts
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("--watch", "-w", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object; with --watch one a second.")
@click.pass_obj
def status(place: Place, *, watch: bool, as_json: bool) -> None:
    """How it goes: processes, targets, rate, lag, what is missed.

    Exit code 0: running; 3: degraded (a process is silent or away, or results or the journal of downloads
    do not reach the disk); 4: not running.
    """
    if watch:
        watched(lambda: _lines(look(place), as_json=as_json), as_json=as_json)
    picture = look(place)
    write(_lines(picture, as_json=as_json))
    code = EXIT_CODES[picture.state]
    if code:
        raise click.exceptions.Exit(code)


def _lines(picture: Picture, *, as_json: bool) -> list[str]:
    if as_json:
        return [to_json({**picture.as_json(), "troubles": list(troubles(picture))})]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return show(picture, troubles(picture), now, width(), palette())
