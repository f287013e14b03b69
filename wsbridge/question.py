"""What the answer to the first question means: whether the server honours ranges, and how long the file is.

A server honours ranges if and only if it answers 206 with a Content-Range that makes sense, whatever
Accept-Ranges says (RFC 9110 sections 14.3 and 15.3.7). One that dislikes the question itself may still give
the whole.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from pagestatus.messages import Head, RangeDone, Reason

# Statuses after which the whole is asked for without a range: forbidden, not allowed, not satisfiable, and
# what servers say that take the header itself for a mistake.
_WITHOUT_RANGE = frozenset({400, 403, 405, 412, 416, 501})


class Kind(Enum):
    """How the file can be had."""

    RANGES = auto()
    WHOLE = auto()
    # There is nothing to fetch: the file has no bytes.
    EMPTY = auto()
    # Not in this way: see ``fate``.
    NOT = auto()


class Found(NamedTuple):
    """What is known of the file now."""

    kind: Kind
    # Bytes; -1: the server does not say.
    total: int = -1


def judge(done: RangeDone, *, has_bytes: bool) -> Found:
    """What the answer says; with ``has_bytes`` it is about a file of which a part is here already."""
    head, status = done.head, done.status
    if done.reason is not Reason.NONE:
        return Found(Kind.NOT)
    if status == 206:
        return Found(Kind.RANGES, head.total) if _makes_sense(head) else Found(Kind.WHOLE)
    if _is_empty(status, head):
        return Found(Kind.EMPTY, 0)
    if 200 <= status <= 299:
        return Found(Kind.WHOLE, head.length)
    # Whoever gave ranges before does not dislike them now: the link has expired, or something else is wrong.
    asks_without = status in _WITHOUT_RANGE and not has_bytes
    return Found(Kind.WHOLE if asks_without else Kind.NOT)


def _makes_sense(head: Head) -> bool:
    return head.start == 0 and head.stop == 1 and head.total >= 1


def _is_empty(status: int, head: Head) -> bool:
    """No byte of an empty file can be asked for: "Content-Range: bytes */0"."""
    return (status == 416 and head.total == 0) or (status == 200 and head.length == 0)
