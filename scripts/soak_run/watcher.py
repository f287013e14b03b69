"""Looks all the time: who answers on its control socket, whether the books are right, what is taken."""

from __future__ import annotations

import threading
import time
from typing import Any, NamedTuple

from pagestatus.control import NoAnswer, Silent, ask_all
from scripts.bench_run.system import ACTORS
from scripts.soak_run import growth
from scripts.soak_run.system import Supervised
from scripts.trial_run.watcher import balanced

# Out of step with the heartbeats of who is asked, which come once a second.
EVERY_S = 0.7
# What ``pagestatus-ctl`` is to take at most.
PATIENCE_S = 1.0


class Unanswered(NamedTuple):
    """A process that did not answer. Microseconds since the epoch."""

    asked_us: int
    name: str
    # Somebody is there and says nothing; else nobody listens.
    is_silent: bool
    words: str


class Watcher:
    """Its own thread runs ``run``."""

    def __init__(self, system: Supervised) -> None:
        self._system = system
        self._ended = threading.Event()
        self.asked = 0
        self.unanswered: list[Unanswered] = []
        self.samples: list[growth.Sample] = []
        self.wrong_books: list[str] = []

    def run(self) -> None:
        """Until ``end``."""
        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            self._ask()
            self.samples += growth.look(time.monotonic(), self._system.pids())
            due = max(due + EVERY_S, time.monotonic())

    def end(self) -> None:
        """Look no more."""
        self._ended.set()

    def _ask(self) -> None:
        names = [*ACTORS, *self._system.fetchers()]
        asked_us = time.time_ns() // 1000
        answers = ask_all(
            {name: (self._system.addresses.control(name), "status", {}) for name in names}, PATIENCE_S
        )
        self.asked += len(names)
        for name, answer in answers.items():
            if isinstance(answer, NoAnswer):
                silent = isinstance(answer, Silent)
                self.unanswered.append(Unanswered(asked_us, name, silent, str(answer)))
        self._look_at_books(answers["scheduler"])

    def _look_at_books(self, answer: Any) -> None:  # noqa: ANN401 - whatever it answered
        if isinstance(answer, dict) and "schedule" in answer and not balanced(answer["schedule"]):
            self.wrong_books.append(f"the books are wrong: {answer['schedule']}")
