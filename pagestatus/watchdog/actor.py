"""The watchdog's wiring: supervisord's ticks come in, questions go out, what hangs is killed.

It acts on a tick alone, which shows that supervisord is there to start again what is killed. The fetchers are
not its affair: their pool watches them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from pagestatus.control import Command, Params
from pagestatus.loop import READ
from pagestatus.runner import Runner
from pagestatus.watchdog.events import OK, READY, Events
from pagestatus.watchdog.patience import Patience
from pagestatus.watchdog.question import Question, who
from pagestatus.watchdog.supervisord import IsStopping, NoSupervisord, Supervisord

log = logging.getLogger(__name__)

WATCHED = ("wsbridge", "scheduler", "fetchers", "aggregator")
# After this everybody begins anew: the machine was suspended, or has better things to do.
LONG_STALL_S = 5.0
# Beats without a tick, which come every five seconds.
SUPERVISORD_SILENT = 30
STDIN, STDOUT = 0, 1


class Watchdog:
    """An event listener of supervisord."""

    name = "watchdog"

    def __init__(
        self,
        supervisord: Supervisord,
        patience: Patience,
        stdin: int = STDIN,
        stdout: int = STDOUT,
    ) -> None:
        """``stdin`` and ``stdout`` are the descriptors where supervisord talks with its event listener."""
        self._supervisord = supervisord
        self._stdin = stdin
        self._stdout = stdout
        self._patience = patience
        self._events = Events()
        self._open: dict[str, Question] = {}
        self._killed: dict[str, int] = {}
        self._beats_since_tick = 0
        # What it last did not answer; told once.
        self._trouble = ""

    def start(self, runner: Runner) -> None:
        """Be ready for events."""
        self._runner = runner
        runner.loop.on_stall(self._on_stall)
        os.set_blocking(self._stdin, False)
        runner.loop.watch(self._stdin, READ, self._on_events)
        self._say(READY)

    def commands(self) -> Mapping[str, Command]:
        """Who is watched."""
        return {"status": self._status}

    def second(self) -> None:
        """A second has passed in which we were awake."""
        self._patience.beat()
        self._beats_since_tick += 1
        if self._beats_since_tick == SUPERVISORD_SILENT:
            log.error("%s", _hangs(self._beats_since_tick))

    def reload(self) -> None:
        """The list is the scheduler's affair."""

    def reopen(self) -> None:
        """The runner has reopened the log; there is no other."""

    def drain(self) -> None:
        """There is nothing to finish."""

    def drained(self) -> bool:
        """At once."""
        return True

    def close(self) -> None:
        """Ask no longer."""
        for question in self._open.values():
            question.close()

    # --- supervisord --------------------------------------------------------------------------------------

    def _on_events(self, _fd: int, _events: int) -> None:
        piece = os.read(self._stdin, 4096)
        if not piece:
            # Supervisord is gone.
            self._runner.loop.unwatch(self._stdin)
            self._runner.drain()
        for _tick in self._events.feed(piece):
            if self._beats_since_tick >= SUPERVISORD_SILENT:
                log.warning("supervisord goes on after %d s", self._beats_since_tick)
            self._beats_since_tick = 0
            self._look()
            self._say(OK + READY)

    def _say(self, words: bytes) -> None:
        # Should it be gone, that is told by the end of its events.
        with suppress(BrokenPipeError):
            os.write(self._stdout, words)

    def _on_stall(self, seconds: float) -> None:
        if seconds > LONG_STALL_S:
            log.warning("stood still for %.0f s: everybody is waited for anew", seconds)
            self._patience.forgive()

    # --- the others ---------------------------------------------------------------------------------------

    def _look(self) -> None:
        try:
            known = self._supervisord.processes()
            processes = {name: known[name] for name in WATCHED if name in known}
            for name in self._patience.look(processes):
                self._end(name)
                del processes[name]
        except IsStopping:
            return
        except NoSupervisord as trouble:
            if self._trouble != (said := str(trouble)):
                log.warning("supervisord: %s: nothing that hangs is killed until it answers", said)
            self._trouble = said
            return
        self._trouble = ""
        for name, pid in processes.items():
            self._ask(name, pid)

    def _end(self, name: str) -> None:
        watched = self._patience.watched[name]
        pid, silent = watched.pid, watched.silent
        self._supervisord.kill(name)
        self._patience.end(name)
        self._killed[name] = self._killed.get(name, 0) + 1
        times = f", the {watched.hung}. time in a row" if watched.hung > 1 else ""
        log.error("%s (pid %d) hangs: silent for %d s: killed%s", name, pid, silent, times)
        # Its successor is asked anew.
        if (question := self._open.pop(name, None)) is not None:
            question.close()

    def _ask(self, name: str, pid: int) -> None:
        if name in self._open:
            return
        path = self._runner.addresses.control(name)
        try:
            self._open[name] = Question(self._runner.loop, path, partial(self._on_answer, name, pid))
        except OSError:
            # It does not listen yet, or not any more: silence, which is counted anyway.
            return

    def _on_answer(self, name: str, asked: int, answer: object) -> None:
        del self._open[name]
        found = who(answer)
        if found is not None:
            # An error is an answer: its loop goes round.
            self._patience.hear(name, found or asked)

    def _status(self, _params: Params) -> dict[str, Any]:
        silent_s = self._beats_since_tick
        trouble = {} if silent_s < SUPERVISORD_SILENT else {"state": "blocked", "trouble": _hangs(silent_s)}
        return {
            **trouble,
            "supervisord": os.getppid(),
            "watched": [
                {
                    "name": name,
                    "pid": one.pid,
                    "silent_s": one.silent,
                    "patience_s": self._patience.bound(name),
                    "killed": self._killed.get(name, 0),
                }
                for name, one in self._patience.watched.items()
            ],
        }


def _hangs(silent_s: int) -> str:
    return (
        f"supervisord (pid {os.getppid()}) hangs: silent for {silent_s} s: nothing that ends is started "
        "again; kill -9 it and start another, which takes over"
    )
