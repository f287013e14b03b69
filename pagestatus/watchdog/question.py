"""One question to a control socket. It stays open for as long as it takes: a late answer is one, too."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pagestatus.control import NoAnswer, connect, parse, receive
from pagestatus.loop import READ, Loop


class Question:
    """Asks the process at ``path`` how it is."""

    def __init__(self, loop: Loop, path: Path, ended: Callable[[object], None]) -> None:
        """``ended`` is called with what ``control.parse`` makes of the answer; raises OSError."""
        self._loop = loop
        self._ended = ended
        self._received = bytearray()
        self._socket = connect(path, {"command": "status"})
        loop.watch(self._socket.fileno(), READ, self._on_ready)

    def close(self) -> None:
        """Ask no longer."""
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()

    def _on_ready(self, _fd: int, _events: int) -> None:
        if receive(self._socket, self._received):
            self.close()
            self._ended(parse(self._received))


def who(answer: object) -> int | None:
    """The process id in an answer; 0 in one that does not tell it, such as an error; None: there is none."""
    if isinstance(answer, NoAnswer):
        return None
    return answer.get("pid", 0) if isinstance(answer, dict) else 0
