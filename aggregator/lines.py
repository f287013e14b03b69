"""A record becomes one line of ``url_status.log``, and a line is read back.

The line's shape is one Struct: keys in its order, ASCII-escaped JSON, keys without a value left out (except
``time``, ``url`` and ``bytes``). Moments are shown with milliseconds, and with microseconds where they have
any, so that a slot's due time is read back exactly.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import msgspec

from pagestatus.identity import is_id_word, target_word
from pagestatus.messages import Class, Down, Missed, Outcome, Reason, Result
from pagestatus.verdict import Verdict

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
# The end of the year 9999: no later moment can be shown.
LAST_MOMENT_US = 253_402_300_799_999_999

# What is permanent about a name or a certificate is said by ``class``; the reason is shown as its kind.
REASONS = {reason: reason.name.lower() for reason in Reason} | {
    Reason.NO_SUCH_NAME: "dns",
    Reason.CERTIFICATE: "tls",
}
_OUTCOMES = {outcome: outcome.name.lower() for outcome in Outcome}
_CLASSES = {class_: class_.name.lower() for class_ in Class}
_OUTCOME_OF = {word: outcome for outcome, word in _OUTCOMES.items()}
_CLASS_OF = {word: class_ for class_, word in _CLASSES.items()}
_REASON_OF = {reason.name.lower(): reason for reason in Reason}
_PERMANENT_REASON_OF = {"dns": Reason.NO_SUCH_NAME, "tls": Reason.CERTIFICATE}
_THOUSANDTHS = tuple(f".{thousandth:03d}" for thousandth in range(1000))
_MILLIONTHS = tuple(f"{millionth:03d}Z" for millionth in range(1000))


class NotALine(ValueError):
    """These bytes are no line of ``url_status.log``."""


class Line(msgspec.Struct, omit_defaults=True, gc=False):
    """One line. Durations are milliseconds, moments are text."""

    time: str
    url: str | None
    bytes: int | None
    status: int = 0
    outcome: Literal["", "ok", "fail", "internal", "missed"] = ""
    reason: str = ""
    class_: str = msgspec.field(default="", name="class")
    # The line settles its slot.
    final: bool = False
    attempt: int = 0
    due: str = ""
    lag_ms: float | None = None
    ms: float | None = None
    # When each phase was over, from the attempt's start.
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    ttfb_ms: float | None = None
    ip: str = ""
    http: str = ""
    fetcher: int | None = None
    target: str = ""
    # Only on the line of a time in which no scheduler ran.
    since: str = ""
    until: str = ""
    slots: int | None = None


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Line).decode


def stamp(moment_us: int) -> str:
    """The moment in UTC, ``2026-01-31T12:00:00.123Z``; with six decimals where three would not be exact."""
    second, fraction_us = divmod(moment_us, 1_000_000)
    thousandths, millionths = divmod(fraction_us, 1000)
    return _second(second) + _THOUSANDTHS[thousandths] + (_MILLIONTHS[millionths] if millionths else "Z")


def coarse_stamp(moment_us: int) -> str:
    """The moment in UTC, rounded down to the millisecond."""
    return _second(moment_us // 1_000_000) + _THOUSANDTHS[moment_us // 1000 % 1000] + "Z"


@lru_cache(maxsize=4096)
def _second(second: int) -> str:
    return (_EPOCH + timedelta(seconds=second)).isoformat()[:19]


def moment_us(text: str) -> int:
    """The inverse of ``stamp``; raises ``ValueError``."""
    return (datetime.fromisoformat(text) - _EPOCH) // _MICROSECOND


def target_id(word: str, hashed: Callable[[str], int]) -> int:
    """The inverse of ``target_word``; ``hashed`` gives the id that belongs to a name."""
    return int(word, 16) if is_id_word(word) else hashed(word)


def result_line(result: Result, verdict: Verdict) -> bytes:
    """One attempt."""
    started_us = result.started_us
    status, size = result.status, result.bytes
    dns_us, connect_us, tls_us, ttfb_us = result.dns_us, result.connect_us, result.tls_us, result.ttfb_us
    line = Line(
        coarse_stamp(started_us),
        result.url,
        size if size >= 0 else None,
        status,
        _OUTCOMES[verdict.outcome],  # type: ignore[arg-type]
        REASONS[verdict.reason] if verdict.reason else "",
        _CLASSES[verdict.class_] if verdict.class_ else "",
        verdict.final,
        result.attempt,
        stamp(result.due_us),
        ((result.first_started_us or started_us) - result.due_us) / 1000,
        result.duration_us / 1000,
        dns_us / 1000 if dns_us >= 0 else None,
        connect_us / 1000 if connect_us >= 0 else None,
        tls_us / 1000 if tls_us >= 0 else None,
        ttfb_us / 1000 if ttfb_us >= 0 else None,
        result.ip,
        result.http,
        result.fetcher,
        target_word(result.target, result.name),
    )
    return rendered(line)


def missed_line(missed: Missed, due_us: int, now_us: int) -> bytes:
    """One slot of ``missed``, recorded at ``now_us``."""
    return rendered(
        Line(
            time=coarse_stamp(now_us),
            url=missed.url,
            bytes=None,
            outcome="missed",
            reason=REASONS[missed.reason],
            final=True,
            due=stamp(due_us),
            target=target_word(missed.target, missed.name),
        )
    )


def down_line(down: Down, now_us: int) -> bytes:
    """The time in which no scheduler ran, and how many slots fell due in it."""
    return rendered(
        Line(
            time=coarse_stamp(now_us),
            url=None,
            bytes=None,
            outcome="missed",
            reason=REASONS[Reason.DOWN],
            final=True,
            since=stamp(down.since_us),
            until=stamp(down.until_us),
            slots=down.slots,
        )
    )


def rendered(line: object) -> bytes:
    """``line`` as ASCII-escaped JSON with a line break; msgspec alone would leave UTF-8 as it is."""
    text = _encode(line)
    if not text.isascii():
        text = json.dumps(msgspec.json.decode(text), separators=(",", ":")).encode("ascii")
    return text + b"\n"


def parse(line: bytes) -> Line:
    """The line read back; raises ``NotALine``."""
    try:
        found = _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as mistake:
        raise NotALine(str(mistake)) from mistake
    if not found.outcome:
        raise NotALine("no outcome")
    return found


def verdict_of(line: Line) -> Verdict:
    """The judgement that the line shows. A reason that a newer version wrote is read as none."""
    class_ = _CLASS_OF.get(line.class_, Class.NONE)
    reason = _REASON_OF.get(line.reason, Reason.NONE)
    if class_ is Class.PERMANENT:
        reason = _PERMANENT_REASON_OF.get(line.reason, reason)
    return Verdict(_OUTCOME_OF[line.outcome], reason, class_, line.final, 0)
