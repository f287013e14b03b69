"""A full disk, or files that may not grow: under the log, the journal and a download; and room again later.

One system for all of it, which is audited at the end. Its downloads have a disk of their own.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from downloads import arrived
from episode import Episode
from page_site import Asked, PageSite, part_of
from pagestatus.runner import Exit
from range_site import answer
from scripts.soak_run.faults.limits import no_larger_files
from small_disk import small_disk
from system import ACTORS, SLOWNESS, System, eventually

TARGETS = 20
CONTENT = random.Random(1).randbytes(2 << 20)  # noqa: S311 - bytes to be recognised
RANGE_BYTES = 256 << 10
# So many come at once, and the rest when the test says so.
FIRST_BYTES = 2 * RANGE_BYTES
THREADS = 4
PROMPT_S = 1.0
# The bridge leaves 64 MiB to others, and begins nothing where it can not.
DOWNLOADS_MIB = 80


class Place:
    """The system on its disks, and a file to fetch."""

    def __init__(self, folder: Path, site: PageSite, disks: ExitStack) -> None:
        self.disk = disks.enter_context(small_disk(folder / "var", 4))
        self.downloads_disk = disks.enter_context(small_disk(folder / "downloads", DOWNLOADS_MIB))
        url = site.add(lambda _asked: [answer(200, b"hello")])
        self.names = [f"page {n}" for n in range(TARGETS)]
        self.system = System(
            folder,
            [{"name": name, "url": url, "interval": 1} for name in self.names],
            downloads__bytes=RANGE_BYTES,
            downloads__threads=THREADS,
            downloads__dir=folder / "downloads",
        )
        self.go_on = threading.Event()
        self._site = site
        self._files = 0

    def episode(self) -> Episode:
        return Episode(self.system, self.names)

    def begin_download(self) -> str:
        """A new one, of which the first bytes have come: its id. The others come with ``go_on``."""
        self.go_on.clear()
        self._files += 1
        url = self._site.add(self._page, f"/{self._files}.bin")
        asked = self.system.ask("wsbridge", "download", url=url)
        id_ = str(asked["id"])
        eventually(lambda: self.told(id_)["completed"] == FIRST_BYTES, "the first bytes have come")
        return id_

    def _page(self, asked: Asked) -> list[bytes]:
        if asked.span is None or asked.span[1] > FIRST_BYTES:
            self.go_on.wait()
        return [part_of(CONTENT, asked)]

    def told(self, id_: str) -> Any:  # noqa: ANN401 - what the bridge shows
        return self.system.ask("wsbridge", "downloads", id=id_)[0]

    def until_told(self, id_: str, status: str) -> Any:  # noqa: ANN401
        eventually(lambda: self.told(id_)["process_status"] == status, f"{id_} is {status}", within_s=20)
        return self.told(id_)

    def states(self) -> dict[str, str]:
        """What each process says of itself, and at once."""
        states = {}
        for name in ACTORS:
            began = time.monotonic()
            states[name] = str((self.system.ask(name, "status") or {}).get("state"))
            assert time.monotonic() - began < PROMPT_S * SLOWNESS, name
        return states

    def until_blocked(self, *names: str) -> None:
        """Wait until these processes say that the disk takes nothing; the others are well."""
        wanted = {name: "blocked" if name in names else "running" for name in ACTORS}
        eventually(lambda: self.states() == wanted, f"{names} are blocked")

    def status(self) -> str:
        """What an operator reads, and at once."""
        began = time.monotonic()
        said = " ".join(self.system.ctl("status").stdout.split())
        assert time.monotonic() - began < PROMPT_S * SLOWNESS
        return said

    def log(self, name: str) -> str:
        return (self.system.data_dir / f"{name}.log").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with PageSite() as site, ExitStack() as disks:
        place = Place(tmp_path_factory.mktemp("disk"), site, disks)
        whole = place.episode()
        try:
            place.system.start()
            eventually(whole.is_well, "all is well", within_s=20)
            yield place
            assert place.system.drain() == dict.fromkeys(ACTORS, 0)
            assert list(place.system.findings()) == []
            assert {line.outcome for line in whole.lines()} == {"ok", "missed"}
        finally:
            place.system.close()


def test_no_room_for_the_log_and_the_journal(place: Place) -> None:
    system, episode, id_, other = (
        place.system, place.episode(), place.begin_download(), place.begin_download(),
    )  # fmt: skip
    with place.disk.full():
        place.until_blocked("aggregator", "wsbridge")
        removed = system.ctl("download-remove", other)
        assert removed.returncode == 0
        assert "has been removed from the list. But the journal cannot be written" in removed.stdout
        said = place.status()
        assert f"Results do not reach the disk ({system.data_dir}/url_status.log: No space left on" in said
        assert f"database or disk is full): make room in {system.data_dir}, then it goes on by" in said
        refused = system.ctl("download", "http://127.0.0.1:1/")
        assert refused.returncode == 1
        assert "the journal cannot be written: there may be no room on its disk" in refused.stderr
        place.go_on.set()
        # All of it comes, and is not called there before the journal says so.
        eventually(lambda: place.told(id_)["completed"] == len(CONTENT), "all bytes have come")
        eventually(lambda: place.told(id_)["error"] is not None, "it says what it waits for")
        told = place.told(id_)
        assert (told["process_status"], told["error"]["code"]) == ("Verifying", "disk")
        assert "the journal cannot be written" in told["error"]["message"]
    episode.until_well("no room for the log")
    there = place.until_told(id_, "Downloaded")
    assert there["error"] is None
    assert arrived(there) == CONTENT
    assert "No space left on device: no result is taken until there is room" in place.log("aggregator")
    assert "the journal can be written again" in place.log("wsbridge")


def test_who_is_started_while_there_is_no_room_waits_for_it(place: Place) -> None:
    system, episode = place.system, place.episode()
    system.drain("wsbridge")
    with place.disk.full():
        for name in ("aggregator", "scheduler"):
            system.kill(name)
            system.start(name)
        system.start("wsbridge")
        # Not a mistake in the configuration, after which supervisord would not start it again.
        assert system.processes["wsbridge"].wait(20 * SLOWNESS) == Exit.GAVE_UP
        eventually(lambda: place.states()["aggregator"] == "blocked", "the aggregator is there")
        # Before its predecessor's slots are on the disk it may not have begun.
        eventually(lambda: place.states()["scheduler"] in {"starting", "running"}, "the scheduler is there")
    system.start("wsbridge")
    eventually(lambda: place.states()["wsbridge"] == "running", "the bridge is there")
    episode.until_well("started without room")


def test_no_room_for_a_download(place: Place) -> None:
    episode, id_ = place.episode(), place.begin_download()
    with place.downloads_disk.full():
        place.go_on.set()
        told = place.until_told(id_, "Paused")
        assert told["error"]["code"] == "disk_full"
        assert "there is no room left" in told["error"]["message"]
        assert set(place.states().values()) == {"running"}
    assert place.system.ctl("download-resume", id_).returncode == 0
    assert arrived(place.until_told(id_, "Downloaded")) == CONTENT
    episode.until_well("no room for a download")
    assert set(episode.finals()) == {("ok", "")}


def test_files_that_may_not_grow(place: Place) -> None:
    system, episode, id_ = place.system, place.episode(), place.begin_download()
    pids = {name: process.pid for name, process in system.processes.items()} | system.fetcher_pids()
    logged = (system.data_dir / "url_status.log").stat().st_size
    with (
        no_larger_files(pids["aggregator"], than=logged + 100),
        no_larger_files(pids["wsbridge"], than=1 << 12),
        no_larger_files(pids["fetcher-1"], than=len(CONTENT) // 2),
    ):
        place.go_on.set()
        told = place.until_told(id_, "Paused")
        place.until_blocked("aggregator", "wsbridge")
        said = place.status()
    assert "url_status.log: File too large): raise its limit on the size of files (LimitFSIZE, ulim" in said
    assert "disk I/O error): see that the disk is well, and that files may grow (LimitFSIZE, ulimit -" in said
    assert told["error"] == {
        "code": "disk_full",
        "message": "there is no room left in the folder of downloads: the part file: File too large",
    }
    assert place.system.ctl("download-resume", id_).returncode == 0
    episode.until_well("files that may not grow")
    eventually(lambda: set(place.states().values()) == {"running"}, "the journal is written again")
    assert arrived(place.until_told(id_, "Downloaded")) == CONTENT
