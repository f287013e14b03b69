"""How the site may treat its visitors: what it says, whom it means, and what a check then says of it."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple

from scripts.soak_run.servant import ANSWERING

# Shorter than any time-out of ours.
SLOW_S = 1.0
# Bodies of many lengths tell requests apart. Bytes.
SHORTEST, LENGTHS = 100, 900
BODY = b"x" * (SHORTEST + LENGTHS)
# What pours without end, or goes in circles, is for one in so many targets: it takes time that others need.
FEW = 10
# Of the bomb, unpacked, and what the soak's checks take at most.
BOMB_BYTES, MOST_BYTES = 16 << 20, 64 << 10
CIRCLE = b"/circle"

_OK = b"HTTP/1.1 200 OK\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"
_SIZED = b"Content-Length: %d\r\nConnection: close\r\n\r\n"
_HEADERS = (b"X-More: " + b"more" * 1000 + b"\r\n") * 4
# Nearly as long as libcurl lets all headers be together.
_LONG_HEAD = _OK + (b"X-More: " + b"more" * 250 + b"\r\n") * 240
_BOMB = gzip.compress(gzip.compress(bytes(BOMB_BYTES)))


class End(Enum):
    """What becomes of the connection when all is said."""

    WAITS = "waits"
    CLOSES = "closes"
    RESETS = "resets"
    # Before anything was asked, and so without a record.
    RESETS_AT_ONCE = "resets at once"


class Manner(NamedTuple):
    """One way to treat visitors."""

    # What a check says of it; "": that all is well.
    reason: str = ""
    # Of the answer; 0: there is none.
    status: int = 200
    # Said at once; then so much of a body, whose length (``%d``) it announces; None: it announces none.
    head: bytes = _OK + _SIZED
    body: float | None = 1.0
    # What follows again and again: once in so many seconds; 0: as fast as it is taken.
    again: bytes = b""
    every_s: float = 0.0
    end: End = End.CLOSES
    # Before anything is said.
    waits_s: float = 0.0
    # For one in so many targets; the others are answered.
    one_in: int = 1

    def means(self, target: int) -> bool:
        """Whether this target is treated so."""
        return target % self.one_in == 0

    def said(self, length: int) -> bytes:
        """What is said at once, where the body is to have this length."""
        return self.head if self.body is None else self.head % length + BODY[: round(self.body * length)]


def _redirect(location: bytes) -> bytes:
    return b"HTTP/1.1 302 Elsewhere\r\nLocation: %b\r\nContent-Length: 0\r\n\r\n" % location


TO_CIRCLE = _redirect(CIRCLE)
SWELLING = "swelling"

MANNERS: Mapping[str, Manner] = MappingProxyType(
    {
        ANSWERING: Manner(),
        "slow": Manner(waits_s=SLOW_S),
        "failing": Manner("http_status", 500, b"HTTP/1.1 500 Not Today\r\n" + _SIZED),
        "hanging": Manner("timeout", 0, b"", None, end=End.WAITS),
        "dripping a head": Manner("timeout", 200, _OK + b"X-More: ", None, b"x", 1),
        "dripping a body": Manner("timeout", body=0, again=b"x", every_s=1),
        "resetting at once": Manner("reset", 0, b"", None, end=End.RESETS_AT_ONCE),
        "resetting": Manner("reset", 0, b"", None, end=End.RESETS),
        "resetting in the head": Manner("reset", 200, _OK + b"Content-Le", None, end=End.RESETS),
        "resetting in the body": Manner("reset", body=0.5, end=End.RESETS),
        "too short": Manner("reset", body=0.5),
        # What follows the announced length is no part of the answer (RFC 9112 section 6.3).
        "too long": Manner(body=1.5),
        "of two lengths": Manner(
            "protocol", 200, _OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc", None
        ),
        "with broken chunks": Manner("protocol", 200, _CHUNKED + b"5\r\nabcdeXX5\r\n", None),
        "to a file": Manner("bad_url", 302, _redirect(b"file:///etc/passwd"), None),
        "in a circle": Manner("redirects", 302, TO_CIRCLE, None, end=End.WAITS, one_in=FEW),
        "with headers without end": Manner("protocol", 200, _OK, None, _HEADERS, one_in=FEW),
        "with a body without end": Manner(
            "too_large", 200, _OK + b"\r\n", None, bytes(MOST_BYTES // 4), one_in=FEW
        ),
        "with a bomb": Manner(
            "too_large", 200, _OK + b"Content-Encoding: gzip, gzip\r\n\r\n" + _BOMB, None, one_in=FEW
        ),
        # A head of which much has to be kept, and which has no end: for who is to have no memory for it.
        SWELLING: Manner("timeout", 200, _LONG_HEAD, None, end=End.WAITS),
    }
)
