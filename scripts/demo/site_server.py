"""The demo's HTTP server: one thread per connection, and quiet about visitors that hang up."""

from __future__ import annotations

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from urllib.parse import urlsplit

from scripts.demo.pages import PAGES, Visit, not_found


class SiteServer(ThreadingHTTPServer):
    """The site, on 127.0.0.1 at ``port`` (0: any free one)."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)

    def server_bind(self) -> None:
        # HTTPServer looks its own address up in the DNS here; the demo asks nobody.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.socket.getsockname()

    def handle_error(self, _request: object, _client_address: object) -> None:
        error = sys.exception()
        if not isinstance(error, OSError):
            print(f"demo site: {error!r}", file=sys.stderr)


class Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD from ``pages.PAGES``."""

    protocol_version = "HTTP/1.1"
    server_version = "pagestatus-demo"
    timeout = 60
    # A short body would else wait for the acknowledgement of the head before it.
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        PAGES.get(urlsplit(self.path).path, not_found)(Visit(self))

    def do_HEAD(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
        """Say nothing: what visitors see stands in their own log."""
