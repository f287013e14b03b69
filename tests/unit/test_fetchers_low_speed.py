"""When a transfer is too slow: numbers in, verdicts out."""

from __future__ import annotations

import pytest

from fetchers.low_speed import SLOWEST, LowSpeed

WINDOW_S = 20.0


def first_low(*positions: tuple[float, int], window_s: float = WINDOW_S) -> float | None:
    """The first of these moments at which it is too slow."""
    speed = LowSpeed(window_s)
    speed.begin(0.0, 0)
    return next((now for now, position in positions if speed.is_low(now, position)), None)


def steady(per_second: float, seconds: int) -> list[tuple[float, int]]:
    return [(tick / 4, int(per_second * tick / 4)) for tick in range(1, 4 * seconds)]


@pytest.mark.parametrize("per_second", [SLOWEST + 1, 100_000, 1e9])
def test_fast_enough(per_second: float) -> None:
    assert first_low(*steady(per_second, 100)) is None


@pytest.mark.parametrize("per_second", [0, 1, SLOWEST - 1])
def test_too_slow_is_seen_after_one_window(per_second: float) -> None:
    assert first_low(*steady(per_second, 100)) == WINDOW_S


def test_a_stall_after_a_fast_beginning_is_seen_within_a_window_and_a_bit() -> None:
    fast = [(tick / 4, 10**6 * tick) for tick in range(1, 41)]
    stalled = [(10 + tick / 4, 40 * 10**6) for tick in range(1, 200)]
    found = first_low(*fast, *stalled)
    assert found is not None
    assert 30 <= found <= 30 + WINDOW_S / 8


def test_bursts_count_by_what_they_bring() -> None:
    """A trickle that is just not silent is given up, a burst that is worth a window is not."""
    for burst, is_low in ((300, True), (int(SLOWEST * WINDOW_S), False)):
        moments = [(float(second), burst * (second // 10)) for second in range(1, 200)]
        assert (first_low(*moments) is not None) is is_low


def test_a_short_window() -> None:
    assert first_low((0.05, 0), (0.09, 0), (0.1, 0), window_s=0.1) == 0.1


def test_it_can_begin_anew() -> None:
    speed = LowSpeed(WINDOW_S)
    speed.begin(0.0, 0)
    speed.begin(19.0, 5)
    assert not speed.is_low(38.0, 5)
    assert speed.is_low(39.0, 5)


def test_what_it_remembers_is_bounded() -> None:
    speed = LowSpeed(WINDOW_S)
    speed.begin(0.0, 0)
    for tick in range(100_000):
        speed.is_low(tick / 1000, tick * 100_000)
    assert len(speed._samples) < 20
