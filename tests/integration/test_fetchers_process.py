"""The real pool and the real fetchers, with the test as their scheduler and their aggregator."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
import zmq

from fetching import check, run_until
from pagestatus.addresses import Addresses
from pagestatus.control import ControlError, NoAnswer, ask
from pagestatus.loop import Loop
from pagestatus.messages import Check, FetcherState, Gone, Leave, Message, Reason, Result
from pagestatus.ports import Context, Inbox, Outbox
from raw_site import EMPTY_OK, RawSite, answering, hanging
from system import SLOWNESS, environment


class Ring:
    """What is around the fetchers: a scheduler that listens and gives, an aggregator that keeps."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.addresses = Addresses(Path(tempfile.mkdtemp(prefix="pagestatus-test-")))
        self.loop = Loop()
        self.context: Context = zmq.Context()
        self.states: dict[int, FetcherState] = {}
        self.gone: list[Gone] = []
        self.results: list[Result] = []
        self.leave_answered = True
        self._outboxes: dict[int, Outbox] = {}
        self._inboxes = [
            Inbox(self.loop, self.context, self.addresses.scheduler, self._on_scheduler),
            Inbox(self.loop, self.context, self.addresses.aggregator, self._on_aggregator),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *arguments: str, module: str = "fetchers", **settings: object) -> subprocess.Popen[bytes]:
        """Start the pool (or one fetcher)."""
        folders = [f"--run-dir={self.addresses.run_dir}", f"--data-dir={self.folder}"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", module, *folders, *arguments], env=environment(**settings)
        )
        return self.process

    def until(self, condition: Callable[[], object], what: str, within_s: float = 20) -> None:
        """Let time pass until ``condition`` holds."""
        run_until(self.loop, condition, what, within_s)

    def alive(self) -> list[FetcherState]:
        """The incarnations that are there and stay, by index."""
        gone = {record.epoch for record in self.gone}
        there = [state for state in self.states.values() if state.epoch not in gone and not state.draining]
        return sorted(there, key=lambda state: state.fetcher)

    def until_alive(self, *indices: int) -> list[FetcherState]:
        """Wait until exactly these fetchers are there."""
        self.until(lambda: [state.fetcher for state in self.alive()] == list(indices), f"fetchers {indices}")
        return self.alive()

    def give(self, fetcher: FetcherState, checks: Sequence[Check]) -> None:
        """Send ``checks`` to one incarnation."""
        self._outbox(fetcher).send_all(checks)

    def ask(self, command: str, *, name: str = "fetchers", **params: object) -> Any:  # noqa: ANN401 - JSON
        """Ask over the control socket, as the operator's tool does."""
        return ask(self.addresses.control(name), command, params, timeout_s=5 * SLOWNESS)

    def end(self) -> int:
        """TERM, and how it went."""
        process = self.process
        assert process is not None
        process.send_signal(signal.SIGTERM)
        self.until(lambda: process.poll() is not None, "the process has ended")
        return process.wait()

    def close(self) -> None:
        """Leave nothing behind."""
        if self.process is not None:
            for state in self.alive():
                with suppress(ProcessLookupError):
                    os.kill(state.pid, signal.SIGKILL)
            self.process.kill()
            self.process.wait()
        for inbox in self._inboxes:
            inbox.close()
        for outbox in self._outboxes.values():
            outbox.close()
        self.context.term()
        self.loop.close()

    def _outbox(self, fetcher: FetcherState) -> Outbox:
        if fetcher.epoch not in self._outboxes:
            path = self.addresses.fetcher(fetcher.fetcher, fetcher.epoch)
            self._outboxes[fetcher.epoch] = Outbox(self.loop, self.context, path, immediate=True)
        return self._outboxes[fetcher.epoch]

    def _on_scheduler(self, records: list[Message]) -> None:
        for record in records:
            if isinstance(record, FetcherState):
                if record.draining and self.leave_answered:
                    self._outbox(record).send(Leave(record.epoch))
                self.states[record.epoch] = record
            elif isinstance(record, Gone):
                self.gone.append(record)

    def _on_aggregator(self, records: list[Message]) -> None:
        self.results.extend(record for record in records if isinstance(record, Result))


@pytest.fixture
def ring(tmp_path: Path) -> Iterator[Ring]:
    ring = Ring(tmp_path)
    yield ring
    ring.close()


def test_the_way_of_a_check(ring: Ring) -> None:
    ring.run("--fetchers", "2", slots=50)
    first, second = ring.until_alive(1, 2)
    assert (first.slots, first.in_flight, first.draining) == (50, 0, False)
    assert first.epoch != second.epoch
    with RawSite(answering(EMPTY_OK)) as site:
        given = msgspec.structs.replace(
            check(site.url, target=2**64 - 1),
            due_us=5,
            attempt=3,
            retry_by_us=6,
            first_started_us=7,
            name="a",
        )
        ring.give(second, [given, check("http://nothing.invalid/", target=2)])
        ring.until(lambda: len(ring.results) == 2, "two results")
    by_target = {result.target: result for result in ring.results}
    result = by_target[given.target]
    assert (result.reason, result.status, result.bytes) == (Reason.NONE, 200, 0)
    assert (result.epoch, result.fetcher) == (second.epoch, 2)
    echoed = ("due_us", "attempt", "retry_by_us", "first_started_us", "url", "name", "expect")
    assert all(getattr(result, field) == getattr(given, field) for field in echoed)
    assert by_target[2].reason is Reason.NO_SUCH_NAME
    assert ring.end() == 0
    assert {record.epoch for record in ring.gone} == {first.epoch, second.epoch}


def test_what_is_in_flight_is_finished_before_leaving(ring: Ring) -> None:
    ring.run("--fetchers", "1")
    (fetcher,) = ring.until_alive(1)
    with RawSite(hanging) as site:
        ring.give(fetcher, [check(site.url, timeout_s=0.5)])
        ring.until(lambda: ring.ask("status", name="fetcher-1")["in_flight"] == 1, "the check is in flight")
        assert ring.end() == 0
    assert [result.reason for result in ring.results] == [Reason.TIMEOUT]
    last = ring.states[fetcher.epoch]
    assert (last.slots, last.draining) == (0, True)


def test_a_drain_does_not_need_a_scheduler(ring: Ring) -> None:
    ring.leave_answered = False
    ring.run("--fetchers", "1")
    ring.until_alive(1)
    assert ring.end() == 0


def test_one_that_is_killed_is_replaced_under_a_new_epoch(ring: Ring) -> None:
    ring.run("--fetchers", "2")
    first, second = ring.until_alive(1, 2)
    os.kill(first.pid, signal.SIGKILL)
    ring.until(lambda: ring.gone, "the scheduler is told")
    assert ring.gone == [Gone(first.epoch, 1)]
    replaced, same = ring.until_alive(1, 2)
    assert same.epoch == second.epoch
    assert replaced.epoch > first.epoch
    assert not ring.addresses.fetcher(1, first.epoch).exists()


def test_scaling_loses_nothing(ring: Ring) -> None:
    ring.run("--fetchers", "3")
    first, second, third = ring.until_alive(1, 2, 3)
    with RawSite(hanging) as site:
        for state in (first, second, third):
            ring.give(state, [check(site.url, target=state.fetcher, timeout_s=0.5)])
        ring.until(
            lambda: all(ring.ask("status", name=f"fetcher-{n}")["in_flight"] for n in (1, 2, 3)), "in flight"
        )
        assert ring.ask("scale", n=1) == {"fetchers": 1}
        # Those that leave keep their index until they are gone.
        assert ring.ask("scale", n=2) == {"fetchers": 2}
        ring.until(lambda: len(ring.results) == 3, "three results")
    assert {result.target for result in ring.results} == {1, 2, 3}
    states = ring.until_alive(1, 2)
    assert states[0].epoch == first.epoch
    assert states[1].epoch > second.epoch
    shown = ring.ask("status")["fetchers"]
    assert [(entry["name"], entry["state"]) for entry in shown] == [
        ("fetcher-1", "running"),
        ("fetcher-2", "running"),
    ]
    assert shown[0]["pid"] == first.pid


def test_numbers_that_cannot_be(ring: Ring) -> None:
    ring.run("--fetchers", "1")
    ring.until_alive(1)
    for n in (0, 257, "2", True, None, 1.5):
        with pytest.raises(ControlError, match="expected a number from 1 to 256"):
            ring.ask("scale", n=n)
    assert ring.ask("status")["wanted"] == 1


def test_fetchers_do_not_outlive_the_pool(ring: Ring) -> None:
    pool = ring.run("--fetchers", "1")
    (fetcher,) = ring.until_alive(1)
    pool.kill()
    pool.wait()
    ring.until(lambda: not ring.addresses.control("fetcher-1").exists(), "it has left")
    ring.until(lambda: ring.states[fetcher.epoch].draining, "it has said so")


def test_one_that_hangs_is_killed_and_replaced(ring: Ring) -> None:
    ring.run("--fetchers", "1")
    (fetcher,) = ring.until_alive(1)
    os.kill(fetcher.pid, signal.SIGSTOP)
    ring.until(lambda: ring.gone, "it is killed", within_s=30)
    (replaced,) = ring.until_alive(1)
    assert replaced.epoch > fetcher.epoch


def test_a_pool_of_no_fetchers(ring: Ring) -> None:
    assert ring.run("--fetchers", "0").wait(20 * SLOWNESS) == 78


def test_a_name_server_that_cannot_be(ring: Ring) -> None:
    process = ring.run("--index", "1", module="fetchers.fetcher", check__name_servers="nonsense")
    assert process.wait(20 * SLOWNESS) == 78
    with pytest.raises(NoAnswer):
        ring.ask("status", name="fetcher-1")
