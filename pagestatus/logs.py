"""The processes' own logs: what happened to us. Results never pass through here.

One line each: time in UTC, level, process, words. Given a path, the file can be reopened (USR2), so that a
rotation by rename works.
"""

from __future__ import annotations

import logging
import logging.handlers
import sys
import time
from pathlib import Path

_FORMAT = "%(asctime)s.%(msecs)03dZ %(levelname)-7s {name}: %(message)s"


class _OneLine(logging.Formatter):
    """Keeps what a stranger wrote (a URL, a header) from starting a line or steering a terminal."""

    converter = staticmethod(time.gmtime)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        record.message = record.message.translate(CONTROL)
        return super().formatMessage(record)


CONTROL = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) != "\n"}


def configure(name: str, path: Path | None = None) -> None:
    """Log as process ``name`` to ``path``, else to standard error; raises OSError."""
    handler: logging.Handler
    if path is None:
        handler = logging.StreamHandler(sys.stderr)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        handler = logging.handlers.WatchedFileHandler(path, encoding="utf-8")
    handler.setFormatter(_OneLine(_FORMAT.format(name=name), "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)


def reopen() -> None:
    """Open the log file anew if it was renamed or removed."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.handlers.WatchedFileHandler):
            handler.reopenIfNeeded()
