"""``downloads`` and what steers one of them: ``download-pause``, ``download-resume``, ``download-cancel``."""

from __future__ import annotations

from typing import Any

import click

from pagestatus.ctl.answers import Acted, Download
from pagestatus.ctl.group import Command
from pagestatus.ctl.ids import complete
from pagestatus.ctl.output import Refused, note, palette, to_json, width, write
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.show_downloads import show
from pagestatus.ctl.text import clean
from pagestatus.ctl.watch import watch as watched

EXAMPLES = """
pagestatus-ctl downloads              all of them
pagestatus-ctl downloads --watch      the same, every second
pagestatus-ctl downloads --json | jq '.[].process_status'
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("--watch", "-w", is_flag=True, help="Show it anew every second, until Ctrl-C.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array; with --watch one a second.")
@click.pass_obj
def downloads(place: Place, *, watch: bool, as_json: bool) -> None:
    """Downloads: state, progress, speed, errors.

    WORKERS is the number of ranges in flight. Below a download that does not go on stands why.
    """
    lines = _lines(place, as_json=as_json)
    if watch:
        watched(lambda: _lines_or_why_not(place, as_json=as_json), as_json=as_json)
    if not lines:
        note("no downloads")
    write(lines)


def _lines_or_why_not(place: Place, *, as_json: bool) -> list[str]:
    """Who watches goes on watching while the bridge is started again."""
    try:
        return _lines(place, as_json=as_json) or ["no downloads"]
    except Refused as refused:
        if as_json:
            raise
        return [clean(str(refused))]


def _lines(place: Place, *, as_json: bool) -> list[str]:
    found = place.ask("wsbridge", "downloads", list[Any])
    if as_json:
        return [to_json(found)]
    known = understood("wsbridge", found, list[Download])
    return show(known, width(), palette()) if known else []


@click.command(cls=Command, epilog="pagestatus-ctl download-pause 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=complete)
@click.pass_obj
def download_pause(place: Place, *, id_: str) -> None:
    """Stop a download until it is resumed; what it has stays.

    ID may be cut short, as long as it means one download.
    """
    _act(place, "pause", _meant(place, id_))


@click.command(cls=Command, epilog="pagestatus-ctl download-resume 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=complete)
@click.pass_obj
def download_resume(place: Place, *, id_: str) -> None:
    """Go on with a paused download, or try a failed one again.

    ID may be cut short, as long as it means one download. What is on the disk is not fetched again.
    """
    meant = _meant(place, id_)
    _act(place, "retry" if meant.process_status == "Failed" else "resume", meant)


@click.command(cls=Command, epilog="pagestatus-ctl download-cancel 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=complete)
@click.pass_obj
def download_cancel(place: Place, *, id_: str) -> None:
    """End a download for good; what it has is thrown away.

    ID may be cut short, as long as it means one download.
    """
    _act(place, "cancel", _meant(place, id_))


def _meant(place: Place, start: str) -> Download:
    """The download with this id, else the only one whose id begins so; raises ``Refused``."""
    known = place.ask("wsbridge", "downloads", list[Download])
    found = [one for one in known if one.id == start] or [one for one in known if one.id.startswith(start)]
    if not start or not found:
        raise Refused(f"no download has the id {start}")
    if len(found) > 1:
        raise Refused(f"{start} may be any of {', '.join(one.id for one in found[:5])}")
    return found[0]


def _act(place: Place, action: str, meant: Download) -> None:
    write([clean(place.ask("wsbridge", "act", Acted, action=action, id=meant.id).message)])
