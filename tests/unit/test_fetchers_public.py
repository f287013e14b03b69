"""Which addresses are public, by the registries, and after taking off what they are wrapped in."""

from __future__ import annotations

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fetchers.public import unmapped, why_refused

PUBLIC = [
    "1.1.1.1",
    "8.8.8.8",
    "9.255.255.255",
    "11.0.0.0",
    "100.63.255.255",
    "100.128.0.0",
    "126.255.255.255",
    "128.0.0.0",
    "169.253.255.255",
    "169.255.0.0",
    "172.15.255.255",
    "172.32.0.0",
    "192.0.1.0",
    "192.167.255.255",
    "192.169.0.0",
    "198.17.255.255",
    "198.20.0.0",
    "223.255.255.255",
    "2001:200::1",
    "2606:4700::1111",
    "2a00:1450:4001:800::200e",
    "2001:db7:ffff::1",
    "2001:db9::1",
    # What they hold is public.
    "::ffff:8.8.8.8",
    "64:ff9b::8.8.8.8",
    "2002:0808:0808::1",
]
PRIVATE = [
    ("127.0.0.1", "loopback"),
    ("127.255.255.254", "loopback"),
    ("10.0.0.0", "private"),
    ("10.255.255.255", "private"),
    ("172.16.0.1", "private"),
    ("172.31.255.255", "private"),
    ("192.168.0.1", "private"),
    ("192.168.255.255", "private"),
    ("169.254.0.1", "link-local"),
    ("100.64.0.0", "carrier-grade NAT"),
    ("100.127.255.255", "carrier-grade NAT"),
    ("192.0.0.8", "special-purpose"),
    ("192.0.2.1", "documentation"),
    ("198.51.100.1", "documentation"),
    ("203.0.113.1", "documentation"),
    ("192.88.99.1", "6to4 relay"),
    ("198.18.0.1", "benchmarking"),
    ("198.19.255.255", "benchmarking"),
    ("::1", "loopback"),
    ("fc00::1", "private"),
    ("fdff:ffff::1", "private"),
    ("fe80::1", "link-local"),
    ("fe80::1%eth0", "link-local"),
    ("febf::1", "link-local"),
    ("fec0::1", "site-local"),
    ("2001:db8::1", "documentation"),
    ("3fff::1", "documentation"),
    ("2001::1", "Teredo"),
    ("2001:0:808:808:0:0:f7f7:f7f7", "Teredo"),
    ("2001:2::1", "special-purpose"),
    ("2001:20::1", "special-purpose"),
    ("64:ff9b:1::8.8.8.8", "local NAT64"),
    # What they hold is not public.
    ("::ffff:127.0.0.1", "loopback"),
    ("::ffff:10.1.2.3", "private"),
    ("::ffff:0:127.0.0.1", "loopback"),
    ("::127.0.0.1", "loopback"),
    ("64:ff9b::10.0.0.1", "private"),
    ("64:ff9b::7f00:1", "loopback"),
    ("2002:7f00:1::1", "loopback"),
    ("2002:c0a8:101:1::1", "private"),
    ("2002:6440:1::", "carrier-grade NAT"),
]
NEVER = [
    ("0.0.0.0", "unspecified"),  # noqa: S104 - it is to be refused
    ("0.1.2.3", "unspecified"),
    ("::", "unspecified"),
    ("::ffff:0.0.0.0", "unspecified"),
    ("64:ff9b::", "unspecified"),
    ("224.0.0.1", "multicast"),
    ("239.255.255.255", "multicast"),
    ("ff02::1", "multicast"),
    ("ff0e::1", "multicast"),
    ("::ffff:224.0.0.1", "multicast"),
    ("240.0.0.1", "reserved"),
    ("255.255.255.255", "reserved"),
    ("100::1", "reserved"),
    ("5f00::1", "reserved"),
    ("4000::1", "reserved"),
    ("169.254.169.254", "metadata"),
    ("169.254.170.2", "metadata"),
    ("100.100.100.200", "metadata"),
    ("192.0.0.192", "metadata"),
    ("168.63.129.16", "metadata"),
    ("fd00:ec2::254", "metadata"),
    ("fd20:ce::254", "metadata"),
    ("::ffff:169.254.169.254", "metadata"),
    ("64:ff9b::a9fe:a9fe", "metadata"),
    ("2002:a9fe:a9fe::", "metadata"),
]


def judged(address: str, *own: str, name: str = "", allow_private: bool = False) -> str:
    """On a machine with these addresses of its ``own``."""
    return why_refused(address, lambda found: str(found) in own, name=name, allow_private=allow_private)


@pytest.mark.parametrize("address", PUBLIC)
def test_public(address: str) -> None:
    assert judged(address) == ""


@pytest.mark.parametrize(("address", "kind"), PRIVATE)
def test_private_unless_it_is_allowed(address: str, kind: str) -> None:
    assert judged(address) == f"the address {address} is not public ({kind})"
    assert judged(address, allow_private=True) == ""


@pytest.mark.parametrize(("address", "kind"), NEVER)
def test_never(address: str, kind: str) -> None:
    expected = f"the address {address} is not public ({kind})"
    assert judged(address) == judged(address, allow_private=True) == expected


@pytest.mark.parametrize("address", ["10.0.0.1", "::1", "169.254.169.254", "ff02::1", "nonsense"])
def test_where_a_name_leads_is_not_told(address: str) -> None:
    assert judged(address, name="inside.test") == "the address of inside.test is not public"


def test_a_name_may_lead_to_what_is_public() -> None:
    assert judged("8.8.8.8", name="outside.test") == ""
    assert judged("10.0.0.1", name="inside.test", allow_private=True) == ""


@pytest.mark.parametrize("address", ["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"])
def test_public_addresses_of_this_machine_are_not_public(address: str) -> None:
    own = "8.8.8.8"
    assert judged(address, own) == f"the address {address} is not public (this machine's own)"
    assert judged(address, own, name="inside.test") == "the address of inside.test is not public"
    assert judged(address, own, allow_private=True) == judged("8.8.4.4", own) == ""
    assert judged("2a00::1", "2a00::1") != ""


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "::1::", "010.0.0.1"])
def test_what_is_no_address_is_refused(text: str) -> None:
    assert judged(text, allow_private=True) == f"{text} is not an address"


@given(st.integers(0, 2**32 - 1))
def test_wrapping_changes_nothing(number: int) -> None:
    plain = IPv4Address(number)
    wrapped = [
        f"::ffff:{plain}",
        f"64:ff9b::{plain}",
        f"2002:{number >> 16:x}:{number & 0xFFFF:x}::1",
        f"::ffff:0:{plain}",
    ]
    for text in wrapped:
        assert unmapped(ip_address(text)) == plain
        assert bool(judged(text)) == bool(judged(str(plain)))


@given(st.ip_addresses(v=4))
def test_it_is_never_more_lenient_than_the_standard_library(address: IPv4Address) -> None:
    if judged(str(address)) == "":
        assert address.is_global
