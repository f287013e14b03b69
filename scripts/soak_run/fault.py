"""A fault, and the times in which each struck: what may be blamed on it, and what may not."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import NamedTuple

from scripts.soak_run.world import World

# After this, at the latest, all is to be well again.
RECOVER_S = 60.0


class NotHealed(Exception):
    """The system was to get over it, and has not; the message says what was seen."""


def everybody(_url: str) -> bool:
    """All targets."""
    return True


class Fault(NamedTuple):
    """One kind of trouble. Entering what ``do`` gives begins it, leaving that ends it."""

    name: str
    do: Callable[[World], AbstractContextManager[object]]
    # Between its begin and its end. Seconds.
    lasts_s: float = 0.0
    # Failures with these reasons are its doing, and for how long after its end they may begin.
    spoils: frozenset[str] = frozenset()
    lingers_s: float = 0.0
    # Of targets with such URLs alone.
    whose: Callable[[str], bool] = everybody
    # Processes that it keeps from answering, by kind: "fetcher" stands for each of them.
    halts: frozenset[str] = frozenset()
    # Results of attempts that were under way may be lost with it.
    loses: bool = False


class Struck(NamedTuple):
    """One time that a fault struck. Microseconds since the epoch."""

    fault: Fault
    began_us: int
    ended_us: int
    # When all was well again.
    well_us: int


def any_between(struck: Iterable[Struck], start_us: int, end_us: int) -> bool:
    """Whether any of them lasted, from its begin until all was well, at some time in [start, end]."""
    return any(one.began_us <= end_us and start_us <= one.well_us for one in struck)


def kind_of(process: str) -> str:
    """``fetcher`` for all fetchers, else the name itself."""
    return process.partition("-")[0]
