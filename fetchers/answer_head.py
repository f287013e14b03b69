"""The head of an answer, line by line: its status, and what it says of the file (RFC 9110).

Pure, and fed with whatever a server sends. What makes no sense counts as not said. Values are kept as they
came, their bytes read as latin-1: ``value.encode("latin-1")`` gives them back.
"""

from __future__ import annotations

import re

from pagestatus.messages import Head

# A longer value of a header is none: nobody needs it, and it would travel on.
LONGEST_VALUE = 4096
# No file is larger than this (off_t), and no number beyond it is read.
LARGEST = (1 << 63) - 1
# Statuses that lead elsewhere (RFC 9110 section 15.4); 304 does not, whatever else it says.
REDIRECTS = frozenset({300, 301, 302, 303, 307, 308})

_STATUS = re.compile(rb"HTTP/[0-9.]+ ([1-9][0-9]{2})(?: |\Z)")
_NUMBER = re.compile(r"[0-9]{1,19}")
# RFC 9110 section 14.4; names of units are case-insensitive (section 14.1).
_CONTENT_RANGE = re.compile(r"(?i:bytes) (?:([0-9]{1,19})-([0-9]{1,19})|\*)/([0-9]{1,19}|\*)")


class AnswerHead:
    """What has been read so far of the head of one answer."""

    def __init__(self) -> None:
        # 0: no status line has come.
        self.status = 0
        # All of it is here; what comes now are trailers.
        self.complete = False
        self._values: dict[str, str] = {}

    def feed(self, line: bytes) -> None:
        """One line, with its end; a status line begins anew, as after 100 Continue."""
        line = line.rstrip(b"\r\n")
        if status := _STATUS.match(line):
            self.status = int(status[1])
            self.complete = False
            self._values = {}
        elif self.complete or not self.status:
            return
        elif not line:
            # After an interim answer (RFC 9110 section 15.2) the real one is still to come.
            self.complete = self.status >= 200
        else:
            self._add(line.decode("latin-1"))

    def _add(self, line: str) -> None:
        name, colon, value = line.partition(":")
        if not colon:
            return
        name, value = name.lower(), value.strip()
        # RFC 9110 section 5.3. Where only one value makes sense, two then make none.
        known = self._values.get(name)
        self._values[name] = value if known is None else f"{known}, {value}"

    def value(self, name: str) -> str:
        """Of a header; empty: it is not there."""
        value = self._values.get(name, "")
        return value if len(value) <= LONGEST_VALUE else ""

    @property
    def is_redirect(self) -> bool:
        """It leads elsewhere."""
        return self.status in REDIRECTS and "location" in self._values

    @property
    def is_multipart(self) -> bool:
        """Its body is several ranges with heads of their own (RFC 9110 section 14.6)."""
        return self.value("content-type").lower().startswith("multipart/byteranges")

    def head(self) -> Head:
        """What it says of the file."""
        start, stop, total = content_range(self.value("content-range"))
        # RFC 9112 section 6.3: chunks say how long they are, and what else is said does not count.
        length = "" if "transfer-encoding" in self._values else self.value("content-length")
        return Head(
            start,
            stop,
            total,
            _number(length),
            self.value("etag"),
            self.value("last-modified"),
            self.value("content-disposition"),
            self.value("content-encoding"),
            self.value("repr-digest"),
            self.value("digest"),
            self.value("content-md5"),
        )


def content_range(value: str) -> tuple[int, int, int]:
    """``Content-Range`` as (start, stop, total): the bytes [start, stop) of total; -1: it does not say.

    (-1, -1, -1): it makes no sense. (-1, -1, total): of an answer 416.
    """
    parts = _CONTENT_RANGE.fullmatch(value)
    if parts is None:
        return -1, -1, -1
    total = -1 if parts[3] == "*" else int(parts[3])
    if parts[1] is None:
        return (-1, -1, total) if total <= LARGEST else (-1, -1, -1)
    first, last = int(parts[1]), int(parts[2])
    if first <= last < (LARGEST if total < 0 else total) <= LARGEST:
        return first, last + 1, total
    return -1, -1, -1


def _number(value: str) -> int:
    """Of bytes; -1: it is none."""
    number = int(value) if _NUMBER.fullmatch(value) else -1
    return number if number <= LARGEST else -1
