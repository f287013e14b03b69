"""``pagestatus-ctl`` answers within a second, whoever stands still and whatever else goes on.

That a full disk changes nothing about it is seen in ``test_disk``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from page_site import PageSite
from range_site import answer
from system import ACTORS, SLOWNESS, System, eventually

PROMPT_S = 1.0
TARGETS = 10
# By hand also a million of them.
MANY = int(os.environ.get("PAGESTATUS_TEST_TARGETS", "100000"))
Target = dict[str, object]


class Place:
    """A system, and an operator who looks at the clock."""

    def __init__(self, system: System, few: list[Target]) -> None:
        self.system = system
        self.few = few

    def ctl(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run it, and see that it does not take long."""
        began = time.monotonic()
        done = self.system.ctl(*arguments)
        assert time.monotonic() - began < PROMPT_S * SLOWNESS, arguments
        return done

    def look(self) -> None:
        """At all that needs no name."""
        for command in ("summary", "inflight", "failures", "tail", "downloads"):
            self.ctl(command)

    def lines(self, *arguments: str) -> list[list[str]]:
        """What it says, in words."""
        return [line.split() for line in self.ctl(*arguments).stdout.splitlines()]

    @contextmanager
    def stopped(self, *names: str) -> Iterator[None]:
        """Whoever is of ``names`` stands still for as long as this lasts."""
        pids = {**self.system.fetcher_pids()}
        pids |= {name: process.pid for name, process in self.system.processes.items()}
        for name in names:
            os.kill(pids[name], signal.SIGSTOP)
        try:
            yield
        finally:
            for name in names:
                os.kill(pids[name], signal.SIGCONT)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with PageSite() as site:
        url = site.add(lambda _asked: [answer(200, b"hello")])
        few: list[Target] = [{"name": f"page {n}", "url": url, "interval": 1} for n in range(TARGETS)]
        system = System(tmp_path_factory.mktemp("answers"), few)
        try:
            system.start()
            eventually(lambda: system.state() == "running", "all processes run", within_s=20)
            system.until_checked(TARGETS)
            yield Place(system, few)
        finally:
            system.close()


def states(place: Place) -> dict[str, str]:
    """What ``status`` calls each process."""
    return {line[0]: line[1] for line in place.lines("status") if line and line[0] in {*ACTORS, "fetcher-1"}}


def test_one_that_stands_still_keeps_nobody_from_answering(place: Place) -> None:
    with place.stopped("aggregator"):
        others = dict.fromkeys(("scheduler", "fetchers", "wsbridge", "fetcher-1"), "running")
        assert states(place) == {**others, "aggregator": "silent"}
        said = " ".join(place.ctl("status").stdout.split())
        pid = place.system.processes["aggregator"].pid
        log = place.system.data_dir / "aggregator.log"
        assert f"If it hangs, nobody ends it: see {log} and kill -9 {pid}." in said
        # Each of these asks it for something, and does without.
        assert place.ctl("why", "page 1").returncode == 0
        assert " ok " in place.ctl("tail").stdout
        assert place.ctl("check-config").returncode == 0
        place.look()


def test_all_stand_still(place: Place) -> None:
    with place.stopped(*ACTORS, "fetcher-1"):
        assert states(place) == dict.fromkeys(ACTORS, "silent")
        # Two of them are asked, one after the other.
        done = place.ctl("why", "page 1")
        assert "the scheduler process does not answer: see " in done.stderr
        assert done.stdout.count("attempt 1") >= 1
        place.look()
    eventually(lambda: place.system.state() == "running", "all go on")


def test_a_large_list_is_read_beside_all_else(place: Place) -> None:
    system = place.system
    large = [{**place.few[0], "name": f"one of many {n}", "interval": 86_400} for n in range(MANY)]
    system.write_list([*place.few, *large])
    place.system.ask("scheduler", "reload")
    looks = 0
    while (system.ask("scheduler", "status") or {"list": {"reading": True}})["list"]["reading"]:
        assert set(states(place).values()) == {"running"}
        looks += 1
    assert looks
    assert system.ask("scheduler", "status")["targets"]["total"] == MANY + TARGETS
