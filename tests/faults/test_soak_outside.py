"""What the soak puts around the system: its site and its name server, in each of their manners."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from aggregator.lines import REASONS
from fetching import Bench
from pagestatus.messages import Reason, Result
from scripts.soak_run import names
from scripts.soak_run.encrypted import AUTHORITY, KINDS, UNTRUSTED
from scripts.soak_run.manners import FEW, MANNERS, MOST_BYTES
from scripts.soak_run.network import Network
from scripts.soak_run.ports import datagram_port, held_port
from scripts.soak_run.record import requests
from scripts.soak_run.servant import ANSWERING, Servant
from scripts.soak_run.site import Site
from scripts.soak_run.targets import encrypted, silent, steady

# None of them takes longer than that by itself.
TIMEOUT_S = 1.2


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with closing(Site(tmp_path)) as site:
        yield site


@contextmanager
def bench(*name_servers: str, ca_file: Path | None = None) -> Iterator[Bench]:
    with closing(Bench(max_bytes=MOST_BYTES, name_servers=name_servers, ca_file=ca_file)) as bench:
        yield bench


def in_thread(test: Callable[[], None]) -> None:
    """In a thread of its own: what it does to its network, nobody else sees."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(test).result()


def said(result: Result) -> tuple[str, int]:
    """The reason as the log has it, and the status."""
    if result.reason is Reason.NONE:
        return "http_status" if result.status >= 400 else "", result.status
    return REASONS[result.reason], result.status


def test_each_manner_of_the_site_has_its_reason(site: Site) -> None:
    found, spared = {}, set()
    with bench() as checks:
        for name in MANNERS:
            with site.behaving(name):
                found[name] = said(
                    checks.attempt(f"http://127.1.0.1:{site.port}/t/{FEW}", timeout_s=TIMEOUT_S)
                )
                if MANNERS[name].one_in > 1:
                    spared.add(said(checks.attempt(f"http://127.1.0.1:{site.port}/t/1", timeout_s=TIMEOUT_S)))
    assert found == {name: (manner.reason, manner.status) for name, manner in MANNERS.items()}
    assert spared == {("", 200)}
    kept = requests(site.record)
    # Each has asked once, however far it was led, and but for the one who was thrown out first.
    assert [request.manner for request in kept[FEW]] == [one for one in MANNERS if one != "resetting at once"]
    assert {request.manner for request in kept[1]} == {ANSWERING}


def test_who_had_come_before_the_site_reset_all_at_once_is_reset_as_well(site: Site) -> None:
    with socket.create_connection(("127.0.0.1", site.port)) as visitor:
        # The site has taken it when it answers the next one.
        with bench() as checks:
            checks.attempt(f"http://127.1.0.1:{site.port}/t/1", timeout_s=TIMEOUT_S)
        with site.behaving("resetting at once"):
            with bench() as checks:
                assert said(checks.attempt(f"http://127.1.0.1:{site.port}/t/1"))[0] == "reset"
            visitor.sendall(b"GET /t/2 HTTP/1.1\r\n\r\n")
            visitor.settimeout(TIMEOUT_S * 10)
            with pytest.raises(ConnectionResetError):
                visitor.recv(1)


def test_each_manner_of_the_name_server_has_its_reason(site: Site) -> None:
    port = datagram_port()
    server = Servant("scripts.soak_run.names", str(port))
    named, other = (target["url"] for target in steady(1, site.port)[:10:5])
    found = {}
    try:
        for manner in names.MANNERS:
            # Each with an eye of its own: a name that failed is not asked for again at once.
            with bench(f"127.0.0.1:{port}") as checks, server.behaving(manner):
                found[manner] = said(checks.attempt(str(named), timeout_s=TIMEOUT_S))[0]
        assert found == {name: manner.reason for name, manner in names.MANNERS.items()}
        with bench(f"127.0.0.1:{port}") as checks:
            (unanswered,) = silent(1, site.port)
            assert said(checks.attempt(str(unanswered["url"]), timeout_s=TIMEOUT_S)) == ("dns", 0)
            with server.gone():
                assert said(checks.attempt(str(other), timeout_s=TIMEOUT_S)) == ("name_server", 0)
    finally:
        server.kill()


def test_each_site_with_tls_has_its_reason(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(held_port()).getsockname()[1] for _ in KINDS]
        server = Servant("scripts.soak_run.encrypted", str(tmp_path), *map(str, ports))
        stack.callback(server.kill)
        checks = stack.enter_context(bench(ca_file=tmp_path / AUTHORITY))
        urls = [str(target["url"]) for target in encrypted(KINDS, ports)[: len(KINDS)]]
        found = [said(checks.attempt(url, timeout_s=TIMEOUT_S)) for url in urls]
    assert dict(zip(KINDS, found, strict=True)) == {
        **dict.fromkeys(UNTRUSTED, ("tls", 0)),
        "going away": ("reset", 0),
    }


@pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")
def test_each_trouble_of_the_network_has_its_reason(tmp_path: Path) -> None:
    found = []

    def look() -> None:
        network = Network()
        with closing(Site(tmp_path)) as site, bench() as checks:
            url = f"http://127.1.0.1:{site.port}/t/1"
            for trouble in (network.down, network.without_route, network.without_ports):
                with trouble():
                    found.append(said(checks.attempt(url, timeout_s=TIMEOUT_S))[0])
                found.append(said(checks.attempt(url, timeout_s=TIMEOUT_S))[0])

    in_thread(look)
    assert found == ["no_route", "", "no_route", "", "no_ports", ""]
