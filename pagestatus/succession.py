"""Who goes on without a supervisord, and how the actors of the next one take over.

When a supervisord is killed, its actors go on: every slot is still measured, but nobody would start again
what ends. The actors of the next supervisord find the locks held. They ask the holders to make way, and wait
until these have drained. Who is supervised, or never was, refuses: then the second one leaves.
"""

from __future__ import annotations

import logging
import os

from pagestatus.addresses import Addresses
from pagestatus.control import ControlError, NoAnswer, Silent, ask
from pagestatus.locks import Lock, Taken

log = logging.getLogger(__name__)

MAKE_WAY = "make_way"


class Supervision:
    """Whether the supervisord that started us is still there."""

    def __init__(self, name: str) -> None:
        # It tells its own children their names (http://supervisord.org/subprocess.html); theirs inherit them.
        is_child = os.environ.get("SUPERVISOR_PROCESS_NAME") == name
        self._parent = os.getppid() if is_child else None
        self._told = False

    @property
    def state(self) -> str:
        """What the operator is shown."""
        return "unsupervised" if self._is_lost() else "running"

    def look(self) -> None:
        """Once a second: say it, once."""
        if self._is_lost() and not self._told:
            self._told = True
            log.warning(
                "supervisord (pid %d) has ended: going on, but nobody will start this again; "
                "another supervisord takes over",
                self._parent,
            )

    def make_way(self) -> None:
        """Agree to leave for a successor; raises ControlError."""
        if not self._is_lost():
            raise ControlError("it is running already")

    def _is_lost(self) -> bool:
        # Whose parent ends gets another one at once.
        return self._parent not in {None, os.getppid()}


def succeed(addresses: Addresses, name: str) -> Lock:
    """Take the lock of ``name``, from one that makes way if need be; raises ``Taken``, OSError."""
    path = addresses.lock(name)
    try:
        return Lock(path)
    except Taken as taken:
        try:
            ask(addresses.control(name), MAKE_WAY)
        except Silent as silent:
            raise Taken(f"{taken}, and does not answer: if that lasts, kill -9 it") from silent
        except (ControlError, NoAnswer):
            # Refused; or it has just begun, or is about to end.
            raise taken from None
        log.warning("%s, but its supervisord has ended: it drains and makes way", taken)
        return Lock(path, wait=True)
