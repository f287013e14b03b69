"""Memory, descriptors, threads and sockets do not grow, however often something comes, goes or fails.

PAGESTATUS_TEST_CYCLES=300 takes some minutes, and finds also what leaks little.
"""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import pytest
import zmq

from page_site import PageSite, Reset, honest
from range_site import answer
from system import ACTORS, System, eventually

# So many that one of anything, left over in each, is more than may be there by chance.
CYCLES = int(os.environ.get("PAGESTATUS_TEST_CYCLES", "12"))
# Caches fill, and Python takes memory in larger pieces, in the first ones.
SETTLES = max(2, CYCLES // 10)
# At once, of each kind, in each cycle.
CROWD = 10
# What the garbage collector lets lie: the bridge has 7 MiB more after thousands of clients, and then no more;
# the others a tenth of one. So the longer it goes on, the less may leak in each cycle.
LEFT_LYING_BYTES = {"wsbridge": 8 << 20}
LEFT_LYING_ELSE_BYTES = 1 << 20
# Connections that are just there when we look.
PASSING = CROWD // 2
# Of the bridge, for files and names: made when they are needed.
THREADS = 3
CONTENT = bytes(100_000)
Target = dict[str, object]


class Held(NamedTuple):
    """What a process has from the kernel."""

    descriptors: int
    sockets: int
    threads: int
    bytes: int

    @classmethod
    def by(cls, pid: int) -> Held:
        """As of now (proc(5))."""
        process = Path("/proc", str(pid))
        links = [_link(path) for path in (process / "fd").iterdir()]
        pages = int((process / "statm").read_text(encoding="ascii").split()[1])
        threads = sum(1 for _ in (process / "task").iterdir())
        sockets = sum(link.startswith("socket:") for link in links)
        return cls(len(links), sockets, threads, pages * os.sysconf("SC_PAGE_SIZE"))


def _link(path: Path) -> str:
    # It may have been closed meanwhile.
    with suppress(OSError):
        return str(path.readlink())
    return ""


class Place:
    """A system, and all that can happen to it in a second."""

    def __init__(self, folder: Path, site: PageSite) -> None:
        good, gone = site.add(lambda _asked: [answer(200, b"hello")]), f"{site.url}/gone"
        bad = [site.add(_resetting), gone, "http://127.0.0.1:1/", "http://no.such.host.invalid/"]
        self.lists: list[list[Target]] = [
            [_target(f"{name} {n}", good) for n in range(50)] + [_target(url, url) for url in bad]
            for name in ("one", "other")
        ]
        self.system = System(
            folder,
            self.lists[0],
            check__retries=1,
            check__retry_interval=0.1,
            downloads__broadcast_interval=0.05,
        )
        self.good, self.gone = site.add(honest(CONTENT)), gone

    def cycle(self, number: int) -> None:
        """One of each."""
        self.scale(2)
        self.control_connections()
        self.websocket_clients()
        self.garbage()
        self.downloads()
        self.system.write_list(self.lists[number % 2])
        assert self.system.ctl("reload").returncode == 0
        self.scale(1)

    def scale(self, fetchers: int) -> None:
        self.system.ask("fetchers", "scale", n=fetchers)
        eventually(lambda: len(self.system.fetcher_pids()) == fetchers, f"{fetchers} fetchers")

    def control_connections(self) -> None:
        """Those that ask nothing, ask nonsense, or hang up in the middle."""
        for name in ACTORS:
            for words in (b"", b"nonsense\n", b'{"command": "sta', b'{"command": "status"}\n'):
                with socket.socket(socket.AF_UNIX) as peer:
                    peer.connect(str(self.system.addresses.control(name)))
                    peer.send(words)

    def websocket_clients(self) -> None:
        """Those that leave without a word, and a port scanner."""
        for _ in range(CROWD):
            with self.system.connect() as client:
                client.next_list()
            with socket.create_connection(("127.0.0.1", self.system.websocket_port)) as scanner:
                scanner.send(b"\x16\x03\x01")

    def garbage(self) -> None:
        """On the sockets between the processes."""
        paths = [getattr(self.system.addresses, name) for name in ("scheduler", "aggregator", "wsbridge")]
        with zmq.Context() as context:
            for path in paths:
                with context.socket(zmq.PUSH) as socket_:
                    socket_.connect(f"ipc://{path}")
                    socket_.send(b"\xc1garbage")

    def downloads(self) -> None:
        """A good and a bad one, and both off the list again."""
        with self.system.connect() as client:
            for url, end in ((self.good, "Downloaded"), (self.gone, "Failed")):
                id_ = client.add(url)
                client.until(id_, end)
                assert "data" in client.ask({"action": "remove", "id": id_})
            for path in self.system.downloads_dir.iterdir():
                path.unlink()

    def held(self) -> dict[str, Held]:
        """By process, once it is quiet."""
        pids = {**self.system.fetcher_pids()}
        pids |= {name: process.pid for name, process in self.system.processes.items()}
        return {name: Held.by(pid) for name, pid in pids.items()}


def _target(name: str, url: str) -> Target:
    return {"name": name, "url": url, "interval": 1}


def _resetting(_asked: object) -> Iterable[bytes]:
    raise Reset


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with PageSite() as site:
        place = Place(tmp_path, site)
        try:
            place.system.start()
            eventually(lambda: place.system.state() == "running", "all processes run", within_s=20)
            yield place
        finally:
            place.system.close()


def test_nothing_grows(place: Place) -> None:
    for number in range(SETTLES):
        place.cycle(number)
    before = place.held()
    for number in range(CYCLES):
        place.cycle(number)
    # Connections end a moment after their clients.
    eventually(lambda: not list(grown(before, place.held())), "nothing has grown")
    # For who wants to know, and reads it with pytest -rP.
    for name, held in place.held().items():
        sys.stdout.write(f"{CYCLES} cycles: {name} had {before[name]}, has {held}\n")


def grown(before: dict[str, Held], after: dict[str, Held]) -> Iterator[str]:
    """Who has more than before."""
    for name, had in before.items():
        left_lying = LEFT_LYING_BYTES.get(name, LEFT_LYING_ELSE_BYTES)
        allowed = Held(PASSING, PASSING, THREADS, left_lying)
        for what, was, is_, more in zip(Held._fields, had, after[name], allowed, strict=True):
            if is_ > was + more:
                yield f"{name}: {what} grew from {was} to {is_}"
