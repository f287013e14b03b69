"""The log held against the witness: who is believed, and what is a finding."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from scripts.soak_run.fault import Fault, Struck
from scripts.soak_run.log import Line, attempts
from scripts.soak_run.record import Request, requests
from scripts.soak_run.witnessed import Witnessed

BEGAN = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
BEGAN_US = 1_795_867_200_000_000
SECOND_US = 1_000_000


def line(  # noqa: PLR0913 - what a line tells
    after_s: float = 0,
    *,
    outcome: str = "ok",
    status: int = 200,
    length: int | None = 500,
    reason: str = "",
    ms: float = 10,
) -> Line:
    """A line of target 7."""
    time = BEGAN + timedelta(seconds=after_s)
    url = "http://127.1.0.8:80/t/7"
    return Line(time=time, url=url, outcome=outcome, bytes=length, status=status, reason=reason, ms=ms)


def request(after_s: float = 0.005, *, status: int = 200, length: int = 500) -> Request:
    """A request for target 7."""
    return Request(BEGAN_US + round(after_s * SECOND_US), 7, "answering", status, length)


def found(
    lines: list[Line], asked: list[Request], *, loses: bool = False, at_s: tuple[float, float] = (0, 0)
) -> list[str]:
    """What is wrong, with a fault that struck from the one time to the other."""
    fault = Fault("kill", lambda _world: nullcontext(), loses=loses)
    began_us, well_us = (BEGAN_US + round(moment_s * SECOND_US) for moment_s in at_s)
    witnessed = Witnessed({7: asked})
    witnessed.see(lines)
    return list(witnessed.findings([Struck(fault, began_us, began_us, well_us)]))


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ([], []),
        ([line()], [request()]),
        # An answer that the visitor had to wait for; and two of them, whose lines come in any order.
        ([line(ms=1500)], [request(1.4)]),
        ([line(10), line(length=400)], [request(length=400), request(10.005)]),
        ([line(outcome="fail", reason="http_status", status=500)], [request(status=500)]),
        # An answer of which only a part came, another that did not come at all, and a question read late.
        ([line(outcome="fail", reason="reset", length=250)], [request()]),
        ([line(outcome="fail", reason="timeout", status=0, length=None)], [request()]),
        ([line(outcome="fail", reason="timeout", status=0, length=None, ms=3000)], [request(5)]),
        # Who had no answer need not have asked.
        ([line(outcome="fail", reason="connect", status=0, length=None)], []),
    ],
)
def test_they_agree(lines: list[Line], asked: list[Request]) -> None:
    assert found(lines, asked) == []


@pytest.mark.parametrize(
    ("lines", "asked"),
    [
        ([line()], []),
        # Too early, too late, another answer, and one answer for two lines.
        ([line()], [request(-1)]),
        ([line()], [request(0.55)]),
        ([line(status=204)], [request()]),
        ([line(length=501)], [request()]),
        ([line(status=0, length=None)], [request()]),
        ([line(), line()], [request()]),
        ([line()], [request(status=0)]),
        ([line(outcome="fail", reason="http_status", status=500)], [request()]),
    ],
)
def test_an_answer_that_nobody_gave(lines: list[Line], asked: list[Request]) -> None:
    assert any(finding.startswith("the witness gave no such answer") for finding in found(lines, asked))


def test_a_request_that_nobody_made() -> None:
    (finding,) = found([], [request()])
    assert finding.startswith("no line of the log knows of the request 2026-11-28T12:00:00.005Z for 7")


def test_a_lookup_that_failed_made_no_request() -> None:
    assert found([line(outcome="fail", reason="dns", status=0, length=None)], [request()])


def test_a_lookup_that_took_long_may_have_made_one() -> None:
    assert not found([line(outcome="internal", reason="name_server", status=0, length=None)], [request()])


@pytest.mark.parametrize(
    ("loses", "at_s", "is_excused"),
    [
        (True, (0, 1), True),
        # The attempt was under way when the fault struck; somebody that was stopped made it afterwards.
        (True, (5, 6), True),
        (True, (-20, -5), True),
        (False, (0, 1), False),
        (True, (20, 30), False),
        (True, (-30, -20), False),
    ],
)
def test_a_result_may_be_lost_with_a_process(
    at_s: tuple[float, float], *, loses: bool, is_excused: bool
) -> None:
    assert (not found([], [request()], loses=loses, at_s=at_s)) == is_excused


def test_an_ok_is_never_excused() -> None:
    assert found([line()], [], loses=True)


def test_the_record_is_read(tmp_path: Path) -> None:
    record = tmp_path / "witness.log"
    record.write_text(
        "5\t7\tanswering\t200\t500\n6\t8\ttoo long\t200\t100\n9\t7\tfailing\t500\t101\n", encoding="ascii"
    )
    assert requests(record) == {
        7: [Request(5, 7, "answering", 200, 500), Request(9, 7, "failing", 500, 101)],
        8: [Request(6, 8, "too long", 200, 100)],
    }


def test_lines_of_attempts_are_read(tmp_path: Path) -> None:
    attempt = (
        b'{"time":"2026-11-28T12:00:00.123Z","url":"http://127.1.0.8:80/t/7","bytes":500,"status":200,'
        b'"outcome":"ok","final":true,"attempt":1,"due":"2026-11-28T12:00:00.123Z","lag_ms":0.6,"ms":1.5}\n'
    )
    missed = (
        b'{"time":"2026-11-28T12:00:01Z","url":"http://127.1.0.8:80/t/7","bytes":null,"outcome":"missed"}\n'
    )
    down = b'{"time":"2026-11-28T12:00:01Z","url":null,"bytes":null,"outcome":"missed","reason":"down"}\n'
    (tmp_path / "url_status.log").write_bytes(down + missed + attempt)
    (read,) = attempts(tmp_path)
    assert (read.number, read.start_us, read.end_us) == (7, BEGAN_US + 123_000, BEGAN_US + 125_500)
    assert str(read) == "2026-11-28T12:00:00.123+00:00, 1.5 ms: http://127.1.0.8:80/t/7 ok 200 500"
