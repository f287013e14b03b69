"""A loop of aiohttp: one session, as many requests in flight as are asked for."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator

import aiohttp

from scripts.bench_run.references.asked import Asked, asked, tell


async def run(wanted: Asked) -> None:
    numbers = iter(range(wanted.requests))
    connector = aiohttp.TCPConnector(limit=0, force_close=not wanted.keep_alive)
    async with aiohttp.ClientSession(connector=connector) as session:
        await asyncio.gather(*(_work(session, wanted, numbers) for _ in range(wanted.in_flight)))


async def _work(session: aiohttp.ClientSession, wanted: Asked, numbers: Iterator[int]) -> None:
    for number in numbers:
        async with session.get(wanted.url(number)) as answer:
            await answer.read()
            if answer.status != 200:
                sys.exit("a request failed: its status is not 200")


if __name__ == "__main__":
    given = asked(__doc__)
    tell(given.requests, lambda: asyncio.run(run(given)))
