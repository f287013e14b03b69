"""Frames: one msgpack array of records, validated while it is decoded.

The wire is plain msgpack, so any msgpack library reads it. Decoding checks kinds, field counts and
types in C; a frame that does not fit raises ``BadFrame`` as a whole, and the ring makes up for it.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from pagestatus.messages import Message

_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[Message])


class BadFrame(ValueError):
    """A peer sent bytes that are not a frame of known records."""


def encode(records: Sequence[Message]) -> bytes:
    """One frame of ``records``."""
    return _encoder.encode(records)


def decode(frame: bytes) -> list[Message]:
    """The records of ``frame``; raises ``BadFrame``."""
    try:
        return _decoder.decode(frame)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as mistake:
        raise BadFrame(str(mistake)) from mistake
