"""Lines of the log: their keys, their order, their values, and that they are read back as they were meant."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aggregator import lines
from pagestatus.identity import target_word
from pagestatus.messages import Class, Down, Outcome, Reason
from pagestatus.targets import TargetList, id_of_name
from pagestatus.verdict import Verdict, judge
from records import NOON, missed, result, timeout

ORDER = (
    "time", "url", "bytes", "status", "outcome", "reason", "class", "final", "attempt", "due", "lag_ms", "ms",
    "dns_ms", "connect_ms", "tls_ms", "ttfb_ms", "ip", "http", "fetcher", "target", "since", "until", "slots",
)  # fmt: skip


def written(line: bytes) -> dict[str, object]:
    """The line's keys, as any reader of JSON sees them; in order, or the test fails."""
    assert line.endswith(b"}\n")
    assert line.count(b"\n") == 1
    assert line.isascii()
    found = json.loads(line)
    assert isinstance(found, dict)
    assert list(found) == [key for key in ORDER if key in found]
    return found


def test_a_good_attempt_shows_what_was_measured() -> None:
    line = result(
        target=0xABC, due_us=NOON + 250_000, started_us=NOON + 251_500, dns_us=1200, tls_us=8123, fetcher=0
    )
    assert written(lines.result_line(line, judge(line))) == {
        "time": "2026-01-31T12:00:00.251Z",
        "url": "http://127.0.0.1/2748",
        "bytes": 512,
        "status": 200,
        "outcome": "ok",
        "final": True,
        "attempt": 1,
        "due": "2026-01-31T12:00:00.250Z",
        "lag_ms": 1.5,
        "ms": 20.0,
        "dns_ms": 1.2,
        "connect_ms": 0.3,
        "tls_ms": 8.123,
        "ttfb_ms": 19.0,
        "ip": "127.0.0.1",
        "http": "1.1",
        "fetcher": 0,
        "target": "0000000000000abc",
    }


def test_a_second_attempt_shows_the_lag_of_the_first_one() -> None:
    second = timeout(attempt=2, first_started_us=NOON + 2000, started_us=NOON + 9_000_000)
    found = written(lines.result_line(second, judge(second)))
    assert (found["lag_ms"], found["attempt"], found["time"]) == (2.0, 2, "2026-01-31T12:00:09.000Z")


def test_a_failure_that_is_tried_again_is_not_final() -> None:
    first = timeout()
    found = written(lines.result_line(first, judge(first)))
    assert "final" not in found
    assert "status" not in found
    assert found["bytes"] is None
    assert (found["outcome"], found["reason"], found["class"]) == ("fail", "timeout", "transient")


@pytest.mark.parametrize(
    ("reason", "status", "word", "class_"),
    [
        (Reason.NONE, 404, "http_status", "permanent"),
        (Reason.NONE, 500, "http_status", "transient"),
        (Reason.DNS, 0, "dns", "transient"),
        (Reason.NO_SUCH_NAME, 0, "dns", "permanent"),
        (Reason.TLS, 0, "tls", "transient"),
        (Reason.CERTIFICATE, 0, "tls", "permanent"),
        (Reason.STALLED, 0, "stalled", None),
        (Reason.NO_FDS, 0, "no_fds", None),
    ],
)
def test_reasons_have_the_words_of_the_interface(
    reason: Reason, status: int, word: str, class_: str | None
) -> None:
    attempt = result(reason=reason, status=status)
    line = lines.result_line(attempt, judge(attempt))
    found = written(line)
    assert (found["reason"], found.get("class")) == (word, class_)
    back = lines.verdict_of(lines.parse(line))
    assert back == judge(attempt)._replace(retry_after_us=0)


@pytest.mark.parametrize(
    ("moment_us", "shown"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (NOON, "2026-01-31T12:00:00.000Z"),
        (NOON + 7_000, "2026-01-31T12:00:00.007Z"),
        (NOON + 7_001, "2026-01-31T12:00:00.007001Z"),
        (lines.LAST_MOMENT_US, "9999-12-31T23:59:59.999999Z"),
    ],
)
def test_moments_are_shown_exactly_and_read_back(moment_us: int, shown: str) -> None:
    assert lines.stamp(moment_us) == shown
    assert lines.moment_us(shown) == moment_us
    assert lines.coarse_stamp(moment_us) == shown[:23] + "Z"


@given(st.integers(0, lines.LAST_MOMENT_US))
def test_every_moment_is_read_back(moment_us: int) -> None:
    assert lines.moment_us(lines.stamp(moment_us)) == moment_us


@given(url=st.text(max_size=40), name=st.text(max_size=40))
def test_whatever_a_url_and_a_name_hold_the_line_is_one_line_of_ascii(url: str, name: str) -> None:
    encodable = (url + name).encode("utf-8", "ignore").decode() == url + name
    if not encodable:
        return
    attempt = result(url=url, name=name)
    found = written(lines.result_line(attempt, judge(attempt)))
    assert found["url"] == url
    assert found["target"] == target_word(1, name)


def test_a_name_that_looks_like_an_id_is_not_shown_as_one() -> None:
    looks_like_an_id = "00000000deadbeef"
    assert target_word(5, looks_like_an_id) == "0000000000000005"
    assert target_word(5, "home page") == "home page"
    assert lines.target_id("0000000000000005", id_of_name) == 5


def test_a_name_is_read_back_as_the_id_that_the_list_gives_it(tmp_path: Path) -> None:
    urls = tmp_path / "urls.json"
    urls.write_text('[{"url": "http://127.0.0.1/", "interval": 5, "name": "home page"}]')
    (target,) = TargetList(urls)
    assert lines.target_id("home page", id_of_name) == target.id


def test_a_missed_slot_has_no_attempt() -> None:
    line = lines.missed_line(missed(name="home"), NOON, NOON + 5_000_000)
    assert written(line) == {
        "time": "2026-01-31T12:00:05.000Z",
        "url": "http://127.0.0.1/1",
        "bytes": None,
        "outcome": "missed",
        "reason": "overrun",
        "final": True,
        "due": "2026-01-31T12:00:00.000Z",
        "target": "home",
    }


def test_a_down_line_stands_for_all_slots_of_its_time() -> None:
    line = lines.down_line(Down(1, NOON - 1, NOON, 0), NOON)
    assert written(line) == {
        "time": "2026-01-31T12:00:00.000Z",
        "url": None,
        "bytes": None,
        "outcome": "missed",
        "reason": "down",
        "final": True,
        "since": "2026-01-31T11:59:59.999999Z",
        "until": "2026-01-31T12:00:00.000Z",
        "slots": 0,
    }


def test_a_reason_of_a_newer_version_is_read_as_none() -> None:
    line = b'{"time":"","url":null,"bytes":null,"outcome":"fail","reason":"new","class":"transient"}'
    found = lines.verdict_of(lines.parse(line))
    assert found == Verdict(Outcome.FAIL, Reason.NONE, Class.TRANSIENT, final=False, retry_after_us=0)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"\n",
        b"{}",
        b"\0\0\0",
        b"[1]",
        b'{"time":"","url":null,"bytes":null}',
        b'{"outcome":"ok"}',
        b"\xff",
    ],
)
def test_what_is_no_line_of_ours_is_told(line: bytes) -> None:
    with pytest.raises(lines.NotALine):
        lines.parse(line)


def test_the_struct_has_the_keys_of_the_interface() -> None:
    assert tuple(field.encode_name for field in msgspec.structs.fields(lines.Line)) == ORDER
