"""Whether the way to an address was there: asked of the kernel when a transfer has failed, and only then.

A device without its link swallows what is sent, and no error says so: to the transfer it looks like a site
that does not answer. The kernel knows better: which device leads to the address (rtnetlink(7)), whether that
has its link, whether the gateway behind it answers; and it tells of every change of a link. What lies beyond
the gateway can not be known from here.
"""

from __future__ import annotations

import errno
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import ip_address

from fetchers.families import ANYBODY_6
from fetchers.public import Address
from pagestatus.clock import monotonic_us
from pagestatus.loop import READ, Loop

# linux/netlink.h, linux/rtnetlink.h, linux/if_link.h, linux/neighbour.h
_ERROR, _NEWLINK, _DELLINK, _GETLINK = 2, 16, 17, 18
_NEWROUTE, _GETROUTE, _NEWNEIGH, _GETNEIGH = 24, 26, 28, 30
_REQUEST, _ALL = 1, 0x300
# Questions are numbered, in 32 bits.
_MOST_ASKED = (1 << 32) - 1
_GROUP_LINK = 1
_DESTINATION, _DEVICE, _GATEWAY = 1, 4, 5
# How often a device has lost its carrier, since it was made; several changes may be told as one.
_LOSSES = 48
# IFF_UP and IFF_LOWER_UP: switched on, and with a carrier.
_HAS_LINK = 1 | 1 << 16
# Asked for its address again and again, in vain: NUD_INCOMPLETE, NUD_PROBE, NUD_FAILED.
_SILENT = 0x01 | 0x10 | 0x20
_NO_WAY = frozenset({errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EACCES})

# After a link is back its neighbours are asked for their addresses anew, three times in as many seconds
# (arp(7)), before what went on asking meanwhile is told that they can not be reached.
SETTLES_US = 4_000_000

# Devices that come and go (of containers) are new ones each time.
MOST_BAD = 1000

_ANY_PORT = 9

# Addresses that only a way to everybody leads to.
_ANYBODY = ("1.0.0.1", ANYBODY_6)

_HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_ROUTE = struct.Struct("=8BI")
# Of a route: its type, and that of addresses of this machine (RTN_LOCAL).
_TYPE, _LOCAL = 7, 2
_LINK = struct.Struct("=BxHiII")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")

# The kind of a message, and what follows its header.
Told = tuple[int, bytes]
# Of a way: a device, by its number, or a gateway, by its packed address.
Part = int | bytes | None


class Ways:
    """Our own end of the way to wherever transfers go."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        # When a device was last seen without its link, and a gateway silent.
        self._bad_us: dict[Part, int] = {}
        self._asking = _kernel(0)
        self._asked = 0
        self._news = _kernel(_GROUP_LINK)
        if self._news is not None:
            loop.watch(self._news.fileno(), READ, self._on_news)
        # Devices that are known to have their link, and how often they lost it. Asked for after the news:
        # what changes meanwhile is told.
        self._linked = dict(self._with_link())

    def lost(self, address: str, since_us: int) -> bool:
        """Whether there is no way to ``address``, or was none at some time since then (``monotonic_us``)."""
        way_to = ip_address(address)
        kind, body = self._route(way_to)
        if kind == _ERROR:
            return -struct.unpack_from("=i", body)[0] in _NO_WAY
        if kind != _NEWROUTE:
            return False
        found = dict(_attributes(body[_ROUTE.size :]))
        (device,) = struct.unpack("=i", found.get(_DEVICE, bytes(4)))
        if not self._has_link(device):
            self._note(device)
        gateway = found.get(_GATEWAY)
        if gateway is not None and self._is_silent(_family(way_to), device, gateway):
            self._note(gateway)
        return any(self._bad_us.get(part, -SETTLES_US) > since_us - SETTLES_US for part in (device, gateway))

    def is_here(self, address: Address) -> bool:
        """Whether ``address`` is one of this machine's own."""
        kind, body = self._route(address)
        if kind == _NEWROUTE:
            return bool(_ROUTE.unpack_from(body)[_TYPE] == _LOCAL)
        return kind != _ERROR and _is_our_end(address)

    def all_lost(self, since_us: int) -> bool:
        """The same of every way out of here: a name server on this machine finds out nothing then."""
        return all(self.lost(address, since_us) for address in _ANYBODY)

    def close(self) -> None:
        """Ask no more."""
        if self._news is not None:
            self._loop.unwatch(self._news.fileno())
            self._news.close()
        if self._asking is not None:
            self._asking.close()

    def _route(self, address: Address) -> Told:
        asked = _ROUTE.pack(_family(address), address.max_prefixlen, *[0] * 7)
        return self._ask(_GETROUTE, asked + _attribute(_DESTINATION, address.packed))

    def _has_link(self, device: int) -> bool:
        kind, body = self._ask(_GETLINK, _LINK.pack(0, 0, device, 0, 0))
        return kind != _NEWLINK or _link(body)[1] is not None

    def _with_link(self) -> Iterator[tuple[int, int]]:
        """All devices that have their link now."""
        for kind, told in self._answers(_GETLINK, _LINK.pack(0, 0, 0, 0, 0), _REQUEST | _ALL):
            if kind != _NEWLINK:
                return
            device, losses = _link(told)
            if losses is not None:
                yield device, losses

    def _is_silent(self, family: int, device: int, gateway: bytes) -> bool:
        asked = _NEIGHBOUR.pack(family, device, 0, 0, 0) + _attribute(_DESTINATION, gateway)
        kind, body = self._ask(_GETNEIGH, asked)
        return kind == _NEWNEIGH and bool(_NEIGHBOUR.unpack_from(body)[2] & _SILENT)

    def _ask(self, kind: int, body: bytes) -> Told:
        """The kernel's answer; an empty one where it can not be asked."""
        return next(self._answers(kind, body), (0, b""))

    def _answers(self, kind: int, body: bytes, flags: int = _REQUEST) -> Iterator[Told]:
        """What the kernel answers, which is there at once."""
        if self._asking is None:
            return
        self._asked = number = self._asked % _MOST_ASKED + 1
        try:
            self._asking.send(_HEADER.pack(_HEADER.size + len(body), kind, flags, number, 0) + body)
            while True:
                # What is left of an earlier answer has another number.
                piece = self._asking.recv(1 << 16)
                yield from ((kind, told) for kind, asked, told in _messages(piece) if asked == number)
        except OSError:
            return

    def _on_news(self, _fd: int, _events: int) -> None:
        try:
            news = self._news.recv(1 << 16) if self._news is not None else b""
        except OSError:
            # More than fits: what was lost is a link that comes and goes, and will again.
            return
        for kind, _asked, body in _messages(news):
            if kind in {_NEWLINK, _DELLINK}:
                device, losses = _link(body)
                self._hear(device, losses if kind == _NEWLINK else None)

    def _hear(self, device: int, losses: int | None) -> None:
        # One that has its link again was without until now; so, for all we know, was a new one.
        if losses is None or self._linked.get(device) != losses:
            self._note(device)
        if losses is not None:
            self._linked[device] = losses
        else:
            self._linked.pop(device, None)

    def _note(self, part: Part) -> None:
        # The latest last.
        self._bad_us.pop(part, None)
        self._bad_us[part] = monotonic_us()
        if len(self._bad_us) > MOST_BAD:
            del self._bad_us[next(iter(self._bad_us))]


def _is_our_end(address: Address) -> bool:
    """The same where tables can not be asked: who talks to our address talks from there. Sends nothing."""
    with suppress(OSError), socket.socket(_family(address), socket.SOCK_DGRAM) as probe:
        probe.connect((str(address), _ANY_PORT))
        return ip_address(probe.getsockname()[0]) == address
    return False


def _family(address: Address) -> int:
    return socket.AF_INET if address.version == 4 else socket.AF_INET6


def _kernel(groups: int) -> socket.socket | None:
    """A socket to the kernel's tables, told of ``groups``; None where we may not have one."""
    try:
        opened = socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
        )
        opened.bind((0, groups))
    except OSError:
        return None
    return opened


def _link(body: bytes) -> tuple[int, int | None]:
    """A device and how often it has lost its link; None: it has none now."""
    _family, _type, device, flags, _change = _LINK.unpack_from(body)
    if flags & _HAS_LINK != _HAS_LINK:
        return device, None
    # Linux before 4.16 does not count.
    losses = dict(_attributes(body[_LINK.size :])).get(_LOSSES, bytes(4))
    return device, int(struct.unpack("=I", losses)[0])


def _attribute(kind: int, value: bytes) -> bytes:
    return _ATTRIBUTE.pack(_ATTRIBUTE.size + len(value), kind) + value


def _attributes(packed: bytes) -> Iterator[Told]:
    while len(packed) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(packed)
        yield kind, packed[_ATTRIBUTE.size : length]
        # Each begins at a multiple of four.
        packed = packed[max(length + 3 & ~3, _ATTRIBUTE.size) :]


def _messages(packed: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Each with its kind and the number of the question that it answers."""
    while len(packed) >= _HEADER.size:
        length, kind, _flags, number, _port = _HEADER.unpack_from(packed)
        yield kind, number, packed[_HEADER.size : length]
        packed = packed[max(length + 3 & ~3, _HEADER.size) :]
