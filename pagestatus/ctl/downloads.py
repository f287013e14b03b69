"""``downloads`` and what steers one of them: ``download-pause``, ``download-set-url`` and their like."""

from __future__ import annotations

from typing import Any

import click

from pagestatus.ctl.answers import Acted, Download
from pagestatus.ctl.group import Command
from pagestatus.ctl.ids import completing
from pagestatus.ctl.output import Refused, note, palette, to_json, width, write
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.request import url_of
from pagestatus.ctl.show_downloads import show
from pagestatus.ctl.stages import ANY, CANCELLABLE, PAUSABLE, RESUMABLE, RETRIED, in_order
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

    WORKERS is the number of ranges in flight. Below a download that does not go on stands why. What runs
    comes first, then what waits, is paused, or has failed, then what has ended, the newest first.
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
    return show(in_order(known), width(), palette()) if known else []


@click.command(cls=Command, epilog="pagestatus-ctl download-pause 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=completing(PAUSABLE))
@click.pass_obj
def download_pause(place: Place, *, id_: str) -> None:
    """Stop a download until it is resumed.

    ID may be cut short, as long as it means one download. What it has stays only if the server honours
    ranges; else it begins anew.
    """
    _act(place, "pause", _meant(place, id_))


@click.command(cls=Command, epilog="pagestatus-ctl download-resume 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=completing(RESUMABLE))
@click.pass_obj
def download_resume(place: Place, *, id_: str) -> None:
    """Go on with a paused download, or try one again.

    ID may be cut short, as long as it means one download. What has failed or was cancelled is tried again.
    What is on the disk is not fetched again if the server honours ranges.
    """
    meant = _meant(place, id_)
    _act(place, "retry" if meant.process_status in RETRIED else "resume", meant)


@click.command(cls=Command, epilog="pagestatus-ctl download-cancel 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=completing(CANCELLABLE))
@click.pass_obj
def download_cancel(place: Place, *, id_: str) -> None:
    """End a download; what it has is thrown away.

    ID may be cut short, as long as it means one download. It stays in the list, and download-resume tries it
    again.
    """
    _act(place, "cancel", _meant(place, id_))


@click.command(cls=Command, epilog="pagestatus-ctl download-remove 3f9c\n")
@click.argument("id_", metavar="ID", shell_complete=completing(ANY))
@click.pass_obj
def download_remove(place: Place, *, id_: str) -> None:
    """Take a download off the list; a complete file stays.

    ID may be cut short, as long as it means one download. Of one that is not complete all that is there is
    thrown away.
    """
    _act(place, "remove", _meant(place, id_))


@click.command(
    cls=Command, epilog="pagestatus-ctl download-set-url 3f9c 'https://example.org/big.iso?key=new'\n"
)
@click.argument("id_", metavar="ID", shell_complete=completing(ANY))
@click.argument("url")
@click.pass_obj
def download_set_url(place: Place, *, id_: str, url: str) -> None:
    """Go on with a download at a fresh link for the same file.

    ID may be cut short, as long as it means one download. One that is paused stays so. Headers are forgotten
    if the link leads to another origin. A link that is a secret can come on standard input: URL is then -.
    """
    _act(place, "set_url", _meant(place, id_), url=url_of(url))


def _meant(place: Place, start: str) -> Download:
    """The download with this id, else the only one whose id begins so; raises ``Refused``."""
    known = place.ask("wsbridge", "downloads", list[Download])
    found = [one for one in known if one.id == start] or [one for one in known if one.id.startswith(start)]
    if not start or not found:
        raise Refused(f"no download has the id {start}")
    if len(found) > 1:
        raise Refused(f"{start} may be any of {', '.join(one.id for one in found[:5])}")
    return found[0]


def _act(place: Place, action: str, meant: Download, **more: str) -> None:
    write([clean(place.ask("wsbridge", "act", Acted, action=action, id=meant.id, **more).message)])
