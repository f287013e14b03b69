"""Something shown anew every second: on a screen of its own, or line after line."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from pagestatus.ctl.output import terminal_size, write

WATCH_S = 1.0
# What a shell makes of a process that SIGTERM ended.
TERMINATED = 143
# DEC private modes: the alternate screen (1049) and the cursor (25), as every terminal since xterm has them.
_ENTER = "\x1b[?1049h\x1b[?25l"
_LEAVE = "\x1b[?25h\x1b[?1049l"
_HOME = "\x1b[H"
_REST_OF_LINE = "\x1b[K"
_REST_OF_SCREEN = "\x1b[J"


def watch(look: Callable[[], Sequence[str]], *, as_json: bool) -> None:
    """Show what ``look`` gives every second, until Ctrl-C."""
    on_screen = sys.stdout.isatty() and not as_json
    with _screen() if on_screen else _no_screen():
        for _ in _every(WATCH_S):
            lines = look()
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


def _draw(lines: Sequence[str]) -> None:
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
