"""What the log says about an attempt or a settled slot, in one small integer.

Millions of slots may be open, and the answer to a duplicate must say what the log says. An integer below
2**60 costs 32 bytes and no work for the collector; the verdict's own objects would cost ten times as much.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from pagestatus.messages import Class, Outcome, Reason
from pagestatus.verdict import GOOD, Verdict

_OUTCOME_BITS = 2
_CLASS_BITS = 2
_REASON_BITS = 8
_STATUS_BITS = 10
MOST_STATUS = (1 << _STATUS_BITS) - 1


class Fact(NamedTuple):
    """How an attempt ended. ``attempt``: its number, or how many a missed slot had."""

    outcome: Outcome
    class_: Class
    reason: Reason
    status: int
    attempt: int


def packed(verdict: Verdict, status: int, attempt: int) -> int:
    """The integer. ``status`` is at most ``MOST_STATUS``."""
    number = attempt << _STATUS_BITS | status
    if verdict is GOOD:
        # Nearly all are so, with the same few numbers: shared, they cost no memory.
        return _good(number)
    number = number << _REASON_BITS | verdict.reason
    number = number << _CLASS_BITS | verdict.class_
    return number << _OUTCOME_BITS | verdict.outcome


@lru_cache(maxsize=64)
def _good(number: int) -> int:
    """Nothing went wrong: all that follows is 0."""
    return number << _REASON_BITS + _CLASS_BITS + _OUTCOME_BITS


def unpacked(number: int) -> Fact:
    """The inverse of ``packed``."""
    outcome = Outcome(number & (1 << _OUTCOME_BITS) - 1)
    number >>= _OUTCOME_BITS
    class_ = Class(number & (1 << _CLASS_BITS) - 1)
    number >>= _CLASS_BITS
    reason = Reason(number & (1 << _REASON_BITS) - 1)
    number >>= _REASON_BITS
    return Fact(outcome, class_, reason, number & MOST_STATUS, number >> _STATUS_BITS)
