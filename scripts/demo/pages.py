"""The pages of the demo site, good and bad."""

from __future__ import annotations

import gzip
import itertools
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from types import MappingProxyType

from scripts.demo import big_file
from scripts.demo.big_file import BIG_FILE

TEXT = b"<!doctype html><title>pagestatus demo</title><p>This page is watched.</p>\n"
LARGE = TEXT * (2 * 1024 * 1024 // len(TEXT))
NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Of a body that is sent slowly.
PIECES_A_SECOND = 20


class Visit:
    """One request, and the ways to answer it."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.headers = handler.headers
        self.connection = handler.connection
        self._handler = handler

    def answer(
        self,
        status: HTTPStatus,
        body: bytes = b"",
        headers: Mapping[str, str] = NO_HEADERS,
        *,
        length: int = -1,
        rate: int = 0,
    ) -> None:
        """Send a whole answer; ``length`` is a false Content-Length to send, before hanging up.

        ``rate`` is in bytes a second; 0: no limit.
        """
        handler = self._handler
        handler.send_response(status)
        for name, value in {"Content-Type": "text/html", **headers}.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(body) if length < 0 else length))
        handler.end_headers()
        if handler.command != "HEAD":
            self._send(body, rate)
        handler.close_connection |= length >= 0

    def _send(self, body: bytes, rate: int) -> None:
        if not rate:
            self._handler.wfile.write(body)
            return
        piece = rate // PIECES_A_SECOND
        for start in range(0, len(body), piece):
            self._handler.wfile.write(body[start : start + piece])
            time.sleep(1 / PIECES_A_SECOND)

    def reset(self) -> None:
        """Send RST: what closing with a linger time of zero does (socket(7))."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        # Detached, since the handler's files keep a socket open that is only closed.
        os.close(self.connection.detach())
        self._handler.close_connection = True


def fast(visit: Visit) -> None:
    visit.answer(HTTPStatus.OK, TEXT)


def slow(visit: Visit) -> None:
    time.sleep(1.2)
    visit.answer(HTTPStatus.OK, TEXT)


def hanging(visit: Visit) -> None:
    # Ends when the visitor has had enough and closes the connection.
    visit.connection.recv(1)


def failing(visit: Visit) -> None:
    visit.answer(HTTPStatus.INTERNAL_SERVER_ERROR, b"broken\n")


def sometimes(status: HTTPStatus, every: int, headers: Mapping[str, str]) -> Callable[[Visit], None]:
    """A page that answers ``status`` to every ``every``-th visit."""
    visits = itertools.count(1)

    def page(visit: Visit) -> None:
        if next(visits) % every:
            fast(visit)
        else:
            visit.answer(status, b"come back later\n", headers)

    return page


def resetting(visit: Visit) -> None:
    visit.reset()


def truncated(visit: Visit) -> None:
    visit.answer(HTTPStatus.OK, TEXT, length=2 * len(TEXT))


def redirecting(to: str) -> Callable[[Visit], None]:
    return lambda visit: visit.answer(HTTPStatus.FOUND, headers={"Location": to})


def gone(visit: Visit) -> None:
    visit.answer(HTTPStatus.GONE, b"gone\n")


def not_found(visit: Visit) -> None:
    visit.answer(HTTPStatus.NOT_FOUND, b"not here\n")


def large(visit: Visit) -> None:
    visit.answer(HTTPStatus.OK, LARGE)


def compressed(visit: Visit) -> None:
    if "gzip" in visit.headers.get("Accept-Encoding", ""):
        visit.answer(HTTPStatus.OK, gzip.compress(LARGE, 1), {"Content-Encoding": "gzip"})
    else:
        visit.answer(HTTPStatus.OK, LARGE)


def file(*, rate: int = 0, ranges: bool = True) -> Callable[[Visit], None]:
    """The big file, for downloads: at ``rate`` bytes a second to each connection (0: as fast as can be)."""

    def page(visit: Visit) -> None:
        answer = big_file.answer(dict(visit.headers) if ranges else NO_HEADERS, BIG_FILE.size, BIG_FILE.etag)
        headers = answer.headers if ranges else {"Content-Type": "application/octet-stream"}
        body = BIG_FILE.read(answer.part.start, answer.part.stop)
        visit.answer(answer.status, body, headers, rate=rate)

    return page


PAGES: Mapping[str, Callable[[Visit], None]] = {
    "/": fast,
    **{f"/fast/{number}": fast for number in range(1, 11)},
    "/slow": slow,
    "/hanging": hanging,
    "/failing": failing,
    "/flaky": sometimes(HTTPStatus.SERVICE_UNAVAILABLE, 3, NO_HEADERS),
    "/busy": sometimes(HTTPStatus.TOO_MANY_REQUESTS, 4, {"Retry-After": "7"}),
    "/resetting": resetting,
    "/truncated": truncated,
    "/redirecting": redirecting("/fast/1"),
    "/twice": redirecting("/redirecting"),
    "/loop": redirecting("/loop"),
    "/gone": gone,
    "/large": large,
    "/compressed": compressed,
    "/big.bin": file(),
    "/slow.bin": file(rate=1 << 20),
    "/no-ranges.bin": file(rate=8 << 20, ranges=False),
}
