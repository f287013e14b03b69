"""Easy handles for checks: they measure, count the body, and keep none of it."""

from __future__ import annotations

from typing import NamedTuple

import pycurl

from fetchers.handle import SHORTEST_MS, Handle
from pagestatus.config import Check as CheckConfig
from pagestatus.messages import Reason

_EVERY_ENCODING = ""
_NO_ENCODING = "identity"
_WRITE_ERROR = pycurl.E_WRITE_ERROR
# How libcurl begins when it was a callback of ours that did not take what it was given.
_OUR_CALLBACK = "Failure writing output"
_URL = pycurl.URL
_STATUS, _VERSION = pycurl.RESPONSE_CODE, pycurl.INFO_HTTP_VERSION
_TOTAL, _CONNECT, _TLS = pycurl.TOTAL_TIME_T, pycurl.CONNECT_TIME_T, pycurl.APPCONNECT_TIME_T
# libcurl counts the end of a transfer without a response as this, too.
_FIRST_BYTE = pycurl.STARTTRANSFER_TIME_T
_END_OF_HEAD = frozenset({b"\r\n", b"\n"})
_HTTP_VERSIONS = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}


class Measured(NamedTuple):
    """What libcurl knows of the transfer that has ended; times in microseconds from its start."""

    # 0: no status line came.
    status: int
    # As it stands in the log; empty: no response came.
    http: str
    total_us: int
    # -1: not reached.
    connect_us: int
    tls_us: int
    ttfb_us: int


class CheckHandle(Handle):
    """One easy handle and its counter of the body."""

    __slots__ = ("_decodes", "_head", "_timeout_ms", "limit", "received")

    def __init__(self, config: CheckConfig) -> None:
        super().__init__(config)
        # Bytes of body so far, after content decoding, and how many are accepted.
        self.received = 0
        self.limit = 0
        self._timeout_ms = 0
        self._decodes = True
        # The lines of the heads of an answer; kept by C alone, which costs less than a hundredth of a check.
        self._head: list[bytes] = []
        _configure(self.curl, config)
        self.curl.setopt(pycurl.HEADERFUNCTION, self._head.append)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._on_body, use_memoryview=True)

    def aim(self, url: str, address: str, timeout_ms: int, limit: int, *, decodes: bool = True) -> None:
        """Make the next transfer one of ``url``, from ``address`` (see ``connect_to``).

        Without ``decodes`` no content coding is asked for, and what comes is counted as it is.
        """
        self.received = 0
        self.limit = limit
        self._head.clear()
        setopt = self.curl.setopt
        setopt(_URL, url)
        if address != self._address:
            self.connect_to(address)
        timeout_ms = max(timeout_ms, SHORTEST_MS)
        if timeout_ms != self._timeout_ms:
            self._timeout_ms = timeout_ms
            setopt(pycurl.TIMEOUT_MS, timeout_ms)
        if decodes is not self._decodes:
            self._decodes = decodes
            setopt(pycurl.ACCEPT_ENCODING, _EVERY_ENCODING if decodes else _NO_ENCODING)
            setopt(pycurl.HTTP_CONTENT_DECODING, int(decodes))

    def measured(self) -> Measured:
        """Of the transfer that has ended."""
        getinfo = self.curl.getinfo
        status = getinfo(_STATUS)
        if not status:
            return Measured(0, "", getinfo(_TOTAL), getinfo(_CONNECT) or -1, getinfo(_TLS) or -1, -1)
        return Measured(
            status,
            _HTTP_VERSIONS.get(getinfo(_VERSION), ""),
            getinfo(_TOTAL),
            getinfo(_CONNECT) or -1,
            getinfo(_TLS) or -1,
            getinfo(_FIRST_BYTE),
        )

    def has_whole_head(self) -> bool:
        """Whether the line came that ends a head; libcurl takes the connection's end for it, too."""
        for line in reversed(self._head):
            if line in _END_OF_HEAD:
                return True
            if line.startswith(b"HTTP/"):
                return False
        return False

    def reason_of(self, code: int, words: str, address: str) -> Reason:
        """A callback that gets no memory ends the transfer as one does that has had enough of the body."""
        if code == _WRITE_ERROR and self.received <= self.limit:
            return Reason.NO_MEMORY
        return super().reason_of(code, words, address)

    def could_not_decode(self, code: int, words: str) -> bool:
        """Whether the body goes on behind its end, by its coding: other clients take that.

        libcurl decodes one stream, and takes neither a second one (RFC 1952 section 2.2) nor a line's end.
        """
        is_ours = self.received > self.limit or words.startswith(_OUR_CALLBACK)
        return code == _WRITE_ERROR and not is_ours

    def _on_body(self, piece: memoryview) -> int | None:
        self.received += len(piece)
        # Any number but the piece's length ends the transfer with CURLE_WRITE_ERROR.
        return None if self.received <= self.limit else -1


def _configure(curl: pycurl.Curl, config: CheckConfig) -> None:
    for option, value in (
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
        (pycurl.ACCEPT_ENCODING, _EVERY_ENCODING),
        # A resumed session shows no certificate: one that has expired would go unseen.
        (pycurl.SSL_SESSIONID_CACHE, 0),
        # Name, connection and TLS are part of what is measured.
        (pycurl.FRESH_CONNECT, int(not config.keep_alive)),
        (pycurl.FORBID_REUSE, int(not config.keep_alive)),
    ):
        curl.setopt(option, value)
