"""The processes' own logs: what happened to us. Results never pass through here.

One line each: time in UTC, level, process, words. Given a path, the file can be reopened (USR2), so that a
rotation by rename works.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from contextlib import suppress
from pathlib import Path

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s {name}: %(message)s"


class _OneLine(logging.Formatter):
    """Keeps what a stranger wrote (a URL, a header) from passing for a record or steering a terminal.

    What has several lines by nature, a table or a traceback, is indented.
    """

    converter = staticmethod(time.gmtime)

    def format(self, record: logging.LogRecord) -> str:
        return super().format(record).translate(CONTROL)


class _File(logging.handlers.WatchedFileHandler):
    """What a full disk does not take waits in the buffer, and is said on standard error meanwhile."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the base class's name
        if isinstance(sys.exception(), OSError):
            with suppress(OSError):
                sys.stderr.write(f"{self.format(record)}\n")
        else:
            super().handleError(record)


class Sparing(logging.Filter):
    """Lets so many records a second pass: strangers fill no disk. A later one says how many did not."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most
        self._second = 0
        self._seen = 0

    def filter(self, record: logging.LogRecord) -> bool:
        second = int(record.created)
        if second != self._second:
            left_out = max(0, self._seen - self._most)
            self._second, self._seen = second, 0
            if left_out:
                words = record.getMessage()
                record.msg, record.args = "%s (before that: %d lines more)", (words, left_out)
        self._seen += 1
        return self._seen <= self._most


CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0))} | {ord("\n"): "\n  "}


def configure(name: str, path: Path | None = None) -> None:
    """Log as process ``name`` to ``path``, else to standard error; raises OSError."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        # A path may hold bytes that are no characters; a line with one must not be lost.
        handler = _File(path, encoding="utf-8", errors="backslashreplace")
    handler.setFormatter(_OneLine(_FORMAT.format(name=name), "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def reopen() -> None:
    """Open the log file anew if it was renamed or removed."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            handler.reopenIfNeeded()
