"""Sites that behave as a test wants, down to the single byte: a listening socket and a thread."""

from __future__ import annotations

import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress

from threaded import Threaded

Behaviour = Callable[[socket.socket], None]

EMPTY_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class RawSite(Threaded):
    """Gives each connection to ``behave``, one after the other, and closes it afterwards."""

    def __init__(
        self, behave: Behaviour, *, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> None:
        self.connections = 0
        self._behave = behave
        self._tls = tls
        self._host = host
        self._listener = socket.create_server((host, port), family=_family(host))
        self.port: int = self._listener.getsockname()[1]
        self._closing = threading.Event()
        super().__init__(self._serve)

    @property
    def url(self) -> str:
        """Its front page, by address."""
        scheme = "http" if self._tls is None else "https"
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{scheme}://{host}:{self.port}/"

    def end(self) -> None:
        self._closing.set()
        # Wakes accept().
        with suppress(OSError):
            socket.create_connection(self._listener.getsockname()[:2]).close()

    def close(self) -> None:
        self._listener.close()

    def _serve(self) -> None:
        while True:
            connection, _ = self._listener.accept()
            with connection:
                if self._closing.is_set():
                    return
                self.connections += 1
                # Whatever the client does to a connection is its affair.
                with suppress(OSError), self._wrapped(connection) as wrapped:
                    self._behave(wrapped)

    def _wrapped(self, connection: socket.socket) -> socket.socket:
        return connection if self._tls is None else self._tls.wrap_socket(connection, server_side=True)


def answering(*responses: bytes) -> Behaviour:
    """Read a request, send the next of ``responses`` (the last one for ever), and close."""
    left = list(responses)

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        with suppress(OSError):
            connection.shutdown(socket.SHUT_WR)
        # Until the client has read it all: closing with unread bytes would reset.
        connection.recv(1)

    return behave


def answering_on_and_on(connection: socket.socket) -> None:
    """Answer every request on one connection, until the client closes it."""
    while connection.recv(65536):
        connection.sendall(EMPTY_OK.replace(b"close", b"keep-alive"))


def resetting(response: bytes = b"") -> Behaviour:
    """Read a request, send ``response`` and reset the connection."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    return behave


def closing(connection: socket.socket) -> None:
    """Read a request and close without a word."""
    connection.recv(65536)


def hanging(connection: socket.socket) -> None:
    """Read a request, then wait until the client goes away."""
    while connection.recv(65536):
        pass


def redirect(location: str, status: int = 302) -> bytes:
    """A response that leads to ``location``."""
    return f"HTTP/1.1 {status} X\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n".encode()


@contextmanager
def unanswering(host: str, port: int = 0) -> Iterator[int]:
    """A port at which no connection is ever made: the kernel drops what does not fit into a full queue."""
    with socket.socket() as full, ExitStack() as queue:
        # A port may be held for it.
        full.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        full.bind((host, port))
        full.listen(0)
        for _ in range(3):
            waiting = queue.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        yield full.getsockname()[1]


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET
