"""Lines of the log in columns, and with their phases."""

from __future__ import annotations

import json

import pytest

from pagestatus.ctl.answers import Attempt
from pagestatus.ctl.attempts import detailed, name, parse, phases, row
from pagestatus.ctl.table import COLOUR

OK = Attempt(
    time="2026-01-31T12:00:00.123Z",
    url="https://example.org/",
    bytes=12_600,
    status=200,
    outcome="ok",
    final=True,
    attempt=1,
    ms=40.0,
    dns_ms=2.0,
    connect_ms=5.0,
    tls_ms=17.0,
    ttfb_ms=39.0,
    ip="192.0.2.1",
    target="00112233445566ff",
)
TIMEOUT = Attempt(
    time="2026-01-31T12:00:01.000Z",
    url="http://example.org/hang",
    outcome="fail",
    reason="timeout",
    class_="transient",
    attempt=2,
    ms=10_000.0,
    dns_ms=0.1,
    connect_ms=0.4,
    target="hanging",
)
UNAVAILABLE = Attempt(
    time="2026-01-31T12:00:02.000Z",
    url="http://example.org/busy",
    bytes=120,
    status=503,
    outcome="fail",
    reason="http_status",
    class_="transient",
    final=True,
    attempt=3,
    ms=4.5,
    target="busy",
)
MISSED = Attempt(
    time="2026-01-31T12:00:03.000Z",
    url="http://example.org/",
    outcome="missed",
    reason="no_capacity",
    final=True,
    target="0" * 16,
)
DOWN = Attempt(
    time="2026-01-31T12:00:04.000Z",
    url=None,
    outcome="missed",
    reason="down",
    final=True,
    since="2026-01-31T11:00:00.000Z",
    until="2026-01-31T11:05:00.000Z",
    slots=1234,
)


def test_rows_stand_in_columns() -> None:
    assert [row(attempt, 80) for attempt in (OK, TIMEOUT, UNAVAILABLE, MISSED, DOWN)] == [
        "12:00:00 ok        200               40 ms 12.3 KiB https://example.org/",
        "12:00:01 fail…     timeout      #2  10.0 s          hanging",
        "12:00:02 fail      503          #3  4.5 ms    120 B busy",
        "12:00:03 missed    no_capacity                      http://example.org/",
        "12:00:04 missed    down        1,234 slots, 01-31 11:00:00 to 01-31 11:05:00",
    ]


def test_a_row_is_cut_to_the_terminal() -> None:
    long = Attempt(time=OK.time, url="https://example.org/" + "x" * 100, outcome="ok", final=True, attempt=1)
    assert len(row(long, 80)) == 80
    assert row(long, 80).endswith(" https://examp…xxxxxxxxxxxxxx")


def test_a_failure_that_is_tried_again_is_yellow_and_a_final_one_red() -> None:
    assert "\x1b[33mfail…    \x1b[0m" in row(TIMEOUT, 80, COLOUR)
    assert "\x1b[31mfail     \x1b[0m" in row(UNAVAILABLE, 80, COLOUR)


def test_an_attempt_with_its_phases() -> None:
    assert detailed(OK, 80) == [
        "2026-01-31 12:00:00  ok 200  https://example.org/",
        "    attempt 1   final   192.0.2.1   name 2.0 ms   connection 3.0 ms   tls 12 ms",
        "    first byte 22 ms   body 1.0 ms",
    ]
    assert detailed(TIMEOUT, 80, named=False) == [
        "2026-01-31 12:00:01  fail timeout",
        "    attempt 2   transient   tried again   name 0.10 ms   connection 0.30 ms",
        "    no first byte after 10.0 s",
    ]


@pytest.mark.parametrize(
    ("url", "ends", "expected"),
    [
        ("http://a/", (None, None, None, None), ["no name after 9.0 ms"]),
        ("http://a/", (1.0, None, None, None), ["name 1.0 ms", "no connection after 8.0 ms"]),
        ("https://a/", (1.0, 2.0, None, None), ["name 1.0 ms", "connection 1.0 ms", "no tls after 7.0 ms"]),
        ("http://[::1]/", (None, 2.0, None, 8.0), ["connection 2.0 ms", "first byte 6.0 ms", "body 1.0 ms"]),
        (
            "http://a/",
            (3.0, 2.0, None, None),
            ["name 3.0 ms", "connection 0.00 ms", "no first byte after 6.0 ms"],
        ),
    ],
)
def test_phases_end_where_the_attempt_did(
    url: str, ends: tuple[float | None, ...], expected: list[str]
) -> None:
    dns, connect, tls, ttfb = ends
    attempt = Attempt(time=OK.time, url=url, ms=9.0, dns_ms=dns, connect_ms=connect, tls_ms=tls, ttfb_ms=ttfb)
    assert list(phases(attempt)) == expected


def test_a_target_is_shown_by_its_name_else_by_its_url() -> None:
    assert name(TIMEOUT) == "hanging"
    assert name(OK) == "https://example.org/"


def test_nothing_in_a_line_steers_the_terminal() -> None:
    evil = "\x1b]0;owned\x07"
    line = {
        "time": evil,
        "url": evil,
        "outcome": evil,
        "reason": evil,
        "class": evil,
        "ip": evil,
        "target": evil,
    }
    attempt = parse(json.dumps(line).encode())
    assert attempt is not None
    assert "\x1b" not in row(attempt, 80)
    assert "\x1b" not in "".join(detailed(attempt, 80))


@pytest.mark.parametrize(
    "line", [b"", b"{", b"[]", b'{"time": 3, "url": null}', b"\xff\xfe", b'{"url": null}']
)
def test_what_is_no_line_of_the_log_is_none(line: bytes) -> None:
    assert parse(line) is None
