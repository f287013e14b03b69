"""One fetcher process as the pool sees it."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from fetchers.lifeline import ParentEnd
from pagestatus.loop import READ, Loop

log = logging.getLogger(__name__)


class Child:
    """A running fetcher: its process, its lifeline, and whether it was asked to end."""

    def __init__(
        self, loop: Loop, index: int, epoch: int, flags: Sequence[str], ended: Callable[[Child], None]
    ) -> None:
        """Start it; ``ended`` is called once when it is no more. Raises OSError."""
        self.index = index
        self.epoch = epoch
        self.draining = False
        self._loop = loop
        self._ended = ended
        self._started = time.monotonic()
        self._lifeline = ParentEnd(loop)
        command = [sys.executable, "-m", "fetchers.fetcher", f"--index={index}", f"--epoch={epoch}"]
        try:
            # A fresh interpreter, never a fork: nothing of ours is shared. A session of its own, so that
            # Ctrl-C reaches it only once, as our TERM: a second one would mean "stop".
            self._process = subprocess.Popen(  # noqa: S603 - our own program with our own arguments
                [*command, f"--lifeline={self._lifeline.fd}", *flags],
                stdin=subprocess.DEVNULL,
                pass_fds=[self._lifeline.fd],
                start_new_session=True,
            )
        except OSError:
            self._lifeline.close()
            raise
        self._lifeline.inherited()
        try:
            self._pidfd = os.pidfd_open(self._process.pid)
        except OSError:
            # Without a descriptor its end would never be heard of: then rather none.
            self._process.kill()
            self._process.wait()
            raise
        loop.watch(self._pidfd, READ, self._on_end)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """How it ended; negative: the signal's number."""
        return self._process.returncode

    @property
    def started(self) -> bool:
        """It has beaten: from then on it handles signals."""
        return self._lifeline.heard

    def lived_s(self) -> float:
        """Seconds since its start."""
        return time.monotonic() - self._started

    def silent_s(self) -> float:
        """Seconds since its last beat, or since its start."""
        return self._loop.now - self._lifeline.last_beat

    def excuse_silence(self) -> None:
        """We stood still ourselves and may have missed its beats."""
        self._lifeline.last_beat = self._loop.now

    def drain(self) -> None:
        """Ask it to finish what it has and leave; asking twice would stop it."""
        if not self.draining:
            self.draining = True
            self.send(signal.SIGTERM)

    def send(self, number: signal.Signals) -> None:
        """Send a signal. Never to a stranger: until it is waited for, its number is its own."""
        self._process.send_signal(number)

    def close(self) -> None:
        """End it at once."""
        self._process.kill()
        self._process.wait()
        self._forget()

    def _on_end(self, _fd: int, _events: int) -> None:
        self._process.wait()
        self._forget()
        self._ended(self)

    def _forget(self) -> None:
        self._loop.unwatch(self._pidfd)
        os.close(self._pidfd)
        self._lifeline.close()
