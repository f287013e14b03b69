"""Servers that hang, reset, fail, dawdle and change their mind; a process of its own.

It prints one JSON object, kind by kind the URLs of the servers, and serves until it is ended.
"""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import struct
import sys
from collections.abc import Awaitable, Callable
from functools import partial

ADDRESSES = [f"127.81.0.{n}" for n in range(1, 41)]
SLOW_S = 1.5
_BODY = b"not today\n"
_ABORT = struct.pack("ii", 1, 0)

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def hanging(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Say nothing until the visitor goes."""
    while await reader.read(4096):
        pass


async def resetting(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Close with RST: a linger time of zero (socket(7))."""
    await reader.readuntil(b"\r\n\r\n")
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABORT)


async def answering(
    status: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, after_s: float = 0
) -> None:
    await reader.readuntil(b"\r\n\r\n")
    await asyncio.sleep(after_s)
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(_BODY)}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode() + _BODY)
    await writer.drain()


class Flaky:
    """503 at every third visit."""

    def __init__(self) -> None:
        self._visits = 0

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._visits += 1
        await answering("200 OK" if self._visits % 3 else "503 Service Unavailable", reader, writer)


def closing(serve: Serve) -> Serve:
    """``serve``, and then the end of the connection, whatever the visitor did meanwhile."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await serve(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    return served


SERVERS: dict[str, Serve] = {
    "hanging": hanging,
    "resetting": resetting,
    "failing": partial(answering, "500 Internal Server Error"),
    "slow": partial(answering, "200 OK", after_s=SLOW_S),
    "flaky": Flaky(),
}


async def main() -> None:
    sites: dict[str, list[str]] = {}
    for kind, serve in SERVERS.items():
        # One port for all addresses of a kind: the first one chooses.
        first = await asyncio.start_server(closing(serve), ADDRESSES[0], 0)
        port = first.sockets[0].getsockname()[1]
        await asyncio.start_server(closing(serve), ADDRESSES[1:], port)
        sites[kind] = [f"http://{address}:{port}/" for address in ADDRESSES]
    with socket.socket() as closed:
        # Bound, so that nobody else takes it, and never listening.
        closed.bind(("0.0.0.0", 0))  # noqa: S104 - it accepts nothing, anywhere
        port = closed.getsockname()[1]
        sites["refusing"] = [f"http://{address}:{port}/" for address in ADDRESSES]
        print(json.dumps(sites), flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    asyncio.run(main())
