"""Garbage, floods and idle or slow peers at every socket, on one running system: nobody else notices.

It goes on checking, ``pagestatus-ctl status`` answers within a second meanwhile, bad frames are counted, and
at the end every slot has its line.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from bridge_client import BridgeClient
from garbage import (
    STREAMS,
    WEBSOCKET_FRAMES,
    connected,
    frames,
    is_bad,
    is_hung_up_on,
    push,
    too_large,
)
from scripts.soak_run.faults.garbage import pour
from system import ACTORS, SLOWNESS, System, eventually
from wsbridge.newcomers import MOST as MOST_NEWCOMERS

TARGETS = 40
# A quarter of a second of them.
SOME = 10
SECOND_S = 1.0 * SLOWNESS
MOST_GROWTH_KB = 48 << 10
REQUEST = b'{"command": "status"}\n'
HANDSHAKE = (
    b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
# Masked with zeros.
LIST = b'\x81\x92\0\0\0\0{"action": "list"}'


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, site: str) -> Iterator[System]:
    targets = [{"url": f"{site}/fast/1", "interval": 1, "name": str(number)} for number in range(TARGETS)]
    system = System(tmp_path_factory.mktemp("garbage"), targets, downloads__broadcast_interval=0.05)
    try:
        system.start()
        system.until_checked(TARGETS)
        yield system
    finally:
        system.close()


@pytest.fixture(autouse=True)
def unharmed(system: System) -> Iterator[None]:
    """Whatever a test does: the same processes run afterwards, are no larger, and check."""
    before, sizes = pids(system), memory_kb(system)
    yield
    if not system.processes:
        return
    system.until_checked(SOME)
    is_well(system)
    assert pids(system) == before
    grown = {name: size - sizes[name] for name, size in memory_kb(system).items()}
    assert max(grown.values()) < MOST_GROWTH_KB, grown


def pids(system: System) -> dict[str, int]:
    return {name: process.pid for name, process in system.processes.items()} | system.fetcher_pids()


def memory_kb(system: System) -> dict[str, int]:
    """Resident, by process."""
    found = {}
    for name, pid in pids(system).items():
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
        found[name] = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
    return found


def is_well(system: System) -> None:
    """An operator looks, and is answered within a second."""
    began = time.monotonic()
    status = system.ctl("status", "--json")
    assert time.monotonic() - began < SECOND_S
    assert (status.returncode, json.loads(status.stdout)["state"]) == (0, "running"), status.stdout


def inboxes(system: System) -> dict[str, Path]:
    """Every ZeroMQ socket, by the process whose it is."""
    fetchers = {path.name.rpartition("-")[0]: path for path in system.run_dir.glob("fetcher-*.in")}
    return fetchers | {
        name: system.run_dir / f"{name}.in" for name in ("scheduler", "aggregator", "wsbridge")
    }


def bad_frames(system: System, name: str) -> int:
    """How many a process has counted."""
    status: dict[str, Any] = system.ask(name, "status")
    return int(status["bad_frames"])


# --- ZeroMQ -------------------------------------------------------------------------------------------------


def test_frames_that_are_none_are_counted(system: System) -> None:
    sent = list(frames())
    expected = sum(map(is_bad, sent))
    assert 150 < expected < len(sent)
    before = {name: bad_frames(system, name) for name in inboxes(system)}
    for path in inboxes(system).values():
        push(path, sent)
    is_well(system)
    wanted = {name: count + expected for name, count in before.items()}
    eventually(
        lambda: {name: bad_frames(system, name) for name in wanted} == wanted, "all of them are counted"
    )


def test_frames_that_are_too_large_are_not_even_read(system: System) -> None:
    wanted = {name: bad_frames(system, name) + 1 for name in inboxes(system)}
    for path in inboxes(system).values():
        push(path, [too_large()])
        push(path, [b"one that is read"])
    is_well(system)
    eventually(lambda: {name: bad_frames(system, name) for name in wanted} == wanted, "that one is counted")


def test_what_is_no_zeromq_is_hung_up_on_or_waits(system: System) -> None:
    with ExitStack() as peers:
        for path, stream in product(inboxes(system).values(), STREAMS):
            pour(peers.enter_context(connected(path)), stream, 1)
        is_well(system)
        for path, _ in product(inboxes(system).values(), range(50)):
            peers.enter_context(connected(path))
        is_well(system)
        system.until_checked(SOME)


# --- control ------------------------------------------------------------------------------------------------

NAMES = (*ACTORS, "fetcher-1")
NASTY: list[object] = [None, True, -1, 1 << 70, 1e308, "", "x" * 1000, "\x1b[2J\n", "\ud800", [], {}, [[]]]
COMMANDS = {
    "scheduler": ["inflight", "why", "pause", "resume", "reload", "x" * 1000],
    "aggregator": ["failures", "log_path"],
    "fetchers": ["scale", "status"],
    "wsbridge": ["download", "downloads", "act"],
    "fetcher-1": ["status", "nonsense"],
}
KEYS = ["n", "target", "url", "id", "action", "headers", "filename", "threads"]


def test_commands_with_nonsense_are_refused_or_do_no_harm(system: System) -> None:
    for name, commands in COMMANDS.items():
        with connected(system.run_dir / f"{name}.ctl") as peer:
            peer.settimeout(10 * SLOWNESS)
            replies = peer.makefile("rb")
            for command, key, value in product(commands, KEYS, NASTY):
                peer.sendall(json.dumps({"command": command, key: value}).encode() + b"\n")
                (answer,) = json.loads(replies.readline())
                assert answer in {"ok", "error"}
    assert json.loads(system.ctl("downloads", "--json").stdout) == []


def flood(peer: socket.socket) -> None:
    """Ask, and never read an answer."""
    pour(peer, REQUEST * 100, 100)


BEHAVIOURS: list[Callable[[socket.socket], None]] = [
    lambda _peer: None,
    lambda peer: pour(peer, REQUEST[:-3], 1),
    lambda peer: pour(peer, b"x" * 65_536, 100),
    lambda peer: pour(peer, bytes(65_536), 10),
    lambda peer: pour(peer, b"\n" * 1000, 10),
    lambda peer: pour(peer, b'{"command": ' + b"[" * 60_000 + b"\n", 1),
    flood,
]


def test_whoever_else_is_at_the_control_sockets(system: System) -> None:
    """Of each kind more than there is room for: silence, half a line, none that ends, zeros, a flood."""
    for behaviour in BEHAVIOURS:
        with ExitStack() as peers:
            for name, _ in product(NAMES, range(70)):
                with suppress(BlockingIOError):
                    behaviour(peers.enter_context(connected(system.run_dir / f"{name}.ctl")))
            is_well(system)


# --- the websocket ------------------------------------------------------------------------------------------


@pytest.fixture
def client(system: System) -> Iterator[BridgeClient]:
    with system.connect() as client:
        yield client


def at_websocket(system: System) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", system.websocket_port), 10 * SLOWNESS)
    peer.setblocking(False)
    return peer


def let_in(system: System) -> socket.socket:
    """A connection that is a websocket."""
    peer = socket.create_connection(("127.0.0.1", system.websocket_port), 10 * SLOWNESS)
    peer.sendall(HANDSHAKE)
    assert peer.recv(65_536).startswith(b"HTTP/1.1 101 ")
    peer.setblocking(False)
    return peer


def is_served(client: BridgeClient) -> None:
    """Somebody who behaves is answered within a second."""
    began = time.monotonic()
    client.send({"action": "list"})
    client.next_list()
    assert time.monotonic() - began < SECOND_S


def test_garbage_before_and_in_a_websocket(system: System, client: BridgeClient) -> None:
    with ExitStack() as peers:
        for stream in (
            *STREAMS,
            b"\x16\x03\x01\x02\x00" + bytes(500),
            HANDSHAKE[:-2],
            b"GET /" + b"x" * 99_999,
        ):
            pour(peers.enter_context(at_websocket(system)), stream, 1)
        for frame in WEBSOCKET_FRAMES:
            pour(peers.enter_context(let_in(system)), frame, 1)
        is_served(client)
        is_well(system)


def test_who_sends_a_byte_now_and_then_or_nothing(system: System, client: BridgeClient) -> None:
    """A hundred handshakes that do not end, and as many messages in pieces that do not."""
    with ExitStack() as peers:
        inside = [peers.enter_context(let_in(system)) for _ in range(100)]
        outside = [peers.enter_context(at_websocket(system)) for _ in range(100)]
        for at in range(10):
            for peer in inside:
                pour(peer, b"\x00\x81\0\0\0\0x" if at else b"\x01\x81\0\0\0\0x", 1)
            for peer in outside:
                pour(peer, HANDSHAKE[at : at + 1], 1)
            is_served(client)
        # Those that came first have had their chance, and need not be waited for until they give up.
        too_many = len(outside) - MOST_NEWCOMERS
        eventually(lambda: sum(map(is_hung_up_on, outside)) >= too_many, "the oldest are gone", within_s=3)
        is_well(system)


def test_floods_and_who_does_not_read_them(system: System, client: BridgeClient) -> None:
    with ExitStack() as peers:
        for piece in (
            LIST * 1000,
            b"\x89\x80\0\0\0\0" * 1000,
            b"\x01\x80\0\0\0\0" + b"\0\x80\0\0\0\0" * 1000,
        ):
            pour(peers.enter_context(let_in(system)), piece, 200)
        for _ in range(10):
            is_served(client)
        is_well(system)


# --- and at the end -----------------------------------------------------------------------------------------


def test_every_slot_has_its_line(system: System) -> None:
    """The last test of this module."""
    assert system.schedule()["missed_total"] == {}
    system.drain()
    assert list(system.findings()) == []
    assert "Traceback" not in "".join(path.read_text() for path in system.data_dir.glob("*.log"))
