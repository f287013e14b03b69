"""As much of HTTP/2 as it takes to leave badly (RFC 9113)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

NO_ERROR, ENHANCE_YOUR_CALM = 0, 11

_DATA, _HEADERS, _SETTINGS, _GOAWAY = 0, 1, 4, 7
_ACK, _END_STREAM, _END_HEADERS = 1, 1, 4
# RFC 7541 appendix A: ":status: 200" is number 8 of the static table.
_STATUS_200 = b"\x88"
_PREFACE = 24
_HEAD = 9


def greeting() -> bytes:
    """What a server says first, and that it has read what the client said first."""
    return _frame(_SETTINGS, 0, 0, b"") + _frame(_SETTINGS, _ACK, 0, b"")


def head(stream: int) -> bytes:
    """Of an answer: 200, and no headers."""
    return _frame(_HEADERS, _END_HEADERS, stream, _STATUS_200)


def data(stream: int, body: bytes, *, is_last: bool) -> bytes:
    """A piece of the body."""
    return _frame(_DATA, _END_STREAM if is_last else 0, stream, body)


def goaway(*, last_stream: int, error: int) -> bytes:
    """Nothing after ``last_stream`` will be looked at (section 6.8)."""
    return _frame(_GOAWAY, 0, 0, struct.pack("!II", last_stream, error))


def has_request(received: bytes | bytearray) -> bool:
    """Whether what a client has sent so far holds the whole head of a request."""
    return _HEADERS in _kinds(received)


def _kinds(received: bytes | bytearray) -> Iterator[int]:
    """Of the whole frames."""
    at = _PREFACE
    while at + _HEAD <= len(received):
        length = int.from_bytes(received[at : at + 3])
        if at + _HEAD + length <= len(received):
            yield received[at + 3]
        at += _HEAD + length


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    """Section 4.1."""
    return len(payload).to_bytes(3) + struct.pack("!BBI", kind, flags, stream) + payload
