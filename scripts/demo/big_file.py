"""A big file that is never stored: each byte follows from its place. And what part of it a request wants."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

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


def wanted(headers: Mapping[str, str], file: PatternFile) -> range | None:
    """The part a request asks for; None: all of it. Several ranges at once are answered with all of it."""
    by_name = {name.lower(): value for name, value in headers.items()}
    match = _RANGE.fullmatch(by_name.get("range", ""))
    if match is None or by_name.get("if-range", file.etag) != file.etag:
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        part = range(max(0, file.size - int(last)), file.size)
    else:
        part = range(int(first), min(int(last) + 1, file.size) if last else file.size)
    if not part:
        raise NotSatisfiable
    return part
