"""The small modules of the aggregator: facts, failures, modes, downtime."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator.downtime import LAPSE_US, Downtime
from aggregator.facts import MOST_STATUS, Fact, packed, unpacked
from aggregator.failures import Failures
from aggregator.lines import result_line
from aggregator.modes import EVERY, Changes, keeps_of
from pagestatus.messages import Class, Outcome, Reason
from pagestatus.verdict import Verdict, judge
from records import NOON, SECOND, timeout


@given(
    st.sampled_from(Outcome),
    st.sampled_from(Class),
    st.sampled_from(Reason),
    st.integers(0, MOST_STATUS),
    st.integers(0, 1000),
)
def test_a_fact_is_unpacked_as_it_was_packed(
    outcome: Outcome, class_: Class, reason: Reason, status: int, attempt: int
) -> None:
    verdict = Verdict(outcome, reason, class_, final=True, retry_after_us=0)
    assert unpacked(packed(verdict, status, attempt)) == Fact(outcome, class_, reason, status, attempt)


def test_every_reason_and_class_fits_into_its_bits() -> None:
    assert max(Reason) < 256
    assert max(Class) < 4
    assert max(Outcome) < 4


def failures_of(*targets: int, kept: int = 1000) -> Failures:
    ring = Failures(kept)
    for target in targets:
        attempt = timeout(target)
        ring.add(result_line(attempt, judge(attempt)))
    return ring


def test_the_latest_failures_come_first_and_the_oldest_are_dropped() -> None:
    ring = failures_of(1, 2, 3, 4, kept=3)
    assert [failure["url"] for failure in ring.latest(10)] == [f"http://127.0.0.1/{n}" for n in (4, 3, 2)]
    assert [failure["url"] for failure in ring.latest(1)] == ["http://127.0.0.1/4"]
    assert len(ring) == 3


@pytest.mark.parametrize("asked", ["http://127.0.0.1/2", "0000000000000002"])
def test_failures_of_one_target_are_found_by_url_and_by_target(asked: str) -> None:
    assert [failure["target"] for failure in failures_of(1, 2, 3, 2).latest(10, asked)] == [
        "0000000000000002"
    ] * 2


def test_changes_keeps_the_first_line_every_change_and_every_hundredth() -> None:
    keeps = Changes()
    assert keeps(1, Outcome.OK)
    assert not keeps(1, Outcome.OK)
    assert keeps(2, Outcome.OK)
    assert keeps(1, Outcome.FAIL)
    assert keeps(1, Outcome.OK)
    assert [keeps(1, Outcome.OK) for _ in range(2 * EVERY)] == ([False] * (EVERY - 1) + [True]) * 2


def test_changes_remembers_a_bounded_number_of_targets() -> None:
    keeps = Changes(most_targets=2)
    assert [keeps(target, Outcome.OK) for target in (1, 2, 1, 3, 1)] == [True, True, False, True, True]


def test_the_modes_all_and_failures() -> None:
    kept = {mode: [keeps_of(mode)(1, outcome) for outcome in Outcome] for mode in ("all", "failures")}
    assert kept == {"all": [True] * 4, "failures": [False, True, True, True]}
    assert isinstance(keeps_of("changes"), Changes)


def test_a_fence_stands_until_the_account_is_recorded() -> None:
    downtime = Downtime()
    downtime.raise_fence(5, NOON, NOON)
    assert [downtime.fenced(NOON + late) for late in (0, 1)] == [False, True]
    downtime.record(NOON, NOON + SECOND)
    assert not downtime.fenced(NOON + 1)
    assert [downtime.covers(NOON + late) for late in (0, 1, SECOND, SECOND + 1)] == [False, True, True, False]


def test_who_asks_again_keeps_the_fence_and_a_successor_gets_its_own() -> None:
    downtime = Downtime()
    downtime.raise_fence(5, NOON, NOON)
    downtime.raise_fence(5, NOON + SECOND, NOON)
    assert downtime.fenced(NOON + 1)
    downtime.raise_fence(6, NOON + SECOND, NOON)
    assert not downtime.fenced(NOON + 1)
    assert [downtime.listens_to(epoch) for epoch in (5, 6)] == [False, True]


def test_the_fence_of_a_scheduler_that_fell_silent_lapses() -> None:
    downtime = Downtime()
    downtime.raise_fence(5, NOON, NOON)
    downtime.lapse(NOON + LAPSE_US)
    assert downtime.fence is not None
    downtime.lapse(NOON + LAPSE_US + 1)
    assert downtime.fence is None


def test_windows_of_closed_minutes_are_forgotten() -> None:
    downtime = Downtime()
    downtime.record(NOON, NOON + SECOND)
    downtime.record(NOON + 5 * SECOND, NOON + 6 * SECOND)
    downtime.forget(NOON + 2 * SECOND)
    assert downtime.windows == [(NOON + 5 * SECOND, NOON + 6 * SECOND)]
    assert downtime.spans(NOON + 5 * SECOND, NOON + 6 * SECOND) == NOON + 6 * SECOND
    assert downtime.spans(NOON + 4 * SECOND, NOON + 6 * SECOND) is None
