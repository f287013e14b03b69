"""Where words go: data to standard output, everything else to standard error."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TextIO

from pagestatus.ctl.table import COLOUR, PLAIN, Palette
from pagestatus.ctl.text import clean

NARROWEST_TERMINAL = 40
DEFAULT_WIDTH = 80
DEFAULT_HEIGHT = 24
# Not on a terminal: a pipe to grep or a file should get whole URLs.
UNBOUNDED = 10_000


class Refused(Exception):
    """It cannot be done; the message is for the operator, ``exit_code`` for scripts."""

    def __init__(self, message: str, exit_code: int = 1, *, nobody_answers: bool = False) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.nobody_answers = nobody_answers


def prepare_streams() -> None:
    """A character that the terminal's encoding lacks is no reason to stop, nor is a stream that is closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - open to the end
        elif hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")


def palette() -> Palette:
    """Colour only on a terminal, and without NO_COLOR (no-color.org: present and not empty)."""
    plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb" or not sys.stdout.isatty()
    return PLAIN if plain else COLOUR


def width() -> int:
    """Columns to write in."""
    if not sys.stdout.isatty():
        return UNBOUNDED
    return max(NARROWEST_TERMINAL, terminal_size().columns)


def terminal_size(stream: TextIO | None = None) -> os.terminal_size:
    """Of the terminal that ``stream`` leads to (standard output), unless COLUMNS or LINES say otherwise."""
    try:
        columns, lines = os.get_terminal_size((stream or sys.stdout).fileno())
    except OSError:
        columns, lines = 0, 0
    asked = [os.environ.get(name, "") for name in ("COLUMNS", "LINES")]
    given = [int(text) if text.isdecimal() else 0 for text in asked]
    return os.terminal_size((given[0] or columns or DEFAULT_WIDTH, given[1] or lines or DEFAULT_HEIGHT))


def write(lines: Iterable[str]) -> None:
    """Lines of data, at once."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def write_json(value: object) -> None:
    """One line of JSON."""
    write([to_json(value)])


def to_json(value: object) -> str:
    """ASCII alone, so that no control character, C1 and DEL included, reaches a terminal."""
    return json.dumps(value, ensure_ascii=True, separators=(", ", ": ")).replace("\x7f", "\\u007f")


def note(text: str) -> None:
    """One line beside the data."""
    sys.stderr.write(f"{clean(text)}\n")
    sys.stderr.flush()
