"""The clock is stepped, or the machine sleeps: each slot has its one line, and no site is blamed."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from clock_shift import ClockShift, needs_faketime
from episode import Episode, long
from page_site import PageSite, slow
from range_site import answer
from system import ACTORS, SLOWNESS, System, eventually

pytestmark = needs_faketime

HOUR_S = 3600
ASLEEP_S = 120
# All processes stand still, and no clock does; for two minutes by hand.
FROZEN_S = float(os.environ.get("PAGESTATUS_TEST_FROZEN_S", "2"))
FAST, SLOW = 6, 3


class Place:
    """A system whose clock the test holds."""

    def __init__(self, folder: Path, site: PageSite) -> None:
        listed: list[dict[str, object]] = [
            {"name": f"fast {n}", "url": site.add(lambda _asked: [answer(200, b"hello")]), "interval": 1}
            for n in range(FAST)
        ]
        # In flight for half of the time.
        listed += [
            {"name": f"slow {n}", "url": site.add(slow(bytes(100), 100)), "interval": 2} for n in range(SLOW)
        ]
        self.names = [str(target["name"]) for target in listed]
        self.system = System(folder, listed, check__timeout=1.7, check__retry_interval=0.2)
        self.clock = ClockShift(self.system, folder)

    def episode(self) -> Episode:
        return Episode(self.system, self.names)

    def log(self, name: str) -> str:
        return (self.system.data_dir / f"{name}.log").read_text(encoding="utf-8")

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """All processes at once, as when the machine itself stands still."""
        pids = [process.pid for process in self.system.processes.values()]
        pids += self.system.fetcher_pids().values()
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in pids:
                os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One system for all of these; at the end its log is audited."""
    with PageSite() as site:
        place = Place(tmp_path_factory.mktemp("clock"), site)
        whole = place.episode()
        try:
            place.system.start()
            eventually(whole.is_well, "all is well", within_s=20)
            yield place
            assert place.system.drain() == dict.fromkeys(ACTORS, 0)
            assert list(place.system.findings()) == []
            assert not [line for line in whole.lines() if line.outcome == "fail"]
        finally:
            place.system.close()
            place.clock.close()


def gap(episode: Episode) -> int:
    """Slots of the fast targets that nobody was there for."""
    return sum(
        line.outcome == "missed" and line.reason == "late" and line.target.startswith("fast")
        for line in episode.lines()
    )


def test_the_machine_sleeps_for_two_minutes(place: Place) -> None:
    episode = place.episode()
    # Asleep, the monotonic clock stands still as well: to the processes it is a step of the wall clock.
    with place.stopped():
        place.clock.step_to(ASLEEP_S)
    eventually(lambda: gap(episode) >= FAST * (ASLEEP_S - 2), "the gap has its lines")
    episode.until_well("asleep")
    assert gap(episode) <= FAST * (ASLEEP_S + 2)
    assert f"the clock went forward by {ASLEEP_S}" in place.log("scheduler")


@long
def test_all_processes_stand_still(place: Place) -> None:
    episode = place.episode()
    with place.stopped():
        until = time.monotonic() + FROZEN_S
        eventually(lambda: time.monotonic() > until, "the time is over", within_s=FROZEN_S + 1)
    eventually(lambda: gap(episode) >= FAST * (FROZEN_S - 1), "the gap has its lines")
    episode.until_well("frozen")
    assert gap(episode) <= FAST * (FROZEN_S + 2) * SLOWNESS


def test_the_clock_goes_forward_by_an_hour(place: Place) -> None:
    episode = place.episode()
    place.clock.step_to(ASLEEP_S + HOUR_S)
    eventually(lambda: gap(episode) >= FAST * (HOUR_S - 3), "the gap has its lines")
    episode.until_well("an hour forward")
    assert gap(episode) <= FAST * (HOUR_S + 3)


def test_the_clock_goes_back_by_an_hour(place: Place) -> None:
    episode = place.episode()
    place.clock.step_to(ASLEEP_S)
    eventually(lambda: "the clock went back by 3600" in place.log("scheduler"), "the scheduler has noticed")
    status = place.system.ctl("status")
    assert "The clock was set back by 3,600 s, and what runs goes on" in " ".join(status.stdout.split())
    assert status.returncode == 0
    # Whoever runs goes on as if nothing had happened, and so does who is started again, beside the scheduler.
    for name in ("fetchers", "aggregator"):
        place.system.kill(name)
        place.system.start(name)
        episode.until_well(f"an hour back, {name} started again")
    assert gap(episode) == 0
    # What was killed took some slots with it, or kept them waiting.
    assert {line.reason for line in episode.lines()} <= {"", "lease", "no_capacity", "overrun"}


def test_a_scheduler_that_is_started_after_that_waits_for_the_time_to_come_again(place: Place) -> None:
    place.system.kill("scheduler")
    place.system.start("scheduler")
    eventually(
        lambda: "the clock was set back: nothing falls due for" in place.log("scheduler"), "it says so"
    )
    asleep = place.episode()
    assert place.system.schedule()["in_flight"] == 0
    words = "scheduler is blocked: the clock was set back, and until it has come again to"
    eventually(lambda: words in " ".join(place.system.ctl("status").stdout.split()), "status says so")
    assert place.system.ctl("status").returncode == 3
    # The clock is set right.
    place.clock.step_to(ASLEEP_S + HOUR_S + 10)
    asleep.until_well("the clock set right")
