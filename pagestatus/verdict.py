"""What an attempt means: one pure function, shared by all who need to know whether a line is final.

Transient failures may pass (a retry makes sense); permanent ones will not pass by themselves. Status codes
follow RFC 9110 section 15 and RFC 6585 (429).
"""

from __future__ import annotations

from typing import NamedTuple

from pagestatus.messages import Class, Outcome, Reason, Result

# RFC 9110 15.5.9 (408), RFC 8470 (425), RFC 6585 (429): the client may repeat the request later.
TRANSIENT_CODES = frozenset({408, 425, 429})
PERMANENT_REASONS = frozenset(
    {Reason.NO_SUCH_NAME, Reason.CERTIFICATE, Reason.BAD_URL, Reason.REDIRECTS, Reason.TOO_LARGE}
)
# A server may ask for a year; a watcher that obeyed would be blind. Seconds.
LONGEST_RETRY_AFTER_S = 3600


class Verdict(NamedTuple):
    """The judgement on one attempt."""

    outcome: Outcome
    reason: Reason
    class_: Class
    # This attempt settles its slot.
    final: bool
    # Slots due before this moment are to be skipped, microseconds since the epoch; 0: none.
    retry_after_us: int


# Nearly every attempt is one of these: made once, since a verdict costs more than the judgement.
GOOD = Verdict(Outcome.OK, Reason.NONE, Class.NONE, final=True, retry_after_us=0)


def judge(result: Result) -> Verdict:
    """Judge one attempt from nothing but what was measured and what its ``Check`` said."""
    ended_us = result.started_us + result.duration_us
    reason = result.reason
    if reason is Reason.NONE and not accepted(result.status, result.expect):
        reason = Reason.HTTP_STATUS
    if reason is Reason.NONE:
        return GOOD
    if reason >= Reason.STALLED:
        return Verdict(Outcome.INTERNAL, reason, Class.NONE, ended_us > result.retry_by_us, 0)
    class_ = _class(reason, result.status)
    retry_after_us = _retry_after(result, ended_us) if reason is Reason.HTTP_STATUS else 0
    final = class_ is Class.PERMANENT or retry_after_us > 0 or ended_us > result.retry_by_us
    return Verdict(Outcome.FAIL, reason, class_, final, retry_after_us)


def accepted(status: int, expect: tuple[int, ...]) -> bool:
    """Whether ``status`` is what the target calls ok: its own codes, else 200-299."""
    return status in expect if expect else 200 <= status <= 299


def _class(reason: Reason, status: int) -> Class:
    if reason is Reason.HTTP_STATUS:
        return Class.TRANSIENT if status >= 500 or status in TRANSIENT_CODES else Class.PERMANENT
    return Class.PERMANENT if reason in PERMANENT_REASONS else Class.TRANSIENT


def _retry_after(result: Result, ended_us: int) -> int:
    """The moment until which the server wants peace; only 429 and 503 may ask for it (RFC 9110 10.2.3)."""
    if result.retry_after_s <= 0 or result.status not in {429, 503}:
        return 0
    return ended_us + min(result.retry_after_s, LONGEST_RETRY_AFTER_S) * 1_000_000
