"""Servers of files whose digests are known: with ranges and without, steady ones and one that drops."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from random import Random
from typing import NamedTuple

from scripts.bench_run.file_server import FileServer, Handler, Manner

MIB = 1 << 20
# To each connection, bytes a second: slow enough to be met by a fault.
RATE = 2 * MIB


class Offered(NamedTuple):
    """A file that can be downloaded."""

    url: str
    size: int
    sha256: str


class WithoutRanges(Handler):
    """Promises ranges, and answers with the whole."""

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        del self.headers["Range"]
        super().do_GET()


# Size, manner, and who answers.
KINDS: Sequence[tuple[int, Manner, type[Handler]]] = (
    (0, Manner(), Handler),
    (1, Manner(), Handler),
    (300_000, Manner(), WithoutRanges),
    (8 * MIB + 3, Manner(rate=RATE // 2, drop_every=3), Handler),
    (16 * MIB, Manner(rate=2 * RATE), WithoutRanges),
    (64 * MIB + 1, Manner(rate=RATE), Handler),
)


@contextmanager
def offered(folder: Path, random: Random) -> Iterator[Sequence[Offered]]:
    """Serve them all from ``folder``, which is made."""
    folder.mkdir()
    with ExitStack() as stack:
        yield [
            stack.enter_context(_served(folder / f"{number}.bin", random.randbytes(size), manner, handler))
            for number, (size, manner, handler) in enumerate(KINDS)
        ]


@contextmanager
def _served(path: Path, content: bytes, manner: Manner, handler: type[Handler]) -> Iterator[Offered]:
    path.write_bytes(content)
    with FileServer(path, manner) as server:
        server.RequestHandlerClass = handler
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_port}/{path.name}"
            yield Offered(url, len(content), hashlib.sha256(content).hexdigest())
        finally:
            server.shutdown()
            thread.join()
