"""A name server that answers late, wrongly, or with what nobody asked for."""

from __future__ import annotations

import struct
import threading
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

from name_server import NameServer, Zone

# What is sent for a datagram, in place of the right answer to it (None: that it has none).
Wrong = Callable[[bytes, bytes | None], Iterable[bytes]]


class CrookedNameServer(NameServer):
    """Knows ``zones``, and does to the answers about some names what ``wrong`` and ``late_s`` say."""

    def __init__(self, zones: dict[str, Zone]) -> None:
        super().__init__(zones)
        # By name, or by what follows its first dot.
        self.wrong: dict[str, Wrong] = {}
        self.late_s: dict[str, float] = {}
        # It hears everything, and says nothing at all.
        self.silent = False
        self._timers: set[threading.Timer] = set()

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for timer in self._timers:
            timer.cancel()
            timer.join()
        super().__exit__(kind, value, trace)

    def _serve(self) -> None:
        while True:
            datagram, peer = self._socket.recvfrom(4096)
            if not datagram:
                return
            right = self._answer(datagram)
            name = asked_name(datagram)
            parent = name.partition(".")[2]
            wrong = self.wrong.get(name) or self.wrong.get(parent)
            answers = list(wrong(datagram, right)) if wrong else [right] if right else []
            if not self.silent:
                self._send(answers, peer, self.late_s.get(name, 0.0))

    def _send(self, answers: Iterable[bytes], peer: Any, late_s: float) -> None:  # noqa: ANN401 - of recvfrom
        for answer in answers:
            if late_s:
                timer = threading.Timer(late_s, self._socket.sendto, (answer, peer))
                self._timers = {timer, *(timer for timer in self._timers if timer.is_alive())}
                timer.start()
            else:
                self._socket.sendto(answer, peer)


def asked_name(datagram: bytes) -> str:
    """The name in the question."""
    labels, at = [], 12
    while length := datagram[at]:
        labels.append(datagram[at + 1 : at + 1 + length].decode("ascii").lower())
        at += 1 + length
    return ".".join(labels)


# --- wrong answers ----------------------------------------------------------------------------------------


def nothing(_asked: bytes, _right: bytes | None) -> Iterable[bytes]:
    """Silence."""
    return []


def garbage(_asked: bytes, _right: bytes | None) -> Iterable[bytes]:
    """Bytes that are no message at all."""
    return [b"\xff" * 40]


def cut_short(_asked: bytes, right: bytes | None) -> Iterable[bytes]:
    """The right answer without its last bytes."""
    return [right[:-3]] if right else []


def of_another_question(_asked: bytes, right: bytes | None) -> Iterable[bytes]:
    """The right address for a name that nobody asked for (the first letter of the name is another)."""
    return [] if right is None else [right[:13] + b"#" + right[14:]]


def with_another_id(_asked: bytes, right: bytes | None) -> Iterable[bytes]:
    """Somebody else's answer, as far as can be seen: one that was guessed."""
    if right is None:
        return []
    (number,) = struct.unpack_from("!H", right)
    return [struct.pack("!H", number ^ 1) + right[2:]]
