"""``scripts/bench`` measures, so little that the figures mean nothing, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from scripts.bench_run import cpu, start
from scripts.bench_run.cases import CASES
from scripts.bench_run.parts import PARTS, Measured
from scripts.bench_run.processes import descendants
from scripts.bench_run.programs import PEERS
from scripts.bench_run.steady import Load
from system import SLOWNESS, eventually

ROOT = Path(__file__).parents[2]
PATH = f"{os.environ['PATH']}:/usr/sbin"
BENCH = [sys.executable, "-m", "scripts.bench_run"]
ACTORS = 4
needs_nginx = pytest.mark.skipif(shutil.which("nginx", path=PATH) is None, reason="nginx is not installed")


@pytest.mark.debian("nginx-light")
@pytest.mark.debian("aria2")
@pytest.mark.skipif(shutil.which("nginx", path=PATH) is None, reason="nginx is not installed")
@pytest.mark.skipif(shutil.which("aria2c") is None, reason="aria2 is not installed")
def test_downloads_are_measured_beside_others(tmp_path: Path) -> None:
    folder = tmp_path / "bench"
    small = ("--mib", "2", "--rounds", "1", "--targets", "10", "--json", "--folder", str(folder))
    found = subprocess.run(
        [sys.executable, "-m", "scripts.bench_run", "downloads", *small],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120 * SLOWNESS,
    )
    # 1: a claim does not hold, which is no wonder here.
    assert found.returncode in {0, 1}, found.stderr
    figures = json.loads(found.stdout)["downloads"]
    assert figures.pop("claims")
    assert figures.keys() == CASES.keys()
    there = {" ".join(peer.words) for peer in PEERS if shutil.which(peer.words[0])}
    for case in figures.values():
        assert case["clients"].keys() == {"pagestatus", *there}
        # The others may fail, or take too long.
        assert case["clients"]["pagestatus"]["seconds"]["median"] > 0
    aria2 = [figures["unthrottled"]["clients"][name] for name in there if name.startswith("aria2c")]
    assert aria2
    assert not any("failed" in client for client in aria2)
    assert not folder.exists()


def test_a_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    found = subprocess.run(
        [sys.executable, "-m", "scripts.bench_run", "downloads", "--folder", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60 * SLOWNESS,
    )
    assert (found.returncode, found.stderr) == (
        64,
        f"bench: {tmp_path} is not empty: remove it, or give another with --folder\n",
    )
    assert (tmp_path / "mine").exists()


def measured(part: str, folder: Path, *options: str) -> Measured:
    parser = ArgumentParser()
    PARTS[part].add_arguments(parser)
    folder.mkdir()
    found = PARTS[part].measure(parser.parse_args(options), folder)
    # As it is written: numbers that JSON does not know are none.
    json.dumps(found.as_json(), allow_nan=False)
    assert found.picture()
    assert str(found)
    return found


@pytest.mark.debian("nginx-light")
@needs_nginx
def test_checks_are_measured_beside_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(cpu, "REQUESTS", dict.fromkeys(cpu.REQUESTS, 50))
    monkeypatch.setattr(cpu, "BARE_S", 1)
    monkeypatch.setattr(cpu, "Load", partial(Load, warm_s=0.5))
    found = measured(
        "cpu", tmp_path / "cpu", "--rate", "40", "--seconds", "1", "--rounds", "1", "--fetchers", "1"
    )
    assert isinstance(found, cpu.Measured)
    assert found.rounds[0].use.checks
    assert found.rounds[0].use.ours_s > 0
    assert found.rounds[0].references[cpu.BARE].us > 0


@pytest.mark.debian("nginx-light")
@needs_nginx
def test_a_start_is_measured(tmp_path: Path) -> None:
    found = measured("start", tmp_path / "start", "--targets", "20", "--interval", "1", "--fetchers", "1")
    assert isinstance(found, start.Started)
    assert (found.unchecked, found.down) == (0, 0)
    assert {"scheduler", "aggregator", "wsbridge", "pool", "fetcher-1"} <= found.memory.keys()


@contextmanager
def at_work(folder: Path) -> Iterator[tuple[subprocess.Popen[str], Sequence[int]]]:
    """A run, and the processes that it has started."""
    command = [*BENCH, "latency", "--targets", "20", "--interval", "1", "--folder", str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as run:
        # nginx and its worker, the actors, a fetcher.
        eventually(lambda: len(descendants(run.pid)) > ACTORS + 2, "there is a system", 30)
        yield run, descendants(run.pid)


def lives(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return stat.rpartition(")")[2].split()[0] not in {"Z", "X"}


@pytest.mark.debian("nginx-light")
@needs_nginx
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_nothing_behind(tmp_path: Path, number: signal.Signals) -> None:
    folder = tmp_path / "bench"
    with at_work(folder) as (run, started):
        run.send_signal(number)
        _, errors = run.communicate(timeout=60 * SLOWNESS)
    assert (run.returncode, errors) == (128 + number, "")
    assert not [pid for pid in started if lives(pid)]
    assert not folder.exists()


@pytest.mark.debian("nginx-light")
@needs_nginx
def test_a_second_ctrl_c_does_not_wait_and_leaves_nothing_behind_either(tmp_path: Path) -> None:
    with at_work(tmp_path / "bench") as (run, started):
        (bridge,) = [pid for pid in started if "wsbridge" in Path(f"/proc/{pid}/cmdline").read_text()]
        # It does not drain: the run is at its end, and waits for it.
        os.kill(bridge, signal.SIGSTOP)
        run.send_signal(signal.SIGINT)
        eventually(lambda: pending(bridge, signal.SIGTERM), "the bridge is to drain", 30)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20 * SLOWNESS)
    eventually(lambda: not [pid for pid in started if lives(pid)], "all have ended", 10)


def pending(pid: int, number: signal.Signals) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        # It was killed already.
        return True
    (mask,) = [line.split()[1] for line in status.splitlines() if line.startswith("ShdPnd:")]
    return bool(int(mask, 16) & 1 << number - 1)
