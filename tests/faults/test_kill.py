"""What is killed or stopped is back within seconds, and no slot is lost or settled twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from system import ACTORS, System, eventually

# Longer than the scheduler waits before it calls the aggregator silent.
STOPPED_S = 3


@pytest.fixture
def system(site: str, make_system: Callable[..., System]) -> Iterator[System]:
    """Quick, slow and failing targets, two fetchers, running; what it leaves is audited."""
    targets: list[dict[str, object]] = [
        {"url": f"{site}/fast/{number}", "interval": 1 + number % 2} for number in range(1, 11)
    ]
    targets += [{"url": f"{site}/slow", "interval": 2}, {"url": f"{site}/failing", "interval": 3}]
    system = make_system(targets, fetchers=2, check__timeout=5, check__retry_interval=0.2)
    system.start()
    eventually(lambda: system.state() == "running", "all processes run", within_s=20)
    system.until_checked(10)
    yield system
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []


def test_each_process_is_killed_in_turn_and_started_again(system: System) -> None:
    for name in ACTORS:
        system.kill(name)
        assert system.state() == "degraded", name
        system.start(name)
        eventually(lambda: system.state() == "running", f"running again after {name} was killed", within_s=20)
        system.until_checked(20)


def test_the_pool_replaces_a_fetcher_that_is_killed(system: System) -> None:
    before = system.fetcher_pids()
    os.kill(before["fetcher-1"], signal.SIGKILL)
    eventually(
        lambda: system.fetcher_pids().get("fetcher-1") not in {None, before["fetcher-1"]}, "a new fetcher-1"
    )
    assert system.fetcher_pids()["fetcher-2"] == before["fetcher-2"]
    system.until_checked(20)


def test_each_process_stands_still_in_turn_for_some_seconds(system: System) -> None:
    for name in ACTORS:
        with stopped(system, name):
            eventually(lambda: system.state() == "degraded", f"{name} is seen to be silent")
            other = next(actor for actor in ACTORS if actor != name)
            eventually(
                partial(is_older, system, other, uptime(system, other) + STOPPED_S), f"{STOPPED_S} s on"
            )
        eventually(lambda: system.state() == "running", f"running again after {name} went on", within_s=20)
        system.until_checked(20)


@contextmanager
def stopped(system: System, name: str) -> Iterator[None]:
    system.signal(name, signal.SIGSTOP)
    try:
        yield
    finally:
        system.signal(name, signal.SIGCONT)


def is_older(system: System, name: str, uptime_s: float) -> bool:
    return uptime(system, name) > uptime_s


def uptime(system: System, name: str) -> float:
    """Seconds since the process started, in its own words; 0 when it does not answer."""
    answer = system.ask(name, "status")
    return float(answer["uptime_s"]) if answer else 0.0
