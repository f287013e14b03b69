"""A site whose pages answer each in their own way, right or wrong, and notes of what each was asked."""

from __future__ import annotations

import re
import socket
import socketserver
import struct
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from http.client import parse_headers
from typing import NamedTuple

from range_site import answer, partial
from threaded import Serving

_RANGE = re.compile(r"bytes=([0-9]+)-([0-9]+)")
# Of a body that is sent slowly.
_PIECES_A_SECOND = 50


class Asked(NamedTuple):
    """One request for a page."""

    # From 1, for each page.
    number: int
    # The bytes [start, stop); None: all of them.
    span: tuple[int, int] | None
    # By name in lower case.
    headers: Mapping[str, str]
    # Seconds of the monotonic clock.
    at: float


# The pieces of an answer, one after the other.
Page = Callable[[Asked], Iterable[bytes]]


class Closed(Exception):
    """Raised by a page that closes the connection."""


class Reset(Exception):
    """Raised by a page that resets the connection."""


class PageSite(Serving):
    """Many connections at once, which are kept."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._server = _Server((host, 0), _Connection)
        self._server.site = self
        super().__init__(self._server)
        self._lock = threading.Lock()
        # By path.
        self._pages: dict[str, Page] = {}
        self._asked: defaultdict[str, list[Asked]] = defaultdict(list)

    @property
    def url(self) -> str:
        """Its root, without a slash at the end."""
        return f"http://{self._server.server_address[0]!s}:{self.port}"

    @property
    def port(self) -> int:
        """Where it listens."""
        return self._server.server_address[1]

    def add(self, page: Page, path: str = "") -> str:
        """The URL of ``page``: at ``path``, where no other page is; empty: anywhere."""
        path = path or f"/{len(self._pages)}.bin"
        assert path not in self._pages, path
        self._pages[path] = page
        return self.url + path

    def asked(self, url: str) -> list[Asked]:
        """What the page was asked, oldest first."""
        with self._lock:
            return list(self._asked[url.removeprefix(self.url)])

    def answer(self, path: str, headers: Mapping[str, str]) -> Iterable[bytes]:
        """The answer to a request for ``path``."""
        found = _RANGE.fullmatch(headers.get("range", ""))
        span = (int(found[1]), int(found[2]) + 1) if found else None
        with self._lock:
            asked = Asked(len(self._asked[path]) + 1, span, headers, time.monotonic())
            self._asked[path].append(asked)
        return self._pages.get(path, _nothing)(asked)


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 64
    site: PageSite

    def shutdown_request(self, request: socket.socket | tuple[bytes, socket.socket]) -> None:
        # Without the shutdown of the base class, which would send a FIN before a reset.
        self.close_request(request)


class _Connection(socketserver.StreamRequestHandler):
    server: _Server

    def handle(self) -> None:
        # Whatever the client does to a connection is its affair.
        with suppress(OSError, Closed):
            while self._serve_one():
                pass

    def _serve_one(self) -> bool:
        line = self.rfile.readline().decode("latin-1").split(" ")
        if len(line) < 3:
            return False
        headers = {name.lower(): value for name, value in parse_headers(self.rfile).items()}
        try:
            for piece in self.server.site.answer(line[1], headers):
                self.wfile.write(piece)
        except Reset:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False
        return True


# --- pages ------------------------------------------------------------------------------------------------


def part_of(content: bytes, asked: Asked, *headers: str) -> bytes:
    """The right answer: the part that was asked for, or all."""
    if asked.span is None:
        return answer(200, content, *headers)
    start, stop = asked.span
    return partial(content, start, min(stop, len(content)), *headers)


def honest(content: bytes, *headers: str) -> Page:
    """A file in ranges."""
    return lambda asked: [part_of(content, asked, *headers)]


def always(*answers: bytes) -> Page:
    """One answer after the other, the last one for ever."""
    return lambda asked: [answers[min(asked.number, len(answers)) - 1]]


def slow(content: bytes, rate: int, *headers: str) -> Page:
    """A file in ranges, with ``rate`` bytes a second for each answer."""
    return lambda asked: slowly(part_of(content, asked, *headers), rate)


def slowly(answer: bytes, rate: int) -> Iterator[bytes]:
    """``answer`` in pieces, ``rate`` bytes a second."""
    size = max(1, rate // _PIECES_A_SECOND)
    due = time.monotonic()
    for at in range(0, len(answer), size):
        due += size / rate
        time.sleep(max(0.0, due - time.monotonic()))
        yield answer[at : at + size]


def head_of(answer: bytes) -> bytes:
    """The head alone, with the empty line behind it."""
    head, end, _body = answer.partition(b"\r\n\r\n")
    return head + end


def _nothing(_asked: Asked) -> Iterable[bytes]:
    return [answer(404, b"no such page")]
