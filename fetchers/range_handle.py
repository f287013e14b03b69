"""Easy handles for ranges: HTTP/1.1 on connections that are kept, head and body handed on as they come."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import pycurl

from fetchers.handle import Handle
from pagestatus.config import Check as CheckConfig

# What is taken from a connection in one go.
BUFFER_BYTES = 512 << 10


class RangeOwner(Protocol):
    """Whoever has aimed the handle.

    All but ``ended`` are called from inside libcurl, where nothing is started or broken off.
    """

    def ended(self, code: int, words: str) -> None:
        """See ``engine.Transfer``."""

    def may_ask(self, address: str) -> bool:
        """Whether the request may be sent to ``address``, which is connected, now or since before."""

    def heard(self, line: bytes) -> bool:
        """A line of the head; whether the transfer is to go on."""

    def took(self, piece: memoryview) -> bool:
        """A piece of the body, valid only now; whether the transfer is to go on."""


class RangeHandle(Handle):
    """One easy handle, and who uses it now."""

    __slots__ = ("owner",)

    def __init__(self, config: CheckConfig) -> None:
        super().__init__(config)
        self.owner: RangeOwner | None = None
        curl = self.curl
        # A connection for each range: streams of one connection would share what TCP gives to one.
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1)
        # Into the file as it comes.
        curl.setopt(pycurl.HTTP_CONTENT_DECODING, 0)
        curl.setopt(pycurl.BUFFERSIZE, BUFFER_BYTES)
        # Unlike OPENSOCKETFUNCTION it is called for reused connections too.
        curl.setopt(pycurl.PREREQFUNCTION, self._on_request)
        curl.setopt(pycurl.HEADERFUNCTION, self._on_line)
        curl.setopt(pycurl.WRITEFUNCTION, self._on_body, use_memoryview=True)

    def aim(self, url: str, address: str, range_: str | None, headers: Sequence[bytes]) -> None:
        """Make the next transfer one of these bytes of ``url``, from ``address``."""
        self.curl.setopt(pycurl.URL, url)
        self.connect_to(address)
        if range_ is None:
            self.curl.unsetopt(pycurl.RANGE)
        else:
            self.curl.setopt(pycurl.RANGE, range_)
        self.curl.setopt(pycurl.HTTPHEADER, headers)

    def ended(self, code: int, words: str) -> None:
        """Pass it on to the owner."""
        if self.owner is not None:
            self.owner.ended(code, words)

    def _on_request(self, address: str, _own: str, _port: int, _own_port: int) -> int:
        owner = self.owner
        may = owner is not None and owner.may_ask(address)
        return pycurl.PREREQFUNC_OK if may else pycurl.PREREQFUNC_ABORT

    def _on_line(self, line: bytes) -> int | None:
        owner = self.owner
        # Any number but the length ends the transfer with CURLE_WRITE_ERROR.
        return None if owner is not None and owner.heard(line) else -1

    def _on_body(self, piece: memoryview) -> int | None:
        owner = self.owner
        return None if owner is not None and owner.took(piece) else -1
