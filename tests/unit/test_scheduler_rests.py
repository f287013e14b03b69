"""How a busy scheduler rests between its sweeps; the planner, the clock and the loop are the test's."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from pagestatus.config import Config
from scheduler.actor import LONGEST_REST_US, REST_US, Scheduler

NEVER = None


class Stand:
    """A scheduler of which only the end of a round is real."""

    def __init__(self) -> None:
        self.now_us = 0
        self.ticks: list[int] = []
        self.alarms: list[int] = []
        self.gives = 0
        self.planner = SimpleNamespace(checks={}, missed=[], wake_us=NEVER, tick=self._tick)
        scheduler: Any = Scheduler(Config())
        scheduler.planner = self.planner
        scheduler.lists = SimpleNamespace(adopt_reload=lambda _planner: None)
        scheduler._clock = SimpleNamespace(now_us=lambda: self.now_us)
        scheduler._runner = SimpleNamespace(loop=SimpleNamespace(after=self._after))
        self.scheduler = scheduler

    def _tick(self, now_us: int) -> None:
        self.ticks.append(now_us)
        self.planner.checks = {1: [None] * self.gives}

    def _after(self, delay_s: float, callback: Callable[[], None]) -> SimpleNamespace:
        self.alarms.append(self.now_us + round(delay_s * 1_000_000))
        return SimpleNamespace(cancel=lambda: None, callback=callback)

    def round(self, now_us: int, gives: int = 0) -> None:
        self.now_us, self.gives = now_us, gives
        self.scheduler._round()


@pytest.mark.parametrize(("gives", "rest_us"), [(1, REST_US), (4, 4 * REST_US), (1000, LONGEST_REST_US)])
def test_the_rest_grows_with_what_was_given_out(gives: int, rest_us: int) -> None:
    stand = Stand()
    stand.round(1_000_000, gives)
    stand.round(1_000_000 + rest_us - 1)
    stand.round(1_000_000 + rest_us)
    assert stand.ticks == [1_000_000, 1_000_000 + rest_us]


def test_after_a_sweep_that_gave_nothing_out_there_is_no_rest() -> None:
    stand = Stand()
    stand.round(1_000_000)
    stand.round(1_000_001)
    assert stand.ticks == [1_000_000, 1_000_001]


def test_a_round_in_the_rest_comes_back_at_its_end() -> None:
    """Whatever has become possible in that round (credit came back, say) is not to wait for the heartbeat."""
    stand = Stand()
    stand.planner.wake_us = 60_000_000
    stand.round(1_000_000, gives=5)
    stand.round(1_002_000)
    assert stand.alarms == [60_000_000, 1_005_000]
    stand.scheduler._woken()
    stand.round(1_005_000)
    assert stand.ticks == [1_000_000, 1_005_000]
    assert stand.alarms[-1] == 60_000_000


def test_what_is_due_in_the_rest_wakes_it_at_the_end() -> None:
    stand = Stand()
    stand.planner.wake_us = 1_001_000
    stand.round(1_000_000, gives=5)
    assert stand.alarms == [1_005_000]
