"""Processes that are killed, stand still or hang, under the real supervisord; and two where one may be.

One system for all of it, which is audited at the end. PAGESTATUS_TEST_KILLS=1 takes each process in turn
where otherwise several have their trouble together.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, suppress
from functools import partial
from itertools import product
from pathlib import Path

import pytest

from garbage import connected
from scripts.soak_run.faults.garbage import pour
from supervised import Supervised
from system import ACTORS, SLOWNESS, System, eventually

# Longer than anybody stands still who is to go on.
SILENT_S = 4
STOPPED_S = 3
ALL = (*ACTORS, "watchdog", "supervisord")
FETCHERS = ("fetcher-1", "fetcher-2")
IN_TURN = "PAGESTATUS_TEST_KILLS" in os.environ
Names = tuple[str, ...]
EACH: list[Names] = [*((name,) for name in (*ACTORS, "fetcher-1")), FETCHERS]
KILLED: list[Names] = [("wsbridge", "fetcher-1"), ("scheduler",), ("aggregator", "watchdog"), ("fetchers",)]
KILLED = [*EACH, ("watchdog",)] if IN_TURN else [*KILLED, FETCHERS]
STILL: list[Names] = [*EACH, ("watchdog",), ("supervisord",)] if IN_TURN else [(*ALL, *FETCHERS)]
HANGING: list[Names] = EACH if IN_TURN else [ACTORS, FETCHERS]


@pytest.fixture(scope="module")
def supervised(site: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supervised]:
    """Quick, slow and failing targets, two fetchers, supervisord; what they leave in the end is audited."""
    targets: list[dict[str, object]] = [
        {"name": str(number), "url": f"{site}/fast/{1 + number % 10}", "interval": 1 + number // 20}
        for number in range(30)
    ]
    targets += [{"url": f"{site}/slow", "interval": 2}, {"url": f"{site}/failing", "interval": 3}]
    folder = tmp_path_factory.mktemp("processes")
    system = System(folder, targets, fetchers=2, check__timeout=5, check__retry_interval=0.2)
    supervised = Supervised(system, SILENT_S)
    try:
        supervised.until_running("after the start")
        system.until_checked(10)
        yield supervised
        assert supervised.stop() == 0
        assert all(supervised.pid(name) == 0 for name in ACTORS)
        assert list(system.findings()) == []
    finally:
        supervised.close()
        system.close()


def pids(supervised: Supervised, names: Iterable[str]) -> dict[str, int]:
    """Process ids by name, of processes that run."""
    own = {"supervisord": supervised.process.pid, **supervised.system.fetcher_pids()}
    found = {name: own[name] if name in own else supervised.pid(name) for name in names}
    assert all(found.values()), found
    return found


def until_replaced(supervised: Supervised, old: dict[str, int], within_s: float = 20) -> None:
    """Wait until others have taken the places of ``old``, and all is well again."""
    for name, pid in old.items():
        eventually(partial(supervised.back, name, pid), f"{name} is back", within_s)
    supervised.until_running(f"after the end of {', '.join(old)}")
    supervised.system.until_checked(20)


# --- killed ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", KILLED, ids=" and ".join)
def test_what_is_killed_is_started_again(supervised: Supervised, names: Names) -> None:
    killed = pids(supervised, names)
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    until_replaced(supervised, killed)


# --- standing still --------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", STILL, ids=" and ".join)
def test_who_stands_still_for_seconds_goes_on(supervised: Supervised, names: Names) -> None:
    before = pids(supervised, names)
    until = time.monotonic() + STOPPED_S
    for pid in before.values():
        os.kill(pid, signal.SIGSTOP)
    try:
        eventually(lambda: time.monotonic() > until, "they stand still")
    finally:
        for pid in before.values():
            os.kill(pid, signal.SIGCONT)
    supervised.until_running("after they went on")
    supervised.system.until_checked(20)
    assert pids(supervised, names) == before


@pytest.mark.parametrize("names", HANGING, ids=" and ".join)
def test_what_hangs_is_killed_and_started_again(supervised: Supervised, names: Names) -> None:
    hanging = pids(supervised, names)
    others = pids(supervised, set(ACTORS) - set(names))
    for pid in hanging.values():
        os.kill(pid, signal.SIGSTOP)
    until_replaced(supervised, hanging)
    assert pids(supervised, others) == others
    said = supervised.log("watchdog") + supervised.log("fetchers")
    for name, pid in hanging.items():
        assert len(re.findall(rf" {name} \(pid {pid}\) hangs: silent for \d+ s: killed\n", said)) == 1


def test_garbage_at_the_watchdog_is_in_nobodys_way(supervised: Supervised) -> None:
    """Of more peers than there is room for: a flood, half a line, and what is no line at all."""
    before = pids(supervised, (*ACTORS, "watchdog"))
    with ExitStack() as peers:
        for piece, _ in product((b'{"command": "status"}\n', b'{"comma', b"\xff\0" * 4096), range(70)):
            with suppress(BlockingIOError):
                peer = peers.enter_context(connected(supervised.system.run_dir / "watchdog.ctl"))
                pour(peer, piece, 100)
        assert pids(supervised, before) == before
    assert supervised.running()


# --- supervisord -----------------------------------------------------------------------------------------


def test_without_supervisord_all_goes_on_until_another_one_takes_over(supervised: Supervised) -> None:
    system = supervised.system
    before = pids(supervised, (*ACTORS, *FETCHERS))
    supervisord = supervised.process
    supervisord.send_signal(signal.SIGSTOP)
    system.until_checked(10)
    hangs = f"supervisord (pid {supervisord.pid}) hangs: silent for"
    eventually(lambda: hangs in supervised.log("watchdog"), "the watchdog says that it hangs", within_s=60)
    said = " ".join(system.ctl("status").stdout.split())
    assert f"watchdog is blocked: {hangs}" in said
    assert "kill -9 it and start another" in said
    supervisord.kill()
    supervisord.wait()
    eventually(lambda: system.state() == "degraded", "it is told that nobody supervises them")
    assert "scheduler goes on without supervisord" in system.ctl("status").stdout
    system.until_checked(10)
    assert pids(supervised, before) == before
    eventually(lambda: not supervised.pid("watchdog"), "the watchdog leaves with its supervisord")
    supervised.start_again()
    until_replaced(supervised, before)
    for name in ACTORS:
        said = supervised.log(name)
        assert f"supervisord (pid {supervisord.pid}) has ended: going on" in said
        assert f"held by process {before[name]}: it is running already, but its supervisord has ended" in said


# --- two where one may be --------------------------------------------------------------------------------


def test_a_second_supervisord_says_so_and_leaves(supervised: Supervised) -> None:
    second = supervised.start()
    _out, said = second.communicate(timeout=30)
    assert second.returncode == 2
    assert b"Another program is already listening" in said
    assert supervised.running()


@pytest.mark.parametrize("own", ["run_dir", "data_dir"])
def test_a_second_instance_says_so_and_leaves(supervised: Supervised, tmp_path: Path, own: str) -> None:
    """It has one folder for itself, and the other is that of the first."""
    before = pids(supervised, ACTORS)
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as folder:
        settings = {**supervised.system.environment, f"PAGESTATUS_{own.upper()}": folder}
        second = {
            name: subprocess.Popen(
                [sys.executable, "-m", name], cwd=tmp_path, env=settings, stderr=subprocess.PIPE, text=True
            )
            for name in ACTORS
        }
        try:
            for name, process in second.items():
                _out, said = process.communicate(timeout=20 * SLOWNESS)
                assert process.returncode == 1
                (line,) = said.splitlines()
                assert f" is held by process {before[name]}: it is running already" in line
        finally:
            for process in second.values():
                process.kill()
    assert pids(supervised, ACTORS) == before
    supervised.system.until_checked(10)
