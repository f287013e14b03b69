"""The life of an actor, the same for all: lock, signals, heartbeat, control, drain, exit code.

The order of the end matters. A first TERM or INT drains: the actor takes nothing new and goes on until it
says that it is done. Then its ports close, with some time for what is still on its way, and only then the
lock is given back, so that a successor never works beside it.
"""

from __future__ import annotations

import errno
import gc
import logging
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Protocol

import zmq

from pagestatus import logs
from pagestatus.addresses import Addresses
from pagestatus.clock import SECOND_US, Clock
from pagestatus.config import Config
from pagestatus.control import Command, Params
from pagestatus.control_server import ControlServer
from pagestatus.descriptors import raise_descriptor_limit
from pagestatus.load import Load
from pagestatus.loop import READ, Loop
from pagestatus.ports import Context
from pagestatus.succession import MAKE_WAY, Supervision, succeed

log = logging.getLogger(__name__)

HEARTBEAT_S = 1.0
# Longer than the default attempt and its retries: a drain that takes more is given up.
DRAIN_S = 25.0
# Objects made since the last look at the young ones; the older ones are looked at every so many looks.
GC_THRESHOLDS = (50_000, 20, 20)
# What hinders a start and says nothing about the configuration: no room on the disk, or none for us.
_PASSING = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM}
)


class Exit(IntEnum):
    """How a process ended. 70 and 78 are those of sysexits.h."""

    DRAINED = 0
    GAVE_UP = 1
    BUG = 70
    CONFIGURATION = 78


class CannotStart(Exception):
    """A place the actor was configured to use cannot be used; the message is one line."""


class CannotStartYet(CannotStart):
    """What hinders may pass: to be tried again, for as long as it takes."""


class Actor(Protocol):
    """What the runner needs of a process."""

    name: str

    def start(self, runner: Runner) -> None:
        """Open the ports. An OSError here means that a configured place cannot be used."""

    def commands(self) -> Mapping[str, Command]:
        """Control commands by name; the answer of ``status`` is laid over the runner's own."""

    def second(self) -> None:
        """The heartbeat, once a second."""

    def reload(self) -> None:
        """HUP: read the list again."""

    def reopen(self) -> None:
        """USR2: open the logs anew."""

    def drain(self) -> None:
        """Take nothing new from here on."""

    def drained(self) -> bool:
        """Whether nothing is in flight any more; asked every round after ``drain``."""

    def close(self) -> None:
        """Close the ports, giving what is on its way a moment."""


class Runner:
    """Owns one actor's loop and what surrounds it."""

    def __init__(
        self,
        actor: Actor,
        config: Config,
        drain_timeout_s: float = DRAIN_S,
        drive: Callable[[Loop], None] = Loop.run,
    ) -> None:
        """``drive`` runs the loop until it is stopped; another loop may do that for its own."""
        self.config = config
        self.addresses = Addresses(config.run_dir)
        self.loop = Loop()
        self.clock = Clock()
        self.context: Context = zmq.Context(io_threads=1)
        self.draining = False
        self._actor = actor
        self._drain_timeout_s = drain_timeout_s
        self._drive = drive
        self._exit = Exit.DRAINED
        self._started = time.monotonic()
        self._load = Load()
        self._supervision = Supervision(actor.name)
        self._next_second = self.loop.now
        self._behind = False
        self._control: ControlServer | None = None
        self._noted: deque[int] = deque()

    def run(self) -> Exit:
        """Live until drained or stopped."""
        # Without a descriptor for a peer that connects, ZeroMQ ends the process.
        raise_descriptor_limit()
        self._take_lock()
        try:
            self._watch_signals()
            self._start()
            log.info("started")
            self.loop.before_wait(self._look_at_drain)
            self._second()
            self._drive(self.loop)
            self._actor.close()
        finally:
            self._let_go()
            self.context.destroy(linger=1000)
            self._lock.release()
        return self._exit

    def _take_lock(self) -> None:
        try:
            self._lock = succeed(self.addresses, self._actor.name)
        except OSError as mistake:
            raise _unusable(mistake) from mistake

    def _start(self) -> None:
        try:
            self._actor.start(self)
            _spare_collector()
            path = self.addresses.control(self._actor.name)
            self._control = ControlServer(self.loop, path, self._commands())
        except OSError as mistake:
            raise _unusable(mistake) from mistake

    def step_aside(self) -> None:
        """Drain, and let a successor in at once: for an actor whose ports are its incarnation's own."""
        self._let_go()
        self._lock.release()
        self.drain()

    def _let_go(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None

    def drain(self) -> None:
        """What a first TERM does; an actor may ask for it itself."""
        if self.draining:
            return
        log.info("draining")
        self.draining = True
        self._actor.drain()
        self.loop.after(self._drain_timeout_s, self._give_up)

    def _look_at_drain(self) -> None:
        if self.draining and self._actor.drained():
            self.loop.stop()

    def _give_up(self) -> None:
        log.warning("still not drained after %g s: giving up", self._drain_timeout_s)
        self._stop(Exit.GAVE_UP)

    def _stop(self, exit_: Exit) -> None:
        self._exit = exit_
        self.loop.stop()

    def _second(self) -> None:
        # On a grid, so that a slow round does not push all later heartbeats back.
        self._next_second = max(self._next_second + HEARTBEAT_S, self.loop.now)
        self.loop.at(self._next_second, self._second)
        self._watch_clock()
        self._supervision.look()
        self._load.note(time.monotonic(), time.process_time())
        self._actor.second()

    def _watch_clock(self) -> None:
        ahead_us = self.clock.follow()
        if ahead_us > SECOND_US:
            log.warning("the clock went forward by %.3f s: followed", ahead_us / SECOND_US)
            # The machine may have been suspended, which the monotonic clock does not show.
            self.loop.tell_stall(ahead_us / SECOND_US)
        if (behind := ahead_us < -SECOND_US) and not self._behind:
            log.warning("the clock went back by %.3f s: not followed until a restart", -ahead_us / SECOND_US)
        self._behind = behind

    def _commands(self) -> Mapping[str, Command]:
        own = dict(self._actor.commands())
        status = own.get("status", lambda _params: {})
        own["status"] = lambda params: self._status(status, params)
        own[MAKE_WAY] = self._make_way
        return own

    def _make_way(self, _params: Params) -> None:
        self._supervision.make_way()
        self.drain()

    def _status(self, actors: Callable[[Params], object], params: Params) -> dict[str, object]:
        found = actors(params)
        return {
            "name": self._actor.name,
            "pid": os.getpid(),
            "data_dir": str(self.config.data_dir),
            "state": "draining" if self.draining else self._supervision.state,
            "uptime_s": round(time.monotonic() - self._started, 3),
            "cpu_s": round(time.process_time(), 3),
            "load": self._load.cores,
            "clock_set_back_s": self.clock.set_back_s,
            **(found if isinstance(found, dict) else {}),
        }

    def _watch_signals(self) -> None:
        """A handler notes its signal, and does nothing else; a byte in a socket wakes the loop.

        Not the bytes themselves: the socket takes some three hundred, and a TERM after a storm would be lost.
        """
        wake, self._signals = socket.socketpair()
        wake.setblocking(False)
        self._signals.setblocking(False)
        self._wake = wake
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2):
            signal.signal(number, lambda number, _frame: self._noted.append(number))
        self.loop.watch(self._signals.fileno(), READ, self._on_signal)

    def _on_signal(self, _fd: int, _events: int) -> None:
        self._signals.recv(4096)
        while self._noted:
            number = self._noted.popleft()
            if number in {signal.SIGTERM, signal.SIGINT}:
                self._on_term()
            elif number == signal.SIGHUP:
                self._actor.reload()
            elif number == signal.SIGUSR2:
                logs.reopen()
                self._actor.reopen()

    def _on_term(self) -> None:
        if self.draining:
            log.warning("stopped before everything was drained")
            self._stop(Exit.GAVE_UP)
        else:
            self.drain()


def _spare_collector() -> None:
    """Let the garbage collector leave alone what was made so far, and look at the rest less often.

    A look at a million targets takes longer than a slot may be late; and next to nothing that is made for a
    check is ever part of a cycle.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def _unusable(mistake: OSError) -> CannotStart:
    where = f"{mistake.filename}: " if mistake.filename else ""
    kind = CannotStartYet if mistake.errno in _PASSING else CannotStart
    return kind(f"{where}{mistake.strerror or mistake}")
