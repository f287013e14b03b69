"""Who may connect: every kind of Host and Origin, and the token."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.config import Websocket
from pagestatus.urls import BadUrl
from wsbridge.handshake import Door, bearer

LOOPBACK = Websocket()
PUBLIC = Websocket(host="dl.example.com", token="t")  # noqa: S106 - any token
EVERYWHERE = Websocket(host="0.0.0.0", token="t")  # noqa: S104, S106 - with any token
SIX = Websocket(host="::", token="t")  # noqa: S106 - any token
LISTED = Websocket(
    host="0.0.0.0",  # noqa: S104 - with any token
    token="t",  # noqa: S106 - any token
    origins=("https://App.example/", "http://bücher.example:3000", "moz-extension://0a-b"),
)
PROXIED = Websocket(origins=("https://app.example",))
ANY = Websocket(origins=("*",))
FILES = Websocket(origins=("null",))


def door(websocket: Websocket) -> Door:
    return Door(websocket, websocket.token)


@pytest.mark.parametrize(
    ("websocket", "host", "welcome", "why"),
    [
        (LOOPBACK, "localhost:8888", True, "the usual one"),
        (LOOPBACK, "localhost", True, "without a port"),
        (LOOPBACK, "LocalHost:1", True, "in capitals, any port"),
        (LOOPBACK, "127.0.0.1:8888", True, "an address"),
        (LOOPBACK, "127.3.2.1", True, "another of the same"),
        (LOOPBACK, "[::1]:8888", True, "IPv6"),
        (LOOPBACK, "[0:0:0:0:0:0:0:1]", True, "IPv6, written in full"),
        (LOOPBACK, None, False, "none"),
        (LOOPBACK, "", False, "empty"),
        (LOOPBACK, "evil.example:8888", False, "rebinding"),
        (LOOPBACK, "localhost.evil.example", False, "rebinding with a name that looks right"),
        (LOOPBACK, "127.0.0.1.evil.example", False, "rebinding with an address in the name"),
        (LOOPBACK, "localhost.", False, "a name that is asked for"),
        (LOOPBACK, "a.localhost", False, "a name below"),
        (LOOPBACK, "192.168.0.7:8888", False, "an address of somebody else"),
        (LOOPBACK, "0.0.0.0:8888", False, "an address that is none"),
        (LOOPBACK, "[::]:8888", False, "another"),
        (LOOPBACK, "::1", False, "IPv6 without its brackets"),
        (LOOPBACK, "localhost:x", False, "a port that is none"),
        (LOOPBACK, "localhost:8888:8888", False, "two ports"),
        (LOOPBACK, "evil.example#localhost", False, "more than a host"),
        (LOOPBACK, "user@localhost", False, "a user name"),
        (LOOPBACK, "localhost/", False, "a path"),
        (LOOPBACK, "localhost evil", False, "a space"),
        (LOOPBACK, "localhost, evil.example", False, "two headers"),
        (LOOPBACK, "app.example", False, "a host that is listed elsewhere"),
        (PROXIED, "app.example", True, "a host that is listed: a proxy on this machine"),
        (PROXIED, "evil.example", False, "a host that is not"),
        (PUBLIC, "dl.example.com:8888", True, "the configured one"),
        (PUBLIC, "DL.Example.Com", True, "in capitals"),
        (PUBLIC, "10.0.0.7:8888", True, "an address"),
        (PUBLIC, "[2001:db8::1]:8888", True, "an address of IPv6"),
        (PUBLIC, "localhost:8888", True, "on the machine itself"),
        (PUBLIC, "evil.example", False, "rebinding"),
        (PUBLIC, "example.com", False, "a part of the configured one"),
        (EVERYWHERE, "10.0.0.7", True, "an address"),
        (EVERYWHERE, "dl.example.com", False, "a name that nobody has named"),
        (SIX, "[2001:db8::1]", True, "an address of IPv6"),
        (SIX, "evil.example", False, "rebinding"),
        (LISTED, "app.example:8888", True, "listed"),
        (LISTED, "xn--bcher-kva.example", True, "listed with other letters"),
        (LISTED, "0a-b", False, "a browser's own origin names no host"),
        (LISTED, "evil.example", False, "not listed"),
        (ANY, "evil.example", False, "any origin is not any host"),
        (FILES, "null", False, "no origin names no host"),
        (Websocket(host="", token="t"), "", False, "everywhere, and an empty host"),  # noqa: S106
    ],
)
def test_hosts(websocket: Websocket, host: str | None, welcome: bool, why: str) -> None:  # noqa: FBT001 - a table
    refusal = door(websocket).refusal(host, None)
    assert (refusal == "") is welcome, why
    assert welcome or "Host" in refusal


@pytest.mark.parametrize(
    ("websocket", "host", "origin", "welcome", "why"),
    [
        (LOOPBACK, "localhost:8888", None, True, "no browser"),
        (LOOPBACK, "localhost:8888", "http://localhost:8888", True, "from beside us"),
        (LOOPBACK, "localhost:8888", "HTTP://LOCALHOST:8888/", True, "in capitals, with a slash"),
        (LOOPBACK, "[::1]:8888", "http://[::1]:8888", True, "IPv6"),
        (LOOPBACK, "localhost", "http://localhost", True, "without ports"),
        (LOOPBACK, "localhost:80", "http://localhost", True, "one port goes without saying"),
        (LOOPBACK, "localhost", "http://localhost:80", True, "the other goes without saying"),
        (LOOPBACK, "localhost", "https://localhost", True, "a proxy that speaks TLS before us"),
        (LOOPBACK, "localhost:443", "https://localhost", True, "the same, and the port is said"),
        (LOOPBACK, "localhost:443", "http://localhost", False, "another port"),
        (LOOPBACK, "localhost:8888", "http://localhost:3000", False, "another port of this machine"),
        (LOOPBACK, "localhost:8888", "http://localhost", False, "the usual port of this machine"),
        (LOOPBACK, "localhost:8888", "http://127.0.0.1:8888", False, "another name of this machine"),
        (LOOPBACK, "localhost:8888", "https://evil.example", False, "any page of the web"),
        (LOOPBACK, "localhost:8888", "https://evil.example:8888", False, "with the right port"),
        (LOOPBACK, "localhost:8888", "http://localhost:8888.evil.example", False, "with the right beginning"),
        (
            LOOPBACK,
            "localhost:8888",
            "http://evil.example/http://localhost:8888",
            False,
            "with the right end",
        ),
        (LOOPBACK, "localhost:8888", "http://x@localhost:8888", False, "with a user name"),
        (LOOPBACK, "localhost:8888", "null", False, "a page that is a file, or in a sandbox"),
        (LOOPBACK, "localhost:8888", "", False, "empty"),
        (LOOPBACK, "localhost:8888", "file://", False, "a page that is a file, in another browser"),
        (LOOPBACK, "localhost:8888", "localhost:8888", False, "no scheme"),
        (LOOPBACK, "localhost:8888", "ws://localhost:8888", False, "no scheme of a page"),
        (LOOPBACK, "localhost:8888", "*", False, "a star"),
        (LOOPBACK, "evil.example:8888", "http://evil.example:8888", False, "rebinding: they agree"),
        (LISTED, "10.0.0.7:8888", "https://app.example", True, "listed"),
        (LISTED, "10.0.0.7:8888", "https://app.example:443", True, "listed, and the port is said"),
        (LISTED, "10.0.0.7:8888", "http://xn--bcher-kva.example:3000", True, "listed with other letters"),
        (LISTED, "10.0.0.7:8888", "moz-extension://0A-B", True, "listed, of a scheme of its own"),
        (LISTED, "10.0.0.7:8888", "http://10.0.0.7:8888", True, "from beside us"),
        (LISTED, "10.0.0.7:8888", "http://app.example", False, "another scheme"),
        (LISTED, "10.0.0.7:8888", "https://app.example:8443", False, "another port"),
        (LISTED, "10.0.0.7:8888", "https://a.app.example", False, "a name below"),
        (LISTED, "10.0.0.7:8888", "https://app.example.evil.example", False, "with the right beginning"),
        (LISTED, "10.0.0.7:8888", "null", False, "none"),
        (FILES, "localhost:8888", "null", True, "none, and that is listed"),
        (FILES, "localhost:8888", "https://evil.example", False, "not listed"),
        (ANY, "localhost:8888", "https://evil.example", True, "any"),
        (ANY, "localhost:8888", "null", True, "any, none too"),
        (ANY, "evil.example", "http://evil.example", False, "any origin, and rebinding"),
    ],
)
def test_origins(
    websocket: Websocket,
    host: str,
    origin: str | None,
    welcome: bool,  # noqa: FBT001 - a table
    why: str,
) -> None:
    assert (door(websocket).refusal(host, origin) == "") is welcome, why


def test_a_refusal_says_what_came_and_what_would_do() -> None:
    refused = door(LOOPBACK).refusal
    assert refused(None, None) == "expected a Host header"
    assert refused("a b", None).startswith("Host 'a b': expected localhost, an address")
    assert refused("evil.example", None).startswith("Host 'evil.example': expected localhost, an address")
    assert refused("localhost", "null").startswith("Origin 'null': expected the origin of this websocket")


def test_origins_are_to_be_checked_before() -> None:
    with pytest.raises(BadUrl):
        Door(Websocket(origins=("example.com",)), None)


@given(st.text(), st.text())
def test_whatever_a_handshake_says_is_answered_on_one_line(host: str, origin: str) -> None:
    for websocket in (LOOPBACK, LISTED, ANY):
        assert door(websocket).refusal(host, None).isprintable()
        refusal = door(websocket).refusal("localhost", origin)
        assert refusal.isprintable()
        assert len(refusal) < 300


@given(st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5}){1,2}(:[1-9][0-9]{0,3})?", fullmatch=True))
def test_no_name_of_the_web_leads_to_a_loopback_address(host: str) -> None:
    assert door(LOOPBACK).refusal(host, f"http://{host}")
    assert door(ANY).refusal(host, f"http://{host}")


# --- the token -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "token", "why"),
    [
        ("Bearer abc", "abc", "as it should be"),
        ("bearer abc", "abc", "in lower case"),
        ("BEARER   abc ", "abc", "with more space"),
        ("Bearer a b", "a b", "a space within"),
        ("Bearer p\u00c3\u00a4ss", "päss", "UTF-8 that was read as Latin-1"),
        ("Bearer p\u00e4ss", "päss", "Latin-1"),
        ("Bearer \u20ac", "€", "read as what it is"),
        (None, None, "no header"),
        ("", None, "an empty one"),
        ("Bearer", None, "no token"),
        ("Bearer ", None, "no token behind a space"),
        ("Bearerabc", None, "no space"),
        ("Basic YTpi", None, "another scheme"),
        ("abc", None, "no scheme"),
    ],
)
def test_bearer(header: str | None, token: str | None, why: str) -> None:
    assert bearer(header) == token, why


@pytest.mark.parametrize(
    ("token", "given_", "admitted"),
    [
        (None, None, True),
        (None, "anything", True),
        ("secret", "secret", True),
        ("pässwört", "pässwört", True),
        ("secret", None, False),
        ("secret", "", False),
        ("secret", "Secret", False),
        ("secret", "secret ", False),
        ("secret", "secre", False),
        ("secret", "\ud800", False),
        ("a\u0308", "ä", False),
    ],
)
def test_admits(token: str | None, given_: str | None, admitted: bool) -> None:  # noqa: FBT001 - a table
    entrance = Door(LOOPBACK, token)
    assert entrance.admits(given_) is admitted
    assert entrance.needs_token is (token is not None)


@given(st.text(min_size=1), st.text(st.characters()))
def test_only_the_token_is_the_token(token: str, other: str) -> None:
    entrance = Door(LOOPBACK, token)
    assert entrance.admits(token)
    assert entrance.admits(other) is (other == token)
