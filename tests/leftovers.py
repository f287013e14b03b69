"""Processes that outlive who started them, and would write into folders that are gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path


def end_all(run_dir: Path) -> None:
    """SIGKILL to whatever runs with this ``run_dir``, and to what it starts meanwhile, until nothing does.

    A fetcher has a session of its own, and says in its log that its pool is gone before it goes itself.
    """
    while pids := set(_running(run_dir)):
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def _running(run_dir: Path) -> Iterator[int]:
    """By their environment, which is gone as soon as a process can do nothing more."""
    setting = b"PAGESTATUS_RUN_DIR=" + os.fsencode(run_dir)
    for environ in Path("/proc").glob("[0-9]*/environ"):
        # It may have ended, or be somebody else's.
        with suppress(OSError):
            if setting in environ.read_bytes().split(b"\0"):
                yield int(environ.parent.name)
