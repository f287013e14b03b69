"""The control socket: one JSON line asks, one JSON line answers, over a unix stream socket.

``{"command": "status"}`` → ``{"ok": {...}}`` or ``{"error": "one line"}``. It is served by the actor's own
loop beside its data, so an answer does not wait behind anything that is backed up. Try it by hand with
``socat - UNIX:run_dir/scheduler.ctl``.
"""

from __future__ import annotations

import errno
import logging
import select
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from pagestatus.loop import READ, WRITE, Loop

log = logging.getLogger(__name__)

Params = Mapping[str, Any]
Command = Callable[[Params], object]

LONGEST_REQUEST = 64 << 10
MOST_CONNECTIONS = 64
PIECE = 64 << 10


class ControlError(Exception):
    """A command was refused or went wrong; the message is one line for the operator."""


class NoAnswer(Exception):
    """Nobody listens, or nothing came in time."""


class Silent(NoAnswer):
    """Somebody is there and says nothing: stopped, hung, or far too busy."""


class ControlServer:
    """Answers commands at ``path``; made by the runner, mode 0600."""

    def __init__(self, loop: Loop, path: Path, commands: Mapping[str, Command]) -> None:
        self._loop = loop
        self._path = path
        self._commands = commands
        self._connections: set[_Connection] = set()
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(MOST_CONNECTIONS)
        self._socket.setblocking(False)
        loop.watch(self._socket.fileno(), READ, self._on_connection)

    def answer(self, line: bytes) -> bytes:
        """The answering line to one asking line; whatever comes, it never raises what a peer caused."""
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
            command = self._commands.get(str(request.get("command")))
            if command is None:
                known = ", ".join(sorted(self._commands))
                raise ControlError(f"unknown command {request.get('command')!r}, expected one of {known}")
            reply: dict[str, object] = {"ok": command(request)}
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as mistake:
            reply = {"error": f"not a JSON object: {mistake}"}
        except ControlError as mistake:
            reply = {"error": str(mistake)}
        return msgspec.json.encode(reply) + b"\n"

    def close(self) -> None:
        """Hang up on everybody and take the socket away."""
        for connection in tuple(self._connections):
            connection.close()
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _on_connection(self, _fd: int, _events: int) -> None:
        try:
            peer, _address = self._socket.accept()
        except OSError as mistake:
            if mistake.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EMFILE, errno.ENFILE}:
                raise
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            # The oldest one has had its chance; an operator must never be locked out by idle connections.
            next(iter(self._connections)).close()
        self._connections.add(_Connection(self._loop, peer, self.answer, self._connections.discard))


class _Connection:
    """One asker: lines in, lines out, at its own speed."""

    def __init__(
        self,
        loop: Loop,
        peer: socket.socket,
        answer: Callable[[bytes], bytes],
        gone: Callable[[_Connection], None],
    ) -> None:
        self._loop = loop
        self._peer = peer
        self._answer = answer
        self._gone = gone
        self._received = bytearray()
        self._to_send = bytearray()
        peer.setblocking(False)
        loop.watch(peer.fileno(), READ, self._on_ready)

    def close(self) -> None:
        """Hang up."""
        self._loop.unwatch(self._peer.fileno())
        self._peer.close()
        self._gone(self)

    def _on_ready(self, _fd: int, events: int) -> None:
        try:
            if events & WRITE:
                self._write()
            else:
                self._read()
        except BlockingIOError:
            return
        except OSError:
            self.close()

    def _read(self) -> None:
        piece = self._peer.recv(PIECE)
        self._received += piece
        if not piece or len(self._received) > LONGEST_REQUEST:
            self.close()
            return
        *lines, rest = bytes(self._received).split(b"\n")
        self._received = bytearray(rest)
        for line in lines:
            self._to_send += self._answer(line)
        if self._to_send:
            self._write()

    def _write(self) -> None:
        try:
            sent = self._peer.send(self._to_send)
        except BlockingIOError:
            sent = 0
        del self._to_send[:sent]
        # While an answer is on its way nothing more is read: a peer that only asks does not fill our memory.
        self._loop.change(self._peer.fileno(), WRITE if self._to_send else READ)


def ask(path: Path, command: str, params: Params | None = None, timeout_s: float = 0.8) -> Any:  # noqa: ANN401
    """What the process at ``path`` answers; raises ``ControlError`` or ``NoAnswer``."""
    answer = ask_all({"": (path, command, params or {})}, timeout_s)[""]
    if isinstance(answer, Exception):
        raise answer
    return answer


def ask_all(requests: Mapping[str, tuple[Path, str, Params]], timeout_s: float = 0.8) -> dict[str, Any]:
    """Ask several processes at once; in the place of an answer may be a ``ControlError`` or ``NoAnswer``.

    ``timeout_s`` bounds the whole call, however many are silent.
    """
    deadline = time.monotonic() + timeout_s
    answers: dict[str, Any] = {}
    open_: dict[int, tuple[str, socket.socket, bytearray]] = {}
    poll = select.poll()
    for name, (path, command, params) in requests.items():
        try:
            peer = _connect(path, {**params, "command": command})
        except BlockingIOError:
            answers[name] = Silent(f"{path}: others wait for it already")
            continue
        except OSError as mistake:
            answers[name] = NoAnswer(f"{path}: {mistake.strerror or mistake}")
            continue
        open_[peer.fileno()] = (name, peer, bytearray())
        poll.register(peer, select.POLLIN)
    while open_ and (left_s := deadline - time.monotonic()) > 0:
        for fd, _event in poll.poll(left_s * 1000):
            name, peer, received = open_[fd]
            if not _receive(peer, received):
                continue
            answers[name] = _parse(bytes(received))
            poll.unregister(fd)
            peer.close()
            del open_[fd]
    for name, peer, _received in open_.values():
        peer.close()
        answers[name] = Silent(f"no answer within {timeout_s:g} s")
    return answers


def _connect(path: Path, request: Params) -> socket.socket:
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        peer.connect(str(path))
        peer.send(msgspec.json.encode(request) + b"\n")
    except OSError:
        peer.close()
        raise
    return peer


def _receive(peer: socket.socket, received: bytearray) -> bool:
    """Take what has come; True when the answer is whole or will never be."""
    try:
        piece = peer.recv(PIECE)
    except BlockingIOError:
        return False
    except OSError:
        return True
    received += piece
    return not piece or received.endswith(b"\n")


def _parse(line: bytes) -> object:
    try:
        reply = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Silent("hung up before it answered")
    if "error" in reply:
        return ControlError(str(reply["error"]))
    return reply.get("ok")
