"""The clock: given the readings of both clocks as numbers, it never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.clock import SECOND_US, STEP_US, Clock, iso

START_S = 1_700_000_000.0
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Hands:
    """Two clocks that the test holds, in seconds."""

    def __init__(self) -> None:
        self.wall_s = START_S
        self.monotonic_s = 5.0
        self.clock = Clock(lambda: round(self.wall_s * 1e9), lambda: round(self.monotonic_s * 1e9))

    def pass_(self, monotonic_s: float, wall_s: float) -> int:
        self.monotonic_s += monotonic_s
        self.wall_s += wall_s
        return self.clock.follow()

    def passed_us(self) -> int:
        return self.clock.now_us() - round(START_S * SECOND_US)


@pytest.mark.parametrize(
    ("why", "monotonic_s", "wall_s", "shown_s"),
    [
        ("both go on alike", 10, 10, 10),
        ("a step forward is followed", 10, 3610, 3610),
        ("a suspend, in which the monotonic clock stands, is followed", 0, 7200, 7200),
        ("slewing is left alone", 10, 10.4, 10),
        ("exactly the limit is slewing still", 10, 10 + STEP_US / 1e6, 10),
        ("a step back is not followed", 10, -3590, 10),
    ],
)
def test_the_wall_clock_moves_it_forward_only(
    why: str, monotonic_s: float, wall_s: float, shown_s: float
) -> None:
    hands = Hands()
    hands.pass_(monotonic_s, wall_s)
    assert hands.passed_us() == shown_s * SECOND_US, why


def test_it_says_how_far_the_wall_clock_stands_off() -> None:
    hands = Hands()
    assert hands.pass_(1, 61) == 60 * SECOND_US
    assert hands.pass_(1, 1) == 0
    assert hands.clock.set_back_s == 0
    assert hands.pass_(0, -5) == -5 * SECOND_US
    assert hands.clock.set_back_s == 5


@given(st.lists(st.tuples(st.floats(0, 1e5), st.floats(-1e5, 1e5)), max_size=20))
def test_it_never_goes_back(steps: list[tuple[float, float]]) -> None:
    hands = Hands()
    before = hands.clock.now_us()
    for monotonic_s, wall_s in steps:
        hands.pass_(monotonic_s, wall_s)
        assert hands.clock.now_us() >= before
        before = hands.clock.now_us()


@pytest.mark.parametrize(
    ("us", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_769_860_800_123_000, "2026-01-31T12:00:00.123Z"),
        (1_769_860_800_123_999, "2026-01-31T12:00:00.123Z"),
        (1_769_860_799_999_999, "2026-01-31T11:59:59.999Z"),
    ],
)
def test_a_moment_as_text(us: int, text: str) -> None:
    assert iso(us) == text


@given(st.integers(0, 4_102_444_800_000))
def test_every_millisecond_of_this_century_survives_the_way_through_text(ms: int) -> None:
    assert datetime.fromisoformat(iso(ms * 1000)) == EPOCH + timedelta(milliseconds=ms)
