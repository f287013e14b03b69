"""No descriptors left, no memory left: our own trouble, told as such, and over as soon as there is some."""

from __future__ import annotations

import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from episode import Episode
from page_site import Asked, Closed, PageSite
from range_site import answer
from system import ACTORS, System, eventually

TARGETS = 8
# At once, each in the middle of a head that is as long as they may be: for that there is no memory.
HANGING = 60
LONG_HEAD = b"HTTP/1.1 200 OK\r\n" + (b"X: " + b"a" * 1019 + b"\r\n") * 250
SPARE_BYTES = 1 << 20


class Hanging:
    """A site that answers at once, until it hangs."""

    def __init__(self) -> None:
        self._goes_on = threading.Event()
        self._goes_on.set()

    def page(self, _asked: Asked) -> Iterator[bytes]:
        if not self._goes_on.is_set():
            yield LONG_HEAD
            self._goes_on.wait()
            raise Closed
        yield answer(200, b"hello")

    @contextmanager
    def hangs(self) -> Iterator[None]:
        self._goes_on.clear()
        try:
            yield
        finally:
            self._goes_on.set()


@contextmanager
def limited(pid: int, what: int, to: int) -> Iterator[None]:
    """A soft limit of another process, for a while; it may have ended meanwhile."""
    before = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (to, before[1]))
    try:
        yield
    finally:
        if Path(f"/proc/{pid}").exists():
            resource.prlimit(pid, what, before)


def test_no_descriptors_and_no_memory(make_system: Callable[..., System]) -> None:
    hanging = Hanging()
    names = [f"page {n}" for n in range(TARGETS)]
    with PageSite() as site:
        url, hung = site.add(lambda _asked: [answer(200, b"hello")]), site.add(hanging.page)
        listed = [{"name": name, "url": url, "interval": 1} for name in names]
        listed += [{"name": f"hanging {n}", "url": hung, "interval": 2} for n in range(HANGING)]
        system = make_system(listed, check__timeout=0.9, check__per_host=0, check__backoff_max=1)
        whole = Episode(system, names)
        system.start()
        eventually(whole.is_well, "all is well", within_s=20)
        pid = system.fetcher_pids()["fetcher-1"]

        episode = Episode(system, names)
        with limited(pid, resource.RLIMIT_NOFILE, highest_descriptor(pid) + 1):
            episode.until("internal", "no_fds", TARGETS)
            said = " ".join(system.ctl("status").stdout.split())
        assert "(no_fds): a fetcher has no descriptor left: raise its limit (LimitNOFILE, ulimit -n)" in said
        episode.until_well("no descriptors")

        # A peer that connects where no descriptor is left for it: ZeroMQ ends the fetcher.
        episode = Episode(system, names)
        with limited(pid, resource.RLIMIT_NOFILE, 3):
            episode.until("internal", "no_fds", TARGETS)
            with socket.socket(socket.AF_UNIX) as peer:
                (inbox,) = system.run_dir.glob("fetcher-1-*.in")
                peer.connect(str(inbox))
                eventually(
                    lambda: system.fetcher_pids().get("fetcher-1") not in {None, pid}, "another fetcher-1"
                )
        episode.until_well("no descriptors, and a new peer")
        pid = system.fetcher_pids()["fetcher-1"]

        episode = Episode(system, names)
        with limited(pid, resource.RLIMIT_AS, memory_bytes(pid) + SPARE_BYTES), hanging.hangs():
            eventually(lambda: system.fetcher_pids().get("fetcher-1") not in {None, pid}, "another fetcher-1")
        episode.until_well("no memory")
        assert f"fetcher-1 (pid {pid}) ended" in (system.data_dir / "fetchers.log").read_text(
            encoding="utf-8"
        )

        assert system.drain() == dict.fromkeys(ACTORS, 0)
        assert list(system.findings()) == []
        assert not [line for line in whole.lines() if line.outcome == "fail" and line.target in names]


def highest_descriptor(pid: int) -> int:
    return max(int(path.name) for path in Path(f"/proc/{pid}/fd").iterdir())


def memory_bytes(pid: int) -> int:
    """Its address space (proc(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
