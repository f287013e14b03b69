"""The life of a process: start, signals, drain, exit code; and one clear line for whoever cannot start."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import puppet
from pagestatus.addresses import Addresses
from pagestatus.clock import Clock
from pagestatus.config import Config
from pagestatus.control import NoAnswer, ask
from pagestatus.locks import Lock, Taken
from pagestatus.main import main
from pagestatus.runner import Exit, Runner
from system import SLOWNESS, environment, eventually

PATIENCE_S = 10 * SLOWNESS
LINE = re.compile(r"\S+Z (INFO|WARNING|ERROR) +puppet: (.*)")


class Stage:
    """Folders for one puppet after the other, or for two at a time."""

    def __init__(self, folder: Path, run_dir: Path) -> None:
        self.folder = folder
        self.run_dir = run_dir
        self.data_dir = folder / "var"
        self.addresses = Addresses(run_dir)
        self.log = self.data_dir / "puppet.log"
        self.puppets: list[subprocess.Popen[str]] = []

    def play(self, *arguments: str, **settings: object) -> subprocess.Popen[str]:
        """Start a puppet."""
        settings = {"run_dir": self.run_dir, "data_dir": self.data_dir, **settings}
        started = subprocess.Popen(
            [sys.executable, puppet.__file__, *arguments],
            cwd=self.folder,
            env=environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.puppets.append(started)
        return started

    def played(self, *arguments: str, **settings: object) -> subprocess.Popen[str]:
        """Start a puppet and wait until it answers."""
        started = self.play(*arguments, **settings)
        eventually(lambda: self.ask("status").get("pid") == started.pid, "it answers")
        return started

    def ask(self, command: str) -> dict[str, Any]:
        """What it answers; empty when nobody does."""
        try:
            return ask(self.addresses.control("puppet"), command, timeout_s=PATIENCE_S) or {}
        except NoAnswer:
            return {}

    def calls(self) -> list[str]:
        calls: list[str] = self.ask("status")["calls"]
        return calls

    def until_called(self, name: str, times: int = 1) -> None:
        eventually(lambda: self.calls().count(name) >= times, f"{name} is called {times} times")

    def close(self) -> None:
        for started in self.puppets:
            with started:
                started.kill()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    # Not below tmp_path: a socket's path may have 107 bytes, and those of pytest are long.
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as run_dir:
        stage = Stage(tmp_path, Path(run_dir))
        yield stage
        stage.close()


def ended(started: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """Its exit code, and what it wrote; nothing goes to standard output."""
    out, err = started.communicate(timeout=PATIENCE_S)
    assert out == ""
    return started.returncode, err.splitlines()


def said(lines: list[str]) -> list[str]:
    """The words of a log of whole lines."""
    found = [LINE.fullmatch(line) for line in lines]
    assert all(found), lines
    return [match[2] for match in found if match]


# --- the good life ---------------------------------------------------------------------------------------


def test_its_status_is_the_runners_with_the_actors_own_laid_over_it(stage: Stage) -> None:
    started = stage.played()
    status = stage.ask("status")
    assert status.pop("uptime_s") >= 0
    assert status.pop("cpu_s") > 0
    # Cores in use; None before the second heartbeat.
    assert (status.pop("load") or 0) >= 0
    assert status.pop("clock_set_back_s") == 0
    assert status.pop("calls")[:2] == ["start", "second"]
    assert status == {
        "name": "puppet", "pid": started.pid, "data_dir": str(stage.data_dir), "state": "dancing",
    }  # fmt: skip


def test_its_heart_beats(stage: Stage) -> None:
    stage.played()
    stage.until_called("second", times=2)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_first_term_drains_and_a_drained_process_ends_well(stage: Stage, number: signal.Signals) -> None:
    started = stage.played()
    started.send_signal(number)
    stage.until_called("drain")
    # It lives, and answers, until it says that it is drained.
    assert stage.ask("status")["state"] is True
    stage.ask("finish")
    code, lines = ended(started)
    assert code == Exit.DRAINED
    assert said(lines) == ["started", "draining", "ended (drained)"]
    assert not stage.addresses.control("puppet").exists()
    Lock(stage.addresses.lock("puppet")).release()


def test_who_has_nothing_to_drain_ends_at_once_and_waits_for_no_idle_asker(stage: Stage) -> None:
    started = stage.played()
    with closing(socket.socket(socket.AF_UNIX)) as idle:
        idle.connect(str(stage.addresses.control("puppet")))
        stage.ask("finish")
        started.terminate()
        assert ended(started)[0] == Exit.DRAINED


def test_an_actor_may_drain_by_itself_and_once_is_enough(stage: Stage) -> None:
    started = stage.played()
    stage.ask("drain")
    stage.ask("drain")
    assert stage.calls().count("drain") == 1
    stage.ask("finish")
    assert said(ended(started)[1]) == ["started", "draining", "ended (drained)"]


def test_a_second_term_stops(stage: Stage) -> None:
    started = stage.played()
    started.terminate()
    stage.until_called("drain")
    started.terminate()
    code, lines = ended(started)
    assert code == Exit.GAVE_UP
    assert said(lines)[1:] == ["draining", "stopped before everything was drained", "ended (gave up)"]


def test_a_drain_that_never_ends_is_given_up(stage: Stage) -> None:
    started = stage.played("--drain-timeout", "0.1")
    started.terminate()
    code, lines = ended(started)
    assert code == Exit.GAVE_UP
    assert said(lines)[1:] == ["draining", "still not drained after 0.1 s: giving up", "ended (gave up)"]


def test_hup_rereads_the_list_and_usr2_reopens_the_log(stage: Stage) -> None:
    started = stage.played("--log-file")
    old = stage.log.rename(stage.log.with_suffix(".old"))
    started.send_signal(signal.SIGHUP)
    stage.until_called("reload")
    assert not stage.log.exists()
    started.send_signal(signal.SIGUSR2)
    stage.until_called("reopen")
    assert stage.log.exists()
    stage.ask("finish")
    started.terminate()
    assert ended(started) == (Exit.DRAINED, [])
    assert said(old.read_text().splitlines()) == ["started"]
    assert said(stage.log.read_text().splitlines()) == ["draining", "ended (drained)"]


def test_a_storm_of_signals_is_weathered(stage: Stage) -> None:
    started = stage.played()
    for _ in range(1000):
        started.send_signal(signal.SIGHUP)
    started.send_signal(signal.SIGUSR2)
    stage.until_called("reopen")
    assert "reload" in stage.calls()


# --- bugs ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["start", "second", "reload", "bug", "drain", "close"])
def test_a_bug_ends_it_loudly_with_a_traceback_in_its_log(stage: Stage, where: str) -> None:
    started = stage.play("--log-file", "--misbehave", where)
    if where not in {"start", "second"}:
        eventually(lambda: stage.ask("status"), "it answers")
        if where == "bug":
            assert stage.ask("bug") == {}
        elif where == "reload":
            started.send_signal(signal.SIGHUP)
        else:
            stage.ask("finish")
            started.terminate()
    assert ended(started) == (Exit.BUG, [])
    lines = stage.log.read_text().splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  "))
    assert said(lines[:first])[-1] == "this is a bug: ending"
    assert lines[first] == "  Traceback (most recent call last):"
    assert lines[-1] == f"  LookupError: a bug in {where}"
    # It can be started again, clean.
    assert not stage.addresses.control("puppet").exists()
    Lock(stage.addresses.lock("puppet")).release()


# --- two of them -----------------------------------------------------------------------------------------


def test_a_second_copy_says_so_in_one_line_and_leaves_the_first_alone(stage: Stage) -> None:
    first = stage.played()
    code, lines = ended(stage.play())
    assert code == Exit.GAVE_UP
    lock = stage.addresses.lock("puppet")
    assert said(lines) == [f"{lock} is held by process {first.pid}: it is running already"]
    assert stage.ask("status")["pid"] == first.pid


def test_a_killed_one_leaves_nothing_that_its_successor_minds(stage: Stage) -> None:
    first = stage.played()
    first.kill()
    first.wait()
    assert stage.addresses.control("puppet").exists()
    second = stage.played()
    stage.ask("finish")
    second.terminate()
    assert ended(second)[0] == Exit.DRAINED


def test_who_steps_aside_lets_a_successor_in_and_still_ends_well(stage: Stage) -> None:
    first = stage.played()
    stage.ask("finish")
    stage.ask("step_aside")
    second = stage.played()
    assert ended(first)[0] == Exit.DRAINED
    # Its end took nothing from the successor.
    assert stage.ask("status")["pid"] == second.pid
    with pytest.raises(Taken):
        Lock(stage.addresses.lock("puppet"))


# --- who cannot start ------------------------------------------------------------------------------------


def a_long_path(stage: Stage) -> tuple[dict[str, object], str]:
    run_dir = stage.run_dir / ("x" * 100)
    return {"run_dir": run_dir}, rf"run_dir: {run_dir} is \d+ bytes too long for the sockets in it"


def a_file_as_run_dir(stage: Stage) -> tuple[dict[str, object], str]:
    run_dir = stage.run_dir / "file"
    run_dir.touch()
    return {"run_dir": run_dir}, f"run_dir: {run_dir}: not a folder"


def a_folder_that_can_not_be(_stage: Stage) -> tuple[dict[str, object], str]:
    return {"run_dir": "/proc/no-such"}, "run_dir: /proc/no-such: No such file or directory"


def a_folder_of_somebody_else(stage: Stage) -> tuple[dict[str, object], str]:
    run_dir, us = Path("/usr"), os.geteuid()
    if us == 0:
        run_dir = stage.run_dir / "theirs"
        run_dir.mkdir()
        os.chown(run_dir, 65_534, -1)
    owner = run_dir.stat().st_uid
    return {"run_dir": run_dir}, f"run_dir: {run_dir} belongs to user {owner}, expected {us}"


def a_file_as_data_dir(stage: Stage) -> tuple[dict[str, object], str]:
    stage.data_dir.touch()
    return {}, f"data_dir: {stage.data_dir}: File exists, expected a folder that can be written to"


Trouble = Callable[[Stage], tuple[dict[str, object], str]]
TROUBLES: list[Trouble] = [
    a_long_path,
    a_file_as_run_dir,
    a_folder_that_can_not_be,
    a_folder_of_somebody_else,
    a_file_as_data_dir,
]


@pytest.mark.parametrize("trouble", TROUBLES, ids=lambda trouble: trouble.__name__)
def test_a_folder_that_can_not_be_used_gets_one_line(
    stage: Stage,
    trouble: Trouble,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(stage.folder)
    settings, expected = trouble(stage)
    flags = {"run_dir": stage.run_dir, "data_dir": stage.data_dir, **settings}
    # It does not come so far as to touch our logs and signals.
    code = main(lambda config: puppet.Puppet(config, ""), flags)
    out, err = capsys.readouterr()
    assert (code, out) == (Exit.CONFIGURATION, "")
    assert re.fullmatch(f"{expected}\n", err)


@pytest.mark.parametrize("of", [Addresses.lock, Addresses.control])
def test_a_folder_where_a_file_is_to_be_gets_one_line(
    stage: Stage, of: Callable[[Addresses, str], Path]
) -> None:
    path = of(stage.addresses, "puppet")
    path.mkdir()
    code, lines = ended(stage.play())
    assert (code, said(lines)) == (Exit.CONFIGURATION, [f"{path}: Is a directory"])


def test_an_actors_own_place_that_can_not_be_used_gets_one_line(stage: Stage) -> None:
    code, lines = ended(stage.play("--misbehave", "start:/no/such/list"))
    assert (code, said(lines)) == (Exit.CONFIGURATION, ["/no/such/list: No such file or directory"])


def test_trouble_that_may_pass_is_no_mistake_in_the_configuration(stage: Stage) -> None:
    # Reading there is an EIO.
    code, lines = ended(stage.play("--misbehave", "start:/proc/self/mem"))
    assert (code, said(lines)) == (Exit.GAVE_UP, ["Input/output error"])


def test_a_bad_configuration_gets_one_line_for_each_mistake(stage: Stage) -> None:
    (stage.folder / "pagestatus.toml").write_text("fetchers = 0\n[check]\ntimeout = nan\nretry = 1\n")
    started = stage.play(slots="many", xyzzy=1)
    assert ended(started) == (
        Exit.CONFIGURATION,
        [
            "pagestatus.toml: fetchers: 0: expected `int` >= 1",
            "pagestatus.toml: check.timeout: nan: expected `float` > 0.0",
            "pagestatus.toml: check.retry: 1: unknown key, expected perhaps check.retries",
            "environment: PAGESTATUS_SLOTS: 'many': expected `int`, got `str`",
            "environment: PAGESTATUS_XYZZY: '1': unknown key, expected one of those in the README",
        ],
    )


# --- the clock -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "steps_s", "expected"),
    [
        ("slewing is nothing to speak of", [0.9], []),
        ("a step forward", [60], ["the clock went forward by 60.000 s: followed"]),
        (
            "a step back is told once, not every second",
            [-60, 0, 0],
            ["the clock went back by 60.000 s: not followed until a restart"],
        ),
        (
            "and again when it happens again",
            [-60, 60, -60],
            ["the clock went back by 60.000 s: not followed until a restart"] * 2,
        ),
    ],
)
def test_what_it_says_of_the_clock(
    stage: Stage, caplog: pytest.LogCaptureFixture, why: str, steps_s: list[float], expected: list[str]
) -> None:
    wall_s = 1000.0
    runner = Runner(puppet.Puppet(Config(), ""), Config(run_dir=stage.run_dir))
    runner.clock = Clock(lambda: round(wall_s * 1e9), lambda: 0)
    for step_s in steps_s:
        wall_s += step_s
        runner._watch_clock()
    assert [record.message for record in caplog.records] == expected, why
    runner.context.destroy()
    runner.loop.close()


def test_a_clock_that_went_forward_is_a_stall_of_the_whole_machine(stage: Stage) -> None:
    """Suspended: the monotonic clock stood still too, and only the wall clock tells."""
    wall_s = 1000.0
    runner = Runner(puppet.Puppet(Config(), ""), Config(run_dir=stage.run_dir))
    runner.clock = Clock(lambda: round(wall_s * 1e9), lambda: 0)
    stalls: list[float] = []
    runner.loop.on_stall(stalls.append)
    wall_s += 120
    runner._watch_clock()
    assert stalls == [120]
    runner.context.destroy()
    runner.loop.close()
