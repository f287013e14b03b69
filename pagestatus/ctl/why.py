"""``why``: all that is known of one target, from the scheduler and from the log."""

from __future__ import annotations

from typing import Any

import click
import msgspec

from pagestatus.ctl.answers import Why
from pagestatus.ctl.attempts import parse
from pagestatus.ctl.backwards import MOST_BYTES, Backwards
from pagestatus.ctl.group import Command
from pagestatus.ctl.output import Refused, note, palette, width, write, write_json
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.show_why import show, show_attempts
from pagestatus.ctl.targets import complete
from pagestatus.ctl.text import size

# So many targets with one URL are shown, not more.
MOST_TARGETS = 20

EXAMPLES = """
pagestatus-ctl why example.org             by name
pagestatus-ctl why https://example.org/    by URL: all targets with it
pagestatus-ctl why https://example.org/ -n 100 --json
"""


@click.command(cls=Command, epilog=EXAMPLES)
@click.argument("target", metavar="URL", shell_complete=complete)
@click.option(
    "-n", "--lines", type=click.IntRange(0), default=5, show_default=True, help="How many attempts."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array, an object for each target.")
@click.pass_obj
def why(place: Place, *, target: str, lines: int, as_json: bool) -> None:
    """One target: its state, last attempts, next due time.

    URL may be a target's name or id as well. If it is not being checked, this says why. The attempts are
    searched for in the newest 64 MiB of the log.
    """
    try:
        found = place.ask("scheduler", "why", list[dict[str, Any]], target=target)[:MOST_TARGETS]
    except Refused as refused:
        _without_scheduler(place, target, lines, refused, as_json=as_json)
        raise
    known = understood("scheduler", found, list[Why])
    attempts = last_attempts(place, {one.target: one.url for one in known}, lines)
    if as_json:
        write_json([{**one, "attempts": attempts[one["target"]][::-1]} for one in found])
        return
    for index, one in enumerate(known):
        write([""] if index else [])
        write(show(one, attempts[one.target][::-1], width(), palette()))


def _without_scheduler(place: Place, target: str, lines: int, refused: Refused, *, as_json: bool) -> None:
    """What the log alone can say, when nobody answers who knows more."""
    if not refused.nobody_answers:
        return
    attempts = last_attempts(place, {target: target}, lines)[target][::-1]
    if as_json:
        write_json([{"target": target, "attempts": attempts}] if attempts else [])
    elif attempts:
        write(show_attempts(attempts, width(), palette()))


def last_attempts(place: Place, wanted: dict[str, str], most: int) -> dict[str, list[dict[str, Any]]]:
    """At most ``most`` lines of the log for each of ``wanted`` (target: URL), newest first."""
    found: dict[str, list[dict[str, Any]]] = {target: [] for target in wanted}
    # A cheap look at the bytes first: decoding every line of the log would take ten times as long.
    needles = [f'"{_escaped(word)}"'.encode() for word in {*wanted, *wanted.values()}]
    log = Backwards(place.log())
    try:
        for line in log:
            if any(needle in line for needle in needles):
                _keep(line, wanted, found, most)
            if all(len(lines) >= most for lines in found.values()):
                return found
    except FileNotFoundError:
        note(f"{log.path}: no such file: no attempts to show")
        return found
    if log.bounded:
        note(f"the newest {size(MOST_BYTES)} of the log were searched, and no more")
    return found


def _keep(line: bytes, wanted: dict[str, str], found: dict[str, list[dict[str, Any]]], most: int) -> None:
    attempt = parse(line)
    if attempt is None:
        return
    for target, url in wanted.items():
        # An operator's word, when the scheduler could not say what it means, may be either.
        is_it = attempt.target == target or (target == url and attempt.url == url)
        if is_it and len(found[target]) < most:
            found[target].append(msgspec.json.decode(line))


def _escaped(word: str) -> str:
    """As the log has it: ASCII-escaped JSON."""
    # Loaded here: beside msgspec it would be one library too many for the other commands.
    import json  # noqa: PLC0415

    return json.dumps(word)[1:-1]
