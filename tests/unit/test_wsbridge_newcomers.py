"""Connections that say nothing: real ones, on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve

from wsbridge.newcomers import MOST, READ_AT_ONCE, Newcomers

# Whatever hangs ends here. Seconds.
AT_MOST_S = 20.0


async def _until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - nobody tells that somebody has come
        await asyncio.sleep(0.001)


async def _silent(
    newcomers: Newcomers, port: int, number: int, closing: AsyncExitStack
) -> list[asyncio.StreamReader]:
    """So many connections that say nothing, one after the other."""
    found = []
    for _ in range(number):
        before = len(newcomers)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        closing.push_async_callback(writer.wait_closed)
        closing.callback(writer.close)
        found.append(reader)
        if before < MOST:
            await _until(lambda before=before: len(newcomers) > before)  # type: ignore[misc]
    return found


def test_one_too_many_is_the_end_of_the_oldest() -> None:
    newcomers = Newcomers()

    async def let_in(connection: ServerConnection) -> None:
        newcomers.went(connection)
        await connection.wait_closed()

    async def work() -> None:
        kind = newcomers.connection_class()
        async with (
            asyncio.timeout(AT_MOST_S),
            serve(let_in, "127.0.0.1", 0, create_connection=kind) as server,
            AsyncExitStack() as closing,
        ):
            port = next(iter(server.sockets)).getsockname()[1]
            oldest, *others = await _silent(newcomers, port, MOST, closing)
            async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as known:
                assert await oldest.read() == b""
                assert len(newcomers) == MOST - 1, "who was let in is none of them"
                others += await _silent(newcomers, port, 2, closing)
                assert await others[0].read() == b""
                assert len(newcomers) == MOST
                await (await known.ping())
            assert not any(reader.at_eof() for reader in others[1:])

    asyncio.run(work())


def test_who_is_gone_is_forgotten() -> None:
    newcomers = Newcomers()

    async def work() -> None:
        kind = newcomers.connection_class()
        async with (
            asyncio.timeout(AT_MOST_S),
            serve(_nobody, "127.0.0.1", 0, create_connection=kind) as server,
        ):
            port = next(iter(server.sockets)).getsockname()[1]
            for _ in range(3):
                _reader, writer = await asyncio.open_connection("127.0.0.1", port)
                await _until(lambda: len(newcomers) == 1)
                writer.close()
                await _until(lambda: len(newcomers) == 0)
                await writer.wait_closed()

    asyncio.run(work())


async def _nobody(_connection: ServerConnection) -> None:
    raise AssertionError


def test_little_is_read_of_a_connection_at_once() -> None:
    """Of the smallest frames a quarter of a megabyte would hold up everybody for long."""
    sizes: list[int] = []

    class Seen(Newcomers().connection_class()):  # type: ignore[misc]
        def data_received(self, data: bytes) -> None:
            sizes.append(len(data))
            super().data_received(data)

    async def wait(connection: ServerConnection) -> None:
        await connection.wait_closed()

    async def work() -> None:
        async with (
            asyncio.timeout(AT_MOST_S),
            serve(wait, "127.0.0.1", 0, create_connection=Seen) as server,
        ):
            port = next(iter(server.sockets)).getsockname()[1]
            async with connect(f"ws://127.0.0.1:{port}/", proxy=None) as client:
                client.transport.write(b"\x8a\x80\0\0\0\0" * 50_000)
                await (await client.ping())

    asyncio.run(work())
    assert sum(sizes) > 300_000
    assert max(sizes) <= READ_AT_ONCE
