"""Easy handles for checks: configured once, then only aimed. Setting every option anew costs 10 µs a check.

Options are those of curl_easy_setopt(3). What is not set here is off by libcurl's default: cookies, HSTS,
alternative services, following of redirects, authentication.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import pycurl

from pagestatus.config import Check as CheckConfig

# The body is not kept, so larger pieces than libcurl's own save nothing but calls.
_EVERY_ENCODING = ""
_HTTP_VERSIONS = {
    pycurl.CURL_HTTP_VERSION_1_0: "1.0",
    pycurl.CURL_HTTP_VERSION_1_1: "1.1",
    pycurl.CURL_HTTP_VERSION_2_0: "2",
    pycurl.CURL_HTTP_VERSION_3: "3",
}
# libcurl takes 0 for "no time-out at all".
_SHORTEST_MS = 1


class Owner(Protocol):
    """Whoever has aimed a handle and started it."""

    def ended(self, code: int, words: str) -> None:
        """See ``engine.Transfer``."""


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


class CheckHandle:
    """One easy handle, its counter of the body, and who uses it now."""

    __slots__ = ("_address", "_timeout_ms", "curl", "limit", "owner", "received")

    def __init__(self, config: CheckConfig) -> None:
        self.curl = pycurl.Curl()
        self.owner: Owner | None = None
        # Bytes of body so far, after content decoding, and how many are accepted.
        self.received = 0
        self.limit = 0
        self._address = ""
        self._timeout_ms = 0
        _configure(self.curl, config)
        self.curl.setopt(pycurl.WRITEFUNCTION, self._on_body, use_memoryview=True)

    def aim(self, url: str, address: str, timeout_ms: int, limit: int) -> None:
        """Make the next transfer one of ``url``, from ``address``."""
        self.received = 0
        self.limit = limit
        setopt = self.curl.setopt
        setopt(pycurl.URL, url)
        if address != self._address:
            self._address = address
            shown = f"[{address}]" if ":" in address else address
            # From any host and port to this address and the same port (CURLOPT_CONNECT_TO): name and
            # certificate are still those of the URL.
            setopt(pycurl.CONNECT_TO, [f"::{shown}:"])
        timeout_ms = max(timeout_ms, _SHORTEST_MS)
        if timeout_ms != self._timeout_ms:
            self._timeout_ms = timeout_ms
            setopt(pycurl.TIMEOUT_MS, timeout_ms)

    def ended(self, code: int, words: str) -> None:
        """Pass it on to the owner."""
        if self.owner is not None:
            self.owner.ended(code, words)

    def measured(self) -> Measured:
        """Of the transfer that has ended."""
        getinfo = self.curl.getinfo
        status = getinfo(pycurl.RESPONSE_CODE)
        return Measured(
            status,
            _HTTP_VERSIONS.get(getinfo(pycurl.INFO_HTTP_VERSION), "") if status else "",
            getinfo(pycurl.TOTAL_TIME_T),
            getinfo(pycurl.CONNECT_TIME_T) or -1,
            getinfo(pycurl.APPCONNECT_TIME_T) or -1,
            # libcurl counts the end of a transfer without a response as this, too.
            getinfo(pycurl.STARTTRANSFER_TIME_T) if status else -1,
        )

    def redirect_url(self) -> str | None:
        """Where the last response leads, absolute. A user name in it is already left out by libcurl."""
        raw: bytes | None = self.curl.getinfo_raw(pycurl.REDIRECT_URL)
        if raw is None:
            return None
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")

    def retry_after_s(self) -> int:
        """Seconds that ``Retry-After`` asks for, given as such or as a date (libcurl reads both); 0: none."""
        return int(self.curl.getinfo(pycurl.RETRY_AFTER))

    def os_errno(self) -> int:
        """Of the last connect(2) or receive that failed."""
        return int(self.curl.getinfo(pycurl.OS_ERRNO))

    def _on_body(self, piece: memoryview) -> int | None:
        self.received += len(piece)
        # Any number but the piece's length ends the transfer with CURLE_WRITE_ERROR.
        return None if self.received <= self.limit else -1


def _configure(curl: pycurl.Curl, config: CheckConfig) -> None:
    for option, value in (
        # Signals belong to the runner.
        (pycurl.NOSIGNAL, 1),
        # libcurl scans its whole cache at every request, for IP addresses too: with 50,000 hosts ten times
        # the cost of a check.
        (pycurl.DNS_CACHE_TIMEOUT, 0),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS),
        (pycurl.ACCEPT_ENCODING, _EVERY_ENCODING),
        (pycurl.USERAGENT, config.user_agent),
        (pycurl.CONNECTTIMEOUT_MS, max(int(config.connect_timeout * 1000), _SHORTEST_MS)),
        # A watcher looks from where it stands: no proxy, not even one of the environment.
        (pycurl.PROXY, ""),
        (pycurl.NOPROXY, "*"),
        (pycurl.NETRC, pycurl.NETRC_IGNORED),
        # A resumed session shows no certificate: one that has expired would go unseen.
        (pycurl.SSL_SESSIONID_CACHE, 0),
        # Name, connection and TLS are part of what is measured.
        (pycurl.FRESH_CONNECT, int(not config.keep_alive)),
        (pycurl.FORBID_REUSE, int(not config.keep_alive)),
    ):
        curl.setopt(option, value)
    if config.ca_file is not None:
        curl.setopt(pycurl.CAINFO, str(config.ca_file))
