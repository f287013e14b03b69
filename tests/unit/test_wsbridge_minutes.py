"""The figures of each minute: none is lost or counted twice, whoever is away or was killed."""

from __future__ import annotations

import pytest

from pagestatus.messages import DownloadMinute, DownloadsCounted
from records import MINUTE, NOON, SECOND
from wsbridge.entry import Status
from wsbridge.minutes import MOST_SENT, Figures, Minutes

DONE, FAILED = Status.DOWNLOADED, Status.FAILED
DAY = 24 * 60 * MINUTE


def test_what_ended_and_what_came_counts_in_the_minute_that_runs() -> None:
    minutes = Minutes()
    minutes.count([DONE, FAILED, DONE], 100, NOON + 59 * SECOND)
    minutes.count([], 20, NOON + 59 * SECOND)
    minutes.count([FAILED], 5, NOON + MINUTE)
    assert minutes.open == {NOON: Figures(0, 2, 1, 120), NOON + MINUTE: Figures(0, 0, 1, 5)}
    assert minutes.unsaved == {NOON, NOON + MINUTE}


def test_a_minute_in_which_nothing_happens_is_none() -> None:
    minutes = Minutes()
    minutes.count([], 0, NOON)
    assert (minutes.open, minutes.unsaved, minutes.records(0, NOON)) == ({}, set(), [])


def test_a_minute_is_told_with_those_that_run_at_its_end_so_far() -> None:
    minutes = Minutes()
    assert minutes.records(2, NOON) == [DownloadMinute(NOON, 2, 0, 0, 0)]
    minutes.count([DONE], 10, NOON)
    assert minutes.records(0, NOON + SECOND) == [DownloadMinute(NOON, 0, 1, 0, 10)]
    assert minutes.records(3, NOON + MINUTE) == [
        DownloadMinute(NOON, 0, 1, 0, 10),
        DownloadMinute(NOON + MINUTE, 3, 0, 0, 0),
    ], "again until it is answered"
    assert minutes.unsaved == {NOON}, "who runs is known again after a start"


@pytest.mark.parametrize("minute_us", [NOON + 1, NOON + 2 * DAY, 2**63 - 1 - (2**63 - 1) % MINUTE])
def test_what_can_be_no_minute_of_ours_is_no_answer(minute_us: int) -> None:
    """Else all that follows would count in a minute that nobody will ever answer for."""
    minutes = Minutes()
    minutes.on_counted(DownloadsCounted(minute_us, 0, 0, 0), NOON)
    minutes.count([DONE], 10, NOON)
    assert minutes.records(0, NOON) == [DownloadMinute(NOON, 0, 1, 0, 10)]


def test_an_answered_minute_is_told_no_more_and_removed_from_the_journal() -> None:
    minutes = Minutes()
    minutes.count([DONE], 10, NOON)
    minutes.unsaved.clear()
    minutes.on_counted(DownloadsCounted(NOON, 1, 0, 10), NOON + MINUTE)
    assert (minutes.open, minutes.unsaved, minutes.copy(NOON)) == ({}, {NOON}, None)


@pytest.mark.parametrize(
    ("counted", "now_us", "expected"),
    [
        ((1, 0, 10), NOON + MINUTE, {NOON + MINUTE: Figures(0, 2, 1, 90)}),
        ((3, 1, 100), NOON + MINUTE, {}),
        ((4, 1, 200), NOON + MINUTE, {NOON + MINUTE: Figures()}),
        ((1, 0, 10), NOON + 30 * SECOND, {NOON + MINUTE: Figures(0, 2, 1, 90)}),
    ],
    ids=["some came too late", "all of it", "more than we know of", "it has its line while it runs"],
)
def test_what_came_too_late_for_its_line_counts_in_a_later_minute(
    counted: tuple[int, int, int], now_us: int, expected: dict[int, Figures]
) -> None:
    minutes = Minutes({NOON: Figures(5, 3, 1, 100)})
    for _ in range(2):
        minutes.on_counted(DownloadsCounted(NOON, *counted), now_us)
        assert minutes.open == expected, "an answer may come twice"


def test_nothing_more_counts_in_a_minute_that_has_its_line() -> None:
    minutes = Minutes()
    minutes.on_counted(DownloadsCounted(NOON + MINUTE, 0, 0, 0), NOON + MINUTE + SECOND)
    minutes.on_counted(DownloadsCounted(NOON, 0, 0, 0), NOON + MINUTE + SECOND)
    minutes.count([DONE], 7, NOON + MINUTE + 2 * SECOND)
    assert minutes.open == {NOON + 2 * MINUTE: Figures(0, 1, 0, 7)}
    assert [one.minute_us for one in minutes.records(1, NOON + MINUTE + 3 * SECOND)] == [NOON + 2 * MINUTE]


def test_the_oldest_go_first_when_nobody_answered_for_long() -> None:
    minutes = Minutes({NOON + k * MINUTE: Figures(completed=1) for k in reversed(range(2 * MOST_SENT))})
    told = [one.minute_us for one in minutes.records(0, NOON + 1000 * MINUTE)]
    assert told == [NOON + k * MINUTE for k in range(MOST_SENT)]


def test_what_is_written_down_does_not_change_under_the_pen() -> None:
    minutes = Minutes()
    minutes.count([DONE], 10, NOON)
    copy = minutes.copy(NOON)
    minutes.count([DONE], 10, NOON)
    assert copy == Figures(0, 1, 0, 10)


def test_the_sum_is_exact_whatever_is_lost_or_comes_twice() -> None:
    """The aggregator closes each minute with what it was told last; we start again from what was saved."""
    minutes, told, counted = Minutes(), {}, [0, 0, 0]
    saved: dict[int, Figures] = {}
    for second in range(600):
        now_us = NOON + second * SECOND
        minutes.count([DONE] if second % 7 == 0 else [FAILED] if second % 11 == 0 else [], second, now_us)
        if second % 3:
            told.update({record.minute_us: record for record in minutes.records(1, now_us)})
        for start_us in [start_us for start_us in told if start_us + 63 * SECOND <= now_us]:
            record = told.pop(start_us)
            figures = (record.completed, record.failed, record.bytes)
            counted = [before + more for before, more in zip(counted, figures, strict=True)]
            minutes.on_counted(DownloadsCounted(start_us, *figures), now_us)
        for start_us in minutes.unsaved:
            if (copy := minutes.copy(start_us)) is None:
                saved.pop(start_us, None)
            else:
                saved[start_us] = copy
        minutes.unsaved.clear()
        if second % 97 == 96:
            answered_us = minutes._answered_us
            minutes = Minutes(saved)
            minutes._answered_us = answered_us
    rest = minutes.open.values()
    assert counted[0] + sum(one.completed for one in rest) == len(range(0, 600, 7))
    assert counted[1] + sum(one.failed for one in rest) == sum(s % 11 == 0 and s % 7 > 0 for s in range(600))
    assert counted[2] + sum(one.bytes for one in rest) == sum(range(600))
