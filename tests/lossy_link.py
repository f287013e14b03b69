"""A link that delays and loses frames, where the kernel has no netem: a thread between two devices."""

from __future__ import annotations

import ctypes
import fcntl
import heapq
import itertools
import select
import socket
import struct
import time
from contextlib import suppress
from random import Random

from namespaces import Namespace
from threaded import Threaded

_ANY = 3  # ETH_P_ALL
_OUTGOING = 4  # PACKET_OUTGOING
_SIOCETHTOOL = 0x8946
# ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO: what is left to the device, which is none.
_OFFLOADS = (0x17, 0x1F, 0x24, 0x2C)


class LossyLink(Threaded):
    """Carries frames between ``one`` and ``other``, both in ``namespace``, as they come; or later, or not."""

    def __init__(self, namespace: Namespace, one: str, other: str, seed: int = 1) -> None:
        self.delay_s = 0.0
        self.loss = 0.0
        self.lost = 0
        self._random = Random(seed)  # noqa: S311 - chance, not secrets
        with namespace.entered():
            self._sockets = {device: _opened(device) for device in (one, other)}
        self._across = {
            self._sockets[one].fileno(): self._sockets[other],
            self._sockets[other].fileno(): self._sockets[one],
        }
        self._closing, self._close = socket.socketpair()
        super().__init__(self._carry)

    def end(self) -> None:
        self._close.close()

    def close(self) -> None:
        for opened in (self._closing, *self._sockets.values()):
            opened.close()

    def _carry(self) -> None:
        under_way: list[tuple[float, int, socket.socket, bytes]] = []
        number = itertools.count()
        watched = [self._closing, *self._sockets.values()]
        while True:
            wait_s = max(0.0, under_way[0][0] - time.monotonic()) if under_way else None
            ready, _, _ = select.select(watched, [], [], wait_s)
            if self._closing in ready:
                return
            for device in ready:
                if (frame := self._taken(device)) is not None:
                    due = time.monotonic() + self.delay_s
                    heapq.heappush(under_way, (due, next(number), self._across[device.fileno()], frame))
            while under_way and under_way[0][0] <= time.monotonic():
                _due, _number, onto, frame = heapq.heappop(under_way)
                # A device that is switched off takes nothing.
                with suppress(OSError):
                    onto.send(frame)

    def _taken(self, device: socket.socket) -> bytes | None:
        """The next frame that has come; None: it was ours, or it is lost."""
        try:
            frame, (_name, _protocol, kind, *_rest) = device.recvfrom(1 << 16)
        except OSError:
            # Told once when the device is switched off.
            return None
        if kind == _OUTGOING:
            return None
        if self._random.random() < self.loss:
            self.lost += 1
            return None
        return bytes(frame)


def without_offloads(namespace: Namespace, device: str) -> None:
    """Let the kernel finish each frame itself, with its checksum and no longer than the link takes."""
    with namespace.entered(), socket.socket() as any_socket:
        for command in _OFFLOADS:
            value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
            request = struct.pack("16sP16x", device.encode("ascii"), ctypes.addressof(value))
            fcntl.ioctl(any_socket, _SIOCETHTOOL, request)


def _opened(device: str) -> socket.socket:
    opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_ANY))
    opened.bind((device, 0))
    return opened
