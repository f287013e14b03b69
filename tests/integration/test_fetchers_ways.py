"""Ways to addresses, asked for of the real kernel, in namespaces with a link between them."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from fetchers.ways import SETTLES_US, Ways
from fetching import RangeBench, run_until
from namespaces import FAR, NEAR, Namespace, link, namespaces
from page_site import PageSite, slow
from pagestatus.clock import monotonic_us
from pagestatus.config import Check
from pagestatus.loop import Loop
from pagestatus.messages import Reason
from range_site import FileSite

BEYOND, GATEWAY = "198.51.100.1", "192.0.2.3"
NO_ROUTE = "203.0.113.1"
NEAR_TOO, NEAR_6 = "192.0.2.9", "2001:db8::"
# Of nobody here: in a namespace of its own it is this machine's.
PUBLIC = "8.8.8.8"


class Place:
    """Here is ``near``; FAR is at the other end of the link, BEYOND behind a gateway that is gone."""

    def __init__(self, near: Namespace, far: Namespace) -> None:
        self.near, self.far = near, far
        with near.entered():
            self.loop = Loop()
            self.ways = Ways(self.loop)

    def until(self, condition: Callable[[], bool], what: str) -> None:
        run_until(self.loop, condition, what)

    def lost(self, address: str = FAR, since_us: int | None = None) -> bool:
        return self.ways.lost(address, monotonic_us() if since_us is None else since_us)


@pytest.fixture
def place() -> Iterator[Place]:
    with namespaces(2) as (near, far):
        link(near, "near", far, "far")
        near.ip("address", "add", f"{NEAR}/24", "dev", "near")
        far.ip("address", "add", f"{FAR}/24", "dev", "far")
        near.ip("route", "add", BEYOND, "via", GATEWAY)
        place = Place(near, far)
        yield place
        place.ways.close()
        place.loop.close()


def test_a_way_that_is_there(place: Place) -> None:
    assert not place.lost(FAR)
    assert not place.lost(NEAR)
    assert not place.lost("127.0.0.1")
    assert not place.lost("::1")


@pytest.mark.parametrize("address", [NO_ROUTE, "2001:db8::1"])
def test_no_route(place: Place, address: str) -> None:
    assert place.lost(address)


def test_a_device_that_is_switched_off(place: Place) -> None:
    place.near.ip("link", "set", "near", "down")
    assert place.lost()


def test_a_device_without_its_link_and_for_a_while_after(place: Place) -> None:
    began_us = monotonic_us()
    place.far.ip("link", "set", "far", "down")
    place.until(place.lost, "the link is lost")
    place.far.ip("link", "set", "far", "up")
    # A transfer that began before may have sent its packets in vain, and so may one that begins now.
    assert place.lost(since_us=began_us)
    assert place.lost()
    assert not place.lost(since_us=monotonic_us() + SETTLES_US)


def test_a_link_that_was_lost_and_is_back_before_anybody_asks(place: Place) -> None:
    began_us = monotonic_us()
    place.far.ip("link", "set", "far", "down")
    place.far.ip("link", "set", "far", "up")
    place.until(lambda: place.lost(since_us=began_us), "the kernel has told it")


def test_news_of_a_device_that_has_its_link_all_the_while(place: Place) -> None:
    began_us = monotonic_us()
    # The kernel has told it before the command ends.
    place.near.ip("link", "set", "near", "mtu", "1400")
    rounds: list[None] = []
    place.loop.after(0.01, lambda: rounds.append(None))
    place.until(lambda: bool(rounds), "the news has been read")
    assert not place.lost(since_us=began_us)


def test_a_gateway_that_is_silent(place: Place) -> None:
    # Nobody has asked for it yet.
    assert not place.lost(BEYOND)
    with place.near.entered(), socket.socket() as visit:
        visit.setblocking(False)
        visit.connect_ex((BEYOND, 80))
        assert place.lost(BEYOND)
        assert not place.lost(FAR)


def test_which_addresses_are_this_machines_own(place: Place) -> None:
    place.near.ip("address", "add", f"{NEAR_TOO}/24", "dev", "near")
    place.near.ip("address", "add", f"{NEAR_6}/64", "dev", "near", "nodad")
    # The kernel makes its route afterwards.
    place.until(lambda: place.ways.is_here(ip_address(NEAR_6)), "the address is there")
    for own in (NEAR, NEAR_TOO, NEAR_6, "127.0.0.1", "127.1.2.3", "::1"):
        assert place.ways.is_here(ip_address(own)), own
    for other in (FAR, BEYOND, NO_ROUTE, f"{NEAR_6}1"):
        assert not place.ways.is_here(ip_address(other)), other


def test_which_addresses_are_our_own_where_tables_may_not_be_asked(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place.ways, "_asking", None)
    with place.near.entered():
        assert place.ways.is_here(ip_address(NEAR))
        assert not place.ways.is_here(ip_address(FAR))
        assert not place.ways.is_here(ip_address(NO_ROUTE))


def test_a_range_is_not_fetched_from_a_public_address_of_this_machine(tmp_path: Path) -> None:
    with namespaces(1) as (here,), here.entered():
        here.ip("address", "add", f"{PUBLIC}/32", "dev", "lo")
        with FileSite(bytes(100), host=PUBLIC) as site:
            bench = RangeBench(tmp_path, allow_private=False)
            (done,) = bench.fetch(bench.task(site.url, 0, 10))
            bench.close()
            assert (done.reason, site.connections) == (Reason.ADDRESS, 0)
            assert done.words == f"the address {PUBLIC} is not public (this machine's own)"


def test_devices_that_come_and_go_take_no_memory(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetchers.ways.MOST_BAD", 3)
    for number in range(6):
        place.near.ip("link", "add", f"d{number}", "type", "veth", "peer", "name", f"e{number}")
        place.near.ip("link", "delete", f"d{number}")
    # The kernel has told it before the command ends.
    rounds: list[None] = []
    place.loop.after(0.01, lambda: rounds.append(None))
    place.until(lambda: bool(rounds), "the news has been read")
    assert len(place.ways._bad_us) == 3


def test_a_range_behind_a_lost_link_is_no_trouble_of_the_site(place: Place, tmp_path: Path) -> None:
    with place.far.entered():
        site = PageSite(FAR)
    # Sockets are made in the namespace in which the loop runs.
    with site, place.near.entered():
        bench = RangeBench(tmp_path, check=Check(connect_timeout=1), stall_timeout=1)
        url = site.add(slow(bytes(1000), 100))
        task = bench.task(url, 0, 1000)
        bench.ranges.take(task)
        bench.until(lambda: bench.told, "bytes come")
        place.far.ip("link", "set", "far", "down")
        (begun,) = bench.ends(task)
        assert begun.reason is Reason.NO_ROUTE
        assert begun.position > 0
        # One that begins now does not even get a connection.
        (new,) = bench.fetch(bench.task(url, 0, 1000))
        assert (new.reason, new.words) == (Reason.NO_ROUTE, "there is no way from here to the site")
        place.far.ip("link", "set", "far", "up")
        bench.close()


def test_where_the_kernel_may_not_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr("fetchers.ways.socket.socket", refuse)
    loop = Loop()
    ways = Ways(loop)
    assert not ways.lost(NO_ROUTE, 0)
    ways.close()
    loop.close()
