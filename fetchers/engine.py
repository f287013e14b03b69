"""libcurl's multi interface on the loop: the whole of it is five short callbacks.

``socket_action`` looks only at the transfers that are ready; ``perform`` would look at all in flight. An
engine knows nothing of what its transfers are for: checks have one, and whatever else is to be fetched has
another, with connections and limits of its own.

A new connection is watched for everything at once, edge-triggered: until libcurl has been told of something
to read, it can only want what comes with a new edge. So a short transfer never asks the kernel for a change;
only one that goes on after that is watched in the ordinary way, for what libcurl wants.
"""

from __future__ import annotations

import select
from typing import Protocol

import pycurl

from pagestatus.loop import EDGE, READ, WRITE, Loop, Timer

_TROUBLE = select.EPOLLERR | select.EPOLLHUP
_EVENTS = {pycurl.POLL_IN: READ, pycurl.POLL_OUT: WRITE, pycurl.POLL_INOUT: READ | WRITE, pycurl.POLL_NONE: 0}
_OK = 0
# Ends the wait for edges: it brings something to read, or an end.
_READ_OR_TROUBLE = READ | _TROUBLE
_ANYTHING = READ | WRITE | EDGE
_READ_EDGE = READ | EDGE
_REMOVE = pycurl.POLL_REMOVE


class Transfer(Protocol):
    """Whoever wants to know how a transfer ended."""

    def ended(self, code: int, words: str) -> None:
        """It has ended with libcurl's ``code`` (0: well) and what libcurl says of it."""


class Engine:
    """Transfers in flight."""

    def __init__(self, loop: Loop, *, keep_connections: int) -> None:
        self._loop = loop
        self._multi = pycurl.CurlMulti()
        self._socket_action = self._multi.socket_action
        self._transfers: dict[pycurl.Curl, Transfer] = {}
        # What libcurl wants of each descriptor; with EDGE: it is still watched for everything.
        self._wanted: dict[int, int] = {}
        self._due: float | None = None
        self._timer: Timer | None = None
        self._kicked = False
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        # Every transfer is a measurement: none shares a connection with another that runs.
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        self._multi.setopt(pycurl.M_MAXCONNECTS, keep_connections)

    @property
    def in_flight(self) -> int:
        """Number of transfers that have not ended."""
        return len(self._transfers)

    def start(self, curl: pycurl.Curl, transfer: Transfer) -> None:
        """Let the configured ``curl`` run; ``transfer.ended`` is called once, later, never from inside."""
        self._transfers[curl] = transfer
        self._multi.add_handle(curl)

    def abort(self, curl: pycurl.Curl) -> None:
        """Break it off, with its connection; ``ended`` is not called. Never from inside libcurl."""
        if self._transfers.pop(curl, None) is not None:
            self._multi.remove_handle(curl)

    def close(self) -> None:
        """Break off everything that runs; nobody is told."""
        for curl in self._transfers:
            self._multi.remove_handle(curl)
        self._transfers.clear()
        self._multi.close()

    def _on_socket(self, what: int, fd: int, _multi: object, _data: object) -> None:
        """Watch ``fd`` for other events, as libcurl says."""
        if what == _REMOVE:
            self._wanted.pop(fd, None)
            self._loop.forget(fd, self._on_ready)
            return
        events = _EVENTS[what]
        before = self._wanted.get(fd)
        if before is None:
            self._begin_to_watch(fd, events)
        elif before & EDGE:
            self._wanted[fd] = events | EDGE
        else:
            self._wanted[fd] = events
            self._loop.change(fd, events)

    def _begin_to_watch(self, fd: int, events: int) -> None:
        if events == WRITE:
            # It is being connected.
            self._wanted[fd] = WRITE | EDGE
            self._loop.watch(fd, _ANYTHING, self._on_ready)
        else:
            self._wanted[fd] = events
            self._loop.watch(fd, events, self._on_ready)

    def _on_timer(self, timeout_ms: int) -> None:
        """Let libcurl run in ``timeout_ms``; -1: no more, 0: now, but not from inside this call."""
        if timeout_ms == 0:
            if not self._kicked:
                self._kicked = True
                self._loop.soon(self._on_kick)
        elif timeout_ms < 0:
            self._due = None
        else:
            # A millisecond more: libcurl rounds down, and would be called once in vain.
            self._due = self._loop.now + (timeout_ms + 1) / 1000
            if self._timer is None or self._due < self._timer.when:
                self._set_timer(self._due)

    def _set_timer(self, when: float) -> None:
        # libcurl changes its mind several times per transfer. A timer that stands earlier is left alone and
        # looks again when it fires: far cheaper than one entry in the loop's heap for each change.
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.at(when, self._on_due)

    def _on_due(self) -> None:
        self._timer = None
        if self._due is None:
            return
        if self._due > self._loop.now:
            self._set_timer(self._due)
            return
        self._due = None
        self._act()

    def _on_kick(self) -> None:
        self._kicked = False
        self._act()

    def _on_ready(self, fd: int, events: int) -> None:
        # EPOLLIN is 1 as CSELECT_IN, EPOLLOUT is 4 and CSELECT_OUT is 2.
        ready = events & READ | (events & WRITE) >> 1
        if events & _TROUBLE:
            ready |= pycurl.CSELECT_ERR
        _, running = self._socket_action(fd, ready)
        wanted = self._wanted.get(fd, 0)
        if wanted & EDGE and (events & _READ_OR_TROUBLE or wanted != _READ_EDGE):
            # From here on an edge may have passed already.
            self._wanted[fd] = wanted = wanted & ~EDGE
            self._loop.change(fd, wanted)
        if running < len(self._transfers):
            self._collect()

    def _act(self) -> None:
        """Let libcurl do what its time has come for."""
        _, running = self._socket_action(pycurl.SOCKET_TIMEOUT, 0)
        if running < len(self._transfers):
            self._collect()

    def _collect(self) -> None:
        """Tell of all that have ended. Whoever is told may start the next at once."""
        transfers, remove = self._transfers, self._multi.remove_handle
        queued = 1
        while queued:
            queued, well, badly = self._multi.info_read()
            for curl in well:
                transfer = transfers.pop(curl, None)
                # None: whoever was told of another end before has broken this one off.
                if transfer is not None:
                    remove(curl)
                    transfer.ended(_OK, "")
            for curl, code, words in badly:
                transfer = transfers.pop(curl, None)
                if transfer is not None:
                    remove(curl)
                    transfer.ended(code, words)
