"""The audit finds what it is there to find: each case is a log with one thing wrong."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from scripts.audit import minutes
from scripts.audit.log import Line, Minute, microseconds
from scripts.audit.slots import gathered

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
INTERVALS_US = {"a": 10_000_000, "b": 20_000_000}


def at(second: float) -> datetime:
    return START + timedelta(seconds=second)


def ok(target: str, second: float) -> Line:
    """A slot that was measured at once, and was fine."""
    return Line("http://x/", "ok", bytes=5, status=200, final=True, attempt=1, due=at(second), target=target)


def down(since: float, until: float, slots: int) -> Line:
    return Line(None, "missed", reason="down", final=True, since=at(since), until=at(until), slots=slots)


WHOLE = [ok("a", 3), ok("b", 7), ok("a", 13), ok("a", 23), ok("b", 27), ok("a", 33)]
RETRIED = msgspec.structs.replace(ok("a", 13), outcome="fail", final=False)


@pytest.mark.parametrize(
    "lines",
    [
        WHOLE,
        [
            RETRIED,
            *(msgspec.structs.replace(line, attempt=2) if line == ok("a", 13) else line for line in WHOLE),
        ],
        # The first line says when watching began.
        [down(0, 1, 0), *WHOLE],
        # Between 10 and 25 nobody ran: a@13 and a@23 fell due.
        [ok("a", 3), ok("b", 7), down(10, 25, 2), ok("b", 27), ok("a", 33)],
    ],
    ids=["whole", "retried", "began", "down"],
)
def test_a_log_without_fault(lines: Sequence[Line]) -> None:
    assert list(gathered(lines).findings(INTERVALS_US)) == []


def test_a_target_may_have_no_line_until_its_interval_is_over() -> None:
    assert list(gathered(WHOLE).findings({**INTERVALS_US, "c": 31_000_000})) == []
    assert list(gathered(WHOLE).findings({**INTERVALS_US, "c": 30_000_000})) == ["c: no line at all"]


@pytest.mark.parametrize("slots", [2, 3])
def test_a_target_may_have_its_only_slot_in_a_window(slots: int) -> None:
    lines = [ok("a", 3), ok("b", 7), down(10, 25, slots), ok("b", 27), ok("a", 33)]
    assert list(gathered(lines).findings({**INTERVALS_US, "c": 16_000_000})) == []


def test_a_window_has_no_more_slots_than_can_have_fallen_due() -> None:
    lines = [ok("a", 3), ok("b", 7), down(10, 25, 4), ok("b", 27), ok("a", 33)]
    found = list(gathered(lines).findings({**INTERVALS_US, "c": 16_000_000}))
    assert found == [f"down until {microseconds(at(25))}: 4 slots, and 2 fell due"]


def test_a_target_with_attempts_alone_is_open() -> None:
    line = msgspec.structs.replace(RETRIED, target="c")
    found = list(gathered([*WHOLE, line]).findings({**INTERVALS_US, "c": 60_000_000}))
    assert found == [f"c: slot {microseconds(at(13))} has attempts and no final line"]


@pytest.mark.parametrize(
    ("lines", "finding"),
    [
        ([line for line in WHOLE if line != ok("a", 13)], "has no final line"),
        ([*WHOLE, msgspec.structs.replace(ok("a", 13), attempt=2)], "has 2 final lines"),
        ([*WHOLE, ok("a", 14)], "is no slot to settle"),
        ([*WHOLE, RETRIED], "attempt 1 at the slot"),
        ([*WHOLE, msgspec.structs.replace(RETRIED, due=at(14))], "has attempts and no final line"),
        ([*WHOLE, down(8, 12, 0), down(24, 26, 1)], "1 slots, and 0 fell due"),
        ([*WHOLE, down(12, 14, 1)], "is no slot to settle"),
        ([line for line in WHOLE if line.target == "a"], "b: no line at all"),
        ([*WHOLE, ok("c", 3)], "c: not in the list"),
        # Watching began early enough for b@-13.
        ([down(-20, -15, 0), ok("a", -7), *WHOLE], "has no final line"),
        # The last slot of b would have been due at 47, before the last of a.
        ([*WHOLE, ok("a", 43), ok("a", 53)], "has no final line"),
    ],
    ids=[
        "gap",
        "twice",
        "off the grid",
        "attempt twice",
        "open",
        "window",
        "in a window",
        "none",
        "new",
        "start",
        "end",
    ],
)
def test_a_log_with_one_fault(lines: Sequence[Line], finding: str) -> None:
    found = list(gathered(lines).findings(INTERVALS_US))
    assert len(found) == 1
    assert finding in found[0]


SUMMARY = Minute(START, 6, 6, 6, 0, 0, {}, [(200, 6)], 30)


@pytest.mark.parametrize(
    ("summaries", "finding"),
    [
        ([SUMMARY], ""),
        # The run ended before this minute did.
        ([], ""),
        ([msgspec.structs.replace(SUMMARY, due=7)], "due is 7, and the log has 6"),
        ([msgspec.structs.replace(SUMMARY, missed={"overrun": 1})], "missed is {'overrun': 1}"),
        ([msgspec.structs.replace(SUMMARY, bytes=0)], "bytes is 0"),
        ([msgspec.structs.replace(SUMMARY, codes=[])], "the commonest codes is []"),
        ([SUMMARY, SUMMARY], "comes after a later one"),
        (
            [msgspec.structs.replace(SUMMARY, minute=at(60), due=0, checked=0, ok=0, codes=[], bytes=0)],
            "has lines and no summary",
        ),
    ],
    ids=["right", "open", "due", "missed", "bytes", "codes", "twice", "left out"],
)
def test_the_minutes_are_held_against_the_log(summaries: Sequence[Minute], finding: str) -> None:
    found = list(minutes.findings(WHOLE, summaries))
    assert [finding in line for line in found] == ([True] if finding else [])


def test_a_down_line_counts_whole_in_the_minute_of_its_end() -> None:
    summaries = [
        msgspec.structs.replace(
            SUMMARY, minute=at(60), due=9, checked=0, ok=0, missed={"down": 9}, codes=[], bytes=0
        )
    ]
    assert list(minutes.findings([down(10, 70, 9)], summaries)) == []
