"""Slots that were not measured, until they are on the disk."""

from __future__ import annotations

import msgspec
import pytest

from pagestatus.messages import Missed, Reason
from scheduler.missed import RESEND_US, MissedBook

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


def test_what_was_overtaken_is_lost_and_what_waits_is_not() -> None:
    book = MissedBook()
    first, second, third = (msgspec.structs.replace(RECORD, target=target) for target in (1, 2, 3))
    book.add(first)
    book.add(second)
    assert list(book.take(0)) == [first, second]
    for now_us in range(RESEND_US, 4 * RESEND_US, RESEND_US):
        # One comes back now and then: the other is still on its way.
        assert book.commit(1, 0, 2, now_us) is first
        assert list(book.take_again(now_us + 1)) == []
        book.add(first)
        assert list(book.take(0)) == [first]
    book.add(third)
    assert list(book.take(RESEND_US)) == [third]
    assert book.commit(3, 0, 2, 4 * RESEND_US) is third
    assert list(book.take_again(4 * RESEND_US)) == [second, first]


def test_what_was_sent_twice_and_comes_back_once_has_overtaken_nothing() -> None:
    book = MissedBook()
    first, second = (msgspec.structs.replace(RECORD, target=target) for target in (1, 2))
    book.add(first)
    assert list(book.take(0)) == [first]
    book.add(second)
    assert list(book.take(RESEND_US)) == [second]
    # Long silence: the first is sent again, behind the second, and comes back as it was sent before it.
    assert list(book.take_again(RESEND_US + 1)) == [first]
    assert book.commit(1, 0, 2, 2 * RESEND_US) is first
    assert list(book.take_again(2 * RESEND_US + 1)) == []


def test_of_those_that_come_back_the_latest_counts() -> None:
    book = MissedBook()
    first, second, third = (msgspec.structs.replace(RECORD, target=target) for target in (1, 2, 3))
    for moment, record in enumerate((first, second, third)):
        book.add(record)
        assert list(book.take(moment)) == [record]
    assert book.commit(3, 0, 2, RESEND_US) is third
    assert book.commit(1, 0, 2, RESEND_US) is first
    assert list(book.take_again(RESEND_US + 2)) == [second]


def test_whoever_answers_what_came_twice_is_not_silent() -> None:
    book = MissedBook()
    book.add(RECORD)
    assert list(book.take(0)) == [RECORD]
    assert book.commit(2, 0, 2, RESEND_US) is None
    assert list(book.take_again(RESEND_US + 1)) == []


def test_what_nobody_answers_is_sent_again() -> None:
    book = MissedBook()
    book.add(RECORD)
    assert list(book.take(0)) == [RECORD]
    assert list(book.take_again(RESEND_US)) == []
    assert list(book.take_again(RESEND_US + 1)) == [RECORD]
    assert list(book.take_again(2 * RESEND_US + 1)) == []
    assert list(book.take_again(2 * RESEND_US + 2)) == [RECORD]
