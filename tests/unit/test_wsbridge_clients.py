"""Clients of one loop: whatever one of them says at once, the others have their turn."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from wsbridge.clients import Clients
from wsbridge.handshake import Door
from wsbridge.requests import Request

MANY = 1000
DOOR = cast("Door", SimpleNamespace(needs_token=False, refusal=lambda _host, _origin: ""))
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
WORDS = b'{"action": "list"}'
# Masked with zeros, a message is what it says (RFC 6455 section 5.3).
MESSAGE = bytes([0x81, 0x80 | len(WORDS), 0, 0, 0, 0]) + WORDS


class Host:
    """Answers at once, and notes how often somebody else had their turn before."""

    def __init__(self) -> None:
        self.turns = 0
        self.seen: list[int] = []

    def listing(self) -> str:
        return "[]"

    async def answer(self, _request: Request) -> str:
        self.seen.append(self.turns)
        return "{}"


def failed(failure: BaseException) -> None:
    raise failure


async def flood(host: Host) -> None:
    clients = Clients(DOOR, host, failed)
    await clients.open("127.0.0.1", 0)
    assert clients._server is not None
    _host, port = clients._server.sockets[0].getsockname()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HANDSHAKE)
    await reader.readuntil(b"\r\n\r\n")
    writer.write(MESSAGE * MANY)
    while len(host.seen) < MANY:
        host.turns += 1
        await asyncio.sleep(0)
    writer.close()
    await clients.close()


def test_nobody_waits_until_another_has_said_all() -> None:
    host = Host()
    asyncio.run(flood(host))
    assert host.seen[-1] - host.seen[0] > MANY // 2
