"""Garbage, cut-off and huge frames, floods, and connections that say nothing, at every door that there is."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from random import Random

import zmq

from pagestatus.codec import encode
from pagestatus.messages import Gone
from pagestatus.ports import LARGEST_FRAME

# As many as a control socket lets in, and some more.
IDLE = 80
SEND_S = 2.0
HUGE = 1 << 20
_HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
# A frame of text from a client, with a key of zeros (RFC 6455 section 5.2), of less than 126 bytes.
_TEXT = b"\x81%c\0\0\0\0%b"
# What is asked, or pinged, and whose answers are never read.
_FLOODS = (_TEXT % (0x80 | 18, b'{"action": "list"}') * 1000, b"\x89\x80\0\0\0\0" * 1000)
_FLOODED = 200
_CLIENTS_WORDS = (
    b"{",
    b"[]",
    b'{"url": 7}',
    b'{"action": "pause", "id": "nobody"}',
    b"\xff\xfe",
    b'{"url": "file:///"}',
)


@contextmanager
def on_inboxes(run_dir: Path, random: Random) -> Iterator[None]:
    """To every ZeroMQ socket: frames of garbage, one that none takes, and bytes that are no ZeroMQ."""
    whole = encode([Gone(1, 1)])
    frames = [b"", random.randbytes(100), whole[:-1], random.randbytes(HUGE)]
    with zmq.Context() as context:
        for path in run_dir.glob("*.in"):
            with context.socket(zmq.PUSH) as inbox:
                inbox.set(zmq.LINGER, int(SEND_S * 1000))
                inbox.set(zmq.SNDTIMEO, int(SEND_S * 1000))
                inbox.connect(f"ipc://{path}")
                # It may be that of one that is gone.
                with suppress(zmq.Again):
                    for frame in frames:
                        inbox.send(frame)
                    inbox.send_multipart(frames)
                    inbox.send(bytes(LARGEST_FRAME + 1))
        with _at_unix_sockets(run_dir.glob("*.in"), [random.randbytes(1000)]):
            yield


@contextmanager
def on_controls(run_dir: Path, random: Random) -> Iterator[None]:
    """To every control socket: garbage, a line that is too long, and more idle connections than it takes."""
    words = [random.randbytes(1000) + b"\n", b'{"command":' + b"[" * 1000 + b"\n", b"x" * (HUGE // 8)]
    with _at_unix_sockets(run_dir.glob("*.ctl"), [*words, *([b"{"] * IDLE)]):
        yield


@contextmanager
def on_websocket(port: int, random: Random) -> Iterator[None]:
    """To the websocket: no HTTP, frames of garbage, mistakes, floods, and clients that never read."""
    text = [_TEXT % (0x80 | len(words), words) for words in _CLIENTS_WORDS]
    said = [
        random.randbytes(1000),
        b"GET / HTTP/1.1\r\nHost: evil.test\r\n\r\n",
        b"GET /" + b"x" * HUGE,
        _HANDSHAKE + random.randbytes(1000),
        # It promises more than is let through.
        _HANDSHAKE + b"\x81\xff" + b"\x7f" * 12,
        _HANDSHAKE + b"".join(text),
        *([_HANDSHAKE] * IDLE),
        *([b"GET / HT"] * IDLE),
    ]
    with ExitStack() as open_:
        for words in said:
            # It may hang up at any time.
            with suppress(OSError):
                peer = open_.enter_context(socket.create_connection(("127.0.0.1", port), SEND_S))
                peer.sendall(words)
        for words in _FLOODS:
            with suppress(OSError):
                peer = open_.enter_context(socket.create_connection(("127.0.0.1", port), SEND_S))
                peer.sendall(_HANDSHAKE)
                peer.setblocking(False)
                pour(peer, words, _FLOODED)
        yield


def pour(peer: socket.socket, piece: bytes, most: int) -> None:
    """Send ``piece`` again and again, ``most`` times or until nothing more goes in."""
    with suppress(OSError):
        for _ in range(most):
            if peer.send(piece) < len(piece):
                return


@contextmanager
def _at_unix_sockets(paths: Iterable[Path], said: Sequence[bytes]) -> Iterator[None]:
    """Each of ``said`` on a connection of its own, which stays open for as long as this lasts."""
    with ExitStack() as open_:
        for path in paths:
            for words in said:
                peer = open_.enter_context(socket.socket(socket.AF_UNIX))
                peer.settimeout(SEND_S)
                with suppress(OSError):
                    peer.connect(str(path))
                    peer.sendall(words)
        yield
