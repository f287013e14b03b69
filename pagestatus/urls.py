"""URLs as they are given and as they go over the wire.

What a person writes may hold an internationalised name, letters outside ASCII or a space; what is sent may
not. Host names are processed as browsers do it (UTS #46, non-transitional); only http and https are known;
a URL never carries a user name.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import AddressValueError, IPv4Address, IPv6Address, ip_address
from typing import NamedTuple
from urllib.parse import quote

import idna

# In bytes of UTF-8, as given.
LONGEST_URL = 8 << 10
# What is remembered of longer ones would be half a gigabyte, and they come from strangers.
LONGEST_KEPT = 512
PORTS = {"http": 80, "https": 443}

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
# The common form, which needs no work: in lower case, in ASCII, with a plain name or an IPv4 address.
_PLAIN = re.compile(
    r"(https?)://(((?:" + _OCTET + r"\.){3}" + _OCTET + r")|(?:[a-z0-9_-]{1,63}\.)*[a-z_][a-z0-9_-]{0,62})"
    r"(?::([1-9][0-9]{0,3}|[1-5][0-9]{4}))?/[!$%&-;=?-Z_a-z~]*"
)
_SPLIT = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):(//([^/?#\\]*))?([^#]*)", re.DOTALL)
# Also halves of characters (surrogates), which JSON can spell and UTF-8 can not.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_LONGEST_LABEL = 63
_LABEL = re.compile(r"[a-z0-9_-]{1,63}")
_DEFAULT_PORTS = {"http:": ":80", "https:": ":443"}
_AUTHORITY_ENDS = re.compile(r"[/?#]")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# RFC 6454 section 6.2; browsers' own pages and extensions have schemes of their own.
_ORIGIN = re.compile(r"([a-z][a-z0-9+.-]*)://[^/?#@\\\s]+")
_LONGEST_NAME = 253
# All that RFC 3986 lets stand as it is, and "%": what is encoded already stays so.
_AS_IT_IS = "%/?:@!$&'()*+,;=-._~[]|"


class BadUrl(ValueError):
    """This cannot be fetched; the message is one line for whoever wrote the URL."""


class WireUrl(NamedTuple):
    """A URL in ASCII, and where it leads."""

    url: str
    # In lower case; an IPv6 address without its brackets.
    host: str
    port: int
    # ``host`` is an address: there is nothing to resolve.
    is_address: bool

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what credentials are for (RFC 6454 section 4)."""
        return self.url.partition(":")[0], self.host, self.port


def wire_url(url: str) -> WireUrl:
    """``url`` as it goes over the wire; raises BadUrl. The fragment is left out."""
    plain = _PLAIN.fullmatch(url)
    if plain is not None and len(url) <= _LONGEST_NAME:
        scheme, host, address, port = plain.groups()
        return WireUrl(url, host, int(port) if port else PORTS[scheme], address is not None)
    return _kept(url) if len(url) <= LONGEST_KEPT else _worked_out(url)


# The common form above is found faster than it is looked up; this takes ten times as long.
@lru_cache(maxsize=16_384)
def _kept(url: str) -> WireUrl:
    return _worked_out(url)


def _worked_out(url: str) -> WireUrl:
    _check_characters(url)
    scheme, authority, rest = _split(url)
    given_host, given_port = _host_and_port(authority)
    host, is_address = _host(given_host)
    port = _port(given_port) if given_port else PORTS[scheme]
    where = f"[{host}]" if ":" in host else host
    if port != PORTS[scheme]:
        where = f"{where}:{port}"
    # What may not stand in a request is percent-encoded as UTF-8, as browsers send it.
    path = quote(rest if rest.startswith("/") else f"/{rest}", safe=_AS_IT_IS)
    return WireUrl(f"{scheme}://{where}{path}", host, port, is_address)


def origin_of(text: str) -> str:
    """The origin ``text`` ("https://host:port") as browsers send it; raises BadUrl (RFC 6454 section 6.1).

    In lower case, the host in ASCII, without the port that goes without saying and without a final slash.
    """
    text = text.lower().removesuffix("/")
    found = _ORIGIN.fullmatch(text)
    if found is None or _CONTROL.search(text):
        # Not quoted: what stands there may be a password.
        raise BadUrl("expected an origin, such as https://example.com or http://localhost:3000")
    return wire_url(text).url.removesuffix("/") if found[1] in PORTS else text


def is_loopback(host: str) -> bool:
    """Whether ``host`` is this machine alone: localhost, 127.0.0.0/8, ::1 (without brackets)."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _check_characters(url: str) -> None:
    if len(url) > LONGEST_URL or len(url.encode("utf-8", "surrogatepass")) > LONGEST_URL:
        raise BadUrl(f"the URL is longer than {LONGEST_URL} bytes")
    if control := _CONTROL.search(url):
        raise BadUrl(f"the URL has a control character at position {control.start()}")
    if url != url.strip():
        raise BadUrl("the URL begins or ends with a space")


def _split(url: str) -> tuple[str, str, str]:
    """Scheme, authority and the rest without its fragment."""
    parts = _SPLIT.match(url)
    if parts is None:
        raise BadUrl("the URL has no scheme, expected http:// or https://")
    scheme = parts[1].lower()
    if scheme not in PORTS:
        # Without "//" the name before the colon is rather a host: "localhost:8080".
        what = f"the scheme {scheme!r} is not known" if parts[2] else "the URL has no scheme"
        raise BadUrl(f"{what}, expected http:// or https://")
    if not parts[3]:
        raise BadUrl("the URL has no host")
    return scheme, parts[3], parts[4]


def _host_and_port(authority: str) -> tuple[str, str]:
    if "@" in authority:
        # Not quoted: what stands there may be a password.
        raise BadUrl("the URL has a user name")
    if authority.startswith("["):
        host, bracket, after = authority.partition("]")
        if not bracket or (after and not after.startswith(":")):
            raise BadUrl(f"the host {authority!r} is not an IPv6 address")
        return host + bracket, after[1:]
    host, _, port = authority.partition(":")
    return host, port


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65_535):
        raise BadUrl(f"the port {text!r} is not a number from 1 to 65535")
    return int(text)


def _host(host: str) -> tuple[str, bool]:
    """The host in ASCII, and whether it is an address; else it is a name that a resolver can be asked for."""
    if host.startswith("["):
        return _address6(host[1:-1]), True
    try:
        name = (
            host.lower() if host.isascii() else idna.uts46_remap(host, std3_rules=False, transitional=False)
        )
        labels = [_a_label(label) for label in name.removesuffix(".").split(".")]
    except (idna.IDNAError, UnicodeError, ValueError) as mistake:
        raise BadUrl(f"the host {host!r} is not a name: {mistake}") from mistake
    name = ".".join(labels) + ("." if name.endswith(".") else "")
    if len(name.removesuffix(".")) > _LONGEST_NAME:
        raise BadUrl(f"the host is longer than {_LONGEST_NAME} characters")
    return (_address4(name), True) if _NUMBER.fullmatch(labels[-1]) else (name, False)


def _a_label(label: str) -> str:
    """One label in ASCII. Wider than IDNA 2008, as browsers are: "i♥" is registered and answers."""
    # One that is too long is none: encoding takes time with the square of its length, and makes none shorter.
    if len(label) <= _LONGEST_LABEL and not label.isascii():
        idna.check_nfc(label)
        idna.check_initial_combiner(label)
        idna.check_bidi(label)
        label = "xn--" + label.encode("punycode").decode("ascii")
    if not _LABEL.fullmatch(label):
        raise ValueError(f"{label!r} is not a label" if label else "it has an empty label")
    return label


def _address4(name: str) -> str:
    """Names that end in a number are addresses (URL standard, "ends in a number"); only a.b.c.d is taken."""
    try:
        return str(IPv4Address(name.removesuffix(".")))
    except AddressValueError as mistake:
        raise BadUrl(f"the host {name!r} is not an IPv4 address: {mistake}") from mistake


def _address6(text: str) -> str:
    try:
        address = IPv6Address(text)
    except AddressValueError as mistake:
        raise BadUrl(f"the host [{text}] is not an IPv6 address") from mistake
    if address.scope_id is not None:
        raise BadUrl(f"the host [{text}] names an interface, which means nothing to others")
    return str(address)


def host_of(url: str) -> str:
    """Scheme, host and port in lower case, without a port that the scheme implies."""
    end = _AUTHORITY_ENDS.search(url, 8)
    host = (url if end is None else url[: end.start()]).lower()
    return host.removesuffix(_DEFAULT_PORTS[host.partition("/")[0]])
