"""Commands that change what runs: ``scale``, ``reload``, ``pause``, ``resume``."""

from __future__ import annotations

from typing import Any

import click

from pagestatus.ctl.group import Command
from pagestatus.ctl.output import Refused, note, write
from pagestatus.ctl.place import CONFIGURATION, Place
from pagestatus.ctl.targets import complete
from pagestatus.ctl.text import clean, count

MOST_FETCHERS = 256


@click.command(cls=Command, epilog="pagestatus-ctl scale 4\n")
@click.argument("fetchers", metavar="N", type=click.IntRange(1, MOST_FETCHERS))
@click.pass_obj
def scale(place: Place, *, fetchers: int) -> None:
    """Run N fetchers, from now on.

    Fetchers that are too many finish what they have and leave; nothing in flight is lost. It holds until
    the pool is started again: then the configuration says how many.
    """
    answer = place.ask("fetchers", "scale", dict[str, Any], n=fetchers)
    write([f"fetchers: {answer.get('fetchers', fetchers)}"])


@click.command(cls=Command, epilog="pagestatus-ctl check-config && pagestatus-ctl reload\n")
@click.pass_obj
def reload(place: Place) -> None:
    """Read the list of targets again.

    Targets that stay keep their phase and what is known of them. Bad entries are left out, and a list that
    cannot be read at all changes nothing. Exit code 78 if there were mistakes.
    """
    answer = place.ask("scheduler", "reload", dict[str, Any])
    mistakes = [str(mistake) for mistake in answer.get("mistakes", ())]
    for mistake in mistakes:
        note(mistake)
    numbers = [f"{count(answer[key])} {key}" for key in ("targets", "added", "removed") if key in answer]
    write([", ".join(numbers)])
    if mistakes:
        raise Refused(f"the list has mistakes: {count(len(mistakes))}", CONFIGURATION)


@click.command(cls=Command, epilog="pagestatus-ctl pause example.org\n")
@click.argument("target", shell_complete=complete)
@click.pass_obj
def pause(place: Place, *, target: str) -> None:
    """Stop checking a target until it is resumed.

    TARGET is a name, a URL (all targets with it) or an id. Its slots are recorded as missed: paused.
    """
    _tell(place.ask("scheduler", "pause", Any, target=target), "paused", target)


@click.command(cls=Command, epilog="pagestatus-ctl resume example.org\n")
@click.argument("target", shell_complete=complete)
@click.pass_obj
def resume(place: Place, *, target: str) -> None:
    """Check a paused target again.

    TARGET is a name, a URL (all targets with it) or an id.
    """
    _tell(place.ask("scheduler", "resume", Any, target=target), "resumed", target)


def _tell(answer: object, done: str, target: str) -> None:
    number = answer.get("targets") if isinstance(answer, dict) else None
    several = f" ({count(number)} targets)" if isinstance(number, int) and number > 1 else ""
    write([f"{done}: {clean(target)}{several}"])
