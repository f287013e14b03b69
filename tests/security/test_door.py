"""Who has not said the token learns nothing and changes nothing, however it asks.

Hosts, origins, wrong tokens, floods and the deaf: ``integration/test_downloads_door.py``; every kind of Host
and Origin: ``unit/test_wsbridge_handshake.py``. Here: what else a stranger may try at a door that is locked.
"""

from __future__ import annotations

import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge_client import BridgeClient
from downloads import CONTENT, arrived
from hostile import TOKEN
from page_site import Asked, PageSite, honest, part_of
from system import SLOWNESS, System

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n{more}\r\n"
)
# Frames of a client (RFC 6455 section 5.2), masked with zeros.
LIST = b'\x81\x92\0\0\0\0{"action": "list"}'
NO_TOKEN = b"\x03\xf0no token"
# What a list is known by; then there is no need to listen any longer, either.
A_LIST = b"process_status"
OPENED = b"HTTP/1.1 101 "


def asked(system: System, path: str = "/", more: str = "", *, waits: bool = True) -> bytes:
    """What the bridge says to this handshake and to three requests behind it, until goodbye or a list."""
    address = ("127.0.0.1", system.websocket_port)
    with socket.create_connection(address, 10 * SLOWNESS) as connection:
        connection.sendall(HANDSHAKE.format(path=path, more=more).encode() + (b"" if waits else LIST * 3))
        said = b""
        # What it has not read when it hangs up resets the connection.
        with suppress(ConnectionResetError, BrokenPipeError):
            said += connection.recv(65536)
            if waits:
                connection.sendall(LIST * 3)
            while NO_TOKEN not in said and A_LIST not in said and (piece := connection.recv(65536)):
                said += piece
        return said


@pytest.fixture
def running(client: BridgeClient, pages: PageSite) -> Iterator[str]:
    """The id of a download that goes on meanwhile, of which everybody inside is told."""

    def page(asked: Asked) -> Iterator[bytes]:
        yield part_of(CONTENT, asked)

    id_ = client.add(pages.add(page), threads=1)
    yield id_
    assert arrived(client.until(id_, "Downloaded", "Failed")) == CONTENT


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": TOKEN},
        {"Authorization": f"Basic {b64encode(f':{TOKEN}'.encode()).decode()}"},
        {"Cookie": f"token={TOKEN}"},
        {"X-Token": TOKEN},
        {"Sec-WebSocket-Protocol": TOKEN},
        {"Proxy-Authorization": f"Bearer {TOKEN}"},
        {"X-Forwarded-For": "127.0.0.1", "X-Real-IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
    ],
    ids=lambda headers: str(headers)[:30],
)
def test_a_token_anywhere_else_is_none(system: System, running: str, headers: Mapping[str, str]) -> None:
    """Nobody is refused for these: what is missing can still be said. Until then nothing is told."""
    with system.connect(additional_headers=headers) as stranger:
        for message in (
            {"action": "list"},
            {"action": "cancel", "id": running},
            {"url": "http://127.0.0.1/"},
        ):
            assert stranger.ask(message)["error"]["code"] == "forbidden"
        with pytest.raises(ConnectionClosed):
            stranger.receive()
        assert (stranger.lists, len(stranger.answers)) == (0, 0)


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", f"bearer\t{TOKEN}"])
def test_what_is_nearly_one_is_none(system: System, authorization: str) -> None:
    with system.connect(additional_headers={"Authorization": authorization}) as stranger:
        assert stranger.ask({"action": "list"})["error"]["code"] == "forbidden"
        assert stranger.lists == 0


@pytest.mark.parametrize("authorization", [f"Bearer {TOKEN} x", "Bearer \xff"])
def test_a_wrong_one_is_refused(system: System, authorization: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        system.connect(additional_headers={"Authorization": authorization})
    assert refusal.value.response.status_code == HTTPStatus.UNAUTHORIZED


@pytest.mark.usefixtures("running")
def test_with_it_a_list_is_told(system: System) -> None:
    """So that it is seen below when it is told without."""
    said = asked(system, more=f"Authorization: Bearer {TOKEN}\r\n")
    assert said.startswith(OPENED)
    assert A_LIST in said


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize("path", [f"/?token={TOKEN}", f"/{TOKEN}", "/../../etc/passwd", "http://localhost/"])
def test_whatever_is_asked_for_the_token_is_waited_for(system: System, path: str) -> None:
    said = asked(system, path)
    assert said.startswith(OPENED)
    assert (said.count(b'"forbidden"'), said.count(NO_TOKEN), said.count(A_LIST)) == (3, 1, 0)


@pytest.mark.usefixtures("running")
@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/", f"Authorization: Bearer wrong\r\nAuthorization: Bearer {TOKEN}\r\n"),
        ("/", f"Authorization:\r\n Bearer {TOKEN}\r\n"),
        ("/", "Origin: http://evil.example\r\n"),
        ("/", "Host: evil.example\r\n"),
        ("/", "Transfer-Encoding: chunked\r\n"),
        ("/", "X: " + "x" * 100_000 + "\r\n"),
        ("/" + "x" * 100_000, ""),
    ],
    ids=lambda text: text[:24],
)
def test_no_handshake_gets_in_without_it(system: System, path: str, more: str) -> None:
    said = asked(system, path, more)
    assert not said.startswith(OPENED)
    assert b" 500 " not in said[:20]
    assert A_LIST not in said


@pytest.mark.usefixtures("running")
def test_what_is_sent_before_the_answer_is_not_listened_to(system: System) -> None:
    said = asked(system, waits=False)
    assert said.startswith(OPENED)
    assert A_LIST not in said


def test_who_is_inside_notices_nothing(client: BridgeClient, system: System, pages: PageSite) -> None:
    for number in range(100):
        assert asked(system, f"/{number}").count(b'"forbidden"') == 3
    id_ = client.add(pages.add(honest(CONTENT)))
    assert arrived(client.until(id_, "Downloaded", "Failed")) == CONTENT
