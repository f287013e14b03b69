"""Headers that come with a request for a download: what they may be, and which are not for others to set.

Pure. A message never repeats a value, nor a name that is none: either may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from pagestatus.quoting import quoted

MOST_HEADERS = 32
# Names and values together, in characters, which are bytes on the wire.
MOST_HEADER_BYTES = 8 << 10

# A token, RFC 9110 section 5.6.2.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# RFC 9110 section 5.5, without space at the ends.
_VALUE = re.compile(r"[!-~\xa0-\xff](?:[\t -~\xa0-\xff]*[!-~\xa0-\xff])?")
# We set them ourselves, or the answer would not be what is needed: to a GET, and the bytes as they are.
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "range",
        "request-range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "x-http-method",
        "x-http-method-override",
        "x-method-override",
    }
)
_OUR_PREFIXES = ("content-", "if-", "proxy-")


class BadHeader(ValueError):
    """A header can not be sent; the message is one line."""


def is_ours(name: str) -> bool:
    """Whether nobody else has a say in the header ``name``."""
    return name.lower() in _OURS or name.lower().startswith(_OUR_PREFIXES)


def line_of(name: str, value: str) -> bytes:
    """The header as it stands in a request; raises BadHeader.

    In Latin-1, as RFC 9110 section 5.5 has it of old and browsers do it: whoever needs other bytes can spell
    each as the letter it is there.
    """
    if not _NAME.fullmatch(name):
        # Not shown: "Cookie: secret" is a mistake that people make.
        raise BadHeader("expected names of headers, got one that is none")
    if not _VALUE.fullmatch(value):
        raise BadHeader(f"{quoted(name)}: expected printable letters of Latin-1 for its value")
    return f"{name}: {value}".encode("latin-1")


def of_client(given: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """All that a client wants to have sent along; raises BadHeader.

    Each name once, none of ours, ``MOST_HEADER_BYTES`` in all.
    """
    seen: set[str] = set()
    for name, value in given.items():
        line_of(name, value)
        if is_ours(name):
            raise BadHeader(f"{quoted(name)}: this one is not for clients to set")
        if name.lower() in seen:
            raise BadHeader(f"{quoted(name)}: expected each name once")
        seen.add(name.lower())
    if sum(len(name) + len(value) for name, value in given.items()) > MOST_HEADER_BYTES:
        raise BadHeader(f"expected at most {MOST_HEADER_BYTES} bytes in all")
    return tuple(given.items())
