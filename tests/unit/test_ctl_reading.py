"""How ``summary``, ``inflight`` and ``why`` are shown."""

from __future__ import annotations

from typing import Any

import msgspec

from pagestatus.ctl import inflight, show_why, summary
from pagestatus.ctl.answers import InFlight, Minute, Why

MINUTE: dict[str, Any] = {
    "minute": "2026-01-31T23:59:00.000Z",
    "due": 5000,
    "checked": 4950,
    "ok": 4900,
    "fail": 40,
    "internal": 10,
    "missed": {"overrun": 45, "no_capacity": 5},
    "codes": [[200, 4900], [503, 20]],
    "in_flight": 3,
    "in_flight_urls": [{"url": "http://a/\x1b[2J", "seconds": 3.2}],
    "slowest": {"url": "http://a/slow", "ms": 9987.2},
    "lag_ms": {"p50": 1.0, "p90": 2.0, "p99": 12.1, "max": 80.2},
    "latency_ms": {"p50": 31.0, "p90": 88.0, "p99": 401.2, "max": 9987.2},
    "bytes": 123456789,
}
IDLE = {"minute": "2026-02-01T00:00:00.000Z"}


def minutes(*lines: dict[str, Any]) -> list[Minute]:
    return msgspec.convert(list(lines), list[Minute])


def test_minutes_are_one_line_each_and_the_last_one_is_told_in_full() -> None:
    assert summary.show(minutes(MINUTE), 80) == [
        "UTC      DUE     OK  FAIL  INTERNAL  MISSED  LAG p99  TOOK p50     p99     max",
        "23:59  5,000  4,900    40        10      50    12 ms     31 ms  401 ms  9.99 s",
        "",
        "the minute of 2026-01-31 23:59",
        "codes      200: 4,900   503: 20",
        "missed     overrun: 45   no_capacity: 5",
        "bodies     118 MiB",
        "slowest    9.99 s  http://a/slow",
        "in flight  3",
        "           3.20 s  http://a/\\x1b[2J",
    ]


def test_a_new_day_is_announced_and_nothing_measured_is_a_dash() -> None:
    assert summary.show(minutes(MINUTE, IDLE), 80) == [
        "UTC      DUE     OK  FAIL  INTERNAL  MISSED  LAG p99  TOOK p50     p99     max",
        "2026-01-31",
        "23:59  5,000  4,900    40        10      50    12 ms     31 ms  401 ms  9.99 s",
        "2026-02-01",
        "00:00      0      0     0         0       0        -         -       -       -",
        "",
        "the minute of 2026-02-01 00:00",
        "bodies     0 B",
        "in flight  0",
    ]


def test_downloads_of_the_minute_are_told_when_there_were_any() -> None:
    some = {**IDLE, "downloads": {"active": 0, "completed": 2, "failed": 1, "bytes": 12_600}}
    assert summary.show(minutes(some), 80)[4:] == [
        "bodies     0 B",
        "downloads  0 active   2 completed   1 failed   12.3 KiB",
        "in flight  0",
    ]
    assert "downloads" not in "".join(
        summary.show(minutes({**IDLE, "downloads": dict.fromkeys(some["downloads"], 0)}), 80)
    )


def test_what_is_in_flight() -> None:
    checks = [
        InFlight(url="https://example.org/" + "x" * 80, seconds=3.21, target="a", attempt=2, fetcher=1),
        InFlight(url="http://a/\x1b", seconds=0.02),
    ]
    assert inflight.show(checks, 60) == [
        " SINCE  TRY  FETCHER  URL",
        "3.21 s   #2        1  https://example.or…xxxxxxxxxxxxxxxxxxx",
        " 20 ms                http://a/\\x1b",
    ]


WHY: dict[str, Any] = {
    "target": "example.org",
    "url": "https://example.org/",
    "interval_s": 60.0,
    "timeout_s": 10.0,
    "state": "down",
    "slow": True,
    "next_due": "2026-01-31T12:05:00.000Z",
    "next_due_s": 12.3,
    "failed_permanently": 7,
    "checked_every": 4,
    "skips": 2,
    "retry_after": None,
    "slot": {"due": "2026-01-31T12:04:00.000Z", "stage": "retry", "attempt": 2},
    "not_checked": [
        "it failed permanently 7 slots in a row: it is checked every 4 slots, and 2 more will be skipped"
    ],
}
ATTEMPT = {
    "time": "2026-01-31T12:04:00.001Z",
    "url": "https://example.org/",
    "bytes": 5,
    "status": 404,
    "outcome": "fail",
    "reason": "http_status",
    "class": "permanent",
    "final": True,
    "attempt": 1,
}


def test_why_tells_everything_of_one_target() -> None:
    assert show_why.show(msgspec.convert(WHY, Why), [ATTEMPT], 80) == [
        "https://example.org/",
        "target       example.org",
        "state        down",
        "interval     1m 00s, at the moment only every 4th slot, time-out 10s",
        "failed       for good, 7 slots in a row",
        "lane         slow: its last attempt timed out",
        "now          the slot of 12:04:00 UTC waits for its next attempt (attempt 2)",
        "next due     12:05:00 UTC, in 12s",
        "not checked  it failed permanently 7 slots in a row: it is checked every 4",
        "             slots, and 2 more will be skipped",
        "",
        "2026-01-31 12:04:00  fail 404",
        "    attempt 1   permanent   final",
    ]


def test_why_of_a_target_that_was_never_checked() -> None:
    new: dict[str, Any] = {
        "slow": False,
        "failed_permanently": 0,
        "checked_every": 1,
        "slot": None,
        "not_checked": [],
        "state": "unknown",
    }
    assert show_why.show(msgspec.convert({**WHY, **new}, Why), [], 80) == [
        "https://example.org/",
        "target       example.org",
        "state        unknown",
        "interval     1m 00s, time-out 10s",
        "next due     12:05:00 UTC, in 12s",
        "",
        "no attempt in the log",
    ]
