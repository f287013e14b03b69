"""Who may connect: what is looked at before a websocket is opened, and the token.

A page in a browser can reach what its user's machine can reach, so a browser's ``Origin`` must be one that is
meant; and a name that an attacker lets lead to us ("DNS rebinding") betrays itself in ``Host``. Who is no
browser sends no ``Origin`` and could send any: against those there is the token.
"""

from __future__ import annotations

import hmac
import re

from pagestatus.config import Websocket
from pagestatus.quoting import quoted
from pagestatus.urls import PORTS, BadUrl, WireUrl, is_loopback, origin_of, wire_url

_ANY = "*"
# RFC 9110 section 7.2: a host and perhaps a port.
_HOST = re.compile(r"[^/?#@\\\s]+")
# RFC 6750 section 2.1; the scheme's name has no case (RFC 9110 section 11.1).
_BEARER = re.compile(r"bearer +(.+)", re.IGNORECASE | re.DOTALL)


class Door:
    """What the configuration says of who may connect; ``token`` None: nobody needs one."""

    def __init__(self, websocket: Websocket, token: str | None) -> None:
        """``websocket`` is checked: its origins are origins. Raises BadUrl otherwise."""
        self._token = token
        self._any_origin = _ANY in websocket.origins
        # "null" stands for itself: browsers say so of pages that have no origin.
        self._origins = {
            origin if origin == "null" else origin_of(origin)
            for origin in websocket.origins
            if origin != _ANY
        }
        # Of a browser's own schemes no host is one.
        urls = (origin.partition("://") for origin in self._origins)
        self._hosts = {_written(host) for scheme, _, host in urls if scheme in PORTS}
        self._others_reach_it = not is_loopback(websocket.host)
        if self._others_reach_it:
            self._hosts.add(_written(f"[{websocket.host}]" if ":" in websocket.host else websocket.host))

    @property
    def needs_token(self) -> bool:
        """Whether a client must say the token before anything else."""
        return self._token is not None

    def refusal(self, host: str | None, origin: str | None) -> str:
        """Why a handshake with these headers is refused, on one line; "" when it is welcome."""
        if host is None:
            return "expected a Host header"
        where = _of_host("http", host)
        if where is None or not self._is_ours(where):
            return f"Host {quoted(host)}: expected localhost, an address, or a host of websocket.origins"
        if origin is None or self._any_origin or self._is_meant(origin, host):
            return ""
        return f"Origin {quoted(origin)}: expected the origin of this websocket or one of websocket.origins"

    def _is_ours(self, where: WireUrl) -> bool:
        """Whether no attacker's name leads to us as ``where``.

        "localhost" does so by no name server, and an address by none either. At a loopback address only
        loopback addresses lead to us.
        """
        if is_loopback(where.host) or where.host in self._hosts:
            return True
        return where.is_address and self._others_reach_it

    def _is_meant(self, origin: str, host: str) -> bool:
        """Whether it is listed, or where we are ourselves: then the page came from beside us."""
        try:
            origin = origin if origin == "null" else origin_of(origin)
        except BadUrl:
            return False
        if origin in self._origins:
            return True
        # Without a port, Host means that of the page's own scheme: a proxy may speak TLS before us.
        scheme, _, page = origin.partition("://")
        if scheme not in PORTS:
            return False
        ours, theirs = _of_host(scheme, host), _of_host(scheme, page)
        return ours is not None and theirs is not None and ours.origin == theirs.origin

    def admits(self, given: str | None) -> bool:
        """Whether ``given`` is the token; how long that takes says nothing of how much of it is right."""
        if self._token is None:
            return True
        return given is not None and hmac.compare_digest(_bytes(given), _bytes(self._token))


def bearer(authorization: str | None) -> str | None:
    """The token in an Authorization header, if one is in it."""
    found = _BEARER.fullmatch((authorization or "").strip())
    if found is None:
        return None
    try:
        # websockets reads headers as Latin-1; who sends a token with other letters sends UTF-8.
        return found[1].encode("latin-1").decode()
    except UnicodeError:
        return found[1]


def _of_host(scheme: str, host: str) -> WireUrl | None:
    """Where the Host header ``host`` leads; None: it is no host."""
    try:
        return wire_url(f"{scheme}://{host}/") if _HOST.fullmatch(host) else None
    except BadUrl:
        return None


def _written(host: str) -> str:
    """``host``, without its port, as Host headers have it once they are read; "" if they never do."""
    where = _of_host("http", host)
    return where.host if where else ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
