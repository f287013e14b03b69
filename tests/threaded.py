"""What serves a test from a thread of its own."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Threaded:
    """Runs while the test is inside of it."""

    def __init__(self, run: Callable[[], object]) -> None:
        self._thread = threading.Thread(target=run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()
        self._thread.join()
        self.close()

    def end(self) -> None:
        """Have the thread come to its end."""
        raise NotImplementedError

    def close(self) -> None:
        """Give back what it used."""
        raise NotImplementedError


class Serving(Threaded):
    """A server of the standard library."""

    def __init__(self, server: socketserver.BaseServer) -> None:
        super().__init__(lambda: server.serve_forever(poll_interval=0.02))
        self._serving = server

    def end(self) -> None:
        self._serving.shutdown()

    def close(self) -> None:
        self._serving.server_close()
