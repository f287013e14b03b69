"""Websocket clients: who may come in, what they say, and the list that each of them gets.

A list is a snapshot: who reads slowly gets fewer of them, always the newest, and who does not read at all is
dropped. So no client makes another wait, and none of them costs memory that grows.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request as Handshake
from websockets.http11 import Response

from wsbridge.handshake import Door, bearer
from wsbridge.newcomers import Newcomers
from wsbridge.replies import mistake
from wsbridge.requests import Login, Mistake, Request, parse

log = logging.getLogger(__name__)

LARGEST_MESSAGE = 64 << 10
MOST_CLIENTS = 256
# Who takes nothing for this long is dropped, and who does not say the token. Seconds.
STUCK_S = 15.0
LOGIN_S = 15.0
# Wrong tokens on one connection before it is closed.
MOST_TRIES = 3
CLOSE_S = 2.0
# What goes on is told this often. Seconds.
QUIET_S = 30.0
# It would log each connection, and a traceback for whatever else than a handshake comes: both are strangers'
# doing. What goes wrong on our side is told through ``failed``.
logging.getLogger("websockets").setLevel(logging.CRITICAL)


class Host(Protocol):
    """What clients talk to."""

    def listing(self) -> str:
        """The whole list as a message."""

    async def answer(self, request: Request) -> str:
        """The message that answers; raises Mistake."""


class Client:
    """One connection that is let in."""

    def __init__(self, connection: ServerConnection) -> None:
        self._connection = connection
        self._newest: str | None = None
        self._wanted = asyncio.Event()

    def offer(self, listing: str) -> None:
        """There is a new list; one that was not sent yet is out of date."""
        self._newest = listing
        self._wanted.set()

    async def send(self, message: str) -> None:
        """Send; who does not take it is dropped."""
        try:
            async with asyncio.timeout(STUCK_S):
                await self._connection.send(message)
        except TimeoutError:
            log.info("a client that does not read is dropped")
            self._connection.transport.abort()

    async def keep_sending(self) -> None:
        """Send lists as they come, until the connection is closed."""
        with suppress(ConnectionClosed):
            while True:
                await self._wanted.wait()
                self._wanted.clear()
                if self._newest is not None:
                    newest, self._newest = self._newest, None
                    await self.send(newest)


class Clients:
    """The websocket server and everybody connected to it."""

    def __init__(self, door: Door, host: Host, failed: Callable[[BaseException], None]) -> None:
        """``failed`` is told what a bug raised."""
        self._door = door
        self._host = host
        self._failed = failed
        self._clients: set[Client] = set()
        self._newcomers = Newcomers()
        self._told_at = -QUIET_S
        self._server: Server | None = None

    def __len__(self) -> int:
        return len(self._clients)

    async def open(self, host: str, port: int) -> None:
        """Listen; raises OSError."""
        self._server = await serve(
            self._serve,
            host,
            port,
            process_request=self._look_at,
            create_connection=self._newcomers.connection_class(),
            max_size=LARGEST_MESSAGE,
            # Lists are short, and compressing them for each client costs more than sending them.
            compression=None,
            close_timeout=CLOSE_S,
            server_header=None,
        )

    async def close(self) -> None:
        """Say goodbye to everybody (1001, going away)."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    def broadcast(self, listing: str) -> None:
        """Give everybody the new list."""
        for client in self._clients:
            client.offer(listing)

    def _look_at(self, connection: ServerConnection, handshake: Handshake) -> Response | None:
        """Let in or not, before anything else is said (RFC 6455 section 4.2.2)."""
        if len(self._clients) >= MOST_CLIENTS:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
        found = [handshake.headers.get_all(name) for name in ("Host", "Origin", "Authorization")]
        host, origin, authorization = (next(iter(values), None) for values in found)
        refusal = (
            "more than one Host, Origin or Authorization"
            if max(map(len, found)) > 1
            else self._door.refusal(host, origin)
        )
        if refusal:
            self._tell(refusal)
            return connection.respond(HTTPStatus.FORBIDDEN, f"{refusal}\n")
        given = bearer(authorization)
        if given is not None and not self._door.admits(given):
            self._tell("the token is wrong")
            return connection.respond(HTTPStatus.UNAUTHORIZED, "The token is wrong.\n")
        return None

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            await self._talk(connection)
        except ConnectionClosed:
            return
        except Exception as failure:  # noqa: BLE001 - websockets would only log it
            self._failed(failure)

    def _tell(self, refusal: str) -> None:
        """Now and then: strangers do not fill our log."""
        now = asyncio.get_running_loop().time()
        if now >= self._told_at + QUIET_S:
            self._told_at = now
            log.warning("a connection was refused: %s", refusal)

    async def _talk(self, connection: ServerConnection) -> None:
        client = Client(connection)
        if not await self._is_known(connection, client):
            return
        self._newcomers.went(connection)
        self._clients.add(client)
        client.offer(self._host.listing())
        sending = asyncio.create_task(client.keep_sending())
        try:
            async for message in connection:
                await client.send(await self._answer(message))
                # Neither needs to have waited for anything: others are to have their turn all the same.
                await asyncio.sleep(0)
        finally:
            self._clients.discard(client)
            sending.cancel()

    async def _is_known(self, connection: ServerConnection, client: Client) -> bool:
        """With a token configured, it comes with the handshake or as the first message."""
        request = connection.request
        authorization = None if request is None else request.headers.get("Authorization")
        if not self._door.needs_token or bearer(authorization) is not None:
            return True
        with suppress(TimeoutError):
            async with asyncio.timeout(LOGIN_S):
                if await self._logs_in(connection, client):
                    return True
        await connection.close(1008, "no token")
        return False

    async def _logs_in(self, connection: ServerConnection, client: Client) -> bool:
        for _ in range(MOST_TRIES):
            try:
                request = parse(await connection.recv())
            except Mistake as wrong:
                await client.send(mistake(wrong))
                continue
            if isinstance(request, Login) and self._door.admits(request.token):
                return True
            await client.send(mistake(Mistake("forbidden", 'expected {"token": "…"} with the right token')))
        return False

    async def _answer(self, message: str | bytes) -> str:
        try:
            return await self._host.answer(parse(message))
        except Mistake as wrong:
            return mistake(wrong)
