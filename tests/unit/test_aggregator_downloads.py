"""The figures of downloads: which line they are in, and what the bridge is answered."""

from __future__ import annotations

import pytest

from aggregator.downloads import KEPT, Downloads
from aggregator.failures import Failures
from aggregator.ledger import Ledger
from aggregator.plausible import AHEAD_US
from pagestatus.messages import Down, DownloadMinute, DownloadsCounted, Message, Started
from records import MINUTE, NOON, SECOND, result, sweep

NOTHING = {"active": 0, "completed": 0, "failed": 0, "bytes": 0}


def told(minute: int, completed: int = 1, *, active: int = 0, failed: int = 0, bytes_: int = 0) -> Message:
    """The figures of a minute after noon."""
    return DownloadMinute(NOON + minute * MINUTE, active, completed, failed, bytes_)


class Desk:
    """A ledger whose lines always reach the disk."""

    def __init__(self, watermark: int | None = 0) -> None:
        self.ledger = Ledger(Failures())
        if watermark is not None:
            self.ledger.restore_closed(NOON + watermark * MINUTE)

    def take(self, *records: Message, now_us: int = NOON) -> None:
        self.ledger.take(records, now_us)

    def close(self, before: int) -> list[tuple[int, int]]:
        """(minute, completed downloads) of the minutes that get a line, once all before this are settled."""
        until_us = NOON + before * MINUTE
        self.take(sweep(until_us), now_us=until_us)
        return [
            (int(line["minute"][14:16]), line["downloads"]["completed"])
            for line in self.ledger.close_minutes()
        ]

    def answers(self) -> list[tuple[int, int]]:
        """(minute, completed downloads) that the bridge gets to hear."""
        return [((answer.minute_us - NOON) // MINUTE, answer.completed) for answer in self.ledger.counted()]


def test_a_line_shows_the_last_that_was_told() -> None:
    desk = Desk()
    desk.take(told(0, 1, active=3), told(0, 2, active=4, failed=5, bytes_=6))
    desk.take(sweep(NOON + MINUTE), now_us=NOON + MINUTE)
    (line,) = desk.ledger.close_minutes()
    assert line["downloads"] == {"active": 4, "completed": 2, "failed": 5, "bytes": 6}
    assert list(desk.ledger.counted()) == [DownloadsCounted(NOON, 2, 5, 6)]


def test_a_minute_of_which_nothing_was_told_has_nothing_and_no_answer() -> None:
    desk = Desk()
    desk.take(sweep(NOON + MINUTE), now_us=NOON + MINUTE)
    assert [line["downloads"] for line in desk.ledger.close_minutes()] == [NOTHING]
    assert desk.answers() == []


def test_an_open_minute_has_no_answer_and_a_closed_one_gets_it_as_often_as_it_is_told() -> None:
    desk = Desk()
    desk.take(told(0), told(1))
    assert desk.answers() == []
    assert desk.close(1) == [(0, 1)]
    assert desk.answers() == [(0, 1)]
    assert desk.answers() == []
    desk.take(told(0, 7), told(0, 8))
    assert desk.answers() == [(0, 1)]
    assert desk.close(2) == [(1, 1)]


def test_what_is_told_too_late_is_answered_with_what_the_line_says() -> None:
    desk = Desk()
    assert desk.close(2) == [(0, 0), (1, 0)]
    desk.take(told(1, 5))
    assert desk.answers() == [(1, 0)]


def test_what_is_told_opens_no_minute_and_holds_none_up() -> None:
    desk = Desk()
    desk.take(told(40), told(2), told(1), result(1, NOON + 3 * MINUTE + SECOND), now_us=NOON + 4 * MINUTE)
    assert desk.ledger._slots._minutes.keys() == {NOON // MINUTE + 3}
    assert desk.close(5) == [(0, 0), (1, 1), (2, 1), (3, 0), (4, 0)]
    assert desk.answers() == [(2, 1), (1, 1)]


def test_a_minute_in_which_no_scheduler_ran_has_no_line_and_counted_nothing() -> None:
    desk = Desk()
    desk.take(Started(9), told(2, 5), told(7, 6))
    desk.take(Down(9, NOON - 1, NOON + 6 * MINUTE, 0), now_us=NOON + 6 * MINUTE)
    desk.take(sweep(NOON + 8 * MINUTE, epoch=9), now_us=NOON + 8 * MINUTE)
    assert [line["minute"][14:16] for line in desk.ledger.close_minutes()] == ["06", "07"]
    assert desk.answers() == [(2, 0), (7, 6)]


def test_minutes_before_the_very_first_have_counted_nothing() -> None:
    desk = Desk(watermark=None)
    desk.take(told(0, 5), told(30, 6))
    assert desk.answers() == []
    assert desk.close(30) == []
    assert desk.answers() == [(0, 0)]
    assert desk.close(31) == [(30, 6)]


@pytest.mark.parametrize(
    "record",
    [
        DownloadMinute(0, 0, 1, 0, 0),
        DownloadMinute(-MINUTE, 0, 1, 0, 0),
        DownloadMinute(NOON + SECOND, 0, 1, 0, 0),
        DownloadMinute(NOON + AHEAD_US + MINUTE, 0, 1, 0, 0),
        DownloadMinute(NOON, -1, 1, 0, 0),
        DownloadMinute(NOON, 0, -1, 0, 0),
        DownloadMinute(NOON, 0, 1, -1, 0),
        DownloadMinute(NOON, 0, 1, 0, -1),
    ],
)
def test_what_can_not_be_is_not_taken(record: DownloadMinute) -> None:
    desk = Desk()
    desk.take(record)
    assert desk.ledger.counts["bad"] == 1
    assert desk.close(2) == [(0, 0), (1, 0)]
    assert desk.answers() == []


def test_a_minute_ahead_waits_until_it_closes() -> None:
    desk = Desk()
    desk.take(DownloadMinute(NOON + AHEAD_US, 0, 1, 0, 0))
    assert desk.ledger.counts["bad"] == 0
    assert desk.close(1) == [(0, 0)]
    assert desk.answers() == []


# --- the tables alone -------------------------------------------------------------------------------------


def minute(number: int, completed: int = 1) -> DownloadMinute:
    return DownloadMinute(number * MINUTE, 0, completed, 0, 0)


def answered(downloads: Downloads, *records: DownloadMinute) -> list[tuple[int, int]]:
    """What is answered when all of them are closed."""
    for record in records:
        downloads.take(record)
    return [(answer.minute_us // MINUTE, answer.completed) for answer in downloads.counted(1 << 60)]


def test_what_was_told_is_bounded_and_the_latest_is_left_out() -> None:
    downloads = Downloads(kept=2)
    for number in (5, 6, 4, 6):
        downloads.take(minute(number))
    assert repr(downloads) == "<Downloads of 2 minutes told, of 0 known>"
    assert [downloads.close(number * MINUTE)["completed"] for number in (4, 5, 6)] == [1, 1, 0]
    assert answered(downloads) == [(5, 1), (4, 1)]
    # Told again, it is answered with what its line says.
    assert answered(downloads, minute(6)) == [(6, 0)]


def test_of_a_line_that_is_not_known_any_more_the_bridge_hears_its_own_figures() -> None:
    downloads = Downloads(kept=2)
    for number in (3, 4, 6):
        downloads.take(minute(number, number))
        downloads.close(number * MINUTE)
        list(downloads.counted(1 << 60))
    assert repr(downloads) == "<Downloads of 0 minutes told, of 2 known>"
    # 5 has no line; what that of 3 said, nobody knows; 2 is older yet.
    answers = [answered(downloads, minute(number, 9)) for number in range(2, 7)]
    assert answers == [[(2, 9)], [(3, 9)], [(4, 4)], [(5, 0)], [(6, 6)]]


@pytest.mark.parametrize(
    ("found", "completed"),
    [
        ({"active": 1, "completed": 2, "failed": 3, "bytes": 4}, 2),
        ({"completed": 2, "of a newer version": 1}, 2),
        ({}, 0),
        (None, 0),
        ({"completed": "many"}, 0),
        ("many", 0),
    ],
)
def test_lines_are_known_again(found: object, completed: int) -> None:
    downloads = Downloads()
    downloads.restore({7 * MINUTE: found})
    assert answered(downloads, minute(7, 9)) == [(7, completed)]


@pytest.mark.parametrize(("lines", "earlier"), [(KEPT - 1, 0), (KEPT, 9)])
def test_before_the_first_of_all_lines_nothing_was_counted(lines: int, earlier: int) -> None:
    downloads = Downloads()
    downloads.restore({(100 + number) * MINUTE: {"completed": 1} for number in range(lines)})
    assert answered(downloads, minute(99, 9), minute(100, 9)) == [(99, earlier), (100, 1)]
