"""A bare pycurl loop: ``socket_action`` on epoll, handles that stay configured, and nothing else.

It measures nothing, resolves nothing, judges nothing and writes nothing: what is left is libcurl.
"""

from __future__ import annotations

import select
import sys
import time

import pycurl

from scripts.bench_run.references.asked import Asked, asked, tell

# With a rate, what has fallen due is begun this often.
PAUSE_S = 0.01
_EVENTS = {pycurl.POLL_IN: 1, pycurl.POLL_OUT: 4, pycurl.POLL_INOUT: 5, pycurl.POLL_NONE: 0}


class Loop:
    """The requests that were asked for."""

    def __init__(self, wanted: Asked) -> None:
        self._wanted = wanted
        self._epoll = select.epoll()
        self._watched: set[int] = set()
        self._due: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, wanted.in_flight)
        self._free = [_handle(wanted) for _ in range(wanted.in_flight)]
        self._begun = self._ended = 0

    def run(self) -> None:
        wanted, began = self._wanted, time.monotonic()
        turn = began
        while self._ended < wanted.requests:
            now = time.monotonic()
            if now >= turn:
                turn = now + PAUSE_S if wanted.rate else now
                due = int((now - began) * wanted.rate) if wanted.rate else wanted.requests
                self._begin(min(due, wanted.requests) - self._begun)
            until = min(turn if wanted.rate else now + 1, self._due or now + 1)
            self._round(max(0.0, until - time.monotonic()))

    def _begin(self, count: int) -> None:
        for _ in range(min(count, len(self._free))):
            curl = self._free.pop()
            curl.setopt(pycurl.URL, self._wanted.url(self._begun))
            self._begun += 1
            self._multi.add_handle(curl)

    def _round(self, timeout: float) -> None:
        act = self._multi.socket_action
        for fd, events in self._epoll.poll(timeout):
            act(fd, events & 1 | (events & 4) >> 1 | (4 if events & 24 else 0))
        if self._due is not None and self._due <= time.monotonic():
            self._due = None
            act(pycurl.SOCKET_TIMEOUT, 0)
        queued = 1
        while queued:
            queued, well, badly = self._multi.info_read()
            if badly:
                sys.exit(f"a request failed: {badly[0][2]}")
            for curl in well:
                self._multi.remove_handle(curl)
                if curl.getinfo(pycurl.RESPONSE_CODE) != 200:
                    sys.exit("a request failed: its status is not 200")
                self._ended += 1
                self._free.append(curl)

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        if what == pycurl.POLL_REMOVE:
            self._watched.discard(fd)
            self._epoll.unregister(fd)
        elif fd in self._watched:
            self._epoll.modify(fd, _EVENTS[what])
        else:
            self._watched.add(fd)
            self._epoll.register(fd, _EVENTS[what])

    def _on_timer(self, timeout_ms: int) -> None:
        self._due = None if timeout_ms < 0 else time.monotonic() + timeout_ms / 1000


def _handle(wanted: Asked) -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    # Else libcurl looks at all names it knows at each request.
    curl.setopt(pycurl.DNS_CACHE_TIMEOUT, 0)
    curl.setopt(pycurl.TIMEOUT_MS, 10_000)
    curl.setopt(pycurl.WRITEFUNCTION, _ignore)
    curl.setopt(pycurl.FRESH_CONNECT, int(not wanted.keep_alive))
    curl.setopt(pycurl.FORBID_REUSE, int(not wanted.keep_alive))
    curl.setopt(pycurl.SSL_SESSIONID_CACHE, 0)
    if wanted.ca_file:
        curl.setopt(pycurl.CAINFO, wanted.ca_file)
    return curl


def _ignore(_piece: bytes) -> None:
    """The body."""


if __name__ == "__main__":
    given = asked(__doc__)
    tell(given.requests, Loop(given).run)
