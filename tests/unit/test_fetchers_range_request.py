"""What a request of a range carries, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from fetchers.range_request import asked_range, header_lines
from pagestatus.headers import BadHeader
from pagestatus.messages import RangeTask

IDENTITY = b"Accept-Encoding: identity"


def task(start: int = 0, stop: int = 0, **different: Any) -> RangeTask:  # noqa: ANN401
    return RangeTask(1, 1, "http://example.com/", start, stop, **different)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (task(10, 20, file="a"), "10-19"),
        (task(0, 1, file="a"), "0-0"),
        (task(file="a"), None),
        (task(), "0-0"),
        (task(10, 20), "0-0"),
    ],
)
def test_the_range(asked: RangeTask, expected: str | None) -> None:
    assert asked_range(asked) == expected


def test_credentials_and_headers_go_to_the_origin_alone() -> None:
    asked = task(credentials="Aladdin:open sesame", headers=(("X-Key", "k"), ("Cookie", "ä")))
    assert header_lines(asked, is_origin=False) == [IDENTITY]
    assert header_lines(asked, is_origin=True) == [
        IDENTITY,
        b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        b"X-Key: k",
        b"Cookie: \xe4",
    ]


@pytest.mark.parametrize("name", ["Range", "accept-encoding", "HOST", "If-Range", "Transfer-Encoding"])
def test_what_is_ours_can_not_be_replaced(name: str) -> None:
    assert header_lines(task(headers=((name, "x"),)), is_origin=True) == [IDENTITY]


def test_one_authorization_is_enough() -> None:
    given = (("Authorization", "Bearer x"),)
    assert header_lines(task(headers=given), is_origin=True)[1:] == [b"Authorization: Bearer x"]
    assert header_lines(task(headers=given, credentials="a:b"), is_origin=True)[1:] == [
        b"Authorization: Basic YTpi"
    ]


@pytest.mark.parametrize(
    ("name", "value"), [("X", "x\r\nHost: evil"), ("X\r\nHost", "x"), ("X", ""), ("", "x")]
)
def test_nothing_can_be_smuggled_in(name: str, value: str) -> None:
    asked = task(headers=((name, value),))
    assert header_lines(asked, is_origin=False) == [IDENTITY]
    with pytest.raises(BadHeader):
        header_lines(asked, is_origin=True)
