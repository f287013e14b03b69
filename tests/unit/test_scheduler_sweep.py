"""The sweep: what falls due, and when, against counting by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.targets import Target
from scheduler.catalog import Catalog
from scheduler.sweep import Sweep, next_due, slots_between, slots_of_group

SECOND = 1_000_000
MINUTE = 60 * SECOND


def catalog(*targets: tuple[int, int]) -> Catalog:
    """Targets with (id, interval in seconds); the phase is the id in milliseconds, modulo the interval."""
    return Catalog(
        [Target(id_, f"http://host-{id_}/", interval * SECOND) for id_, interval in targets], SECOND, 0
    )


@pytest.mark.parametrize(
    ("after", "interval", "phase", "expected", "why"),
    [
        (0, 10, 3, 3, "the first one of all"),
        (3, 10, 3, 13, "a due time is not later than itself"),
        (12, 10, 3, 13, "shortly before"),
        (100, 10, 0, 110, "phase zero, on the grid"),
        (5, 10, 3, 13, "shortly after"),
    ],
)
def test_next_due(after: int, interval: int, phase: int, expected: int, why: str) -> None:
    assert next_due(after, interval, phase) == expected, why


@given(st.integers(0, 10_000), st.integers(0, 500), st.integers(1, 100), st.integers(0, 99))
def test_slots_between_counts_the_grid(after: int, length: int, interval: int, phase: int) -> None:
    phase %= interval
    grid = [at for at in range(after + 1, after + length + 1) if at % interval == phase]
    assert slots_between(after, after + length, interval, phase) == len(grid)


@given(
    after=st.integers(0, 10**6),
    length=st.integers(0, 10**4),
    interval=st.integers(1, 1000),
    phases=st.lists(st.integers(0, 10**6), max_size=20),
    cut=st.tuples(st.integers(0, 20), st.integers(0, 20)),
)
def test_the_slots_of_a_group_are_those_of_its_targets(
    after: int, length: int, interval: int, phases: list[int], cut: tuple[int, int]
) -> None:
    sorted_ = sorted(phase % interval for phase in phases)
    group = range(*(min(at, len(sorted_)) for at in sorted(cut)))
    each = [slots_between(after, after + length, interval, sorted_[index]) for index in group]
    assert slots_of_group(after, after + length, interval, sorted_, group) == sum(each)


def test_the_phase_is_stable_whatever_else_is_on_the_list() -> None:
    alone, among = catalog((5_000, 10)), catalog((1, 10), (5_000, 10), (9_999, 20))
    assert alone.phases_us[0] == among.phases_us[1] == 5 * SECOND


def test_nothing_is_due_before_its_time_and_everything_at_it() -> None:
    sweep = Sweep(catalog((3_000, 10), (7_000, 10)), 100 * SECOND)
    assert sweep.next_us == 103 * SECOND
    assert list(sweep.due(103 * SECOND - 1)) == []
    assert list(sweep.due(103 * SECOND)) == [(0, 103 * SECOND, 1)]
    assert list(sweep.due(103 * SECOND)) == []
    assert list(sweep.due(112 * SECOND)) == [(1, 107 * SECOND, 1)]
    assert list(sweep.due(113 * SECOND)) == [(0, 113 * SECOND, 1)]


def test_a_sweep_that_comes_late_counts_every_slot_that_passed() -> None:
    sweep = Sweep(catalog((3_000, 10), (7_000, 60)), 100 * SECOND)  # 127, 187
    assert sorted(sweep.due(195 * SECOND)) == [(0, 103 * SECOND, 10), (1, 127 * SECOND, 2)]
    assert sweep.next_us == 203 * SECOND


def test_no_targets_are_never_due() -> None:
    sweep = Sweep(catalog(), 0)
    assert sweep.next_us is None
    assert list(sweep.due(MINUTE)) == []


targets = st.lists(
    st.tuples(st.integers(0, 2**64 - 1), st.integers(1, 90)),
    min_size=1,
    max_size=20,
    unique_by=lambda target: target[0],
)
steps = st.lists(st.integers(1, 200 * SECOND), min_size=1, max_size=30)


@given(targets, st.integers(0, MINUTE), steps)
def test_every_slot_falls_due_exactly_once(
    given_targets: list[tuple[int, int]], start: int, lengths: list[int]
) -> None:
    """Against a model that looks at every target: whatever the rhythm of the rounds."""
    listed = catalog(*given_targets)
    sweep = Sweep(listed, start)
    now = start
    for length in lengths:
        before, now = now, now + length
        found = {index: (first, count) for index, first, count in sweep.due(now)}
        for index in range(len(listed)):
            interval, phase = listed.interval_us(index), listed.phases_us[index]
            count = slots_between(before, now, interval, phase)
            expected = (next_due(before, interval, phase), count) if count else None
            assert found.pop(index, None) == expected
        assert not found
        assert sweep.swept_us == now
