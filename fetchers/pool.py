"""The pool: keeps as many fetcher processes alive as it should, and tells the others which one is gone."""

from __future__ import annotations

import logging
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from fetchers.child import Child
from fetchers.respawn import Respawn
from pagestatus.config import MOST_FETCHERS, Config
from pagestatus.control import Command, ControlError
from pagestatus.locks import Lock
from pagestatus.loop import Timer
from pagestatus.messages import Gone
from pagestatus.ports import Outbox
from pagestatus.runner import Runner

log = logging.getLogger(__name__)

LOCK = "fetchers.lock"
# A fetcher that has not beaten for this long hangs; its first beat comes when it has started.
SILENT_S = 10.0
LINGER_S = 1.0
# Frames that wait for a bridge, which may not run at all.
MOST_FOR_BRIDGE = 100


class Pool:
    """Fetchers 1 to n. An index has at most one process at a time; each has an epoch of its own."""

    name = "fetchers"

    def __init__(self, config: Config, flags: Sequence[str]) -> None:
        """``flags`` are passed on to the fetchers."""
        self._wanted = config.fetchers
        self._data_dir = config.data_dir
        self._flags = flags
        self._children: dict[int, Child] = {}
        self._respawns: dict[int, Respawn] = {}
        self._pending: dict[int, Timer] = {}
        self._last_epoch = 0

    def start(self, runner: Runner) -> None:
        """Start all fetchers."""
        self._runner = runner
        # run_dir has a lock of its own; this one keeps two run_dirs from writing into one data_dir.
        self._lock = Lock(self._data_dir / LOCK)
        self._loop = runner.loop
        self._scheduler = Outbox(runner.loop, runner.context, runner.addresses.scheduler)
        self._bridge = Outbox(
            runner.loop,
            runner.context,
            runner.addresses.wsbridge,
            immediate=True,
            most_waiting=MOST_FOR_BRIDGE,
        )
        self._loop.on_stall(self._on_stall)
        self._fill()

    def commands(self) -> Mapping[str, Command]:
        """``scale`` and ``status``."""
        return {"scale": self._scale, "status": self._status}

    def second(self) -> None:
        """Kill what hangs."""
        for child in tuple(self._children.values()):
            if child.silent_s() > SILENT_S:
                log.error(
                    "fetcher-%d (pid %d) hangs: silent for %.0f s: killed", child.index, child.pid, SILENT_S
                )
                child.send(signal.SIGKILL)
                child.excuse_silence()

    def reload(self) -> None:
        """The list is the scheduler's affair."""

    def reopen(self) -> None:
        """Pass it on: the fetchers have logs of their own."""
        for child in self._children.values():
            if child.started:
                child.send(signal.SIGUSR2)

    def drain(self) -> None:
        """Let all fetchers finish and leave."""
        self._wanted = 0
        self._shrink()

    def drained(self) -> bool:
        """Whether all have left."""
        # With the last fetcher the next Gone may be under way: close() flushes it.
        return not self._children

    def close(self) -> None:
        """End what is still there."""
        for child in self._children.values():
            log.warning("fetcher-%d (pid %d) has not drained: killed", child.index, child.pid)
            child.close()
            self._tell_gone(child)
        self._scheduler.close(LINGER_S)
        self._bridge.close(LINGER_S)
        self._lock.release()

    def _scale(self, params: Mapping[str, Any]) -> dict[str, int]:
        wanted = params.get("n")
        if not isinstance(wanted, int) or isinstance(wanted, bool) or not 1 <= wanted <= MOST_FETCHERS:
            raise ControlError(f"n: {wanted!r}: expected a number from 1 to {MOST_FETCHERS}")
        if self._runner.draining:
            raise ControlError("the pool is draining")
        log.info("scale: %d fetchers, before %d", wanted, self._wanted)
        self._wanted = wanted
        self._shrink()
        self._fill()
        return {"fetchers": wanted}

    def _fill(self) -> None:
        """Start what is missing. An index whose last process still drains waits until that is gone."""
        for index in range(1, self._wanted + 1):
            if index not in self._children and index not in self._pending:
                self._spawn(index)

    def _shrink(self) -> None:
        """Drain the surplus."""
        for index in [index for index in self._pending if index > self._wanted]:
            self._pending.pop(index).cancel()
        for index, child in self._children.items():
            if index > self._wanted:
                child.drain()

    def _spawn(self, index: int) -> None:
        self._pending.pop(index, None)
        try:
            child = Child(self._loop, index, self._next_epoch(), self._flags, self._on_end)
        except OSError as trouble:
            log.error("fetcher-%d cannot be started: %s", index, trouble)  # noqa: TRY400 - one line says it
            self._spawn_later(index, lived_s=0.0, expected=False)
            return
        log.info("fetcher-%d started (pid %d)", index, child.pid)
        self._children[index] = child

    def _spawn_later(self, index: int, *, lived_s: float, expected: bool) -> None:
        wait_s = self._respawns.setdefault(index, Respawn()).wait_s(lived_s=lived_s, expected=expected)
        self._pending[index] = self._loop.after(wait_s, lambda: self._spawn(index))

    def _next_epoch(self) -> int:
        """Microseconds, strictly increasing: no incarnation has the epoch of another, or its inbox."""
        self._last_epoch = max(self._last_epoch + 1, self._runner.clock.now_us())
        return self._last_epoch

    def _on_end(self, child: Child) -> None:
        del self._children[child.index]
        self._tell_gone(child)
        level = logging.INFO if child.draining and child.exit_code == 0 else logging.WARNING
        log.log(level, "fetcher-%d (pid %d) ended: %s", child.index, child.pid, _how(child.exit_code))
        if child.index <= self._wanted:
            self._spawn_later(child.index, lived_s=child.lived_s(), expected=child.draining)

    def _tell_gone(self, child: Child) -> None:
        # Its inbox may have been left behind; nobody else ever uses that path.
        self._runner.addresses.fetcher(child.index, child.epoch).unlink(missing_ok=True)
        gone = Gone(child.epoch, child.index)
        self._scheduler.send(gone)
        self._bridge.send(gone)

    def _on_stall(self, seconds: float) -> None:
        log.warning("the pool stood still for %.1f s", seconds)
        for child in self._children.values():
            child.excuse_silence()

    def _status(self, _params: Mapping[str, Any]) -> dict[str, object]:
        fetchers = [
            {
                "name": f"fetcher-{child.index}",
                "pid": child.pid,
                "state": _state(child),
                "uptime_s": round(child.lived_s(), 3),
            }
            for _, child in sorted(self._children.items())
        ]
        return {"wanted": self._wanted, "fetchers": fetchers}


def _state(child: Child) -> str:
    if child.draining:
        return "draining"
    return "running" if child.started else "starting"


def _how(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"
