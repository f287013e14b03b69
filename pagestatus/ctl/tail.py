"""``tail``: the log of results in columns, and what comes to it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from itertools import islice

import click

from pagestatus.ctl.attempts import FAILURES, HEAD, parse, row
from pagestatus.ctl.backwards import MOST_BYTES, Backwards
from pagestatus.ctl.follow import Follower
from pagestatus.ctl.group import Command
from pagestatus.ctl.output import Refused, note, palette, to_json, width, write
from pagestatus.ctl.place import Place
from pagestatus.ctl.table import Style
from pagestatus.ctl.text import clean, size

POLL_S = 0.2

EXAMPLES = """
pagestatus-ctl tail                          the last 20 lines
pagestatus-ctl tail -f                       and what comes
pagestatus-ctl tail -f --failures            only failures
pagestatus-ctl tail -n 1000 --json | jq .ms
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.option("-n", "--lines", type=click.IntRange(0), default=20, show_default=True, help="How many lines.")
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes, until Ctrl-C.")
@click.option("--failures", is_flag=True, help="Only attempts that failed (outcome fail or internal).")
@click.option("--json", "as_json", is_flag=True, help="The lines as they are in the log.")
@click.pass_obj
def tail(place: Place, *, lines: int, follow: bool, failures: bool, as_json: bool) -> None:
    """The log of results, in columns.

    Times are UTC. An ellipsis after the outcome: the slot is not settled, it is tried again. TRY is
    shown from the second attempt on.
    """
    path = place.log()
    # Before what is there is shown, so that nothing that comes meanwhile is left out.
    follower = Follower(path) if follow else None
    log = Backwards(path)
    try:
        found = list(islice(_chosen(log, failures=failures), lines))
    except FileNotFoundError as mistake:
        if not follow:
            raise Refused(
                f"{path}: no such file: nothing was checked yet, or --data-dir is needed"
            ) from mistake
        note(f"{path}: not there yet, waiting for it")
        found = []
    if len(found) < lines and log.bounded:
        note(f"only the newest {size(MOST_BYTES)} of the log were read")
    if not as_json:
        write([palette().paint(HEAD, Style.DIM)])
    write(_shown(reversed(found), as_json=as_json))
    if follower is not None:
        _follow(follower, failures=failures, as_json=as_json)


def _follow(follower: Follower, *, failures: bool, as_json: bool) -> None:
    due = time.monotonic()
    while True:
        new = list(_chosen(follower.poll(), failures=failures))
        if new:
            write(_shown(new, as_json=as_json))
        due = max(due + POLL_S, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _chosen(lines: Iterable[bytes], *, failures: bool) -> Iterator[bytes]:
    for line in lines:
        if failures:
            attempt = parse(line)
            if attempt is None or attempt.outcome not in FAILURES:
                continue
        yield line


def _shown(lines: Iterable[bytes], *, as_json: bool) -> Iterator[str]:
    columns, painter = width(), palette()
    for line in lines:
        attempt = parse(line)
        if attempt is None:
            text = clean(line.decode("utf-8", "backslashreplace"))
            if as_json:
                note(f"not a line of the log: {text}")
            else:
                yield text
        elif as_json:
            # Decoded and encoded anew: whatever was put into the file, what comes out is plain ASCII.
            yield to_json(_object(line))
        else:
            yield row(attempt, columns, painter)


def _object(line: bytes) -> object:
    # Loaded here: only --json needs it.
    import msgspec  # noqa: PLC0415

    return msgspec.json.decode(line)
