"""Nothing that a test has started is there after it: it would write into what is not its own any more."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path

from system import System, eventually


def test_fetchers_end_with_the_test_that_has_killed_their_pool(make_system: Callable[..., System]) -> None:
    system = make_system([], fetchers=2)
    system.start("fetchers")
    eventually(lambda: len(system.fetcher_pids()) == 2, "both run")
    stopped, left_alone = system.fetcher_pids().values()
    os.kill(stopped, signal.SIGSTOP)
    system.kill("fetchers")
    system.close()
    assert not [pid for pid in (stopped, left_alone) if b"fetchers" in command_of(pid)]


def command_of(pid: int) -> bytes:
    """Of a process that can still do something; else none."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
