"""Names to addresses: c-ares on the loop's own epoll, without threads.

Not libcurl's resolver: it has at most 20 threads, so that ten dead names delay a healthy one until it times
out. An address that was found here is given to libcurl, which then has nothing left to look up.

c-ares calls back from inside its own calls (for a name in /etc/hosts even from inside the question), and
what a callback raises is lost in C. So a callback only notes what came; all else happens in the loop.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence

import pycares

from fetchers.names import Answer, NameCache, alternating, fixed, ttl_of
from fetchers.reasons import of_lookup
from pagestatus.loop import READ, WRITE, Loop, Timer
from pagestatus.messages import Reason

Tell = Callable[[Answer], None]

# Seconds until a question is sent again, and how often: a lost datagram costs one second of the five that
# check.connect_timeout leaves by default.
TRY_S = 1.0
TRIES = 3
# Sockets stay open from one question to the next; EDNS is the default that giving flags replaces.
_FLAGS = pycares.ARES_FLAG_STAYOPEN | pycares.ARES_FLAG_EDNS
_NO_SOCKET = pycares.ARES_SOCKET_BAD


class BadNameServer(ValueError):
    """A configured name server is not an address; the message is one line."""


class Resolver:
    """Answers for names: from the cache, or from the name servers, one question for all who wait for it."""

    def __init__(self, loop: Loop, name_servers: Sequence[str] = ()) -> None:
        self._loop = loop
        self._cache = NameCache()
        self._waiting: dict[str, list[Tell]] = {}
        self._timer: Timer | None = None
        self._sockets: set[int] = set()
        self._closed = False
        try:
            self._channel = pycares.Channel(
                flags=_FLAGS,
                timeout=TRY_S,
                tries=TRIES,
                servers=list(name_servers) or None,
                sock_state_cb=self._on_socket,
            )
        except pycares.AresError as mistake:
            given = ", ".join(name_servers) or "of this machine"
            raise BadNameServer(f"the name servers {given} cannot be used: {mistake}") from mistake

    @property
    def lookups(self) -> int:
        """Names that are being asked for."""
        return len(self._waiting)

    def known(self, name: str) -> Answer | None:
        """What is known of ``name`` at once; None: it has to be asked for."""
        return self._cache.get(name, self._loop.now) or fixed(name)

    def ask(self, name: str, tell: Tell) -> None:
        """Ask for ``name``; ``tell`` is called once, later, never from inside. It cannot be taken back."""
        waiting = self._waiting.get(name)
        if waiting is not None:
            waiting.append(tell)
            return
        self._waiting[name] = [tell]

        def found(result: pycares.AddrInfoResult | None, status: int | None) -> None:
            if not self._closed:
                self._loop.soon(lambda: self._answer(name, result, status))

        self._channel.getaddrinfo(
            name, None, family=socket.AF_UNSPEC, type=socket.SOCK_STREAM, callback=found
        )
        self._set_timer()

    def close(self) -> None:
        """Ask no more; nobody is told of what is still open."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        for fd in self._sockets:
            self._loop.unwatch(fd)
        # It is destroyed by a thread of pycares, which calls back from there: by now in vain.
        self._channel.close()

    def _answer(self, name: str, result: pycares.AddrInfoResult | None, status: int | None) -> None:
        if result is None:
            reason = of_lookup(status or 0)
            answer, ttl_s = Answer((), reason), ttl_of(reason)
        else:
            answer = Answer(alternating(_text(node.addr[0]) for node in result.nodes))
            ttl_s = min((node.ttl for node in result.nodes), default=0)
            if not answer.addresses:
                answer, ttl_s = Answer((), Reason.NO_SUCH_NAME), ttl_of(Reason.NO_SUCH_NAME)
        self._cache.put(name, answer, ttl_s, self._loop.now)
        for tell in self._waiting.pop(name):
            tell(answer)

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
        self._channel.process_fd(fd if events & ~WRITE else _NO_SOCKET, fd if events & WRITE else _NO_SOCKET)
        self._set_timer()

    def _on_timer(self) -> None:
        self._timer = None
        self._channel.process_fd(_NO_SOCKET, _NO_SOCKET)
        self._set_timer()

    def _set_timer(self) -> None:
        """See to it that c-ares runs when its next question has waited long enough."""
        if not self._waiting:
            return
        wait_s: float = self._channel.timeout()  # type: ignore[no-untyped-call]
        if wait_s <= 0:
            # c-ares says 0 for "nothing to wait for" too; its callbacks are on their way then.
            wait_s = TRY_S
        due = self._loop.now + wait_s
        if self._timer is not None:
            if self._timer.when <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.at(due, self._on_timer)


def _text(address: bytes | str) -> str:
    return address if isinstance(address, str) else address.decode("ascii")
