"""What is thought of an answer, from its head alone."""

from __future__ import annotations

from typing import Any

import pytest

from fetchers.answer_head import AnswerHead
from fetchers.range_answer import Verdict, judge
from pagestatus.messages import RangeTask, Reason

DATE = "Wed, 21 Oct 2015 07:28:00 GMT"


def task(start: int = 10, stop: int = 20, **known: Any) -> RangeTask:  # noqa: ANN401
    return RangeTask(1, 1, "http://example.com/", start, stop, "a.part", **known)


def verdict(asked: RangeTask, status: int, *headers: str) -> Verdict:
    answer = AnswerHead()
    for line in (f"HTTP/1.1 {status} X", *headers, ""):
        answer.feed(line.encode() + b"\r\n")
    return judge(asked, answer)


KNOWN: dict[str, Any] = {"total": 100, "etag": '"e"', "last_modified": DATE}
RIGHT = "Content-Range: bytes 10-19/100"


@pytest.mark.parametrize(
    ("headers", "stop"),
    [
        ([RIGHT], 20),
        ([RIGHT, 'ETag: "e"', f"Last-Modified: {DATE}", "Content-Length: 10"], 20),
        (["Content-Range: bytes 10-19/*"], 20),
        # A range may be shorter than was asked for (RFC 9110 section 15.3.7).
        (["Content-Range: bytes 10-14/100"], 15),
    ],
)
def test_right_answers(headers: list[str], stop: int) -> None:
    assert verdict(task(**KNOWN), 206, *headers) == Verdict(Reason.NONE, "", stop)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Content-Range: bytes 0-9/100"],
        ["Content-Range: bytes 11-19/100"],
        ["Content-Range: bytes 10-20/100"],
        ["Content-Range: bytes 19-10/100"],
        ["Content-Range: bytes */100"],
        ["Content-Range: lines 10-19/100"],
        [RIGHT, "Content-Type: multipart/byteranges; boundary=x"],
        [RIGHT, RIGHT],
    ],
)
def test_ranges_that_were_not_asked_for(headers: list[str]) -> None:
    assert verdict(task(**KNOWN), 206, *headers).reason is Reason.NO_RANGE


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (206, ["Content-Range: bytes 10-19/101"]),
        (206, [RIGHT, 'ETag: "f"']),
        (206, [RIGHT, 'ETag: W/"e"']),
        (206, [RIGHT, "Last-Modified: Wed, 21 Oct 2015 07:28:01 GMT"]),
        # More telling than that it is not the range.
        (206, ["Content-Range: bytes 0-9/101"]),
        (200, ["Content-Length: 101"]),
        (200, ["Content-Length: 100", 'ETag: "f"']),
        (416, ["Content-Range: bytes */5"]),
    ],
)
def test_another_file(status: int, headers: list[str]) -> None:
    found = verdict(task(**KNOWN), status, *headers)
    assert found.reason is Reason.CHANGED
    assert found.words.startswith("the file has changed: it has ")


@pytest.mark.parametrize(
    "headers", [[], ["Content-Length: 100", 'ETag: "e"'], ["Transfer-Encoding: chunked"]]
)
def test_the_whole_in_answer_to_a_range(headers: list[str]) -> None:
    assert verdict(task(**KNOWN), 200, *headers).reason is Reason.NO_RANGE


def test_what_is_encoded_has_a_length_of_its_own() -> None:
    found = verdict(task(**KNOWN), 200, "Content-Length: 50", "Content-Encoding: gzip")
    assert found.reason is Reason.NO_RANGE


def test_what_is_not_known_says_nothing() -> None:
    assert verdict(task(), 206, RIGHT, 'ETag: "f"', f"Last-Modified: {DATE}").reason is Reason.NONE


@pytest.mark.parametrize("status", [204, 304, 302, 400, 401, 403, 404, 410, 416, 429, 500, 503])
def test_other_statuses(status: int) -> None:
    # An error's own tag is not the file's.
    for asked in (task(**KNOWN), task(0, 0, **KNOWN)):
        assert verdict(asked, status, 'ETag: "of the error"', "Content-Length: 5") == Verdict(
            Reason.HTTP_STATUS, f"the server answered {status}"
        )


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (200, ["Content-Length: 100"], Verdict(Reason.NONE, "", 100)),
        (200, [], Verdict(Reason.NONE, "", 100)),
        (206, ["Content-Range: bytes 0-99/100"], Verdict(Reason.NONE, "", 100)),
    ],
)
def test_the_whole(status: int, headers: list[str], expected: Verdict) -> None:
    assert verdict(task(0, 0, total=100), status, *headers) == expected


def test_a_whole_of_which_nobody_knows_the_length() -> None:
    assert verdict(task(0, 0), 200) == Verdict(Reason.NONE, "", -1)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        ["Content-Range: bytes 0-98/100"],
        ["Content-Range: bytes 1-99/100"],
        ["Content-Range: bytes 0-99/*"],
    ],
)
def test_a_part_in_answer_to_the_whole(headers: list[str]) -> None:
    assert verdict(task(0, 0), 206, *headers).reason is Reason.NO_RANGE


def test_another_whole() -> None:
    assert verdict(task(0, 0, total=100), 200, "Content-Length: 99").reason is Reason.CHANGED
