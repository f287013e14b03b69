"""The control socket: one JSON line asks, one JSON line answers, over a unix stream socket.

``{"command": "status"}`` → ``{"ok": {...}}`` or ``{"error": "one line"}``. Try it by hand with
``socat - UNIX:run_dir/scheduler.ctl``. Here is who asks; who answers is in ``control_server``, which the
operator's commands do without, since they are to start quickly.
"""

from __future__ import annotations

import select
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

Params = Mapping[str, Any]
Command = Callable[[Params], object]

PIECE = 64 << 10


class ControlError(Exception):
    """A command was refused or went wrong; the message is one line for the operator."""


class NoAnswer(Exception):
    """Nobody listens, or nothing came in time."""


class Silent(NoAnswer):
    """Somebody is there and says nothing: stopped, hung, or far too busy."""


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
            peer = connect(path, {**params, "command": command})
        except BlockingIOError:
            answers[name] = Silent(f"{path}: others wait for it already")
            continue
        except UnicodeEncodeError:
            # An argument of a command line may hold bytes that are no characters.
            answers[name] = ControlError("what is asked for is not UTF-8")
            continue
        except OSError as mistake:
            answers[name] = NoAnswer(f"{path}: {mistake.strerror or mistake}")
            continue
        open_[peer.fileno()] = (name, peer, bytearray())
        poll.register(peer, select.POLLIN)
    while open_ and (left_s := deadline - time.monotonic()) > 0:
        for fd, _event in poll.poll(left_s * 1000):
            name, peer, received = open_[fd]
            if not receive(peer, received):
                continue
            answers[name] = parse(received)
            poll.unregister(fd)
            peer.close()
            del open_[fd]
    for name, peer, _received in open_.values():
        peer.close()
        answers[name] = Silent(f"no answer within {timeout_s:g} s")
    return answers


def connect(path: Path, request: Params) -> socket.socket:
    """A socket that does not block, on which ``request`` was sent; raises OSError, UnicodeEncodeError."""
    line = msgspec.json.encode(request) + b"\n"
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        peer.setblocking(False)
        peer.connect(str(path))
        peer.send(line)
    except OSError:
        peer.close()
        raise
    return peer


def receive(peer: socket.socket, received: bytearray) -> bool:
    """Take what has come; True when the answer is whole or will never be."""
    try:
        piece = peer.recv(PIECE)
    except BlockingIOError:
        return False
    except OSError:
        return True
    received += piece
    return not piece or received.endswith(b"\n")


def parse(line: bytes | bytearray) -> object:
    """The answer that was received; in its place may be a ``ControlError``, or ``Silent``, if it is none."""
    try:
        reply = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Silent("hung up before it answered")
    if "error" in reply:
        return ControlError(str(reply["error"]))
    return reply.get("ok")
