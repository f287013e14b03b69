"""Commands that change what runs: ``scale``, ``reload``, ``pause``, ``resume``."""

from __future__ import annotations

import time

import click

from pagestatus.config import MOST_FETCHERS
from pagestatus.ctl.answers import ListState, Scaled, Scheduler, Steered
from pagestatus.ctl.group import Command
from pagestatus.ctl.output import Refused, note, write
from pagestatus.ctl.place import CONFIGURATION, DEGRADED, PATIENCE_S, Place
from pagestatus.ctl.targets import complete
from pagestatus.ctl.text import clean, count

POLL_S = 0.1
# A million entries take seconds.
LONGEST_READING_S = 60.0


@click.command(cls=Command, epilog="pagestatus-ctl scale 4\n")
@click.argument("fetchers", metavar="N", type=click.IntRange(1, MOST_FETCHERS))
@click.pass_obj
def scale(place: Place, *, fetchers: int) -> None:
    """Run N fetchers, from now on.

    Fetchers that are too many finish what they have and leave; nothing in flight is lost. It holds until
    the pool is started again: then the configuration says how many.
    """
    scaled = place.ask("fetchers", "scale", Scaled, n=fetchers)
    write([f"fetchers: {count(scaled.fetchers)}"])


@click.command(cls=Command, epilog="pagestatus-ctl check-config && pagestatus-ctl reload\n")
@click.pass_obj
def reload(place: Place) -> None:
    """Read the list of targets again.

    Targets that stay keep their phase and what is known of them. Bad entries are left out, and a list that
    cannot be read at all changes nothing. Exit code 78 if there were mistakes.
    """
    place.ask("scheduler", "reload", ListState)
    state, targets = _when_read(place)
    if state.problem:
        raise Refused(f"{state.problem}: the running list is kept", CONFIGURATION)
    for mistake in state.first_mistakes:
        note(mistake)
    write([f"targets: {count(targets)} ({count(state.added)} added, {count(state.removed)} removed)"])
    if state.mistakes:
        raise Refused(
            f"entries left out: {count(state.mistakes)}; {state.explained_by} says why", CONFIGURATION
        )


def _when_read(place: Place) -> tuple[ListState, int]:
    """The list is read beside the schedule, which does not wait for it: ask until that is done."""
    due = began = time.monotonic()
    is_told = False
    while due < began + LONGEST_READING_S:
        status = _status(place)
        if status is not None and not status.list.reading:
            return status.list, status.targets.total
        due = max(due + POLL_S, time.monotonic())
        if not is_told and due > began + PATIENCE_S / 2:
            note("the list is being read; Ctrl-C ends the waiting alone")
            is_told = True
        time.sleep(max(0.0, due - time.monotonic()))
    raise Refused("the list is still being read: see pagestatus-ctl status")


def _status(place: Place) -> Scheduler | None:
    """None: it is too busy with a large list to answer at once."""
    try:
        return place.ask("scheduler", "status", Scheduler)
    except Refused as refused:
        if refused.exit_code != DEGRADED:
            raise
        return None


@click.command(cls=Command, epilog="pagestatus-ctl pause example.org\n")
@click.argument("target", shell_complete=complete)
@click.pass_obj
def pause(place: Place, *, target: str) -> None:
    """Stop checking a target until it is resumed.

    TARGET is a name, a URL (all targets with it) or an id. Its slots are recorded as missed: paused.
    """
    _tell("paused", place.ask("scheduler", "pause", Steered, target=target))


@click.command(cls=Command, epilog="pagestatus-ctl resume example.org\n")
@click.argument("target", shell_complete=complete)
@click.pass_obj
def resume(place: Place, *, target: str) -> None:
    """Check a paused target again.

    TARGET is a name, a URL (all targets with it) or an id.
    """
    _tell("resumed", place.ask("scheduler", "resume", Steered, target=target))


def _tell(done: str, steered: Steered) -> None:
    write(f"{done}: {clean(target)}" for target in steered.targets)
