"""What a request of a range carries, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from fetchers.range_request import BadHeader, asked_range, header_lines, same_origin
from pagestatus.messages import RangeTask
from pagestatus.urls import wire_url

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
    asked = task(
        credentials="Aladdin:open sesame", headers=(("X-Key", "k"), ("Cookie", "ä"), ("X-Empty", " "))
    )
    assert header_lines(asked, is_origin=False) == [IDENTITY]
    assert header_lines(asked, is_origin=True) == [
        IDENTITY,
        b"Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        b"X-Key: k",
        "Cookie: ä".encode(),
        b"X-Empty;",
    ]


@pytest.mark.parametrize("name", ["Range", "accept-encoding", "HOST", "Connection", "Transfer-Encoding"])
def test_what_is_ours_can_not_be_replaced(name: str) -> None:
    assert header_lines(task(headers=((name, "x"),)), is_origin=True) == [IDENTITY]


def test_one_authorization_is_enough() -> None:
    given = (("Authorization", "Bearer x"),)
    assert header_lines(task(headers=given), is_origin=True)[1:] == [b"Authorization: Bearer x"]
    assert header_lines(task(headers=given, credentials="a:b"), is_origin=True)[1:] == [
        b"Authorization: Basic YTpi"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X\r\nHost", "x"),
        ("X", "x\r\nHost: evil"),
        ("X", "a\nb"),
        ("X", "a\0b"),
        ("X:", "x"),
        ("", "x"),
        ("X ", "x"),
        ("Ä", "x"),
    ],
)
def test_nothing_can_be_smuggled_in(name: str, value: str) -> None:
    with pytest.raises(BadHeader, match="can not be sent"):
        header_lines(task(headers=((name, value),)), is_origin=True)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ("http://a.test/x", "http://a.test:80/y", True),
        ("http://A.test/", "http://a.test/", True),
        ("http://a.test/", "https://a.test/", False),
        ("http://a.test:443/", "https://a.test/", False),
        ("http://a.test/", "http://a.test:81/", False),
        ("http://a.test/", "http://b.test/", False),
        ("http://a.test/", "http://www.a.test/", False),
    ],
)
def test_origins(one: str, other: str, expected: bool) -> None:  # noqa: FBT001 - a column of the table
    assert same_origin(wire_url(one), wire_url(other)) is expected
