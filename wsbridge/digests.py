"""Digests of a whole file: what the server says it has, and what was asked for.

What a server says cannot be trusted to be readable: what is not, is ignored. SHA-1 and checksums are ignored
too. All patterns are linear.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from pagestatus.messages import Head

# By the names in the registry of RFC 9530 section 5, which RFC 3230's are in lower case; strongest first.
_ALGORITHMS = {"sha-512": ("sha512", 64), "sha-256": ("sha256", 32), "md5": ("md5", 16)}
_SHA256 = re.compile("[0-9A-Fa-f]{64}")

# A dictionary of structured fields (RFC 8941 section 3.2), of which only byte sequences are of interest.
_KEY = "[a-z*][a-z0-9_.*-]*+"
_STRING = r'"(?:[^"\\]|\\.)*+"'
_BARE = rf":[A-Za-z0-9+/=]*+:|{_STRING}|[A-Za-z0-9*?@-][^\s,;()\"]*+"
_PARAMETERS = rf"(?:;[ ]*+{_KEY}(?:=(?:{_BARE}))?+)*+"
_MEMBER = re.compile(
    rf'[ \t]*+({_KEY})(?:=(?:({_BARE})|\((?:{_STRING}|[^"()])*+\)))?+{_PARAMETERS}[ \t]*+(?:,(?=.)|\Z)'
)


class Digest(NamedTuple):
    """What the bytes of a file must hash to."""

    # As hashlib calls it: sha512, sha256 or md5.
    algorithm: str
    # In lower case.
    hex: str


def of_request(sha256: str) -> Digest:
    """The digest somebody asked for, 64 hexadecimal digits in any case; raises ValueError."""
    if not _SHA256.fullmatch(sha256):
        raise ValueError("expected a SHA-256 of 64 hexadecimal digits")
    return Digest("sha256", sha256.lower())


def from_head(head: Head, *, whole: bool) -> Digest | None:
    """The strongest digest that an answer gives of the file; None: none that can be used.

    ``whole``: the answer brought the whole file. Of a part, Content-MD5 is that of the part (RFC 1864, RFC
    2616 section 14.15), while Repr-Digest (RFC 9530) and Digest (RFC 3230) are of the whole in any case.
    """
    if head.content_encoding.strip().lower() not in {"", "identity"}:
        # They are of the encoded file.
        return None
    found: dict[str, str] = {}
    if whole:
        found.update(_readable([("md5", head.content_md5)]))
    found.update(_readable(_old(head.digest)))
    found.update(_readable(_structured(head.repr_digest).items()))
    return next((Digest(name, found[name]) for name, _ in _ALGORITHMS.values() if name in found), None)


def _readable(pairs: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Those that we know, of the right length, as (hashlib's name, hexadecimal digits)."""
    for key, encoded in pairs:
        name, size = _ALGORITHMS.get(key, ("", 0))
        try:
            raw = binascii.a2b_base64(encoded.strip(), strict_mode=True)
        except ValueError:
            continue
        if name and len(raw) == size:
            yield name, raw.hex()


def _old(field: str) -> Iterator[tuple[str, str]]:
    """``sha-256=base64,md5=base64`` (RFC 3230 section 4.3.2)."""
    for part in field.split(","):
        key, _, encoded = part.partition("=")
        yield key.strip().lower(), encoded


def _structured(field: str) -> dict[str, str]:
    """The byte sequences of a dictionary; empty when it is none (RFC 8941 section 4.2: all or nothing)."""
    found: dict[str, str] = {}
    position = 0
    while position < len(field):
        member = _MEMBER.match(field, position)
        if member is None:
            return {}
        position = member.end()
        # Of two with the same key the last one counts, of whatever kind.
        value = member[2] or ""
        found[member[1]] = _padded(value[1:-1]) if value.startswith(":") else ""
    return found


def _padded(encoded: str) -> str:
    """Padding may be left out (RFC 8941 section 4.2.7)."""
    return encoded + "=" * (-len(encoded) % 4)
