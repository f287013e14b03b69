"""What supervisord tells an event listener, and what it wants to hear.

A line of ``key:value``, of which ``len`` is the length of the payload behind it; the next one comes when that
is answered (http://supervisord.org/events.html#event-listener-notification-protocol).
"""

from __future__ import annotations

READY = b"READY\n"
OK = b"RESULT 2\nOK"


class Events:
    """Reads the stream."""

    def __init__(self) -> None:
        self._received = b""

    def feed(self, piece: bytes) -> list[str]:
        """The names of the events that are whole with this piece; raises ValueError."""
        self._received += piece
        names = []
        while (event := self._next()) is not None:
            names.append(event)
        return names

    def _next(self) -> str | None:
        line, end, rest = self._received.partition(b"\n")
        if not end:
            return None
        header = dict(word.split(":", 1) for word in line.decode("ascii").split())
        length = int(header.get("len", ""))
        if len(rest) < length:
            return None
        self._received = rest[length:]
        return header.get("eventname", "")
