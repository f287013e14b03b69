"""The witness: a site that writes down each request before it answers it; a process of its own.

It obeys the words that come on its standard input, each a manner of ``manners``, and ends with it. What it
writes is read by ``record``; each line goes to the kernel at once: no end of this process takes one back.
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

from scripts.soak_run.manners import CIRCLE, LENGTHS, MANNERS, SHORTEST, TO_CIRCLE, End, Manner
from scripts.soak_run.servant import ANSWERING, obey

BACKLOG = 4096
_LONGEST_REQUEST = 16 << 10
_ABORT = struct.pack("ii", 1, 0)
# A reset throws away what the visitor has not read yet.
_READ_S = 0.05
# Of what pours, so much is on its way at most, in our buffers and again in the kernel's.
_POURED = 64 << 10


class Witness:
    """Its manner, and its record."""

    def __init__(self, record: Path) -> None:
        self.name = ANSWERING
        self._fd = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    @property
    def manner(self) -> Manner:
        """As it treats whoever it means by it."""
        return MANNERS[self.name]

    def obey(self) -> None:
        """Read the next words."""
        obey(lambda name: setattr(self, "name", name))

    def note(self, path: bytes) -> tuple[Manner, int]:
        """Write down a request for ``/t/NUMBER`` that came now; how it is answered, and of which length."""
        at_us = time.time_ns() // 1000
        target = int(path.rpartition(b"/")[2])
        name = self.name if self.manner.means(target) else ANSWERING
        manner, length = MANNERS[name], SHORTEST + at_us % LENGTHS
        line = f"{at_us}\t{target}\t{name}\t{manner.status}\t{length}\n"
        os.write(self._fd, line.encode("ascii"))
        return manner, length


class Visit(asyncio.Protocol):
    """One connection, which gets one answer, unless that leads in a circle."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._received = bytearray()
        self._is_full = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - it is TCP
        self._transport = transport
        if self._witness.manner.end is End.RESETS_AT_ONCE:
            self._reset()

    def data_received(self, data: bytes) -> None:
        self._received += data
        if b"\r\n\r\n" in self._received:
            self._answer(bytes(self._received.split(b" ", 2)[1]))
            self._received.clear()
        elif len(self._received) > _LONGEST_REQUEST:
            self._transport.abort()

    def pause_writing(self) -> None:
        self._is_full = True

    def resume_writing(self) -> None:
        self._is_full = False

    def _answer(self, path: bytes) -> None:
        if path == CIRCLE:
            self._transport.write(TO_CIRCLE)
            return
        manner, length = self._witness.note(path)
        if manner.waits_s:
            asyncio.get_running_loop().call_later(manner.waits_s, self._say, manner, length)
        else:
            self._say(manner, length)

    def _say(self, manner: Manner, length: int) -> None:
        self._transport.write(manner.said(length))
        if manner.again:
            self._limit_what_is_on_its_way()
            self._go_on(manner)
        elif manner.end is End.CLOSES:
            self._transport.close()
        elif manner.end in {End.RESETS, End.RESETS_AT_ONCE}:
            # At once: its visitor had come before that was the manner.
            asyncio.get_running_loop().call_later(_READ_S if manner.status else 0, self._reset)

    def _go_on(self, manner: Manner) -> None:
        """Until the visitor has had enough."""
        if self._transport.is_closing():
            return
        if not self._is_full:
            self._transport.write(manner.again)
        # Others are served in between.
        asyncio.get_running_loop().call_later(manner.every_s or 0.001, self._go_on, manner)

    def _limit_what_is_on_its_way(self) -> None:
        self._transport.set_write_buffer_limits(_POURED)
        self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _POURED)

    def _reset(self) -> None:
        """Close with RST: a linger time of zero (socket(7))."""
        if not self._transport.is_closing():
            self._socket().setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)
            self._transport.abort()

    def _socket(self) -> socket.socket:
        found: socket.socket = self._transport.get_extra_info("socket")
        return found


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
