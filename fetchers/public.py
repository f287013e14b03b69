"""Which addresses a download may be fetched from: public ones; and why another may not.

Whoever asks for a download may not be the operator, and this machine may reach what they can not: itself, its
neighbours, the servers that tell a machine in a cloud its secrets. So an address is judged by the registries
of special addresses (IANA, RFC 6890), and an IPv4 address inside an IPv6 one is judged as what it is; which
addresses are this machine's own, the kernel knows.

Pure. Not ``ipaddress.is_global``: it lets NAT64, 6to4 and multicast pass, and changes with the version.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
IsHere = Callable[[Address], bool]

# Never, not even when private addresses are allowed: no server of files has one of these.
_METADATA = {
    IPv4Address("169.254.169.254"),
    # Of Amazon: tasks in containers, DNS and time; of Alibaba, of Oracle; of Azure, which is no private one.
    IPv4Address("169.254.170.2"),
    IPv4Address("169.254.170.23"),
    IPv4Address("169.254.169.253"),
    IPv4Address("169.254.169.123"),
    IPv4Address("100.100.100.200"),
    IPv4Address("192.0.0.192"),
    IPv4Address("168.63.129.16"),
    IPv6Address("fd00:ec2::254"),
    IPv6Address("fd00:ec2::253"),
    IPv6Address("fd00:ec2::123"),
    IPv6Address("fd00:ec2::23"),
    # Of Google, and of Oracle.
    IPv6Address("fd20:ce::254"),
    IPv6Address("fd00:c1::a9fe:a9fe"),
}
_NEVER4 = (
    (IPv4Network("0.0.0.0/8"), "unspecified"),
    (IPv4Network("224.0.0.0/4"), "multicast"),
    (IPv4Network("240.0.0.0/4"), "reserved"),
)
_PRIVATE4 = (
    (IPv4Network("127.0.0.0/8"), "loopback"),
    (IPv4Network("10.0.0.0/8"), "private"),
    (IPv4Network("172.16.0.0/12"), "private"),
    (IPv4Network("192.168.0.0/16"), "private"),
    (IPv4Network("169.254.0.0/16"), "link-local"),
    (IPv4Network("100.64.0.0/10"), "carrier-grade NAT"),
    (IPv4Network("192.0.0.0/24"), "special-purpose"),
    (IPv4Network("192.0.2.0/24"), "documentation"),
    (IPv4Network("198.51.100.0/24"), "documentation"),
    (IPv4Network("203.0.113.0/24"), "documentation"),
    (IPv4Network("192.88.99.0/24"), "6to4 relay"),
    (IPv4Network("198.18.0.0/15"), "benchmarking"),
)
_NEVER6 = (
    (IPv6Network("::/128"), "unspecified"),
    (IPv6Network("ff00::/8"), "multicast"),
)
_PRIVATE6 = (
    (IPv6Network("::1/128"), "loopback"),
    (IPv6Network("fc00::/7"), "private"),
    (IPv6Network("fe80::/10"), "link-local"),
    (IPv6Network("fec0::/10"), "site-local"),
    # Where in it the IPv4 address stands is known to that network alone (RFC 8215).
    (IPv6Network("64:ff9b:1::/48"), "local NAT64"),
    # What a Teredo address holds is where its relays send to (RFC 4380): neither is a server.
    (IPv6Network("2001::/32"), "Teredo"),
    (IPv6Network("2001::/23"), "special-purpose"),
    (IPv6Network("2001:db8::/32"), "documentation"),
    (IPv6Network("3fff::/20"), "documentation"),
)
# All that is handed out for the public (RFC 4291 section 2.4); the rest is reserved.
_GLOBAL6 = IPv6Network("2000::/3")
# (network, bits right of the IPv4 address in it): mapped and compatible (RFC 4291), translated (RFC 2765),
# NAT64 (RFC 6052), 6to4 (RFC 3056). In ::/96 the first two are no IPv4 addresses.
_MAPPED = (
    (IPv6Network("::ffff:0:0/96"), 0),
    (IPv6Network("::ffff:0:0:0/96"), 0),
    (IPv6Network("64:ff9b::/96"), 0),
    (IPv6Network("2002::/16"), 80),
    (IPv6Network("::/96"), 0),
)
_NO_IPV4 = {IPv6Address("::"), IPv6Address("::1")}


def why_refused(address: str, is_here: IsHere, *, name: str = "", allow_private: bool = False) -> str:
    """Why nothing is fetched from ``address``, in words; empty: it may be.

    ``is_here`` tells whether an address is one of this machine's own, public or not. ``name`` is what
    the address was looked up for; empty: it stands in the URL itself. With ``allow_private`` only metadata
    servers, multicast and what can be nobody's address are refused.
    """
    why = _why(address, is_here, allow_private=allow_private)
    # Strangers read it, and are not to learn where the names of a private network lead.
    return f"the address of {name} is not public" if why and name else why


def unmapped(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, else the address itself."""
    if isinstance(address, IPv6Address) and address not in _NO_IPV4:
        for network, shift in _MAPPED:
            if address in network:
                return IPv4Address(int(address) >> shift & 0xFFFF_FFFF)
    return address


def _why(address: str, is_here: IsHere, *, allow_private: bool) -> str:
    try:
        given = ip_address(address.partition("%")[0])
    except ValueError:
        return f"{address} is not an address"
    kind = _kind(given, is_here, allow_private=allow_private)
    return f"the address {address} is not public ({kind})" if kind else ""


def _kind(given: Address, is_here: IsHere, *, allow_private: bool) -> str:
    meant = unmapped(given)
    if never := _never(given) or _never(meant):
        return never
    if private := _private(meant):
        return "" if allow_private else private
    if not allow_private and any(map(is_here, {given, meant})):
        return "this machine's own"
    return "reserved" if isinstance(meant, IPv6Address) and meant not in _GLOBAL6 else ""


def _never(address: Address) -> str:
    if address in _METADATA:
        return "metadata"
    return _kind4(address, _NEVER4) if isinstance(address, IPv4Address) else _kind6(address, _NEVER6)


def _private(address: Address) -> str:
    return _kind4(address, _PRIVATE4) if isinstance(address, IPv4Address) else _kind6(address, _PRIVATE6)


def _kind4(address: IPv4Address, kinds: Iterable[tuple[IPv4Network, str]]) -> str:
    return next((kind for network, kind in kinds if address in network), "")


def _kind6(address: IPv6Address, kinds: Iterable[tuple[IPv6Network, str]]) -> str:
    return next((kind for network, kind in kinds if address in network), "")
