"""c-ares on the loop: questions, sockets and the one timer.

c-ares calls back from inside its own calls (for a name in /etc/hosts even from inside the question), and
what a callback raises is lost in C. So a callback only notes what came; all else happens in the loop. A
channel is closed only from the loop, and never with a callback under way.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from itertools import count

import pycares

from pagestatus.loop import READ, WRITE, Loop, Timer

Found = Callable[[pycares.AddrInfoResult | None, int | None], None]

# Seconds until a question is sent again, doubling, and how often it is sent: a lost datagram costs one second
# of the five that check.connect_timeout leaves by default, or a quarter where answers have come fast. It can
# be answered for longer than those five, by a server that is behind.
TRY_S = 1.0
TRIES = 5
# Sockets stay open from one question to the next; EDNS is the default that giving flags replaces.
_FLAGS = pycares.ARES_FLAG_STAYOPEN | pycares.ARES_FLAG_EDNS
_NO_SOCKET = pycares.ARES_SOCKET_BAD


class BadNameServer(ValueError):
    """A configured name server is not an address; the message is one line."""


class Channel:
    """c-ares on the loop, with the name servers it was made with."""

    def __init__(self, loop: Loop, name_servers: Sequence[str]) -> None:
        """Raises BadNameServer."""
        self._loop = loop
        self._open = 0
        self._timer: Timer | None = None
        self._sockets: set[int] = set()
        self._retired = False
        self._closed = False
        self._probes = count(1)
        try:
            self._ares = pycares.Channel(
                flags=_FLAGS,
                timeout=TRY_S,
                tries=TRIES,
                servers=list(name_servers) or None,
                sock_state_cb=self._on_socket,
            )
        except pycares.AresError as mistake:
            given = ", ".join(name_servers) or "of this machine"
            raise BadNameServer(f"the name servers {given} cannot be used: {mistake}") from mistake

    def ask(self, name: str, family: socket.AddressFamily, found: Found) -> None:
        """Ask for the addresses of ``name``; ``found`` is called from inside c-ares."""

        def ended(result: pycares.AddrInfoResult | None, status: int | None) -> None:
            self._end(found, result, status)

        self._open += 1
        self._ares.getaddrinfo(name, None, family=family, type=socket.SOCK_STREAM, callback=ended)
        self._set_timer()

    def probe(self, found: Found) -> None:
        """Ask what no name server has to ask others (RFC 6761 section 6.4), to see whether it answers.

        The name is new each time: c-ares remembers what it was told.
        """

        def ended(_result: pycares.DNSResult | None, status: int | None) -> None:
            self._end(found, None, status)

        self._open += 1
        self._ares.query(f"{next(self._probes)}.probe.invalid", pycares.QUERY_TYPE_A, callback=ended)
        self._set_timer()

    def _end(self, found: Found, result: pycares.AddrInfoResult | None, status: int | None) -> None:
        if self._closed:
            return
        self._open -= 1
        found(result, status)
        if self._retired:
            self._loop.soon(self.close_when_idle)

    def close_when_idle(self) -> None:
        """Answer what is open, then close."""
        self._retired = True
        if not self._open:
            self.close()

    def close(self) -> None:
        """Ask no more; nobody is told of what is still open."""
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for fd in self._sockets:
            self._loop.unwatch(fd)
        # It is destroyed by a thread of pycares, which calls back from there: by now in vain.
        self._ares.close()

    def _on_socket(self, fd: int, readable: bool, writable: bool) -> None:  # noqa: FBT001 - c-ares calls it
        if self._closed:
            return
        if readable or writable:
            self._sockets.add(fd)
            self._loop.watch(fd, readable * READ | writable * WRITE, self._on_ready)
        else:
            self._sockets.discard(fd)
            self._loop.unwatch(fd)

    def _on_ready(self, fd: int, events: int) -> None:
        # Also on EPOLLERR and EPOLLHUP: the read finds out what is wrong.
        self._ares.process_fd(fd if events & ~WRITE else _NO_SOCKET, fd if events & WRITE else _NO_SOCKET)
        self._set_timer()

    def _on_timer(self) -> None:
        self._timer = None
        self._ares.process_fd(_NO_SOCKET, _NO_SOCKET)
        self._set_timer()

    def _set_timer(self) -> None:
        """See to it that c-ares runs when its next question has waited long enough."""
        if not self._open:
            return
        wait_s: float = self._ares.timeout()  # type: ignore[no-untyped-call]
        if wait_s <= 0:
            # c-ares says 0 for "nothing to wait for" too; its callbacks are on their way then.
            wait_s = TRY_S
        due = self._loop.now + wait_s
        if self._timer is not None:
            if self._timer.when <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.at(due, self._on_timer)
