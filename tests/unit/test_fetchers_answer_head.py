"""Heads of answers, good and hostile."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchers.answer_head import LARGEST, LONGEST_VALUE, AnswerHead, content_range
from pagestatus.messages import Head


def head_of(*lines: str | bytes) -> AnswerHead:
    answer = AnswerHead()
    for line in lines:
        answer.feed((line.encode("latin-1") if isinstance(line, str) else line) + b"\r\n")
    return answer


def test_all_that_it_says() -> None:
    answer = head_of(
        "HTTP/1.1 206 Partial Content",
        "content-RANGE: bytes 10-19/1000",
        "Content-Length:10",
        'ETag:  "e" ',
        "Last-Modified: Wed, 21 Oct 2015 07:28:00 GMT",
        "Content-Disposition: attachment; filename=a",
        "Content-Encoding: gzip",
        "Repr-Digest: sha-256=:AA==:",
        "Digest: md5=x",
        "Content-MD5: y",
        "X-Other: z",
        "",
    )
    assert (answer.status, answer.complete, answer.is_redirect, answer.is_multipart) == (
        206,
        True,
        False,
        False,
    )
    assert answer.head() == Head(
        10,
        20,
        1000,
        10,
        '"e"',
        "Wed, 21 Oct 2015 07:28:00 GMT",
        "attachment; filename=a",
        "gzip",
        "sha-256=:AA==:",
        "md5=x",
        "y",
    )


def test_it_is_complete_with_the_empty_line() -> None:
    answer = head_of("HTTP/1.1 200 OK", "ETag: a")
    assert not answer.complete
    answer.feed(b"\r\n")
    assert answer.complete


def test_an_interim_answer_is_not_the_answer() -> None:
    answer = head_of("HTTP/1.1 103 Early Hints", 'ETag: "interim"', "")
    assert not answer.complete
    answer.feed(b"HTTP/1.1 200 OK\r\n")
    answer.feed(b"\r\n")
    assert (answer.status, answer.complete, answer.head()) == (200, True, Head())


def test_trailers_say_nothing() -> None:
    answer = head_of("HTTP/1.1 206 X", "", "Content-Range: bytes 0-0/1", "ETag: late")
    assert answer.head() == Head()


def test_lines_without_sense_are_passed_over() -> None:
    answer = head_of("ETag: too early", "HTTP/1.1 200", "no colon", ": no name", b"X: \xff\xfe", "")
    assert (answer.status, answer.complete, answer.head()) == (200, True, Head())


@pytest.mark.parametrize(
    "line", ["HTTP/1.1 099 X", "HTTP/1.1 2000 X", "HTTP/1.1 20 X", "HTTP/x 200 OK", "ICY 200"]
)
def test_no_status_line(line: str) -> None:
    assert head_of(line, "").status == 0


def test_bytes_of_values_are_kept() -> None:
    value = (
        head_of("HTTP/1.1 200 OK", b"Content-Disposition: filename=\xc3\xa4", "").head().content_disposition
    )
    assert value.encode("latin-1").decode() == "filename=ä"


def test_two_values_are_one_list() -> None:
    answer = head_of(
        "HTTP/1.1 206 X",
        "Repr-Digest: a",
        "Repr-Digest: b",
        "Content-Range: bytes 0-0/1",
        "Content-Range: bytes 0-0/1",
        "",
    )
    assert answer.head() == Head(repr_digest="a, b")


def test_a_value_that_is_too_long_is_none() -> None:
    assert head_of("HTTP/1.1 200 OK", f"ETag: {'a' * LONGEST_VALUE}", "").head().etag
    assert head_of("HTTP/1.1 200 OK", f"ETag: {'a' * (LONGEST_VALUE + 1)}", "").head() == Head()


def test_redirect_and_multipart() -> None:
    assert head_of("HTTP/1.1 302 X", "Location: /", "").is_redirect
    assert not head_of("HTTP/1.1 302 X", "").is_redirect
    assert not head_of("HTTP/1.1 200 X", "Location: /", "").is_redirect
    assert not head_of("HTTP/1.1 304 X", "Location: /", "").is_redirect
    assert head_of("HTTP/1.1 206 X", "Content-Type: Multipart/ByteRanges; boundary=x", "").is_multipart


@pytest.mark.parametrize("value", ["-1", "+5", "5, 5", "1_0", "٣", "0x10", "", "9" * 20, str(LARGEST + 1)])
def test_lengths_that_are_none(value: str) -> None:
    assert head_of("HTTP/1.1 200 X", b"Content-Length: " + value.encode(), "").head().length == -1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes 0-0/1", (0, 1, 1)),
        ("bytes 5-9/*", (5, 10, -1)),
        ("BYTES 5-9/10", (5, 10, 10)),
        ("bytes */10", (-1, -1, 10)),
        ("bytes */0", (-1, -1, 0)),
        ("bytes 0005-09/010", (5, 10, 10)),
        (f"bytes 0-{LARGEST - 1}/{LARGEST}", (0, LARGEST, LARGEST)),
    ],
)
def test_content_range(value: str, expected: tuple[int, int, int]) -> None:
    assert content_range(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "bytes",
        "bytes 0-0",
        "bytes 0-/1",
        "bytes -1/1",
        "bytes 1-0/2",
        "bytes 0-1/1",
        "bytes 0-0/0",
        "bytes=0-0/1",
        "bytes  0-0/1",
        "bytes 0 - 0/1",
        "bytes 0-0/1 ",
        "bytes 0-0/1x",
        "items 0-0/1",
        "bytes 0-0/-1",
        "bytes +0-0/1",
        "bytes 0-0/1, bytes 0-0/1",
        "bytes \u0660-\u0660/\u0661",
        f"bytes 0-0/{LARGEST + 1}",
        f"bytes 0-{LARGEST}/*",
        f"bytes */{LARGEST + 1}",
        "bytes 0-0/" + "9" * 30,
        "bytes " + "9" * 5000 + "-0/1",
    ],
)
def test_content_ranges_that_make_no_sense(value: str) -> None:
    assert content_range(value) == (-1, -1, -1)


@given(st.integers(0, 1 << 64), st.integers(0, 1 << 64), st.one_of(st.none(), st.integers(0, 1 << 64)))
def test_whatever_the_numbers_the_answer_makes_sense(first: int, last: int, total: int | None) -> None:
    start, stop, whole = content_range(f"bytes {first}-{last}/{'*' if total is None else total}")
    if start >= 0:
        assert (start, stop) == (first, last + 1)
        assert 0 <= start < stop <= LARGEST
        assert whole == -1 or stop <= whole <= LARGEST


def test_what_is_chunked_has_no_length_of_its_own() -> None:
    answer = head_of("HTTP/1.1 200 OK", "Content-Length: 0", "Transfer-Encoding: chunked", "")
    assert answer.head().length == -1


@given(st.lists(st.binary(max_size=80)))
def test_any_bytes_are_a_head(lines: list[bytes]) -> None:
    answer = AnswerHead()
    for line in lines:
        answer.feed(line)
    answer.head()
