"""Easy handles: configured once, then only aimed. Setting every option anew costs 10 µs a transfer.

Options are those of curl_easy_setopt(3). What is not set is off by libcurl's default: cookies, HSTS,
alternative services, following of redirects, authentication. Here is what checks and ranges have in common.
"""

from __future__ import annotations

import pycurl

from fetchers import reasons
from fetchers.limits import why_no_socket
from pagestatus.config import Check as CheckConfig
from pagestatus.messages import Reason

# libcurl takes 0 for "no time-out at all".
SHORTEST_MS = 1
# Codes of libcurl: COULDNT_CONNECT, OUT_OF_MEMORY, OPERATION_TIMEDOUT.
_COULD_NOT_CONNECT = 7
_OUT_OF_MEMORY = 27
_TIMED_OUT = 28


class Handle:
    """One easy handle."""

    __slots__ = ("_address", "curl")

    def __init__(self, config: CheckConfig) -> None:
        self.curl = pycurl.Curl()
        # Where CONNECT_TO leads; empty: to the URL's own host.
        self._address = ""
        _configure(self.curl, config)

    def connect_to(self, address: str) -> None:
        """Make the next transfer one from ``address``; empty: the URL's host is one itself."""
        if address == self._address:
            return
        self._address = address
        if not address:
            self.curl.unsetopt(pycurl.CONNECT_TO)
            return
        shown = f"[{address}]" if ":" in address else address
        # From any host and port to this address and the same port (CURLOPT_CONNECT_TO): name and
        # certificate are still those of the URL.
        self.curl.setopt(pycurl.CONNECT_TO, [f"::{shown}:"])

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

    def could_not_connect(self, code: int) -> bool:
        """Whether another address may do better than the one that ended with ``code``."""
        if code == _TIMED_OUT:
            return not self.curl.getinfo(pycurl.CONNECT_TIME_T)
        return code == _COULD_NOT_CONNECT

    def reason_of(self, code: int, words: str, address: str) -> Reason:
        """Why the transfer from ``address`` ended with ``code``."""
        # Of the last connect(2) or receive that failed.
        os_errno = int(self.curl.getinfo(pycurl.OS_ERRNO))
        if os_errno == 0 and code in {_COULD_NOT_CONNECT, _OUT_OF_MEMORY}:
            os_errno = why_no_socket(address)
        return reasons.of_transfer(code, os_errno, words)


def _configure(curl: pycurl.Curl, config: CheckConfig) -> None:
    for option, value in (
        # Signals belong to the runner.
        (pycurl.NOSIGNAL, 1),
        # libcurl scans its whole cache at every request, for IP addresses too: with 50,000 hosts ten times
        # the cost of a check.
        (pycurl.DNS_CACHE_TIMEOUT, 0),
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
        (pycurl.USERAGENT, config.user_agent),
        (pycurl.CONNECTTIMEOUT_MS, max(int(config.connect_timeout * 1000), SHORTEST_MS)),
        # A fetcher looks from where it stands: no proxy, not even one of the environment.
        (pycurl.PROXY, ""),
        (pycurl.NOPROXY, "*"),
        (pycurl.NETRC, pycurl.NETRC_IGNORED),
    ):
        curl.setopt(option, value)
    if config.ca_file is not None:
        curl.setopt(pycurl.CAINFO, str(config.ca_file))
