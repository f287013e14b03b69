"""A name server on loopback, in a thread, that says what a test wants and counts what it is asked."""

from __future__ import annotations

import socket
import struct
from collections import Counter
from ipaddress import ip_address
from typing import NamedTuple

from threaded import Threaded

A = 1
SOA = 6
AAAA = 28
NO_ERROR = 0
SERVER_FAILURE = 2
NO_SUCH_NAME = 3
REFUSED = 5

_RESPONSE = 0x8180
# A pointer to the question's name (RFC 1035 section 4.1.4), and class IN.
_SAME_NAME = b"\xc0\x0c"
_IN = 1


class Zone(NamedTuple):
    """What is said of one name."""

    addresses: tuple[str, ...] = ()
    ttl: int = 60
    code: int = NO_ERROR
    silent: bool = False
    # How long it holds that there is none, as the SOA says; 0: there is no SOA.
    negative_ttl: int = 0


class NameServer(Threaded):
    """Knows ``zones``; of every other name it says that there is none."""

    def __init__(self, zones: dict[str, Zone]) -> None:
        self.zones = zones
        # Of all names that are none of ours.
        self.others = Zone(code=NO_SUCH_NAME)
        # How often each name was asked for, A and AAAA together.
        self.asked: Counter[str] = Counter()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        super().__init__(self._serve)

    @property
    def address(self) -> str:
        """As it stands in ``check.name_servers``."""
        return f"127.0.0.1:{self._socket.getsockname()[1]}"

    def end(self) -> None:
        # An empty datagram ends the thread.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())

    def close(self) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            datagram, peer = self._socket.recvfrom(4096)
            if not datagram:
                return
            answer = self._answer(datagram)
            if answer is not None:
                self._socket.sendto(answer, peer)

    def _answer(self, datagram: bytes) -> bytes | None:
        name, end = _name(datagram, 12)
        (kind,) = struct.unpack_from("!H", datagram, end)
        # In this order: who has seen that it was asked may change the answer to what is asked next.
        zone = self.zones.get(name, self.others)
        self.asked[name] += 1
        if zone.silent:
            return None
        packed = [ip_address(address).packed for address in zone.addresses]
        found = [raw for raw in packed if len(raw) == (4 if kind == A else 16)]
        authority = _soa(zone.negative_ttl) if zone.negative_ttl and not found else b""
        counts = (1, len(found), int(bool(authority)), 0)
        header = datagram[:2] + struct.pack("!HHHHH", _RESPONSE | zone.code, *counts)
        records = [_SAME_NAME + struct.pack("!HHIH", kind, _IN, zone.ttl, len(raw)) + raw for raw in found]
        return header + datagram[12 : end + 4] + b"".join(records) + authority


def _soa(minimum: int) -> bytes:
    """RFC 1035 section 3.3.13, and RFC 2308 for what the last number means."""
    data = b"\0\0" + struct.pack("!5I", 1, 3600, 3600, 3600, minimum)
    return _SAME_NAME + struct.pack("!HHIH", SOA, _IN, minimum, len(data)) + data


def _name(datagram: bytes, at: int) -> tuple[str, int]:
    labels = []
    while length := datagram[at]:
        labels.append(datagram[at + 1 : at + 1 + length].decode("ascii"))
        at += 1 + length
    return ".".join(labels).lower(), at + 1
