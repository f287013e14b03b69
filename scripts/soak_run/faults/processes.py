"""Processes that are killed, stopped for a while or for good, and a processor that has other things to do."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress

from scripts.soak_run.fault import NotHealed
from scripts.soak_run.system import has_ended

# A kill takes no time; one that hangs is found by the watchdog within this, also when it has just begun.
DEAD_S, FOUND_S = 10.0, 150.0
_SPIN = "while True: pass"


@contextmanager
def killed(*pids: int) -> Iterator[None]:
    """SIGKILL; they are gone when this begins."""
    _send(pids, signal.SIGKILL)
    if left := [pid for pid in pids if pid and not has_ended(pid, DEAD_S)]:
        raise NotHealed(f"SIGKILL has not ended the processes {left}")
    yield


@contextmanager
def stopped(*pids: int) -> Iterator[None]:
    """SIGSTOP, and SIGCONT at the end."""
    _send(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        _send(pids, signal.SIGCONT)


@contextmanager
def stopped_for_good(*pids: int) -> Iterator[None]:
    """SIGSTOP; the end comes when somebody has found and ended them, else this raises ``NotHealed``."""
    _send(pids, signal.SIGSTOP)
    try:
        yield
        if left := [pid for pid in pids if not has_ended(pid, FOUND_S)]:
            raise NotHealed(f"stopped for {FOUND_S:g} s, and nobody has ended the processes {left}")
    finally:
        _send(pids, signal.SIGCONT)


@contextmanager
def busy() -> Iterator[None]:
    """A process for each processor that wants all of it."""
    spinning = [
        subprocess.Popen([sys.executable, "-c", _SPIN], start_new_session=True)
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


def _send(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        # 0 would be all of our own group.
        if pid:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
