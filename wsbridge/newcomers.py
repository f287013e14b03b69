"""Connections that have not been let in yet: a handshake that never comes, a token that is never said.

They are few; when one more comes, the oldest has had its chance. So nobody locks the others out by waiting.
And whoever asks without reading the answers is hung up on, let in or not.
"""

from __future__ import annotations

import asyncio

from websockets.asyncio.server import ServerConnection

MOST = 64
# Of what waits to be read; more than a list and an answer. Pings are answered without us. Bytes.
MOST_UNREAD = 4 << 20
# What is read of a connection in one go: the smallest frames cost their own length in microseconds, and all
# connections have their turn before anybody else has. asyncio's own bound is 256 KiB. Bytes.
READ_AT_ONCE = 1 << 10


class Newcomers:
    """In the order of their coming."""

    def __init__(self) -> None:
        self._waiting: dict[ServerConnection, None] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def connection_class(self) -> type[ServerConnection]:
        """What websockets is to make for each connection (``create_connection`` of its ``serve``)."""
        newcomers = self

        class Connection(ServerConnection):
            """Tells when it comes and goes, and ends when it does not read."""

            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                super().connection_made(transport)
                # Of all transports that are made from sockets; no argument says it.
                transport.max_size = READ_AT_ONCE  # type: ignore[attr-defined]
                newcomers.came(self)

            def data_received(self, data: bytes) -> None:
                super().data_received(data)
                if self.transport.get_write_buffer_size() > MOST_UNREAD:
                    self.transport.abort()

            def connection_lost(self, exc: Exception | None) -> None:
                newcomers.went(self)
                super().connection_lost(exc)

        return Connection

    def came(self, connection: ServerConnection) -> None:
        """Somebody has connected."""
        if len(self._waiting) >= MOST:
            oldest = next(iter(self._waiting))
            del self._waiting[oldest]
            oldest.transport.abort()
        self._waiting[connection] = None

    def went(self, connection: ServerConnection) -> None:
        """It was let in, or is gone."""
        self._waiting.pop(connection, None)
