"""Standard error while a download runs: a bar that is redrawn in place, else a line now and then."""

from __future__ import annotations

import os
import sys
from typing import Protocol

from pagestatus.ctl.answers import Download
from pagestatus.ctl.output import note, terminal_size
from pagestatus.ctl.show_downloads import bar, words
from pagestatus.ctl.text import clean, columns, fit

# Between two lines of which the second has nothing new but figures.
LONGEST_SILENCE_S = 10.0
# A terminal echoes Ctrl-C where the cursor is, and may go on to the next line when its last column is full.
_SPARE = columns("^C") + 1
_REST_OF_LINE = "\x1b[K"


class Progress(Protocol):
    """What is shown of a download."""

    def show(self, download: Download, now: float) -> None:
        """This is where it is at the monotonic time ``now``."""

    def wait(self, text: str) -> None:
        """Where it is nobody knows; ``text`` says why."""

    def say(self, text: str) -> None:
        """A line beside that."""

    def end(self) -> None:
        """Nothing more comes."""


class Lines:
    """A line whenever the state changes, and every LONGEST_SILENCE_S."""

    def __init__(self) -> None:
        self._state = ""
        self._said_at = 0.0
        self._waits = False

    def is_due(self, download: Download, now: float) -> bool:
        """Whether there is something to say at ``now``, which is then taken for said."""
        if download.process_status == self._state and now - self._said_at < LONGEST_SILENCE_S:
            return False
        self._state, self._said_at = download.process_status, now
        return True

    def show(self, download: Download, now: float) -> None:
        self._waits = False
        if self.is_due(download, now):
            note(words(download))

    def wait(self, text: str) -> None:
        if not self._waits:
            note(text)
        self._waits = True

    def say(self, text: str) -> None:
        note(text)

    def end(self) -> None:
        """Every line has its end."""


class Bar:
    """One line of a terminal, written over without clearing it first: nothing flickers."""

    def __init__(self) -> None:
        self._drawn = ""

    def show(self, download: Download, now: float) -> None:
        del now
        self._draw(bar(download, self._width))

    def wait(self, text: str) -> None:
        self._draw(fit(clean(text), self._width))

    def say(self, text: str) -> None:
        drawn, self._drawn = self._drawn, ""
        _write(f"\r{_REST_OF_LINE}" if drawn else "")
        note(text)
        self._draw(drawn)

    def end(self) -> None:
        if self._drawn:
            _write("\n")
            self._drawn = ""

    @property
    def _width(self) -> int:
        return max(1, terminal_size(sys.stderr).columns - _SPARE)

    def _draw(self, line: str) -> None:
        if line:
            _write(f"\r{line}{_REST_OF_LINE}")
            self._drawn = line


def progress() -> Progress:
    """A bar where it can be drawn."""
    return Bar() if sys.stderr.isatty() and os.environ.get("TERM") != "dumb" else Lines()


def _write(text: str) -> None:
    sys.stderr.write(text)
    sys.stderr.flush()
