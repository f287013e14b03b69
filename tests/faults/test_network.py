"""The network fails on our side, in a namespace of its own: no site is blamed for that."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from episode import Episode, long
from lossy_link import LossyLink, without_offloads
from namespaces import FAR, NEAR, Namespace, link, namespaces
from page_site import Asked, Page, PageSite, honest, slow
from range_site import answer
from system import ACTORS, SLOWNESS, System, eventually

# How long a network is away; longer by hand.
AWAY_S = float(os.environ.get("PAGESTATUS_TEST_AWAY_S", "1"))
# Behind a gateway, another network that is nobody's.
BEYOND, GATEWAY = "198.51.100.1", "192.0.2.3"
FAST, SLOW = 8, 4
PORTS = "32768 60999"
FILE = bytes(range(256)) * 80
LOSS, DELAY_S = 0.1, 0.03


class Place:
    """The system in one namespace, its sites in another, and between them one that carries all frames."""

    def __init__(self, near: Namespace, middle: Namespace, far: Namespace, folder: Path) -> None:
        self.near, self.middle, self.far = near, middle, far
        self.link = LossyLink(middle, "one", "other")
        with far.entered():
            self.site, self.beyond = PageSite(FAR), PageSite(BEYOND)
        targets = [_target(f"fast {n}", self.site, _hello, 1) for n in range(FAST)]
        targets += [_target(f"beyond {n}", self.beyond, _hello, 1) for n in range(FAST)]
        self.names = [str(target["name"]) for target in targets]
        # In flight for half of the time.
        targets += [_target(f"slow {n}", self.site, slow(bytes(100), 100), 2) for n in range(SLOW)]
        self.system = System(folder, targets, check__connect_timeout=2, check__retry_interval=0.2)

    def start(self) -> None:
        self.link.__enter__()
        self.site.__enter__()
        self.beyond.__enter__()
        with self.near.entered():
            self.system.start()

    def close(self) -> None:
        self.system.close()
        self.site.__exit__(None, None, None)
        self.beyond.__exit__(None, None, None)
        self.link.__exit__(None, None, None)

    def episode(self) -> Episode:
        return Episode(self.system, self.names)

    def status(self) -> str:
        """What the operator reads, in one line."""
        return " ".join(self.system.ctl("status").stdout.split())


def _hello(_asked: Asked) -> list[bytes]:
    return [answer(200, b"hello")]


def _target(name: str, site: PageSite, page: Page, interval: int) -> dict[str, object]:
    return {"name": name, "url": site.add(page), "interval": interval, "timeout": 0.85 * interval}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One system for all of these; at the end its log is audited."""
    with namespaces(3) as (near, middle, far):
        link(near, "near", middle, "one")
        link(far, "far", middle, "other")
        without_offloads(near, "near")
        without_offloads(far, "far")
        near.ip("address", "add", f"{NEAR}/24", "dev", "near")
        far.ip("address", "add", f"{FAR}/24", "dev", "far")
        far.ip("address", "add", f"{GATEWAY}/24", "dev", "far")
        far.ip("address", "add", f"{BEYOND}/32", "dev", "lo")
        near.ip("route", "add", BEYOND, "via", GATEWAY)
        place = Place(near, middle, far, tmp_path_factory.mktemp("network"))
        try:
            place.start()
            eventually(place.episode().is_well, "all is well", within_s=20)
            yield place
            assert place.system.drain() == dict.fromkeys(ACTORS, 0)
            assert list(place.system.findings()) == []
        finally:
            place.close()


def away(
    place: Place,
    what: str,
    take: Callable[[], object],
    give: Callable[[], object],
    *,
    slots_a_second: int = 2 * FAST,
) -> Episode:
    """Take the network away for a while: its sites are not blamed, and ``status`` says what is wrong."""
    episode = place.episode()
    take()
    try:
        episode.until("internal", "no_route", round(AWAY_S * slots_a_second), within_s=AWAY_S + 10)
        said = place.status()
    finally:
        give()
    assert "(no_route): there is no way from here to the sites: see ip link and ip route" in said
    episode.until_well(what)
    no_site_is_blamed(episode)
    assert ("internal", "no_route") in episode.outcomes()
    return episode


def no_site_is_blamed(episode: Episode) -> None:
    assert not [line for line in episode.lines() if line.outcome == "fail"]


def test_a_site_that_is_away_itself_is_blamed(place: Place) -> None:
    """First of all: what lately had no way from here is not blamed for seconds."""
    episode = place.episode()
    place.far.ip("address", "del", f"{BEYOND}/32", "dev", "lo")
    try:
        episode.until("fail", "timeout", FAST // 2)
    finally:
        place.far.ip("address", "add", f"{BEYOND}/32", "dev", "lo")
    episode.until_well("sites away")
    blamed = {line.target.partition(" ")[0] for line in episode.lines() if line.outcome == "fail"}
    assert blamed == {"beyond"}
    assert "internal" not in {outcome for outcome, _reason in episode.outcomes()}


def test_the_device_is_switched_off(place: Place) -> None:
    def give() -> None:
        place.near.ip("link", "set", "near", "up")
        # It goes with the device, and comes back by itself as little.
        place.near.ip("route", "add", BEYOND, "via", GATEWAY)

    away(place, "device off", lambda: place.near.ip("link", "set", "near", "down"), give)


def test_the_link_is_cut(place: Place) -> None:
    away(
        place,
        "link cut",
        lambda: place.middle.ip("link", "set", "one", "down"),
        lambda: place.middle.ip("link", "set", "one", "up"),
    )


@long
def test_there_is_no_route(place: Place) -> None:
    def give() -> None:
        place.near.ip("route", "add", "192.0.2.0/24", "dev", "near", "src", NEAR)
        place.near.ip("route", "add", BEYOND, "via", GATEWAY)

    away(place, "no route", lambda: place.near.ip("route", "flush", "dev", "near"), give)


def test_the_gateway_is_silent(place: Place) -> None:
    def take() -> None:
        place.far.ip("address", "del", f"{GATEWAY}/24", "dev", "far")
        # Its address on the link is known still, and would be for half a minute.
        place.near.ip("neighbour", "flush", "dev", "near")

    give = partial(place.far.ip, "address", "add", f"{GATEWAY}/24", "dev", "far")
    episode = away(place, "gateway silent", take, give, slots_a_second=FAST)
    beside = [line for line in episode.lines() if line.target.startswith("fast")]
    assert {line.outcome for line in beside} == {"ok"}


def test_no_local_ports_are_left(place: Place) -> None:
    episode = place.episode()
    place.near.set("ipv4/ip_local_port_range", "40000 40001")
    try:
        episode.until("internal", "no_ports", FAST)
        said = place.status()
    finally:
        place.near.set("ipv4/ip_local_port_range", PORTS)
    assert "(no_ports): no local port is left: widen net.ipv4.ip_local_port_range" in said
    episode.until_well("no ports")
    no_site_is_blamed(episode)


def test_the_link_is_slow_and_loses_much(place: Place) -> None:
    system, url = place.system, place.site.add(honest(FILE), "/file.bin")
    with place.near.entered():
        client = system.connect()
    episode = place.episode()
    place.link.delay_s, place.link.loss = DELAY_S, LOSS
    id_ = client.add(url, sha256=hashlib.sha256(FILE).hexdigest())
    episode.until("ok", "", 2 * FAST)
    client.until(id_, "Downloaded", within_s=60)
    place.link.delay_s = place.link.loss = 0
    episode.until_well("slow and lossy")
    assert place.link.lost > 0
    assert (system.downloads_dir / "file.bin").read_bytes() == FILE
    # Where a frame was lost, nobody can say; it was not that the answer was wrong.
    assert {reason for _outcome, reason in episode.outcomes()} <= {"", "timeout", "no_route"}
    lines = [line for line in episode.lines() if line.attempt]
    assert max(line.lag_ms or 0 for line in lines) < 500 * SLOWNESS
