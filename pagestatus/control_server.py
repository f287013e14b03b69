"""The control socket of a process: answers to who asks with ``control``.

It is served by the actor's own loop beside its data, so an answer does not wait behind anything that is
backed up.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from pagestatus.control import PIECE, Command, ControlError, Params
from pagestatus.loop import READ, WRITE, Loop
from pagestatus.quoting import quoted

log = logging.getLogger(__name__)

LONGEST_REQUEST = 64 << 10
MOST_CONNECTIONS = 64
# Without a descriptor nobody can be let in: look again after this. Seconds.
NO_DESCRIPTOR_S = 0.25
_NO_DESCRIPTOR = frozenset({errno.EMFILE, errno.ENFILE})
_HALF = re.compile("[\ud800-\udfff]")
_TOO_LONG = b'{"error":"a request of more than 65536 bytes"}\n'


class ControlServer:
    """Answers commands at ``path``; made by the runner, mode 0600."""

    def __init__(self, loop: Loop, path: Path, commands: Mapping[str, Command]) -> None:
        self._loop = loop
        self._path = path
        self._commands = commands
        # In the order of their coming.
        self._connections: dict[_Connection, None] = {}
        # Kept for when there is no other: then one at a time is still answered.
        self._spare: int | None = None
        self._take_spare()
        path.unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.bind(str(path))
        path.chmod(0o600)
        self._socket.listen(MOST_CONNECTIONS)
        self._socket.setblocking(False)
        self._listen()

    def answer(self, line: bytes) -> bytes:
        """The answering line to one asking line; whatever comes, it never raises what a peer caused."""
        try:
            command, request = self._parse(line)
            reply: dict[str, object] = {"ok": command(request)}
        except (ControlError, OSError) as mistake:
            # OSError: the disk refused what the command needs; the actor itself goes on.
            reply = {"error": str(mistake)}
        try:
            return _encoded(reply) + b"\n"
        except (TypeError, ValueError, RecursionError) as mistake:
            # A bug of ours, but in what is told alone: no reason to end what is done.
            log.exception("an answer cannot be written")
            return msgspec.json.encode({"error": f"the answer cannot be written: {mistake}"}) + b"\n"

    def _parse(self, line: bytes) -> tuple[Command, Params]:
        try:
            request = msgspec.json.decode(line, type=dict[str, Any])
        except RecursionError as mistake:
            raise ControlError("not a JSON object: nested too deeply") from mistake
        except (msgspec.DecodeError, UnicodeDecodeError) as mistake:
            raise ControlError(f"not a JSON object: {mistake}") from mistake
        name = request.get("command")
        command = self._commands.get(name) if isinstance(name, str) else None
        if command is None:
            known = ", ".join(sorted(self._commands))
            raise ControlError(f"unknown command {quoted(name)}, expected one of {known}")
        return command, request

    def close(self) -> None:
        """Hang up on everybody and take the socket away."""
        for connection in tuple(self._connections):
            connection.close()
        self._give_spare()
        self._loop.unwatch(self._socket.fileno())
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _on_connection(self, _fd: int, _events: int) -> None:
        try:
            peer = self._accept()
        except OSError as mistake:
            if mistake.errno in _NO_DESCRIPTOR:
                self._rest()
            elif mistake.errno not in {errno.EAGAIN, errno.ECONNABORTED}:
                raise
            return
        if len(self._connections) >= MOST_CONNECTIONS:
            # The oldest one has had its chance; an operator must never be locked out by idle connections.
            next(iter(self._connections)).close()
        self._connections[_Connection(self._loop, peer, self.answer, self._forget)] = None

    def _accept(self) -> socket.socket:
        try:
            return self._socket.accept()[0]
        except OSError as mistake:
            if mistake.errno in _NO_DESCRIPTOR and self._give_spare():
                return self._socket.accept()[0]
            raise

    def _forget(self, connection: _Connection) -> None:
        self._connections.pop(connection, None)
        self._take_spare()

    def _take_spare(self) -> None:
        if self._spare is None:
            with suppress(OSError):
                self._spare = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)

    def _give_spare(self) -> bool:
        """Whether there was one."""
        if self._spare is None:
            return False
        os.close(self._spare)
        self._spare = None
        return True

    def _rest(self) -> None:
        """Who waits at the door keeps it ready: looking at once would be a loop that never sleeps."""
        self._loop.unwatch(self._socket.fileno())
        self._loop.after(NO_DESCRIPTOR_S, self._listen)

    def _listen(self) -> None:
        self._take_spare()
        if self._socket.fileno() >= 0:
            self._loop.watch(self._socket.fileno(), READ, self._on_connection)


def _encoded(reply: Mapping[str, object]) -> bytes:
    r"""``reply`` as JSON. Bytes of a file's name that are no characters are shown as ``\udcff``."""
    try:
        return msgspec.json.encode(reply)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(reply), ensure_ascii=False)
        # Twice: unescaped by who reads it, it is to be text and not half a character again.
        return _HALF.sub(lambda half: f"\\\\u{ord(half[0]):04x}", text).encode()


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
        """Hang up. Nothing that was asked is answered any more."""
        self._received.clear()
        self._to_send.clear()
        self._loop.unwatch(self._peer.fileno())
        self._peer.close()
        self._gone(self)

    def _on_ready(self, _fd: int, events: int) -> None:
        if events & WRITE:
            self._write()
        else:
            self._read()

    def _read(self) -> None:
        try:
            piece = self._peer.recv(PIECE)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._received += piece
        if not piece:
            self.close()
        elif b"\n" not in self._received and len(self._received) > LONGEST_REQUEST:
            self._received.clear()
            self._to_send += _TOO_LONG
            self._write()
            self.close()
        else:
            self._loop.soon(self._answer_next)

    def _answer_next(self) -> None:
        """One line a round: who asks very much waits, and the loop's other work does not."""
        line, end, rest = self._received.partition(b"\n")
        if end:
            self._received = rest
            self._to_send += self._answer(bytes(line))
            self._write()

    def _write(self) -> None:
        try:
            sent = self._peer.send(self._to_send)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        del self._to_send[:sent]
        more = b"\n" in self._received
        # While an answer is on its way nothing more is read: a peer that only asks does not fill our memory.
        self._loop.change(self._peer.fileno(), WRITE if self._to_send else 0 if more else READ)
        if more and not self._to_send:
            self._loop.soon(self._answer_next)
