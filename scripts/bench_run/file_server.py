"""A server of one file with ranges, whose connections are slow, unequal, or dropped; a process of its own.

It prints its port, and serves until it is ended. Bodies go from the file to the socket in the kernel, so that
it is never what a download waits for.
"""

from __future__ import annotations

import argparse
import itertools
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

from scripts.demo.big_file import answer

PIECE = 1 << 20
# Of a body that is sent slowly.
PIECES_A_SECOND = 50


@dataclass(frozen=True)
class Manner:
    """How connections are treated, counted from 1 in the order of their coming."""

    # Bytes a second to each connection, over all its answers and without a burst; 0: no limit.
    rate: int = 0
    # Every so many-th connection gets ``slow_rate`` instead; 0: none.
    slow_every: int = 0
    slow_rate: int = 0
    # Every so many-th connection is closed half-way through its first answer; 0: none.
    drop_every: int = 0

    def rate_of(self, connection: int) -> int:
        slow = self.slow_every and connection % self.slow_every == 0
        return self.slow_rate if slow else self.rate

    def drops(self, connection: int) -> bool:
        return bool(self.drop_every) and connection % self.drop_every == 0


class FileServer(ThreadingHTTPServer):
    """Serves ``path`` under every name, on 127.0.0.1 at ``port`` (0: any free one)."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, path: Path, manner: Manner, port: int = 0) -> None:
        self.path = path
        self.manner = manner
        found = path.stat()
        self.size = found.st_size
        self.etag = f'"{found.st_mtime_ns:x}-{found.st_size:x}"'
        self._numbers = itertools.count(1)
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        # HTTPServer looks its own address up in the DNS here.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def next_connection(self) -> int:
        return next(self._numbers)

    def handle_error(self, _request: object, _client_address: object) -> None:
        error = sys.exception()
        # Who hangs up is a client's affair.
        if not isinstance(error, OSError):
            print(f"file server: {error!r}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """One connection. It has no time-out: that would make the socket one that sendfile can not wait for."""

    server: FileServer
    protocol_version = "HTTP/1.1"
    server_version = "pagestatus-bench"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        number = self.server.next_connection()
        self._rate = self.server.manner.rate_of(number)
        self._drops = self.server.manner.drops(number)
        self._file = self.server.path.open("rb")

    def finish(self) -> None:
        self._file.close()
        super().finish()

    def do_GET(self) -> None:
        found = answer(dict(self.headers), self.server.size, self.server.etag)
        self.send_response(found.status)
        for name, value in found.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(found.part)))
        self.end_headers()
        if self.command == "HEAD":
            return
        part = found.part[: len(found.part) // 2] if self._drops else found.part
        self.close_connection |= self._drops
        self._send(part)

    def do_HEAD(self) -> None:
        self.do_GET()

    def _send(self, part: range) -> None:
        piece = self._rate // PIECES_A_SECOND or PIECE
        due = time.monotonic()
        start = part.start
        while start < part.stop:
            count = min(piece, part.stop - start)
            if self._rate:
                # Before it is sent, and from now on if the client was slow to read: never above the rate.
                due = max(due, time.monotonic() - count / self._rate) + count / self._rate
                time.sleep(max(0.0, due - time.monotonic()))
            start += os.sendfile(self.connection.fileno(), self._file.fileno(), start, count)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing."""


@contextmanager
def serving(path: Path, manner: Manner) -> Iterator[FileServer]:
    """A server in a thread of this process."""
    with FileServer(path, manner) as server:
        # shutdown() waits for the next round of this, half a second by default.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    for option in ("rate", "slow-every", "slow-rate", "drop-every"):
        parser.add_argument(f"--{option}", type=int, default=0)
    options = vars(parser.parse_args())
    with FileServer(options.pop("file"), Manner(**options)) as server:
        print(server.server_port, flush=True)
        server.serve_forever()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(0))
    main()
