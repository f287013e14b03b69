"""``download``: hands a URL to the bridge, and shows how its file arrives."""

from __future__ import annotations

import time
from typing import Any

import click

from pagestatus.ctl.answers import Added, Download, Process
from pagestatus.ctl.group import PROGRAM, Command
from pagestatus.ctl.output import Refused, note, write, write_json
from pagestatus.ctl.place import NOT_RUNNING, Place, understood
from pagestatus.ctl.progress import Progress, progress
from pagestatus.ctl.request import digest, headers, url_of
from pagestatus.ctl.show_downloads import reason_of
from pagestatus.ctl.text import clean

# A terminal is redrawn so often.
POLL_S = 0.25
# A bridge that is started again is back in a few seconds, and knows its downloads.
AWAY_S = 30.0
MOST_THREADS = 256
ENDED = frozenset({"Downloaded", "Failed", "Cancelled"})
PAUSED = "Paused"

EXAMPLES = """
pagestatus-ctl download https://example.org/big.iso
pagestatus-ctl download https://example.org/big.iso --sha256 HEX --threads 16
pagestatus-ctl download 'https://example.org/get?id=7' --filename big.iso
pagestatus-ctl download https://example.org/ --header 'Cookie: session=1'
pagestatus-ctl download - --header @secret-headers < secret-url
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("url")
@click.option("--sha256", metavar="HEX", callback=digest, help="What the file must hash to.")
@click.option("--filename", metavar="NAME", help="What to call it.")
@click.option("--threads", metavar="N", type=click.IntRange(1, MOST_THREADS), help="Ranges at a time.")
@click.option(
    "--header",
    "given_headers",
    metavar="'NAME: VALUE'|@FILE",
    multiple=True,
    callback=headers,
    help="Sent along, to the URL's own origin alone; @FILE has one on each line. May be repeated.",
)
@click.option("--json", "as_json", is_flag=True, help="At its end the download as one JSON object.")
@click.pass_obj
def download(  # noqa: PLR0913 - what a request may carry
    place: Place,
    *,
    url: str,
    sha256: str | None,
    filename: str | None,
    threads: int | None,
    given_headers: dict[str, str],
    as_json: bool,
) -> None:
    """Fetch a file in parallel ranges, with a progress bar.

    All users of a machine see what stands on a command line. So a URL that is a secret can come on standard
    input (URL is then -), and headers from a file: "Name: value" on each line; empty lines and those that
    begin with # are skipped.

    The download belongs to the system: Ctrl-C only stops looking at it. When the file is there, its place is
    printed. Exit code 0: it is there; 1: it failed, was
    cancelled, or has no room on the disk; 4: nobody answers any more; 130: Ctrl-C.
    """
    given = {"sha256": sha256, "filename": filename, "threads": threads, "headers": given_headers or None}
    asked = {name: value for name, value in given.items() if value is not None}
    id_ = place.ask("wsbridge", "download", Added, url=url_of(url), **asked).id
    shown = progress()
    try:
        found = _when_ended(place, id_, shown)
    except KeyboardInterrupt:
        shown.end()
        note(f"{id_} goes on: {PROGRAM} downloads shows it, {PROGRAM} download-cancel {id_} ends it")
        raise
    finally:
        shown.end()
    _tell_end(found, as_json=as_json)


def _when_ended(place: Place, id_: str, shown: Progress) -> dict[str, Any]:
    """Show it until it has ended; raises ``Refused`` when it is not known any more, or nobody answers."""
    due = time.monotonic()
    state = reason = ""
    while True:
        found = _look(place, id_, shown)
        now = understood("wsbridge", found, Download)
        shown.show(now, time.monotonic())
        if now.process_status in ENDED or _waits_for_room(now):
            return found
        if (why := reason_of(now)) not in {"", reason}:
            shown.say(f"{id_}: {why}")
        if now.process_status == PAUSED != state:
            shown.say(f"{id_} is paused; {PROGRAM} download-resume {id_} goes on with it")
        state, reason = now.process_status, why
        due = max(due + POLL_S, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _waits_for_room(download: Download) -> bool:
    """It is paused by what it met, not by somebody: it waits for an operator who makes room."""
    return (
        download.process_status == PAUSED
        and download.error is not None
        and download.error.code == "disk_full"
    )


def _look(place: Place, id_: str, shown: Progress) -> dict[str, Any]:
    """The download now; while nobody answers, ask again for ``AWAY_S``."""
    due = time.monotonic()
    deadline = due + AWAY_S
    while True:
        try:
            found = place.ask("wsbridge", "downloads", list[dict[str, Any]], id=id_)
        except Refused as refused:
            if not refused.nobody_answers and not _is_ending(place):
                raise
            if time.monotonic() > deadline:
                raise Refused(str(refused), NOT_RUNNING) from refused
        else:
            if not found:
                raise Refused(f"the bridge does not know {id_} any more")
            return found[0]
        shown.wait("the bridge does not answer; waiting for it")
        due = max(due + POLL_S, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _is_ending(place: Place) -> bool:
    """A bridge that drains tells nothing of downloads any more; its successor will. Or nobody is there."""
    try:
        return place.ask("wsbridge", "status", Process).state == "draining"
    except Refused as refused:
        return refused.nobody_answers


def _tell_end(found: dict[str, Any], *, as_json: bool) -> None:
    ended = understood("wsbridge", found, Download)
    if as_json:
        write_json(found)
    if ended.process_status != "Downloaded":
        raise Refused(_why_not(ended))
    if not as_json:
        write([clean(ended.path_to_file or "")])


def _why_not(ended: Download) -> str:
    if ended.process_status == "Cancelled":
        return f"{ended.id} was cancelled"
    if ended.process_status == PAUSED:
        paused = f"{ended.id} is paused: {reason_of(ended)}"
        return f"{paused}; when there is some: {PROGRAM} download-resume {ended.id}"
    failed = f"{ended.id} failed: {reason_of(ended) or 'no reason is given'}"
    if ended.error is None or ended.error.code != "needs_url":
        return failed
    return f"{failed}; {PROGRAM} download-set-url {ended.id} URL goes on with a fresh link"
