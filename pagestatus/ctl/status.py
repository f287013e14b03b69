"""``status``: the whole on one screen, once or every second."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import click

from pagestatus.ctl.group import Command
from pagestatus.ctl.output import palette, terminal_size, to_json, width, write
from pagestatus.ctl.picture import EXIT_CODES, Picture, look, troubles
from pagestatus.ctl.place import Place
from pagestatus.ctl.show_status import show

WATCH_S = 1.0
# What a shell makes of a process that SIGTERM ended.
TERMINATED = 143
# DEC private modes: the alternate screen (1049) and the cursor (25), as every terminal since xterm has them.
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"

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

    Exit code 0: running; 3: degraded (a process is silent or away, or results do not reach the disk);
    4: not running.
    """
    if watch:
        _watch(place, as_json=as_json)
    picture = look(place)
    write(_lines(picture, as_json=as_json))
    code = EXIT_CODES[picture.state]
    if code:
        raise click.exceptions.Exit(code)


def _lines(picture: Picture, *, as_json: bool) -> list[str]:
    if as_json:
        return [to_json(picture.as_json())]
    now = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return show(picture, troubles(picture), now, width(), palette())


def _watch(place: Place, *, as_json: bool) -> None:
    on_screen = sys.stdout.isatty() and not as_json
    with _screen() if on_screen else _no_screen():
        for _ in _every(WATCH_S):
            lines = _lines(look(place), as_json=as_json)
            if on_screen:
                _draw(lines)
            else:
                write(lines if as_json else [*lines, ""])


def _every(seconds: float) -> Iterator[None]:
    """For ever, on a grid of ``seconds``; what a slow round costs is not caught up."""
    due = time.monotonic()
    while True:
        yield
        due = max(due + seconds, time.monotonic())
        time.sleep(max(0.0, due - time.monotonic()))


def _draw(lines: list[str]) -> None:
    """Over what stands there, without clearing first: nothing flickers."""
    height = terminal_size().lines
    if len(lines) > height:
        lines = [*lines[: height - 1], f"… {len(lines) - height + 1} more lines"]
    sys.stdout.write(_HOME + f"{_REST_OF_LINE}\n".join(lines) + _REST_OF_LINE + _REST_OF_SCREEN)
    sys.stdout.flush()


@contextmanager
def _screen() -> Iterator[None]:
    # Whoever ends us gets the terminal back as it was.
    signal.signal(signal.SIGTERM, _end)
    sys.stdout.write(_ENTER)
    try:
        yield
    finally:
        sys.stdout.write(_LEAVE)
        sys.stdout.flush()


def _end(_number: int, _frame: object) -> None:
    raise SystemExit(TERMINATED)


@contextmanager
def _no_screen() -> Iterator[None]:
    yield
