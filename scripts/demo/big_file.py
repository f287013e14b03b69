"""A big file that is never stored: each byte follows from its place. And the answer to who wants a part."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import NamedTuple

_RANGE = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


@dataclass(frozen=True)
class PatternFile:
    """``size`` bytes of a repeated pattern; the pattern's length shares no factor with powers of two."""

    size: int
    pattern: bytes

    @property
    def etag(self) -> str:
        return f'"{self.size:x}-{hashlib.sha256(self.pattern).hexdigest()[:16]}"'

    def read(self, start: int, stop: int) -> bytes:
        offset = start % len(self.pattern)
        length = stop - start
        repeats = (offset + length) // len(self.pattern) + 1
        return (self.pattern * repeats)[offset : offset + length]


BIG_FILE = PatternFile(64 << 20, b"".join(hashlib.sha512(b"%d" % n).digest() for n in range(1021)))


class NotSatisfiable(ValueError):
    """The range lies outside the file (RFC 9110 section 15.5.17)."""


class Answer(NamedTuple):
    """What is answered to a request for a file, and with which part of it."""

    status: HTTPStatus
    part: range
    headers: Mapping[str, str]


def answer(headers: Mapping[str, str], size: int, etag: str) -> Answer:
    """The answer of a server that honours byte ranges (RFC 9110 section 14)."""
    told = {"Accept-Ranges": "bytes", "ETag": etag, "Content-Type": "application/octet-stream"}
    try:
        part = wanted(headers, size, etag)
    except NotSatisfiable:
        unsatisfied = {"Content-Range": f"bytes */{size}"}
        return Answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, range(0), told | unsatisfied)
    if part is None:
        return Answer(HTTPStatus.OK, range(size), told)
    told["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    return Answer(HTTPStatus.PARTIAL_CONTENT, part, told)


def wanted(headers: Mapping[str, str], size: int, etag: str) -> range | None:
    """The part a request asks for; None: all of it. Several ranges at once are answered with all of it."""
    by_name = {name.lower(): value for name, value in headers.items()}
    match = _RANGE.fullmatch(by_name.get("range", ""))
    if match is None or by_name.get("if-range", etag) != etag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        part = range(max(0, size - int(last)), size)
    else:
        part = range(int(first), min(int(last) + 1, size) if last else size)
    if not part:
        raise NotSatisfiable
    return part
