"""Taking over from a scheduler that died: what it left open, and for how long nobody ran."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pagestatus.messages import Class, Commit, Down, Outcome, Reason, Recap, Started
from pagestatus.targets import Target
from scheduler.catalog import FRESH, Catalog
from scheduler.former import Former
from scheduler.handover import Handover, Step
from scheduler.planner import Planner, Policy

SECOND = 1_000_000
# A whole minute; the target is due at each whole second of it.
NOW = 1_000_020 * SECOND
EPOCH = 7


def commit_of(down: Down) -> Commit:
    return Commit(0, down.until_us, 0, Outcome.MISSED, Reason.DOWN, Class.NONE, final=True, count=down.slots)


def taken_over(recap: Recap, *, now_us: int = NOW) -> tuple[Handover, Planner]:
    """A handover that has come to its end at ``now_us``."""
    catalog = Catalog([Target(1000, "http://host/", SECOND)], SECOND, 2)
    planner = Planner(catalog, Policy(SECOND, 4, 0), now_us, Random(1))  # noqa: S311
    handover = Handover(EPOCH, Former())
    assert handover.on_recap(recap, catalog, now_us)
    assert handover.on_commit(commit_of(handover.down), planner, now_us)
    assert handover.step is Step.DONE
    return handover, planner


@pytest.mark.parametrize(
    ("since_us", "until_us", "slots"),
    [
        (NOW - 5 * SECOND, NOW, 5),
        (NOW - 1, NOW, 1),
        # The clock was set back: what is due before ``since`` has been answered for.
        (NOW, NOW + 1, 0),
        (NOW + 30 * SECOND, NOW + 30 * SECOND + 1, 0),
    ],
)
def test_nobody_ran_from_the_last_thing_known_until_now(since_us: int, until_us: int, slots: int) -> None:
    handover, planner = taken_over(Recap(EPOCH, since_us, since_us, ((1000, since_us, 1, True),)))
    assert handover.down == Down(EPOCH, since_us, until_us, slots)
    assert (planner.swept_us, planner.accounts.missed[Reason.DOWN]) == (until_us, slots)


@pytest.mark.parametrize("ahead_us", [0, 30 * SECOND])
def test_one_slot_of_a_target_is_gone_on_with_and_those_before_are_missed(ahead_us: int) -> None:
    since_us = NOW + ahead_us
    _, planner = taken_over(Recap(EPOCH, since_us - 3 * SECOND, since_us), now_us=NOW)
    (slot,) = planner.slots.values()
    assert slot.due_us == since_us
    planner.pump(NOW)
    assert sum(record.count for record in planner.missed) == 3
    assert planner.accounts.in_flight == 4


def test_a_slot_of_a_long_interval_is_over_after_ten_minutes() -> None:
    hour, minute = 3600 * SECOND, 60 * SECOND
    catalog = Catalog([Target(0, "http://host/", hour)], SECOND, 2)
    due_us = NOW - NOW % hour
    for late_us, reasons in ((9 * minute, []), (11 * minute, [Reason.LEASE])):
        planner = Planner(catalog, Policy(SECOND, 4, 0), due_us, Random(1))  # noqa: S311
        handover = Handover(EPOCH, Former())
        assert handover.on_recap(Recap(EPOCH, due_us, due_us + 1), catalog, due_us + late_us)
        assert handover.on_commit(commit_of(handover.down), planner, due_us + late_us)
        planner.on_aggregator(due_us + late_us)
        planner.pump(due_us + late_us)
        assert [record.reason for record in planner.missed] == reasons


def test_an_answer_that_an_aggregator_gave_before_it_died_is_not_taken_after() -> None:
    handover = Handover(EPOCH, Former())
    handover.on_pulse(1)
    assert handover.says() == Started(EPOCH)
    stale = Recap(EPOCH, NOW - 5 * SECOND, NOW - 5 * SECOND)
    catalog = Catalog([], SECOND, 2)
    assert handover.on_recap(stale, catalog, NOW)
    # ``down`` may be on the disk by now: what the first aggregator said once more does not know of it.
    handover.on_pulse(2)
    assert not handover.on_recap(stale, catalog, NOW)
    asked = handover.says()
    assert isinstance(asked, Started)
    assert handover.on_recap(Recap(asked.epoch, NOW, NOW), catalog, NOW + SECOND)
    assert handover.down == Down(asked.epoch, NOW, NOW + SECOND, 0)


def test_whose_account_was_not_taken_asks_again() -> None:
    handover, catalog = Handover(EPOCH, Former()), Catalog([], SECOND, 2)
    assert handover.on_recap(Recap(EPOCH, NOW - SECOND, NOW - SECOND), catalog, NOW)
    assert not handover.on_recap(Recap(EPOCH - 1, 0, 0, again=True), catalog, NOW)
    assert handover.says() == handover.down
    assert not handover.on_recap(Recap(EPOCH, 0, 0, again=True), catalog, NOW)
    asked = handover.says()
    assert isinstance(asked, Started)
    assert asked.epoch != EPOCH
    # Nor was the question.
    assert not handover.on_recap(Recap(asked.epoch, 0, 0, again=True), catalog, NOW)
    asked = handover.says()
    assert isinstance(asked, Started)
    assert handover.on_recap(Recap(asked.epoch, NOW, NOW), catalog, NOW + SECOND)
    assert handover.down == Down(asked.epoch, NOW, NOW + SECOND, 0)
    assert asked.epoch == EPOCH + 2


def test_what_was_due_before_a_target_was_listed_is_no_slot() -> None:
    catalog = Catalog(
        [Target(1000, "http://host/", SECOND), Target(2000, "http://host/2", SECOND)], SECOND, 2
    )
    since_us = NOW - 5 * SECOND
    catalog.listed_us[catalog.find(2000)] = since_us - SECOND
    handover = Handover(EPOCH, Former())
    assert handover.on_recap(Recap(EPOCH, since_us - 9 * SECOND, since_us), catalog, NOW)
    planner = Planner(catalog, Policy(SECOND, 4, 0), NOW, Random(1))  # noqa: S311
    handover.on_commit(commit_of(handover.down), planner, NOW)
    planner.pump(NOW)
    missed = Counter[int]()
    for record in planner.missed:
        missed[record.target] += record.count
    assert missed == {1000: 10, 2000: 1}


@pytest.mark.parametrize(
    ("listed_us", "slots"), [(0, 5), (NOW - 5 * SECOND, 5), (NOW - 2 * SECOND, 2), (FRESH, 0)]
)
def test_nobody_missed_a_target_before_it_was_listed(listed_us: int, slots: int) -> None:
    catalog = Catalog([Target(1000, "http://host/", SECOND)], SECOND, 2)
    catalog.listed_us[0] = listed_us
    handover = Handover(EPOCH, Former())
    since_us = NOW - 5 * SECOND
    assert handover.on_recap(Recap(EPOCH, since_us, since_us), catalog, NOW)
    assert handover.down.slots == slots
