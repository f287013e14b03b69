"""What operators do while everything runs, and supervisord that has to be started again."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from scripts.soak_run import targets
from scripts.soak_run.fault import NotHealed
from scripts.soak_run.system import FETCHERS, SUPERVISORD, Supervised
from scripts.soak_run.world import World

READ_S = 30


@contextmanager
def another_list(world: World, more: Sequence[targets.Target]) -> Iterator[None]:
    """Some more targets, for as long as this lasts."""
    _watch(world, [*world.steady, *more])
    try:
        yield
    finally:
        _watch(world, world.steady)


@contextmanager
def scaled(system: Supervised, fetchers: int) -> Iterator[None]:
    """Another number of fetchers, for as long as this lasts."""
    _run(system, "scale", str(fetchers))
    try:
        yield
    finally:
        _run(system, "scale", str(FETCHERS))


@contextmanager
def supervisord_killed(system: Supervised) -> Iterator[None]:
    """SIGKILL to supervisord; another one is started at the end."""
    system.kill_supervisord()
    try:
        yield
    finally:
        system.start()


@contextmanager
def supervisord_stuck(system: Supervised) -> Iterator[None]:
    """SIGSTOP to supervisord; at the end an operator has seen it, kills it, and starts another one."""
    os.kill(system.pid(SUPERVISORD), signal.SIGSTOP)
    try:
        yield
    finally:
        system.kill_supervisord()
        system.start()


@contextmanager
def upgraded(system: Supervised) -> Iterator[None]:
    """All of it drained, and started again at the end, as for new code."""
    left = system.drain()
    try:
        yield
    finally:
        system.start()
    if left:
        raise NotHealed(f"did not drain: {left}")


def _watch(world: World, list_: list[targets.Target]) -> None:
    before = _generation(world.system)
    targets.write(world.urls, list_)
    _run(world.system, "reload")
    deadline = time.monotonic() + READ_S
    while _generation(world.system) <= before:
        if time.monotonic() > deadline:
            raise NotHealed("the list is not read")
        time.sleep(0.05)


def _generation(system: Supervised) -> int:
    return int(system.ask("scheduler", "status").get("list", {}).get("generation", 0))


def _run(system: Supervised, *arguments: str) -> None:
    if trouble := system.ctl(*arguments):
        raise NotHealed(trouble)
