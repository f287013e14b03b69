"""Servers that prove who they are, well or badly."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta

import trustme

# Every certificate began so long before it ends.
_LASTS = timedelta(days=2)


def context(authority: trustme.CA, name: str, *, valid: timedelta = timedelta(days=1)) -> ssl.SSLContext:
    """Of a server with a certificate for ``name``, a host or an address, that ends ``valid`` from now."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ends = datetime.now(UTC) + valid
    authority.issue_cert(name, not_before=ends - _LASTS, not_after=ends).configure_cert(made)
    return made


def expired(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Of a server whose certificate has ended an hour ago."""
    return context(authority, name, valid=timedelta(hours=-1))


def http2(authority: trustme.CA, name: str) -> ssl.SSLContext:
    """Of a server that speaks nothing but HTTP/2."""
    made = context(authority, name)
    made.set_alpn_protocols(["h2"])
    return made
