"""The fetchers as the bridge knows them: credit, who takes the next range, and who is lost."""

from __future__ import annotations

import pytest

from pagestatus.messages import FetcherState
from wsbridge.crew import FORGOTTEN_S, MOST_GONE, SILENT_S, Crew


def state(epoch: int, slots: int = 2) -> FetcherState:
    return FetcherState(epoch, epoch, 100, 0, range_slots=slots)


def crew(*slots: int) -> Crew:
    """Fetchers 1, 2, … with so many slots each."""
    made = Crew()
    for epoch, slots_ in enumerate(slots, 1):
        assert made.on_state(state(epoch, slots_), 0.0)
    return made


def chosen(crew_: Crew, of_download: set[int], now: float = 0.0) -> int:
    """The epoch of the fetcher that is chosen; 0: none."""
    member = crew_.choose(of_download, now)
    return 0 if member is None else member.epoch


@pytest.mark.parametrize(
    ("given", "of_download", "expected", "why"),
    [
        ({}, set(), 1, "nobody has anything"),
        ({1: [11]}, set(), 2, "the one with the fewest"),
        ({1: [11, 12], 2: [21]}, {21}, 1, "the fewest of this download count first"),
        ({1: [11, 12, 13]}, set(), 2, "the first is full"),
        ({1: [11, 12, 13], 2: [21, 22, 23]}, set(), 0, "all are full"),
    ],
)
def test_who_takes_the_next_range(
    given: dict[int, list[int]], of_download: set[int], expected: int, why: str
) -> None:
    both = crew(3, 3)
    for epoch, tasks in given.items():
        for task in tasks:
            both.give(epoch, task)
    assert chosen(both, of_download) == expected, why


def test_a_task_that_has_ended_gives_its_credit_back() -> None:
    one = crew(1)
    one.give(1, 11)
    assert chosen(one, set()) == 0
    one.take_back(1, 11)
    one.take_back(1, 11)
    one.take_back(99, 11)
    assert chosen(one, set()) == 1


def test_a_fetcher_that_drains_gets_nothing_and_keeps_what_it_has() -> None:
    one = crew(2)
    one.give(1, 11)
    assert not one.on_state(state(1, slots=0), 1.0)
    assert chosen(one, set()) == 0
    assert one.forget(1) == {11}


def test_who_is_silent_gets_nothing_until_it_speaks() -> None:
    one = crew(2)
    assert chosen(one, set(), SILENT_S - 0.1) == 1
    assert chosen(one, set(), SILENT_S) == 0
    one.on_state(state(1), SILENT_S)
    assert chosen(one, set(), SILENT_S) == 1


def test_who_is_silent_for_long_is_forgotten_and_may_come_back() -> None:
    both = crew(2, 2)
    both.on_state(state(2), FORGOTTEN_S)
    assert list(both.long_silent(FORGOTTEN_S)) == []
    assert list(both.long_silent(FORGOTTEN_S + 0.1)) == [1]
    both.forget(1)
    assert len(both) == 1
    assert both.on_state(state(1), FORGOTTEN_S + 1), "it had only stood still"


def test_nobody_is_silent_while_we_stood_still() -> None:
    one = crew(2)
    one.excuse(100.0)
    assert list(one.long_silent(100.0)) == []
    assert chosen(one, set(), 100.0) == 1


def test_what_a_fetcher_said_last_may_come_after_the_news_that_it_is_gone() -> None:
    one = crew(2)
    one.give(1, 11)
    one.bury(1)
    assert one.forget(1) == {11}
    assert not one.on_state(state(1), 0.1)
    assert (chosen(one, set()), len(one)) == (0, 0)
    assert one.on_state(state(2), 0.1), "its successor has an epoch of its own"


def test_those_that_are_gone_are_remembered_within_a_limit() -> None:
    one = Crew()
    for epoch in range(MOST_GONE + 1):
        one.bury(epoch)
    assert one.on_state(state(0), 0.0)
    assert not one.on_state(state(1), 0.0)
