"""One question to a control socket. It stays open for as long as it takes: a late answer is one, too."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from pagestatus.loop import READ, Loop

_LINE = b'{"command":"status"}\n'
_PIECE = 64 << 10


class Question:
    """Asks the process at ``path`` how it is."""

    def __init__(self, loop: Loop, path: Path, ended: Callable[[bytes], None]) -> None:
        """``ended`` is called with the answer, empty if none came before the end; raises OSError."""
        self._loop = loop
        self._ended = ended
        self._received = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.setblocking(False)
            self._socket.connect(str(path))
            self._socket.send(_LINE)
        except OSError:
            self._socket.close()
            raise
        loop.watch(self._socket.fileno(), READ, self._on_ready)

    def close(self) -> None:
        """Ask no longer."""
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()

    def _on_ready(self, _fd: int, _events: int) -> None:
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        self._received += piece
        if not piece or piece.endswith(b"\n"):
            self.close()
            self._ended(self._received)


def who(answer: bytes) -> int | None:
    """The process id in an answer; 0 in one that does not tell it, such as an error; None: there is none."""
    try:
        reply = msgspec.json.decode(answer, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    own = reply.get("ok")
    return own.get("pid", 0) if isinstance(own, dict) else 0
