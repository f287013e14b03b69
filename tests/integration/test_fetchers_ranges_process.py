"""The real pool and a real fetcher, with the test as their bridge: states, tasks, losses and the drain."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from fetching import run_until
from pagestatus.addresses import Addresses
from pagestatus.control import ask
from pagestatus.descriptors import RANGE_SLOTS
from pagestatus.loop import Loop
from pagestatus.messages import FetcherState, Gone, Message, RangeDone, RangeProgress, RangeTask, Reason
from pagestatus.ports import Context, Inbox, Outbox
from range_site import FileSite
from raw_site import RawSite, hanging
from system import SLOWNESS, environment

CONTENT = bytes(range(256)) * 1000


class Bridge:
    """Listens where the bridge does, and gives tasks to the fetchers it hears of."""

    def __init__(self, folder: Path) -> None:
        self.addresses = Addresses(Path(tempfile.mkdtemp(prefix="pagestatus-test-")))
        self.folder = folder / "downloads"
        self.folder.mkdir()
        self.loop = Loop()
        self.context: Context = zmq.Context()
        self.states: dict[int, FetcherState] = {}
        self.records: list[Message] = []
        self.process = subprocess.Popen(
            [sys.executable, "-m", "fetchers", "--fetchers=1", f"--run-dir={self.addresses.run_dir}"],
            env=environment(data_dir=folder, **{"downloads.allow_private": "yes"}),
        )
        self._outboxes: dict[int, Outbox] = {}
        self._inbox: Inbox | None = None

    def listen(self) -> None:
        """The bridge is here."""
        self._inbox = Inbox(self.loop, self.context, self.addresses.wsbridge, self._receive)
        # By this the others know.
        self.addresses.control("wsbridge").touch()

    def fetcher(self) -> FetcherState:
        """The one that is alive."""
        self.until(self._alive, "a fetcher is there")
        return self._alive()[0]

    def give(self, fetcher: FetcherState, task: RangeTask) -> None:
        """Send a task to one incarnation."""
        if fetcher.epoch not in self._outboxes:
            path = self.addresses.fetcher(fetcher.fetcher, fetcher.epoch)
            self._outboxes[fetcher.epoch] = Outbox(self.loop, self.context, path, immediate=True)
        self._outboxes[fetcher.epoch].send(task)

    def done(self, number: int) -> RangeDone:
        """How a task ended."""
        self.until(lambda: self._done(number), f"task {number} has ended")
        return self._done(number)[0]

    def status(self) -> dict[str, Any]:
        """What the fetcher says of itself."""
        found: dict[str, Any] = ask(self.addresses.control("fetcher-1"), "status", {}, timeout_s=5 * SLOWNESS)
        return found

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Let time pass until ``condition`` holds."""
        run_until(self.loop, condition, what, within_s=20)

    def close(self) -> None:
        """Leave nothing behind."""
        self.process.kill()
        self.process.wait()
        for state in self._alive():
            self.until(lambda: not self.addresses.control("fetcher-1").exists(), "it has left")
            assert state.pid
        for outbox in self._outboxes.values():
            outbox.close()
        if self._inbox is not None:
            self._inbox.close()
        self.context.term()
        self.loop.close()
        shutil.rmtree(self.addresses.run_dir, ignore_errors=True)

    def _alive(self) -> list[FetcherState]:
        gone = {record.epoch for record in self.records if isinstance(record, Gone)}
        return [state for state in self.states.values() if state.epoch not in gone and not state.draining]

    def _done(self, number: int) -> list[RangeDone]:
        return [record for record in self.records if isinstance(record, RangeDone) and record.task == number]

    def _receive(self, records: list[Message]) -> None:
        for record in records:
            if isinstance(record, FetcherState):
                self.states[record.epoch] = record
            else:
                self.records.append(record)


@pytest.fixture
def bridge(tmp_path: Path) -> Iterator[Bridge]:
    bridge = Bridge(tmp_path)
    yield bridge
    bridge.close()


def test_the_way_of_a_range(bridge: Bridge) -> None:
    bridge.listen()
    fetcher = bridge.fetcher()
    assert (fetcher.range_slots, fetcher.ranges_in_flight) == (RANGE_SLOTS, 0)
    (bridge.folder / "a.part").touch()
    with FileSite(CONTENT) as site:
        bridge.give(fetcher, RangeTask(5, 1, site.url, 0, 0))
        asked = bridge.done(1)
        assert (asked.reason, asked.status, asked.head.total) == (Reason.NONE, 206, len(CONTENT))
        bridge.give(fetcher, RangeTask(5, 2, asked.url, 100, 200_000, "a.part", total=asked.head.total))
        done = bridge.done(2)
    assert (done.reason, done.position, done.epoch) == (Reason.NONE, 200_000, fetcher.epoch)
    assert (bridge.folder / "a.part").read_bytes() == bytes(100) + CONTENT[100:200_000]


def test_a_bridge_may_come_late(bridge: Bridge) -> None:
    """Nobody misses it before, and it hears of the fetchers within a second or so."""
    bridge.until(lambda: bridge.addresses.control("fetcher-1").exists(), "the fetcher runs")
    bridge.listen()
    assert bridge.fetcher().range_slots == RANGE_SLOTS


def test_what_it_holds_is_told(bridge: Bridge) -> None:
    bridge.listen()
    fetcher = bridge.fetcher()
    with RawSite(hanging) as site:
        bridge.give(fetcher, RangeTask(5, 1, site.url, 0, 0))
        bridge.until(lambda: bridge.states[fetcher.epoch].ranges_in_flight == 1, "its state says so")
        bridge.until(lambda: any(isinstance(one, RangeProgress) for one in bridge.records), "it lives")
        assert (bridge.status()["ranges_in_flight"], bridge.status()["in_flight"]) == (1, 0)
        os.kill(fetcher.pid, signal.SIGKILL)
        bridge.until(lambda: Gone(fetcher.epoch, 1) in bridge.records, "the pool tells that it is gone")
        assert bridge.fetcher().epoch > fetcher.epoch


def test_a_drain_gives_ranges_back_and_leaves(bridge: Bridge) -> None:
    bridge.listen()
    fetcher = bridge.fetcher()
    with RawSite(hanging) as site:
        bridge.give(fetcher, RangeTask(5, 1, site.url, 0, 0))
        bridge.until(lambda: bridge.states[fetcher.epoch].ranges_in_flight == 1, "it is in flight")
        bridge.process.send_signal(signal.SIGTERM)
        assert bridge.done(1).reason is Reason.DRAIN
        bridge.until(lambda: bridge.process.poll() is not None, "the pool has ended")
    assert bridge.process.returncode == 0
    assert Gone(fetcher.epoch, 1) in bridge.records
    last = bridge.states[fetcher.epoch]
    assert (last.draining, last.range_slots) == (True, 0)


def test_a_drain_does_not_wait_long_for_a_bridge_that_died(bridge: Bridge) -> None:
    bridge.until(lambda: bridge.addresses.control("fetcher-1").exists(), "the fetcher runs")
    bridge.addresses.control("wsbridge").touch()
    bridge.process.send_signal(signal.SIGTERM)
    bridge.until(lambda: bridge.process.poll() is not None, "the pool has ended")
    assert bridge.process.returncode == 0
