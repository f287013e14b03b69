"""The witness: a site that writes down each request before it answers it; a process of its own.

It obeys the words that come on its standard input, a line each, and ends with it. What it writes is read by
``record``; each line goes to the kernel at once, so that no end of this process takes one back.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import struct
import sys
import time
from pathlib import Path

# How it treats its visitors.
ANSWERING, SLOW, FAILING, HANGING, RESETTING, SHORT = (
    "answering",
    "slow",
    "failing",
    "hanging",
    "resetting",
    "short",
)
MANNERS = (ANSWERING, SLOW, FAILING, HANGING, RESETTING, SHORT)
# Shorter than any time-out of ours.
SLOW_S = 1.0
# Bodies of many lengths tell requests apart. Bytes.
SHORTEST, LENGTHS = 100, 900
BACKLOG = 4096
_LONGEST_REQUEST = 16 << 10
_BODY = b"x" * (SHORTEST + LENGTHS)
_ABORT = struct.pack("ii", 1, 0)
_STATUS = {FAILING: b"500 Not Today", HANGING: b"0", RESETTING: b"0"}


class Witness:
    """Its manner, and its record."""

    def __init__(self, record: Path) -> None:
        self.manner = ANSWERING
        self._fd = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def obey(self) -> None:
        """Read the next words; the end of them is ours."""
        words = os.read(0, 4096).split()
        if not words:
            sys.exit(0)
        self.manner = words[-1].decode("ascii")

    def note(self, path: bytes, manner: str) -> tuple[bytes, int]:
        """Write down a request for ``/t/NUMBER`` that came now; the status and the length of its answer."""
        at_us = time.time_ns() // 1000
        status, length = _STATUS.get(manner, b"200 OK"), SHORTEST + at_us % LENGTHS
        number = path.rpartition(b"/")[2]
        line = b"%d %b %b %b %d\n" % (at_us, number, manner.encode("ascii"), status[:3].strip(), length)
        os.write(self._fd, line)
        return status, length


class Visit(asyncio.Protocol):
    """One connection, which gets one answer."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._received = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is TCP
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" in self._received:
            self._answer(bytes(self._received.split(b" ", 2)[1]))
            self._received.clear()
        elif len(self._received) > _LONGEST_REQUEST:
            self._transport.abort()

    def _answer(self, path: bytes) -> None:
        manner = self._witness.manner
        status, length = self._witness.note(path, manner)
        if manner == HANGING:
            return
        if manner == RESETTING:
            # Closes with RST: a linger time of zero (socket(7)).
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()
            return
        head = b"HTTP/1.1 %b\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % (status, length)
        answer = head + _BODY[: length // 2 if manner == SHORT else length]
        if manner == SLOW:
            asyncio.get_running_loop().call_later(SLOW_S, self._send, answer)
        else:
            self._send(answer)

    def _send(self, answer: bytes) -> None:
        # So little goes to the kernel as a whole.
        self._transport.write(answer)
        self._transport.close()


async def serve(port: int, record: Path) -> None:
    loop = asyncio.get_running_loop()
    witness = Witness(record)
    # Every address of 127.0.0.0/8 is to be a host of its own.
    server = await loop.create_server(
        lambda: Visit(witness),
        "0.0.0.0",  # noqa: S104 - nothing is kept here, and nothing is told
        port,
        backlog=BACKLOG,
        reuse_address=True,
    )
    loop.add_reader(0, witness.obey)
    print("ready", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
