"""Which families of addresses are worth asking for: a question costs as much as a quarter of a check."""

from __future__ import annotations

import socket

# Of the global unicast addresses (RFC 4291 section 2.4).
ANYBODY_6 = "2000::1"

Families = tuple[socket.AddressFamily, ...]

# Each again by itself where there seem to be none: c-ares says that also if it could not find out about one
# of the two.
BOTH: Families = (socket.AF_UNSPEC, socket.AF_INET, socket.AF_INET6)
# Without a route to the IPv6 internet its addresses are asked for only where there are no others.
IPV4_FIRST: Families = (socket.AF_INET, socket.AF_INET6)


def families() -> Families:
    """What to ask for, one after the other until there is an address."""
    return BOTH if has_ipv6() else IPV4_FIRST


def has_ipv6() -> bool:
    """Whether there is a route to the IPv6 internet. Nothing is sent: connecting only looks for one."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.connect((ANYBODY_6, 53))
    except OSError:
        return False
    return True
