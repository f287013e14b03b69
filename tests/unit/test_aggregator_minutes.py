"""A minute's figures, and which minutes get a line."""

from __future__ import annotations

import pytest

from aggregator.downtime import Downtime
from aggregator.minutes import Minute
from aggregator.slots import LONGEST_GAP_US, Slots, slot_of
from pagestatus.messages import Outcome, Reason
from pagestatus.summary import block
from records import MINUTE, NOON, SECOND, sweep

EMPTY = {
    "minute": "2026-01-31T12:00:00.000Z",
    "due": 0,
    "checked": 0,
    "ok": 0,
    "fail": 0,
    "internal": 0,
    "missed": {},
    "codes": [],
    "in_flight": 0,
    "in_flight_urls": [],
    "slowest": None,
    "lag_ms": {"p50": 0, "p90": 0, "p99": 0, "max": 0},
    "latency_ms": {"p50": 0, "p90": 0, "p99": 0, "max": 0},
    "bytes": 0,
    "downloads": {"active": 0, "completed": 0, "failed": 0, "bytes": 0},
}


def busy() -> Minute:
    """A minute with something of everything."""
    minute = Minute(NOON)
    for number in range(10):
        minute.count_check(Outcome.OK, f"http://a/{number}", 200, 1000, 500, 20_000 + number)
    for code in (404, 404, 301, 500, 502, 503):
        minute.count_check(Outcome.FAIL, "http://b/", code, 10, 500, 5000)
    minute.count_check(Outcome.FAIL, "http://slow/", 0, -1, 500, 10_000_000)
    minute.count_check(Outcome.INTERNAL, "http://c/", 0, -1, 900_000, 90_000_000)
    minute.count_missed(Reason.OVERRUN)
    minute.count_missed(Reason.DOWN, 1000)
    longest = tuple((f"http://d/{number}", NOON + number * SECOND) for number in range(25))
    minute.look(sweep(NOON + 30 * SECOND, in_flight=40, longest=longest))
    return minute


def test_an_empty_minute_has_every_figure() -> None:
    figures = Minute(NOON).figures()
    assert figures == EMPTY
    assert list(figures) == list(EMPTY)


def test_a_busy_minute_adds_up() -> None:
    figures = busy().figures()
    assert (figures["ok"], figures["fail"], figures["internal"]) == (10, 7, 1)
    assert figures["checked"] == 18
    assert figures["missed"] == {"down": 1000, "overrun": 1}
    assert figures["due"] == 1019
    assert figures["bytes"] == 10_060
    assert figures["codes"] == [[200, 10], [404, 2], [301, 1], [500, 1], [502, 1]]


def test_what_we_spoilt_ourselves_says_nothing_of_a_site_but_was_late() -> None:
    figures = busy().figures()
    assert figures["slowest"] == {"url": "http://slow/", "ms": 10_000.0}
    assert figures["latency_ms"]["max"] == 10_000.0
    assert figures["lag_ms"]["max"] == 900.0


def test_the_twenty_longest_in_flight_are_shown_with_their_seconds() -> None:
    figures = busy().figures()
    assert figures["in_flight"] == 40
    assert figures["in_flight_urls"] == [
        {"url": f"http://d/{number}", "seconds": 30.0 - number} for number in range(20)
    ]


def test_the_block_for_people_fits_80_columns() -> None:
    lines = block(busy().figures())
    assert lines[0] == "minute 2026-01-31 12:00 UTC: 1,019 due, 10 ok"
    assert all(len(line) <= 80 for line in lines)
    assert "  bad        7 fail, 1 internal" in lines
    assert "  missed     1,000 down, 1 overrun" in lines
    assert "  codes      200: 10, 404: 2, 301: 1, 500: 1, 502: 1" in lines
    assert "  slowest    10.0 s  http://slow/" in lines
    assert "  in flight  40" in lines
    assert lines[-1] == "             28.0 s  http://d/2"


def test_the_block_has_a_line_of_downloads_when_there_were_any() -> None:
    some = Minute(NOON).figures({"active": 0, "completed": 2, "failed": 1, "bytes": 12_600})
    assert block(some) == [
        "minute 2026-01-31 12:00 UTC: nothing was due",
        "  downloads  2 completed, 1 failed, 12.3 KiB",
    ]
    idle = Minute(NOON).figures({"active": 1, "completed": 0, "failed": 0, "bytes": 0})
    assert block(idle)[1] == "  downloads  1 active, 0 B"


def test_the_block_of_a_minute_without_slots_is_one_line() -> None:
    assert block(EMPTY) == ["minute 2026-01-31 12:00 UTC: nothing was due"]


def test_the_block_cuts_long_urls_and_shows_no_control_characters() -> None:
    minute = Minute(NOON)
    minute.count_check(Outcome.OK, "http://a/\x1b[2J" + "x" * 200, 200, 1, 1, 1)
    lines = block(minute.figures())
    assert all(len(line) <= 80 and line.isprintable() for line in lines)


def starts(closed: list[Minute]) -> list[int]:
    """Which minutes after noon."""
    return [(minute.start_us - NOON) // MINUTE for minute in closed]


def with_slots(*minutes: int, watermark: int | None = None) -> Slots:
    """One settled slot in each of these minutes after noon."""
    slots = Slots()
    slots.watermark_us = 0 if watermark is None else NOON + watermark * MINUTE
    for minute in minutes:
        due_us = NOON + minute * MINUTE + SECOND
        slots.minute(due_us).settled[slot_of(1, due_us)] = 0
    return slots


@pytest.mark.parametrize(
    ("settled_us", "closed"),
    [(NOON + MINUTE - 1, []), (NOON + MINUTE, [0]), (NOON + 2 * MINUTE + 1, [0, 1]), (NOON, [])],
)
def test_a_minute_closes_when_everything_before_its_end_is_settled(
    settled_us: int, closed: list[int]
) -> None:
    slots = with_slots(0, 1)
    assert starts(slots.close(settled_us, Downtime())) == closed
    assert starts(slots.close(settled_us, Downtime())) == []


def test_without_history_the_first_minute_is_the_one_in_which_we_begin() -> None:
    slots = Slots()
    assert slots.close(NOON + SECOND, Downtime()) == []
    assert slots.watermark_us == NOON
    assert starts(slots.close(NOON + 2 * MINUTE, Downtime())) == [0, 1]


def test_minutes_without_a_slot_get_a_line_while_somebody_runs() -> None:
    assert starts(with_slots(0, 3).close(NOON + 5 * MINUTE, Downtime())) == [0, 1, 2, 3, 4]


def test_minutes_in_which_nobody_ran_get_none() -> None:
    downtime = Downtime()
    downtime.record(NOON + 30 * SECOND, NOON + 4 * MINUTE + SECOND)
    slots = with_slots(0, watermark=0)
    assert starts(slots.close(NOON + 6 * MINUTE, downtime)) == [0, 4, 5]
    assert downtime.windows == []


def test_a_minute_that_has_lines_gets_one_even_in_a_window() -> None:
    downtime = Downtime()
    downtime.record(NOON - 1, NOON + 10 * MINUTE)
    assert starts(with_slots(2, watermark=0).close(NOON + 10 * MINUTE, downtime)) == [2]


def test_a_clock_set_right_by_years_does_not_make_millions_of_lines() -> None:
    slots = with_slots(0, watermark=0)
    closed = starts(slots.close(NOON + 1_000_000 * MINUTE, Downtime()))
    assert closed[0] == 0
    assert len(closed) == LONGEST_GAP_US // MINUTE + 1
    assert closed[-1] == 999_999
