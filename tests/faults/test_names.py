"""Name servers that are silent, late, wrong or gone: the names that are well do not feel it."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

import hostile_names as wrong
from episode import Episode
from hostile_names import CrookedNameServer
from name_server import REFUSED, SERVER_FAILURE, Zone
from page_site import PageSite
from range_site import answer
from scripts.soak_run.ports import datagram_port
from system import ACTORS, SLOWNESS, System, eventually

DNSMASQ = shutil.which("dnsmasq", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
GOOD = [f"{number}.good.test" for number in range(8)]
HERE, ELSEWHERE = Zone(("127.0.0.1",), ttl=0), Zone(("127.0.0.2",), ttl=0)
FEW, MANY = 10, 1000
# A lookup has two seconds.
SETTINGS = {"check__connect_timeout": 2, "check__backoff_max": 1, "check__retry_interval": 1}
MOST_LAG_MS = 500

# What is said of each bad name, and what the log is to make of it: outcome, reason, class.
DNS, GONE = ("fail", "dns", "transient"), ("fail", "dns", "permanent")
BAD: dict[str, tuple[Zone, tuple[str, str, str]]] = {
    "no-address.test": (Zone(), GONE),
    "broken.test": (Zone(code=SERVER_FAILURE), DNS),
    # Whoever refuses to answer is our own name server, whatever the name.
    "refused.test": (Zone(code=REFUSED), ("internal", "name_server", "")),
    "silent.test": (Zone(silent=True), DNS),
    "very-late.test": (HERE, DNS),
    "garbage.test": (HERE, DNS),
    "cut-short.test": (HERE, DNS),
    "of-another.test": (HERE, DNS),
    "guessed.test": (HERE, DNS),
    "a-little-late.test": (HERE, ("ok", "", "")),
}


@pytest.fixture(scope="module")
def site() -> Iterator[PageSite]:
    """One that is at every address of loopback."""
    with PageSite("0.0.0.0") as site:  # noqa: S104 - it answers nobody but us, at several addresses
        site.add(lambda _asked: [answer(200, b"hello")], "/")
        yield site


@pytest.fixture
def name_server() -> Iterator[CrookedNameServer]:
    zones = dict.fromkeys([*GOOD, "moving.test"], HERE) | {name: zone for name, (zone, _said) in BAD.items()}
    zones |= {f"{n}.many.test": HERE for n in range(MANY)}
    with CrookedNameServer(zones) as server:
        server.late_s = {"a-little-late.test": 0.2, "very-late.test": 4}
        server.wrong = {
            "garbage.test": wrong.garbage,
            "cut-short.test": wrong.cut_short,
            "of-another.test": wrong.of_another_question,
            "guessed.test": wrong.with_another_id,
            "dead.test": wrong.nothing,
        }
        yield server


def target(name: str, site: PageSite, interval: int = 1) -> dict[str, object]:
    """Of one page, without time for a second attempt."""
    return {
        "name": name,
        "url": f"http://{name}:{site.port}/",
        "interval": interval,
        "timeout": max(0.9, 0.6 * interval),
    }


def below(parent: str, number: int, site: PageSite) -> list[dict[str, object]]:
    """So many names below one."""
    return [target(f"{n}.{parent}", site, 10) for n in range(number)]


def in_time(episode: Episode) -> None:
    """The good names: none is failed, none is late."""
    assert set(episode.finals()) == {("ok", "")}
    assert max(line.lag_ms or 0 for line in episode.lines() if line.target in GOOD) < MOST_LAG_MS * SLOWNESS


def test_bad_answers_beside_good_names(
    site: PageSite, name_server: CrookedNameServer, make_system: Callable[..., System]
) -> None:
    good = [target(name, site) for name in [*GOOD, "moving.test"]]
    bad = [target(name, site, 3) for name in BAD]
    others = below("dead.test", FEW, site) + below("many.test", MANY, site)
    system = make_system(good + bad + others, check__name_servers=name_server.address, **SETTINGS)
    episode = Episode(system, GOOD)
    system.start()
    all_bad = Episode(system, BAD)
    eventually(
        lambda: len({line.target for line in all_bad.lines()} & set(BAD)) == len(BAD), "each has a line"
    )
    in_time(episode)

    # Between two lookups the answer changes.
    name_server.zones["moving.test"] = ELSEWHERE
    eventually(lambda: '"ip":"127.0.0.2"' in system.said(), "the new address is used", within_s=3)

    # And now a thousand are silent.
    many = Episode(system, GOOD)
    name_server.wrong["many.test"] = wrong.nothing
    eventually(lambda: unanswered(many) > MANY // 8, "hundreds have been asked for in vain", within_s=20)
    in_time(many)

    assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []
    said = {
        name: {
            (line.outcome, line.reason, line.class_)
            for line in all_bad.lines()
            if line.target == name and line.attempt
        }
        for name in BAD
    }
    assert said == {name: {expected} for name, (_zone, expected) in BAD.items()}


def unanswered(episode: Episode) -> int:
    """Lines of the many names that are no more answered."""
    lines = [line for line in episode.lines() if line.target.endswith(".many.test") and line.outcome != "ok"]
    assert {(line.outcome, line.reason) for line in lines} <= {("fail", "dns"), ("missed", "overrun")}
    return len(lines)


class Dnsmasq:
    """The real one; it knows GOOD, and asks somebody who keeps silent for what is below ``dead.test``."""

    def __init__(self) -> None:
        self._open = ExitStack()
        silent = self._open.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind(("127.0.0.1", 0))
        self.port = datagram_port()
        self._silent_port: int = silent.getsockname()[1]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(
            [
                str(DNSMASQ),
                "--keep-in-foreground",
                "--conf-file=/dev/null",
                "--pid-file",
                "--no-resolv",
                "--no-hosts",
                "--bind-interfaces",
                "--listen-address=127.0.0.1",
                f"--port={self.port}",
                "--user=",
                *(f"--host-record={name},127.0.0.1,0" for name in GOOD),
                # It asks nobody whether these have IPv6 addresses.
                "--local=/good.test/",
                f"--server=/dead.test/127.0.0.1#{self._silent_port}",
            ],
            stdin=subprocess.DEVNULL,
        )
        eventually(self._listens, "dnsmasq listens")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        self.kill()
        self._open.close()

    def _listens(self) -> bool:
        """On TCP too, where one can see it."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except ConnectionRefusedError:
            return False
        return True


@pytest.fixture(scope="module")
def dnsmasq() -> Iterator[Dnsmasq]:
    if DNSMASQ is None:
        pytest.skip("dnsmasq is not installed")
    dnsmasq = Dnsmasq()
    yield dnsmasq
    dnsmasq.close()


@pytest.fixture(scope="module")
def running(site: PageSite, dnsmasq: Dnsmasq, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Watches good names and dead ones; what it leaves is audited."""
    listed = [target(name, site) for name in GOOD] + below("dead.test", FEW, site)
    folder, server = tmp_path_factory.mktemp("names"), f"127.0.0.1:{dnsmasq.port}"
    system = System(folder, listed, check__name_servers=server, **SETTINGS)
    try:
        system.start()
        eventually(Episode(system, GOOD).is_well, "all is well", within_s=20)
        yield system
        assert system.drain() == dict.fromkeys(ACTORS, 0)
        assert list(system.findings()) == []
    finally:
        system.close()


@pytest.mark.debian("dnsmasq-base")
def test_a_name_server_that_is_gone_is_our_own_trouble(running: System, dnsmasq: Dnsmasq) -> None:
    episode = Episode(running, GOOD)
    dnsmasq.kill()
    episode.until("internal", "name_server", 2 * len(GOOD))
    said = " ".join(running.ctl("status").stdout.split())
    dnsmasq.start()
    assert "(name_server): the name servers do not serve us: see /etc/resolv.conf" in said
    episode.until_well("name server gone")
    assert {outcome for outcome, _reason in episode.outcomes()} <= {"ok", "internal", "missed"}


@pytest.mark.debian("dnsmasq-base")
def test_a_name_server_that_stands_still_is_our_own_trouble(running: System, dnsmasq: Dnsmasq) -> None:
    episode = Episode(running, GOOD)
    dnsmasq.process.send_signal(signal.SIGSTOP)
    eventually(lambda: episode.finals().total() - episode.finals()["ok", ""] >= len(GOOD), "it is felt")
    dnsmasq.process.send_signal(signal.SIGCONT)
    episode.until_well("name server stopped")
    assert {outcome for outcome, _reason in episode.outcomes()} <= {"ok", "internal", "missed"}
