"""``pagestatus-ctl`` against control sockets that give prepared answers, or none."""

from __future__ import annotations

import json
import os
import pty
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pagestatus.control import ControlError, Params
from pagestatus.control_server import ControlServer
from pagestatus.ctl.group import run
from pagestatus.loop import Loop
from system import SLOWNESS, eventually

LINE = {
    "time": "2026-01-31T12:00:00.000Z",
    "url": "http://127.0.0.1/a",
    "bytes": 5,
    "status": 200,
    "outcome": "ok",
    "final": True,
    "attempt": 1,
    "ms": 4.0,
    "target": "one",
}
FAILURE = {**LINE, "status": 503, "outcome": "fail", "reason": "http_status", "class": "transient"}
MINUTE = {"minute": "2026-01-31T12:00:00.000Z", "due": 3, "ok": 3}
SCHEDULE = {
    "due_total": 10,
    "checked_total": 7,
    "missed_total": {"overrun": 2},
    "in_flight": 1,
    "per_second": 1.5,
    "lag_ms": {"p50": 1.0, "p99": 3.0, "max": 8.0},
}
DOWNLOADS = {"queued": 1, "active": 2, "complete": 3, "failed": 0}
WHY = {
    "target": "one",
    "url": "http://127.0.0.1/a",
    "interval_s": 5.0,
    "timeout_s": 10.0,
    "state": "up",
    "next_due": "2026-01-31T12:05:00.000Z",
    "next_due_s": 3.0,
    "not_checked": [],
}


def process(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "pid": os.getpid(), "state": "running", "uptime_s": 1.0, **more}


class Processes:
    """Control sockets in one run_dir, served by one loop in a thread."""

    def __init__(self, run_dir: Path, data_dir: Path) -> None:
        self.run_dir, self.data_dir = run_dir, data_dir
        self.asked: list[tuple[str, Mapping[str, Any]]] = []
        self.readings = 2
        targets = {"total": 3, "up": 2, "down": 1, "unknown": 0, "paused": 0}
        self.answers: dict[str, dict[str, Callable[[Params], object]]] = {
            "scheduler": {
                "status": lambda _params: process(
                    "scheduler", targets=targets, schedule=SCHEDULE, list=self._reading()
                ),
                "inflight": lambda _params: [{"url": "http://127.0.0.1/a", "seconds": 1.0}],
                "why": self._why,
                "pause": lambda _params: {"targets": ["one"]},
                "resume": lambda _params: {"targets": ["one", "http://127.0.0.1/a"]},
                "reload": lambda _params: {"reading": True},
            },
            "aggregator": {
                "status": lambda _params: process("aggregator"),
                "log_path": lambda _params: str(data_dir / "url_status.log"),
                "failures": lambda _params: [FAILURE, {**FAILURE, "attempt": 2}],
            },
            "fetchers": {
                "status": lambda _params: process("fetchers", wanted=1, fetchers=[process("fetcher-1")]),
                "scale": lambda params: {"fetchers": params["n"]},
            },
            "wsbridge": {"status": lambda _params: process("wsbridge", downloads=DOWNLOADS)},
        }

    def _reading(self) -> dict[str, object]:
        """The list is being read for a while after a reload."""
        self.readings -= 1
        return {"reading": self.readings > 0, "added": 1, "removed": 2}

    def _why(self, params: Params) -> object:
        if params["target"] not in {"one", "http://127.0.0.1/a"}:
            raise ControlError(f"{params['target']!r}: no target with this name, URL or id")
        return [WHY]

    def _noted(self, name: str, command: str) -> Callable[[Params], object]:
        def answer(params: Params) -> object:
            self.asked.append((name, dict(params)))
            return self.answers[name][command](params)

        return answer

    @contextmanager
    def serving(self) -> Iterator[None]:
        loop = Loop()
        servers = [
            ControlServer(
                loop,
                self.run_dir / f"{name}.ctl",
                {command: self._noted(name, command) for command in commands},
            )
            for name, commands in self.answers.items()
        ]
        wake, sleeping = socket.socketpair()
        loop.watch(sleeping.fileno(), 1, lambda _fd, _events: loop.stop())
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield
        finally:
            wake.send(b"x")
            thread.join()
            for server in servers:
                server.close()
            loop.close()
            wake.close()
            sleeping.close()


@pytest.fixture
def processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Processes:
    run_dir, data_dir = tmp_path / "r", tmp_path / "logs"
    run_dir.mkdir()
    data_dir.mkdir()
    # Any other folder than theirs: where the log is, the aggregator says.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGESTATUS_RUN_DIR", str(run_dir))
    monkeypatch.delenv("PAGESTATUS_DATA_DIR", raising=False)
    made = Processes(run_dir, data_dir)
    lines = [LINE, {**LINE, "outcome": "fail", "reason": "timeout", "target": "two"}, {**LINE, "attempt": 2}]
    (data_dir / "url_status.log").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    (data_dir / "minutes.log").write_text(f"{json.dumps(MINUTE)}\n")
    return made


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    assert run(arguments) == code
    return capsys.readouterr().out


def test_status_is_composed_from_all_of_them(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    with processes.serving():
        picture = json.loads(said(capsys, "status", "--json"))
        assert said(capsys, "status").startswith("pagestatus is running")
    assert picture["state"] == "running"
    assert [one["name"] for one in picture["processes"]] == [
        "scheduler",
        "aggregator",
        "fetchers",
        "wsbridge",
        "fetcher-1",
    ]
    assert picture["schedule"] == SCHEDULE
    assert picture["minute"] == MINUTE
    assert picture["downloads"] == DOWNLOADS


def test_a_silent_process_is_degraded_and_does_not_hold_up_the_others(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    del processes.answers["aggregator"]
    with socket.socket(socket.AF_UNIX) as deaf, processes.serving():
        deaf.bind(str(processes.run_dir / "aggregator.ctl"))
        deaf.listen()
        picture = json.loads(said(capsys, "status", "--json", code=3))
        assert run(["failures"]) == 3
    states = {one["name"]: one["state"] for one in picture["processes"]}
    assert states == {
        "scheduler": "running",
        "aggregator": "silent",
        "fetchers": "running",
        "wsbridge": "running",
        "fetcher-1": "running",
    }
    assert picture["schedule"] == SCHEDULE


def test_an_absent_process_is_degraded(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    del processes.answers["scheduler"]
    with processes.serving():
        picture = json.loads(said(capsys, "status", "--json", code=3))
    assert picture["processes"][0]["state"] == "absent"
    assert picture["schedule"] == {}
    assert picture["minute"] == MINUTE


def test_a_socket_that_nobody_serves_any_more_is_absent(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in processes.answers:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(processes.run_dir / f"{name}.ctl"))
    assert json.loads(said(capsys, "status", "--json", code=4))["state"] == "not running"


def test_answers_of_another_version_are_one_line(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    processes.answers["scheduler"]["inflight"] = lambda _params: [{"uri": "http://127.0.0.1/a"}]
    with processes.serving():
        assert run(["inflight"]) == 1
    assert "answers in a way this version does not know" in capsys.readouterr().err


def test_steering(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    with processes.serving():
        assert said(capsys, "scale", "3") == "fetchers: 3\n"
        assert said(capsys, "pause", "one") == "paused: one\n"
        assert said(capsys, "resume", "one") == "resumed: one\nresumed: http://127.0.0.1/a\n"
        assert said(capsys, "reload") == "targets: 3 (1 added, 2 removed)\n"
    assert ("fetchers", {"command": "scale", "n": 3}) in processes.asked
    assert ("scheduler", {"command": "pause", "target": "one"}) in processes.asked


def test_a_reload_with_mistakes(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    states = [
        {"mistakes": 30, "first_mistakes": ["urls.json: [3].url: 7: expected text"]},
        {"problem": "urls.json: empty"},
    ]
    processes.answers["scheduler"]["status"] = lambda _params: process("scheduler", list=states.pop(0))
    with processes.serving():
        assert run(["reload"]) == 78
        assert capsys.readouterr().err.splitlines() == [
            "urls.json: [3].url: 7: expected text",
            "pagestatus-ctl: entries left out: 30; pagestatus-ctl check-config says why",
        ]
        assert run(["reload"]) == 78
        assert capsys.readouterr().err == "pagestatus-ctl: urls.json: empty: the running list is kept\n"


def test_reading_the_logs(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    with processes.serving():
        assert said(capsys, "summary", "--json") == f"[{json.dumps(MINUTE)}]\n"
        assert [json.loads(line) for line in said(capsys, "tail", "--json", "-n", "2").splitlines()] == [
            {**LINE, "outcome": "fail", "reason": "timeout", "target": "two"},
            {**LINE, "attempt": 2},
        ]
        assert said(capsys, "tail", "--failures").splitlines()[1:] == [
            "12:00:00 fail      timeout          4.0 ms      5 B two"
        ]
        assert [line["attempt"] for line in json.loads(said(capsys, "failures", "--json"))] == [2, 1]
        assert said(capsys, "failures").splitlines()[0] == "2026-01-31 12:00:00  fail 503  one"
        assert "http://127.0.0.1/a" in said(capsys, "inflight")


def test_why(processes: Processes, capsys: pytest.CaptureFixture[str]) -> None:
    with processes.serving():
        assert said(capsys, "why", "one").splitlines()[:3] == [
            "http://127.0.0.1/a",
            "target       one",
            "state        up",
        ]
        found = json.loads(said(capsys, "why", "one", "--json"))
        assert [attempt["attempt"] for attempt in found[0]["attempts"]] == [1, 2]
        assert run(["why", "nobody"]) == 1
        assert capsys.readouterr().err == "pagestatus-ctl: 'nobody': no target with this name, URL or id\n"


def test_why_without_the_scheduler_says_what_the_log_knows(
    processes: Processes, capsys: pytest.CaptureFixture[str]
) -> None:
    del processes.answers["scheduler"]
    with processes.serving():
        assert run(["why", "two"]) == 4
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "2026-01-31 12:00:00  fail timeout"
    assert "the scheduler process is not running" in said.err


def test_tail_follows_what_comes(processes: Processes) -> None:
    log = processes.data_dir / "url_status.log"
    command = [sys.executable, "-u", "-m", "pagestatus.ctl", "tail", "-f", "-n", "1", "--json"]
    with (
        processes.serving(),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tail,
    ):
        assert tail.stdout is not None
        assert tail.stderr is not None
        assert json.loads(tail.stdout.readline())["attempt"] == 2
        for number in range(3, 6):
            with log.open("a") as file:
                file.write(json.dumps({**LINE, "attempt": number}) + "\n")
            if number == 4:
                log.rename(log.with_name("url_status.log.1"))
            assert json.loads(tail.stdout.readline())["attempt"] == number
        tail.send_signal(2)
        assert tail.wait(10 * SLOWNESS) == 130
        assert tail.stderr.read() == ""


def on_terminal(command: list[str], until: bytes, **variables: str) -> bytes:
    """Run ``command`` on a terminal, press Ctrl-C when ``until`` stands there; all that came."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24", **variables}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, start_new_session=True
    ) as watched:
        os.close(theirs)
        came = b""

        def read() -> bool:
            nonlocal came
            try:
                came += os.read(ours, 65536)
            except OSError:
                return True
            if until in came:
                watched.send_signal(2)
            return False

        eventually(read, f"{command} ends", 15)
        os.close(ours)
        return came


def test_watching_draws_on_a_screen_of_its_own_and_gives_the_terminal_back(processes: Processes) -> None:
    command = [sys.executable, "-m", "pagestatus.ctl", "status", "--watch"]
    with processes.serving():
        came = on_terminal(command, b"a second", NO_COLOR="")
    assert came.startswith(b"\x1b[?1049h\x1b[?25l\x1b[H")
    assert b"\x1b[32mrunning\x1b[0m" in came
    assert came.endswith(b"\x1b[?25h\x1b[?1049l")


def test_no_color_is_obeyed(processes: Processes) -> None:
    command = [sys.executable, "-m", "pagestatus.ctl", "status"]
    with processes.serving():
        came = on_terminal(command, b"never", NO_COLOR="1")
    assert b"pagestatus is running" in came
    assert b"\x1b" not in came


def test_watching_in_a_pipe_gives_one_object_a_line(processes: Processes) -> None:
    command = [sys.executable, "-m", "pagestatus.ctl", "status", "--watch", "--json"]
    with (
        processes.serving(),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watch,
    ):
        assert watch.stdout is not None
        assert watch.stderr is not None
        for _ in range(2):
            assert json.loads(watch.stdout.readline())["state"] == "running"
        watch.send_signal(2)
        assert watch.wait(10 * SLOWNESS) == 130
        assert watch.stderr.read() == ""
