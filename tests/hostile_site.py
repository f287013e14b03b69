"""What sites do to whoever visits them: behaviours for ``RawSite``, below and above HTTP, and over HTTP/2."""

from __future__ import annotations

import gzip
import socket
import struct
import time
import zlib
from contextlib import suppress

from raw_site import Behaviour
from scripts.soak_run import http2

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
# Of a bomb, when both layers are off; no visitor has so much memory to spare.
BOMB_BYTES = 1 << 30

_MEBIBYTE = 1 << 20
_RESET = struct.pack("ii", 1, 0)

# --- below HTTP -------------------------------------------------------------------------------------------


def silent(connection: socket.socket) -> None:
    """Take whatever comes, and say nothing, until the visitor goes away."""
    while connection.recv(65536):
        pass


def resetting_at_once(connection: socket.socket) -> None:
    """Reset the connection before anything was read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    connection.close()


def then_resetting(said: bytes) -> Behaviour:
    """Read a request, or the first of a handshake, say ``said``, and reset once that was taken."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)
        # A reset throws away what the visitor has not read yet.
        time.sleep(0.05)
        resetting_at_once(connection)

    return behave


def then_closing(said: bytes) -> Behaviour:
    """Read a request, say ``said``, and close the connection in good order."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(said)
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        silent(connection)

    return behave


# --- without end ------------------------------------------------------------------------------------------


def dripping(first: bytes, each: bytes = b"x") -> Behaviour:
    """Say ``first``, then ``each`` once a second, until the visitor goes away."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(first)
        connection.settimeout(1)
        while True:
            try:
                if not connection.recv(65536):
                    return
            except TimeoutError:
                connection.sendall(each)

    return behave


def pouring(first: bytes, each: bytes) -> Behaviour:
    """Say ``first``, then ``each`` again and again, as fast as it is taken."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(first)
        while True:
            connection.sendall(each)

    return behave


def bomb() -> bytes:
    """An answer of some kilobytes whose body, gzip in gzip, comes to ``BOMB_BYTES`` zeros."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(bytes(_MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    # After a full flush the packer knows nothing of before: the same zeros come to the same bytes.
    again = packer.compress(bytes(_MEBIBYTE)) + packer.flush(zlib.Z_FULL_FLUSH)
    body = gzip.compress(head + again * (BOMB_BYTES // _MEBIBYTE - 1))
    return OK + b"Content-Encoding: gzip, gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body


# --- HTTP/2 (RFC 9113) ------------------------------------------------------------------------------------


def going_away(connection: socket.socket) -> None:
    """GOAWAY in answer to a request: it was not looked at, and no more may come."""
    _await_request(connection)
    connection.sendall(http2.goaway(last_stream=0, error=http2.ENHANCE_YOUR_CALM))
    with suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
    silent(connection)


def going_away_in_the_body(connection: socket.socket) -> None:
    """Half of an answer, then GOAWAY and the end of the connection."""
    _await_request(connection)
    connection.sendall(http2.head(1) + http2.data(1, b"half", is_last=False))
    connection.sendall(http2.goaway(last_stream=1, error=http2.ENHANCE_YOUR_CALM))
    # A connection that is closed while there is something to read is reset, with all that is on its way.
    connection.settimeout(0.05)
    with suppress(TimeoutError):
        silent(connection)


def going_away_in_good_order(connection: socket.socket) -> None:
    """GOAWAY, as before a restart: what was asked before is still answered whole."""
    _await_request(connection)
    connection.sendall(http2.goaway(last_stream=1, error=http2.NO_ERROR))
    connection.sendall(http2.head(1) + http2.data(1, b"whole", is_last=True))
    silent(connection)


def _await_request(connection: socket.socket) -> None:
    connection.sendall(http2.greeting())
    received = b""
    while not http2.has_request(received):
        piece = connection.recv(65536)
        if not piece:
            raise ConnectionResetError
        received += piece
