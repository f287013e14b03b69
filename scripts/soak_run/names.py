"""The name server: it knows the soak's names, and says of them what it is told to; a process of its own.

It obeys the words that come on its standard input, as the witness does. Its answers are not to be kept (their
time to live is 0), so that every check asks.
"""

from __future__ import annotations

import asyncio
import signal
import struct
import sys
from collections.abc import Callable, Mapping
from itertools import count
from types import MappingProxyType
from typing import Any, NamedTuple, cast

from scripts.bench_run.name_server import KNOWN, SILENT
from scripts.bench_run.site import address
from scripts.soak_run.servant import ANSWERING, obey

# Shorter than any time-out of ours.
LATE_S = 0.5
# So far away is the other address of a host.
ELSEWHERE = 1 << 20

_HEADER = struct.Struct("!6H")
# It is a response, recursion was wanted and is to be had (RFC 1035 section 4.1.1).
_RESPONSE = 0x8180
_SERVER_FAILURE, _NO_SUCH_NAME, _REFUSED = 2, 3, 5
_A, _IN = 1, 1
# A pointer to the question's name.
_SAME_NAME = b"\xc0\x0c"

_turns = count()


def said(asked: bytes, *, shift: int = 0) -> bytes | None:
    """The right answer, or the one with another address; None: there is none."""
    name, question = _question(asked)
    if name.endswith(f".{SILENT}"):
        return None
    label, _, parent = name.partition(".")
    if parent != KNOWN:
        return refused(asked, _NO_SUCH_NAME)
    (kind,) = struct.unpack_from("!H", question, len(question) - 4)
    # What has no address of that family is there all the same.
    found = [address(int(label[1:]) + shift)] if kind == _A else []
    records = (_SAME_NAME + struct.pack("!HHIH", _A, _IN, 0, 4) + _packed(one) for one in found)
    return _head(asked, 0, len(found)) + question + b"".join(records)


def refused(asked: bytes, code: int) -> bytes:
    """That there is no answer, and why."""
    return _head(asked, code, 0) + _question(asked)[1]


def _elsewhere_next(asked: bytes) -> bytes | None:
    return said(asked, shift=ELSEWHERE * (next(_turns) % 2))


def _cut_short(asked: bytes) -> bytes | None:
    right = said(asked)
    return right and right[:-3]


def _guessed(asked: bytes) -> bytes | None:
    """Somebody else's answer, as far as can be seen."""
    right = said(asked)
    return right and bytes([right[0] ^ 1]) + right[1:]


class Manner(NamedTuple):
    """One way to answer."""

    answer: Callable[[bytes], bytes | None]
    # What a check says of it; "": that all is well.
    reason: str = ""
    waits_s: float = 0.0


# Answers that can not be read are told of the name, as a failure is; all else is our own trouble.
MANNERS: Mapping[str, Manner] = MappingProxyType(
    {
        ANSWERING: Manner(said),
        "late": Manner(said, waits_s=LATE_S),
        "changing": Manner(_elsewhere_next),
        "silent": Manner(lambda _asked: None, "name_server"),
        "refusing": Manner(lambda asked: refused(asked, _REFUSED), "name_server"),
        "guessing": Manner(_guessed, "name_server"),
        "failing": Manner(lambda asked: refused(asked, _SERVER_FAILURE), "dns"),
        "talking nonsense": Manner(lambda _asked: b"\xff" * 40, "dns"),
        "cut short": Manner(_cut_short, "dns"),
    }
)


class NameServer(asyncio.DatagramProtocol):
    """Its manner."""

    def __init__(self) -> None:
        self._manner = ANSWERING

    def obey(self) -> None:
        """Read the next words."""
        obey(lambda name: setattr(self, "_manner", name))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:  # noqa: ANN401 - the base class's
        manner = MANNERS[self._manner]
        if (answer := manner.answer(data)) is not None:
            asyncio.get_running_loop().call_later(manner.waits_s, self._transport.sendto, answer, addr)


def _head(asked: bytes, code: int, answers: int) -> bytes:
    return asked[:2] + _HEADER.pack(0, _RESPONSE | code, 1, answers, 0, 0)[2:]


def _question(asked: bytes) -> tuple[str, bytes]:
    """The name in it, and all of it."""
    labels, at = [], _HEADER.size
    while length := asked[at]:
        labels.append(asked[at + 1 : at + 1 + length].decode("ascii", "replace").lower())
        at += 1 + length
    return ".".join(labels), asked[_HEADER.size : at + 5]


def _packed(found: str) -> bytes:
    return bytes(map(int, found.split(".")))


async def serve(port: int) -> None:
    loop = asyncio.get_running_loop()
    _transport, server = await loop.create_datagram_endpoint(NameServer, ("127.0.0.1", port))
    loop.add_reader(0, server.obey)
    print("ready", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    asyncio.run(serve(int(sys.argv[1])))
