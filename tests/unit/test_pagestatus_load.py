"""The CPU that a process has used lately."""

from __future__ import annotations

import pytest

from pagestatus.load import LATELY_S, Load


def test_one_look_tells_nothing() -> None:
    load = Load()
    load.note(100.0, 7.0)
    assert load.cores is None


def test_it_is_cpu_by_time_and_of_all_threads() -> None:
    load = Load()
    load.note(100.0, 7.0)
    load.note(102.0, 7.5)
    assert load.cores == pytest.approx(0.25)
    load.note(104.0, 13.0)
    assert load.cores == pytest.approx(1.5)


def test_what_was_long_ago_is_forgotten() -> None:
    load = Load()
    # Busy while it starts, then idle.
    load.note(0.0, 0.0)
    for second in range(1, LATELY_S + 1):
        load.note(second, 5.0)
    assert load.cores == pytest.approx(5.0 / LATELY_S)
    load.note(LATELY_S + 1, 5.0)
    assert load.cores == 0


def test_a_clock_that_stands_still_divides_nothing() -> None:
    load = Load()
    load.note(1.0, 1.0)
    load.note(1.0, 2.0)
    assert load.cores is None
