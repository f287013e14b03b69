"""Strikes the running system with one fault after the other, and sees how long it takes to be well again."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random

from pagestatus.clock import iso
from scripts.soak_run.fault import RECOVER_S, Fault, NotHealed, Struck
from scripts.soak_run.world import World
from scripts.trial_run.watcher import Watcher

LOOK_S = 0.1


class Striker:
    """The order of the faults is ``random``'s."""

    def __init__(self, world: World, faults: Sequence[Fault], random: Random) -> None:
        self._world = world
        self._faults = faults
        self._random = random
        self._watcher = Watcher()
        self.struck: list[Struck] = []
        self.findings: list[str] = []

    def run(self, seconds: float, every_s: float) -> None:
        """Begin a fault every so often, when the one before is over."""
        end = time.monotonic() + seconds
        due = time.monotonic() + every_s
        for fault in self._in_turn():
            if due > end:
                break
            time.sleep(max(0.0, due - time.monotonic()))
            self._strike(fault)
            due = max(due + every_s, time.monotonic())
        time.sleep(max(0.0, end - time.monotonic()))

    def until_well(self) -> None:
        """Wait until all processes run and checks are settled; raises ``NotHealed``."""
        deadline = time.monotonic() + RECOVER_S
        least: int | None = None
        while True:
            picture = self._watcher.look()
            checked = picture["schedule"].get("checked_total", 0)
            if picture["state"] != "running" or least is None or checked < least:
                least = checked
            elif checked > least:
                return
            if time.monotonic() > deadline:
                raise NotHealed(f"not well after {RECOVER_S:g} s: {_shown(picture)}")
            time.sleep(LOOK_S)

    def heal(self) -> None:
        """After an early end: wait for what was struck last."""
        try:
            self.until_well()
        except NotHealed as trouble:
            self.findings.append(str(trouble))

    def _in_turn(self) -> Iterator[Fault]:
        """Shuffled like cards, so that each has its turn before any has a second one."""
        while self._faults:
            yield from self._random.sample(self._faults, len(self._faults))

    def _strike(self, fault: Fault) -> None:
        began_us, ended_us = _now_us(), 0
        print(f"{iso(began_us)} {fault.name}", end="", file=sys.stderr, flush=True)
        try:
            with self._noting(fault, began_us), fault.do(self._world):
                time.sleep(fault.lasts_s)
            ended_us = _now_us()
            with self._noting(fault, began_us):
                self.until_well()
        finally:
            # Ctrl-C may have ended it.
            well_us = _now_us()
            struck = Struck(fault, began_us, ended_us or well_us, well_us)
            self.struck.append(struck)
            print(f", well again after {(struck.well_us - struck.ended_us) / 1e6:.1f} s", file=sys.stderr)

    @contextmanager
    def _noting(self, fault: Fault, began_us: int) -> Iterator[None]:
        try:
            yield
        except NotHealed as trouble:
            self.findings.append(f"{iso(began_us)} {fault.name}: {trouble}")


def _now_us() -> int:
    return time.time_ns() // 1000


def _shown(picture: dict[str, object]) -> str:
    return f"{picture['state']}, {picture['processes']}"
