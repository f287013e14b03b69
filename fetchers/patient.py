"""An engine that yields: however much its connections bring, it takes only its share of each round.

On a fast network every connection of a download has more to read than fits into a round, and all of them
together would keep the loop from the checks.
"""

from __future__ import annotations

import time

from fetchers.engine import Engine
from pagestatus.loop import Loop

# Of a round, seconds. What is left waits for the next one, which comes as soon as the others had their turn.
SHARE_S = 0.005


class PatientEngine(Engine):
    """Serves the descriptors that are ready in the order in which they became so."""

    def __init__(self, loop: Loop, *, keep_connections: int) -> None:
        super().__init__(loop, keep_connections=keep_connections)
        self._queue: dict[int, int] = {}
        self._serving = False

    def close(self) -> None:
        """Break off everything that runs; nobody is told."""
        self._queue.clear()
        super().close()

    def _on_ready(self, fd: int, events: int) -> None:
        # One that waits already keeps its place.
        self._queue[fd] = self._queue.get(fd, 0) | events
        self._come_back()

    def _come_back(self) -> None:
        if not self._serving:
            self._serving = True
            self._loop.soon(self._serve)

    def _serve(self) -> None:
        self._serving = False
        until = time.monotonic() + SHARE_S
        queue = self._queue
        while queue:
            fd = next(iter(queue))
            events = queue.pop(fd)
            # It may have been closed by what was done for another.
            if fd in self._wanted:
                super()._on_ready(fd, events)
            if time.monotonic() >= until:
                break
        if queue:
            self._come_back()
