"""Who is let in to the websocket, and what becomes of those who say too much, or do not listen."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, suppress

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from bridge_client import BridgeClient
from system import SLOWNESS, System, eventually

TOKEN = "tökèn of 'many' letters"  # noqa: S105 - of a bridge that lives for a second
MOST_CONNECTIONS = 256
LARGEST_MESSAGE = 64 << 10
# Of wsbridge.clients: who takes nothing for this long is dropped.
STUCK_S = 15
# Much more than the kernel and the bridge keep for anybody. Bytes.
MOST_POURED = 64 << 20
GREETING = b"HTTP/1.1 101 "


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A bridge alone."""
    yield from started(tmp_path_factory)


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One that wants a token."""
    yield from started(tmp_path_factory, websocket__token=TOKEN)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """One that expects pages of two origins."""
    yield from started(tmp_path_factory, websocket__origins="https://files.example,null")


def started(tmp_path_factory: pytest.TempPathFactory, **settings: object) -> Iterator[System]:
    system = System(
        tmp_path_factory.mktemp("door"), [], downloads__broadcast_interval=0.05, fetchers=1, **settings
    )
    try:
        system.start("wsbridge")
        eventually(system.listening, "the bridge listens")
        yield system
    finally:
        system.close()


def connected(
    system: System, lines: Sequence[str] = (), host: str | None = "localhost:{port}"
) -> socket.socket:
    """A connection that has asked for a websocket with these lines in its head."""
    port = system.websocket_port
    named = [] if host is None else [f"Host: {host.format(port=port)}"]
    head = [
        "GET / HTTP/1.1",
        *named,
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Version: 13",
        # Any sixteen bytes.
        "Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==",
        *(line.format(port=port) for line in lines),
    ]
    connection = socket.create_connection(("127.0.0.1", port), 10 * SLOWNESS)
    connection.sendall("\r\n".join([*head, "\r\n"]).encode())
    return connection


def status_of(system: System, *lines: str, host: str | None = "localhost:{port}") -> int:
    """How a handshake is answered."""
    with connected(system, lines, host) as connection:
        return int(connection.recv(4096).split(b" ")[1])


# --- where from ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost:{port}", 101),
        ("127.0.0.1:{port}", 101),
        ("LOCALHOST:{port}", 101),
        ("[::1]:{port}", 101),
        ("localhost", 101),
        ("evil.example:{port}", 403),
        ("localhost.evil.example:{port}", 403),
        ("127.0.0.1.nip.io:{port}", 403),
        ("192.168.1.1:{port}", 403),
        ("user@localhost:{port}", 403),
        ("", 403),
        (None, 403),
    ],
)
def test_a_host_that_is_not_ours_is_refused(system: System, host: str | None, status: int) -> None:
    """A name that its owner lets lead to us would let his pages in."""
    assert status_of(system, host=host) == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("http://localhost:{port}", 101),
        ("http://evil.example", 403),
        # Something that speaks TLS may stand before us.
        ("https://localhost:{port}", 101),
        ("http://localhost:1", 403),
        ("http://localhost:{port}.evil.example", 403),
        ("null", 403),
        ("", 403),
        ("https://files.example", 403),
    ],
)
def test_a_page_from_elsewhere_is_refused(system: System, origin: str, status: int) -> None:
    assert status_of(system, f"Origin: {origin}") == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://files.example", 101),
        ("null", 101),
        ("http://localhost:{port}", 101),
        ("http://files.example", 403),
        ("https://files.example:444", 403),
        ("https://evil.example", 403),
    ],
)
def test_pages_that_are_expected_are_let_in(known: System, origin: str, status: int) -> None:
    assert status_of(known, f"Origin: {origin}") == status


def test_two_hosts_or_origins_are_one_too_many(known: System) -> None:
    assert status_of(known, "Host: localhost:{port}") == 403
    assert status_of(known, "Origin: https://files.example", "Origin: https://files.example") == 403


def test_what_is_no_handshake_is_answered_as_http(system: System) -> None:
    with socket.create_connection(("127.0.0.1", system.websocket_port), 10 * SLOWNESS) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 426 ")


# --- the token ----------------------------------------------------------------------------------------------


def bearer(token: str) -> dict[str, dict[str, str]]:
    """Options of a client that has ``token`` in its handshake; headers are written as Latin-1."""
    return {"additional_headers": {"Authorization": f"Bearer {token.encode().decode('latin-1')}"}}


def test_a_token_in_the_handshake(closed: System) -> None:
    with closed.connect(**bearer(TOKEN)) as client:
        assert client.websocket.recv(10 * SLOWNESS) == '{"data": []}'


@pytest.mark.parametrize("token", ["wrong", TOKEN[:-1], TOKEN + "x", TOKEN.upper()])
def test_a_wrong_token_in_the_handshake(closed: System, token: str) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        closed.connect(**bearer(token))
    assert refusal.value.response.status_code == 401
    assert TOKEN not in str(refusal.value.response)


def test_a_token_in_the_first_message(closed: System) -> None:
    with closed.connect() as client:
        client.send({"token": TOKEN})
        assert client.websocket.recv(10 * SLOWNESS) == '{"data": []}'
        id_ = client.add("http://127.0.0.1:1/x")
        assert "data" in client.act("remove", id_)


@pytest.mark.parametrize(
    "message", [{"token": "wrong"}, {"url": "http://127.0.0.1/"}, {"action": "list"}, {"token": TOKEN[:-1]}]
)
def test_nobody_is_told_anything_before_the_token(closed: System, message: object) -> None:
    with closed.connect() as client:
        for _ in range(3):
            said = client.ask(message)
            assert said["error"]["code"] == "forbidden"
            assert TOKEN not in said["error"]["message"]
        with pytest.raises(ConnectionClosed) as end:
            client.receive()
        assert end.value.rcvd is not None
        assert (end.value.rcvd.code, client.lists) == (1008, 0)
    assert closed.ask("wsbridge", "downloads") == []


def test_the_second_try_may_be_right(closed: System) -> None:
    with closed.connect() as client:
        assert client.ask("what?")["error"]["code"] == "bad_json"
        client.send({"token": TOKEN})
        assert client.next_list() == []


# --- too much -----------------------------------------------------------------------------------------------


def test_a_message_that_is_too_large_ends_its_connection_alone(system: System, client: BridgeClient) -> None:
    with system.connect() as other:
        largest = json.dumps({"url": "x" * (LARGEST_MESSAGE - len('{"url": ""}'))})
        assert other.ask(largest)["error"]["code"] == "bad_url"
        other.send(largest + " ")
        with pytest.raises(ConnectionClosed) as end:
            other.receive()
        assert end.value.rcvd is not None
        assert end.value.rcvd.code == 1009
    client.send({"action": "list"})
    client.next_list()


def test_a_flood_is_answered_in_order_and_holds_nobody_up(system: System, client: BridgeClient) -> None:
    many = 2000
    with system.connect() as other:
        for number in range(many):
            other.send({"action": "pause", "id": f"no-{number}"})
            if number % 500 == 0:
                began = time.monotonic()
                client.send({"action": "list"})
                client.next_list()
                assert time.monotonic() - began < 2 * SLOWNESS
        while len(other.answers) < many:
            other.receive()
        assert {said["error"]["code"] for said in other.answers} == {"unknown_id"}


def test_who_asks_without_reading_is_hung_up_on(closed: System) -> None:
    """Pings are answered before anybody is let in. Masked with zeros (RFC 6455 section 5.3)."""
    ping = bytes([0x89, 0x80 | 125, 0, 0, 0, 0]) + bytes(125)
    with connected(closed) as deaf:
        assert deaf.recv(len(GREETING)) == GREETING
        with pytest.raises(ConnectionError):
            deaf.sendall(ping * (MOST_POURED // len(ping)))


def clients_of(system: System) -> int:
    """How many are connected."""
    return int(system.ask("wsbridge", "status")["clients"])


def test_connections_are_limited(system: System) -> None:
    eventually(lambda: clients_of(system) == 0, "those of before are gone")
    with ExitStack() as many:
        said = [
            many.enter_context(connected(system)).recv(len(GREETING)) for _ in range(MOST_CONNECTIONS + 1)
        ]
    assert said == [GREETING] * MOST_CONNECTIONS + [b"HTTP/1.1 503 "]
    # There is room again when they are gone.
    eventually(lambda: status_of(system) == 101, "somebody is let in")


def test_who_does_not_read_is_dropped_and_nobody_else_notices(system: System, client: BridgeClient) -> None:
    """Masked with zeros, a message is what it says (RFC 6455 section 5.3)."""
    request = b'{"action": "list"}'
    frame = bytes([0x81, 0x80 | len(request), 0, 0, 0, 0]) + request
    added = [client.add(f"http://127.0.0.1:1/{number}") for number in range(100)]
    eventually(lambda: clients_of(system) == 1, "those of before are gone")

    def is_alone() -> bool:
        asked = time.monotonic()
        client.send({"action": "list"})
        client.next_list()
        assert time.monotonic() - asked < 2 * SLOWNESS
        return clients_of(system) == 1

    with connected(system) as deaf:
        assert deaf.recv(len(GREETING)) == GREETING
        deaf.settimeout(SLOWNESS)
        fill(deaf, frame * 1000)
        assert not is_alone()
        eventually(is_alone, "it is dropped", within_s=STUCK_S + 10)
    for id_ in added:
        client.act("remove", id_)


def fill(connection: socket.socket, piece: bytes) -> None:
    """Send until nothing more goes in: it is stuck at both ends."""
    with suppress(TimeoutError):
        while True:
            connection.sendall(piece)
