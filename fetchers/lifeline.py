"""The lifeline between the pool and a fetcher: a socket pair that both ends watch.

The fetcher beats through it once a second, so that the pool notices when it hangs. When the pool dies, even
by SIGKILL, the kernel closes its end, and the fetcher notices that.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from pagestatus.loop import READ, Loop

_BEAT = b"."


class ChildEnd:
    """The fetcher's end, inherited as a descriptor."""

    def __init__(self, fd: int) -> None:
        """Raises OSError if ``fd`` is not an open socket."""
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(False)

    def beat(self) -> None:
        """Tell the pool that the loop goes round."""
        try:
            self._socket.send(_BEAT)
        except (BlockingIOError, BrokenPipeError, ConnectionResetError):
            # A pool that stands still reads later; one that is gone is noticed by the read below.
            return

    def watch(self, loop: Loop, orphaned: Callable[[], None]) -> None:
        """Call ``orphaned`` once when the pool is gone."""

        def on_end(fd: int, _events: int) -> None:
            loop.unwatch(fd)
            orphaned()

        # The pool never writes: whatever can be read is the end.
        loop.watch(self._socket.fileno(), READ, on_end)


class ParentEnd:
    """The pool's end of one fetcher's lifeline."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._ours, self._theirs = socket.socketpair()
        self._ours.setblocking(False)
        self.last_beat = loop.now
        # The fetcher has started: it has beaten at least once.
        self.heard = False
        loop.watch(self._ours.fileno(), READ, self._on_beat)

    @property
    def fd(self) -> int:
        """The descriptor that the fetcher inherits."""
        return self._theirs.fileno()

    def inherited(self) -> None:
        """The fetcher has its end: give up our copy, or its death would never close it."""
        self._theirs.close()

    def close(self) -> None:
        """Let go of the fetcher."""
        self._loop.unwatch(self._ours.fileno())
        self._ours.close()
        self._theirs.close()

    def _on_beat(self, fd: int, _events: int) -> None:
        try:
            beats = self._ours.recv(4096)
        except (BlockingIOError, ConnectionResetError):
            beats = b""
        if beats:
            self.last_beat = self._loop.now
            self.heard = True
        else:
            # Its end is closed; that it has ended is told by its pidfd.
            self._loop.unwatch(fd)
