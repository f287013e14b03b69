"""Servers of one file, many connections at once, that count what they are asked."""

from __future__ import annotations

import re
import socket
import socketserver
import threading
from contextlib import suppress

from threaded import Serving

_RANGE = re.compile(rb"\r\nrange: bytes=([0-9]+)-([0-9]*)\r\n", re.IGNORECASE)


class _Server(socketserver.ThreadingTCPServer):
    # Connections that are kept end with their client, after the server.
    daemon_threads = True
    block_on_close = False
    site: FileSite


class _Connection(socketserver.BaseRequestHandler):
    server: _Server

    def handle(self) -> None:
        site = self.server.site
        with site.lock:
            site.connections += 1
        with suppress(OSError):
            while request := self.request.recv(65536):
                with site.lock:
                    site.requests.append(request)
                self.request.sendall(site.answer(request))
                if not site.keeps:
                    self._close()
                    return

    def _close(self) -> None:
        """Not before the client has read it all: closing with unread bytes would reset."""
        self.request.shutdown(socket.SHUT_WR)
        while self.request.recv(65536):
            pass


class FileSite(Serving):
    """Serves ``content`` at every path, honours ranges and keeps connections."""

    keeps = True

    def __init__(self, content: bytes, *, etag: str = '"one"', host: str = "127.0.0.1") -> None:
        self.content = content
        self.etag = etag
        self.connections = 0
        self.requests: list[bytes] = []
        # Answers that come first, whatever is asked.
        self.script: list[bytes] = []
        self.lock = threading.Lock()
        self._server = _Server((host, 0), _Connection)
        self._server.site = self
        super().__init__(self._server)

    @property
    def url(self) -> str:
        """Of the file."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}/file.bin"

    def answer(self, request: bytes) -> bytes:
        """To one request."""
        if self.script:
            return self.script.pop(0)
        found = _RANGE.search(request)
        if found is None:
            return answer(200, self.content, f"ETag: {self.etag}")
        start = int(found[1])
        stop = min(int(found[2]) + 1 if found[2] else len(self.content), len(self.content))
        return partial(self.content, start, stop, f"ETag: {self.etag}")


class ScriptedSite(FileSite):
    """Gives one answer after the other (the last one for ever), each on a connection of its own."""

    keeps = False

    def __init__(self, *answers: bytes, host: str = "127.0.0.1") -> None:
        super().__init__(b"", host=host)
        self._answers = list(answers)

    def answer(self, request: bytes) -> bytes:
        """The next one."""
        del request
        with self.lock:
            return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def answer(status: int, body: bytes, *headers: str) -> bytes:
    """A whole answer; the length is told."""
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def partial(content: bytes, start: int, stop: int, *headers: str) -> bytes:
    """The answer with the bytes [start, stop) of ``content``."""
    shown = f"Content-Range: bytes {start}-{stop - 1}/{len(content)}"
    return answer(206, content[start:stop], shown, *headers)
