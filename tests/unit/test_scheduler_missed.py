"""Slots that were not measured, until they are on the disk."""

from __future__ import annotations

import msgspec
import pytest

from pagestatus.messages import Missed, Reason
from scheduler.missed import MissedBook

MINUTE = 60_000_000
RECORD = Missed(1, 0, 2, MINUTE, Reason.OVERRUN, "http://host/", "name")
NEXT = msgspec.structs.replace(RECORD, due_us=2 * MINUTE, count=1)


def test_slots_in_a_row_are_one_record() -> None:
    book = MissedBook()
    book.add(RECORD)
    book.add(NEXT)
    assert list(book.take(0)) == [msgspec.structs.replace(RECORD, count=3)]


@pytest.mark.parametrize(
    "other", [{"url": "http://other/"}, {"name": "other"}, {"reason": Reason.LATE}, {"due_us": 3 * MINUTE}]
)
def test_slots_of_which_other_things_are_to_be_told_are_another_record(other: dict[str, object]) -> None:
    """A reload may give a target another URL in the middle of a row."""
    book = MissedBook()
    later = msgspec.structs.replace(NEXT, **other)
    book.add(RECORD)
    book.add(later)
    assert list(book.take(0)) == [RECORD, later]
