"""Our loop as a guest of asyncio's: its descriptor is watched, and its timers are one timer there.

The ZeroMQ sockets, the control socket and the signals are on our own loop in every actor; here websockets
brings asyncio along, so that one of the two must wait for the other. Whatever asyncio's side does to what is
on our loop is followed by ``kick``, since messages are sent at the end of a round.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pagestatus.loop import Loop

log = logging.getLogger(__name__)

# What goes on is told this often. Seconds.
QUIET_S = 30.0


class Guest:
    """Runs one ``Loop`` on an asyncio event loop."""

    def __init__(self) -> None:
        self.host = asyncio.new_event_loop()
        self.host.set_exception_handler(self._on_exception)
        self._loop: Loop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._kicked = False
        self._failure: BaseException | None = None
        self._quiet_until = 0.0

    def run(self, loop: Loop) -> None:
        """Run rounds until ``loop`` is stopped; raises what any callback of the two raised."""
        self._loop = loop
        loop.is_running = True
        self.host.add_reader(loop.fileno(), self.kick)
        self.kick()
        self.host.run_forever()
        self.host.remove_reader(loop.fileno())
        if self._timer is not None:
            self._timer.cancel()
        if self._failure is not None:
            raise self._failure

    @property
    def now(self) -> float:
        """The moment of our loop's last round, seconds of the monotonic clock."""
        return 0.0 if self._loop is None else self._loop.now

    def kick(self) -> None:
        """Make a round soon."""
        if not self._kicked:
            self._kicked = True
            self.host.call_soon(self._round)

    def fail(self, failure: BaseException) -> None:
        """A bug: end loudly."""
        self._failure = self._failure or failure
        self.host.stop()

    def close(self) -> None:
        """Give the event loop back; what is under way on it was cancelled."""
        self.host.run_until_complete(self.host.shutdown_asyncgens())
        self.host.close()

    def _round(self) -> None:
        self._kicked = False
        loop = self._loop
        if loop is None:
            return
        try:
            loop.round(0)
        except OSError as failure:
            # Of our own loop, unlike those that asyncio tells of.
            self.fail(failure)
            return
        if not loop.is_running:
            self.host.stop()
            return
        timeout = loop.timeout()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if timeout == 0:
            self.kick()
        elif timeout > 0:
            self._timer = self.host.call_later(timeout, self.kick)

    def _on_exception(self, _host: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failure = context.get("exception")
        if isinstance(failure, OSError):
            # What a peer or the system does to a socket, such as no descriptor for whoever wants to come in:
            # asyncio looks again a second later, and no bug of ours is in it. It tells of each try.
            if self.host.time() >= self._quiet_until:
                log.warning("%s: %s", context.get("message"), failure)
                self._quiet_until = self.host.time() + QUIET_S
            return
        self.fail(
            failure if isinstance(failure, BaseException) else RuntimeError(str(context.get("message")))
        )
