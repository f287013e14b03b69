"""Supervisord's own socket: which processes it has, and a signal to one of them.

It signals by name: a process that it has not waited for is still its own, never a stranger of that number.
"""

from __future__ import annotations

import socket
from http.client import HTTPConnection, HTTPException
from typing import Any
from xmlrpc.client import Error, Fault, ServerProxy, Transport

# It answers between two rounds of its loop.
ANSWERS_WITHIN_S = 5.0
# What it calls a process that it has started, and does not stop (supervisor.states.ProcessStates).
_ALIVE = {"STARTING", "RUNNING"}
# It stops everything (supervisor.xmlrpc.Faults).
_SHUTDOWN_STATE = 6
UNIX = "unix://"


class NoSupervisord(Exception):
    """It does not answer, or refuses; the message is one line."""


class IsStopping(NoSupervisord):
    """It stops everything: nothing is started again."""


class Supervisord:
    """The supervisord at ``url``, which is that of a unix socket."""

    def __init__(self, url: str) -> None:
        """Raises ValueError."""
        if not url.startswith(UNIX):
            raise ValueError(f"{url!r}: expected {UNIX} and a path")
        self._path = url.removeprefix(UNIX)

    def processes(self) -> dict[str, int]:
        """Process ids by name, of those that are to run; raises ``NoSupervisord``."""
        known = self._call("getAllProcessInfo")
        return {one["name"]: one["pid"] for one in known if one["statename"] in _ALIVE and one["pid"]}

    def kill(self, name: str) -> None:
        """SIGKILL; raises ``NoSupervisord``."""
        self._call("signalProcess", name, "KILL")

    def _call(self, method: str, *arguments: str) -> Any:  # noqa: ANN401 - whatever it answers
        try:
            with ServerProxy("http://localhost", _Unix(self._path)) as server:
                return getattr(server.supervisor, method)(*arguments)
        except Fault as refusal:
            kind = IsStopping if refusal.faultCode == _SHUTDOWN_STATE else NoSupervisord
            raise kind(f"{method}: {refusal.faultString}") from refusal
        except (OSError, Error, HTTPException) as trouble:
            raise NoSupervisord(f"{method}: {trouble}") from trouble


class _Unix(Transport):
    """XML-RPC over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def make_connection(self, host: Any) -> HTTPConnection:  # noqa: ANN401 - that of the base
        connection = _UnixConnection(self._path)
        # That is where close() looks.
        self._connection = host, connection
        return connection


class _UnixConnection(HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=ANSWERS_WITHIN_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(ANSWERS_WITHIN_S)
        self.sock.connect(self._path)
