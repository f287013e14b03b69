"""What servers say of files: ``Content-Range``, ``Content-Disposition``, ``Retry-After``, and whole heads."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import PurePosixPath, PureWindowsPath
from unicodedata import category

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import astuple

from fetchers.answer_head import LARGEST, LONGEST_VALUE, AnswerHead, content_range
from fetching import Bench
from fuzzing import TEXT, fuzzed, mutated
from pagestatus.codec import decode, encode
from pagestatus.messages import RangeDone, Reason
from pagestatus.verdict import LONGEST_RETRY_AFTER_S, judge
from raw_site import RawSite
from wsbridge.names import LONGEST_NUMBERED_BYTES, PART, file_name, numbered

NUMBERS = st.integers(-1, 300) | st.integers(LARGEST - 2, LARGEST + 2) | st.integers(0, 10**25)
RANGES = st.builds("{} {}-{}/{}".format, st.sampled_from(["bytes", "Bytes", "none"]), *[NUMBERS] * 3)
DISPOSITIONS = [
    b"attachment; filename=\"plain.bin\"; filename*=UTF-8''na%C3%AFve%20%E2%82%AC.bin",
    b"attachment; filename*=UTF-8''..%2F..%5C%00%C0%AE%C0%AE%2Fpasswd; filename=../../x",
    b'inline; filename="=?UTF-8?B?Li4vLi4vZXRjL3Bhc3N3ZA==?= =?ISO-8859-1?Q?=2E=2E=2F?="',
    b'attachment; filename="CON.\xe2\x80\xae.part"; filename=" . . "; x="\\"\\\\"',
]
HEADS = [
    b'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 206 OK\r\nContent-Range: bytes 0-0/9\r\nETag: "a"\r\n\r\n',
    b"HTTP/2 302\r\nLocation: file:///etc/passwd\r\nContent-Length: 18446744073709551616\r\n\r\nX: y\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\ncontent-length: 6\r\n: \r\nContent-Encoding: gzip\r\n\r\n",
]  # fmt: skip
DATES = st.datetimes().map(lambda when: when.strftime("%a, %d %b %Y %H:%M:%S GMT"))


@fuzzed
@given(TEXT | RANGES | mutated([b"bytes 0-99/100", b"bytes */100"]).map(lambda raw: raw.decode("latin-1")))
@example("bytes 0-9223372036854775806/9223372036854775807")
@example("bytes 0-9223372036854775807/9223372036854775808")
def test_a_content_range_is_inside_of_its_file_or_none(value: str) -> None:
    start, stop, total = content_range(value)
    if start < 0:
        assert (start, stop) == (-1, -1)
        assert -1 <= total <= LARGEST
    else:
        assert start < stop
        assert stop <= (total if total >= 0 else LARGEST) <= LARGEST


@fuzzed
@given(mutated(HEADS) | st.binary(max_size=200))
def test_any_head_can_be_passed_on(head: bytes) -> None:
    answer = AnswerHead()
    for line in head.splitlines(keepends=True):
        answer.feed(line)
    found = answer.head()
    assert answer.status == 0 or 100 <= answer.status <= 999
    assert all(len(value) <= LONGEST_VALUE for value in astuple(found) if isinstance(value, str))
    done = RangeDone(1, 1, 1, 0, Reason.NONE, answer.status, head=found)
    assert decode(encode([done])) == [done]


@fuzzed
@given(
    TEXT | mutated(DISPOSITIONS).map(lambda raw: raw.decode("latin-1")),
    TEXT,
    st.builds("http://a/{}".format, TEXT),
)
@example("attachment; filename=" + '"\\' * 2000, "", "")
@example("a;" * 2000 + "=?" * 100, "", "http://a/" + "%2e%2e%2f" * 900)
@example("attachment; filename*=UTF-8''" + "%CC%81" * 600, "", "")
def test_a_name_is_one_safe_component_in_the_folder(disposition: str, requested: str, url: str) -> None:
    name = file_name(requested=requested, disposition=disposition, url=url)
    for chosen in (name, numbered(name, 9999)):
        assert PurePosixPath("/downloads", chosen).parent == PurePosixPath("/downloads")
        assert PureWindowsPath("C:/downloads", chosen).parent == PureWindowsPath("C:/downloads")
        assert chosen not in {"", ".", ".."}
        assert chosen[0] not in ".- "
        # Not what steers a terminal or turns the writing round; a letter may be newer than this Python.
        assert not {category(letter) for letter in chosen} & {"Cc", "Cf", "Cs", "Zl", "Zp"}
        assert not chosen.lower().endswith(PART)
        assert len((chosen + PART).encode()) <= LONGEST_NUMBERED_BYTES + len(PART) <= 255


class _Peaceful:
    """A site that is overloaded, and says with its next answer for how long."""

    def __init__(self) -> None:
        self.retry_after = b""

    def behave(self, connection: socket.socket) -> None:
        connection.recv(65536)
        head = b"HTTP/1.1 503 X\r\nRetry-After: " + self.retry_after + b"\r\nContent-Length: 0\r\n\r\n"
        connection.sendall(head)
        # Until the client has closed it.
        connection.recv(1)


@pytest.fixture
def site() -> Iterator[tuple[_Peaceful, str, Bench]]:
    bench, site = Bench(), _Peaceful()
    with RawSite(site.behave) as raw:
        yield site, raw.url, bench
        bench.close()


@fuzzed
@given(
    value=NUMBERS.map(str)
    | DATES
    | st.text(st.characters(codec="latin-1", exclude_characters="\r\n\0"), max_size=30)
)
@example("99999999999999999999999999")
@example("-5")
@example("Fri, 31 Dec 9999 23:59:59 GMT")
def test_nobody_is_left_in_peace_for_longer_than_an_hour(
    site: tuple[_Peaceful, str, Bench], value: str
) -> None:
    peaceful, url, bench = site
    peaceful.retry_after = value.encode("latin-1")
    result = bench.attempt(url)
    assert (result.status, result.reason) == (503, Reason.NONE)
    assert result.retry_after_s >= -1
    wait_us = judge(result).retry_after_us
    ended_us = result.started_us + result.duration_us
    assert wait_us == 0 or ended_us < wait_us <= ended_us + LONGEST_RETRY_AFTER_S * 1_000_000
