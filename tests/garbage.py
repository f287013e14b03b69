"""What no peer of ours says: to sockets of ZeroMQ and of control, and to the websocket."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from pathlib import Path

import msgpack
import zmq

from pagestatus.codec import BadFrame, decode, encode
from pagestatus.messages import (
    Check,
    Class,
    Commit,
    Down,
    DownloadMinute,
    DownloadsCounted,
    FetcherState,
    Gone,
    Leave,
    Message,
    Missed,
    Outcome,
    Pulse,
    RangeCut,
    RangeDone,
    RangeProgress,
    RangeTask,
    Reason,
    Recap,
    Result,
    Started,
    Sweep,
)
from pagestatus.ports import LARGEST_FRAME
from system import SLOWNESS

_URL = "http://127.0.0.1:1/"
# Of each kind one that is well-formed and that nobody has a use for: of an incarnation that is none of ours,
# or about what can not be.
RECORDS: list[Message] = [
    Check(1, 0, 1, 0, 0, 1_000_000, _URL),
    Result(1, 1, 1, 0, 0, _URL, "", (), 1, 1, 1, -1, Reason.NONE),
    Missed(1, 1, 1, 1, Reason.NONE, _URL),
    Commit(1, 1, 1, Outcome.OK, Reason.NONE, Class.NONE, final=True),
    FetcherState(1, 1, 0, 0),
    Gone(1, 1),
    Leave(1),
    Recap(1, 1, 1, ((1, 1, 1, True),)),
    Down(1, 2, 1, 1),
    Sweep(1, 1, 1),
    Pulse(1),
    RangeTask(0, 1, _URL, 0, 10, "x.part"),
    RangeCut(0, 1),
    RangeProgress(0, 1, 1),
    RangeDone(0, 1, 1, 1, Reason.NONE),
    DownloadMinute(1, 1, 1, 1, 1),
    DownloadsCounted(1, 1, 1, 1),
]
_ABSURD = (-1, 1 << 63, (1 << 64) - 1, -(1 << 63))

# ZMTP 3.0 (https://rfc.zeromq.org/spec/23): a greeting, and what a PUSH socket says next.
GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type" + (4).to_bytes(4, "big") + b"PUSH"
READY = b"\x04" + bytes([len(_READY)]) + _READY
# What is sent to a socket that expects ZMTP: none of it, its beginning, or too much of it.
STREAMS = [
    b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    bytes(range(256)) * 100,
    GREETING[:10],
    GREETING[:40],
    GREETING.replace(b"NULL", b"CURV"),
    GREETING + b"\x04\xff" + b"x" * 255,
    GREETING + READY + b"\x02" + (1 << 62).to_bytes(8, "big") + b"x" * 1000,
    GREETING + READY + b"\x02" + ((1 << 64) - 1).to_bytes(8, "big"),
    GREETING + READY + b"\x00\x05abc",
    GREETING + READY + b"\x00\x00" * 10_000,
    GREETING + READY + READY * 100,
]


def frames() -> Iterator[bytes]:
    """Good and bad ones: garbage, cut off, and records with one number that can not be."""
    chance = random.Random(5)  # noqa: S311 - the same every time
    yield from (b"", b"\xc0", b"\x91" * 100_000, b"\xdd\xff\xff\xff\xff", encode(RECORDS)[:-1])
    # A field of tomorrow that is nested too deeply, and a text that is no UTF-8.
    yield b"\x91\x93\x08\x01" + b"\x91" * 100_000
    yield encode([Gone(1, 1), Missed(1, 1, 1, 1, Reason.NONE, "http://ab")]).replace(b"ab", b"\xff\xfe")
    yield from (chance.randbytes(chance.randint(1, 300)) for _ in range(100))
    yield encode(RECORDS)
    for record in (*RECORDS, Started(1)):
        (wire,) = msgpack.unpackb(encode([record]))
        for place, value in enumerate(wire):
            if place and type(value) is int:
                yield from (
                    msgpack.packb([[*wire[:place], absurd, *wire[place + 1 :]]]) for absurd in _ABSURD
                )


def is_bad(frame: bytes) -> bool:
    """Whether it is to be counted as one."""
    try:
        decode(frame)
    except BadFrame:
        return True
    return False


def push(path: Path, sent: list[bytes]) -> None:
    """Send these to the socket at ``path`` as a peer would."""
    context = zmq.Context[zmq.Socket[bytes]]()
    with context.socket(zmq.PUSH) as peer:
        peer.set(zmq.LINGER, int(5000 * SLOWNESS))
        peer.connect(f"ipc://{path}")
        for frame in sent:
            peer.send(frame)
    context.term()


def too_large() -> bytes:
    """A frame that no inbox takes."""
    return bytes(LARGEST_FRAME + 1)


def connected(path: Path) -> socket.socket:
    """Somebody at the unix socket ``path``, who does not wait for anything."""
    peer = socket.socket(socket.AF_UNIX)
    peer.connect(str(path))
    peer.setblocking(False)
    return peer


def is_hung_up_on(peer: socket.socket) -> bool:
    """Whether the other end has closed the connection, without a word."""
    try:
        return peer.recv(1) == b""
    except BlockingIOError:
        return False
    except OSError:
        return True


# Frames of a websocket (RFC 6455 section 5.2) that a client may not send: not masked, with reserved bits, of
# kinds that are none, a control frame in pieces, one without end, text that is none, a length that is none.
WEBSOCKET_FRAMES = [
    b"\x81\x05hello",
    b"\xf1\x80\0\0\0\0",
    b"\x83\x80\0\0\0\0",
    b"\x09\x80\0\0\0\0",
    b"\x89\xfe\x01\x00\0\0\0\0" + bytes(256),
    b"\x80\x80\0\0\0\0",
    b"\x81\x82\0\0\0\0\xff\xfe",
    b"\x81\xff" + (1 << 63).to_bytes(8, "big") + bytes(4),
    b"\x81\xff" + (1 << 40).to_bytes(8, "big") + bytes(4) + b"x" * 70_000,
    b"\x88\x81\0\0\0\0\x03",
    b"\x88\x82\0\0\0\0\xff\xff",
    bytes(range(256)) * 20,
]
