"""``pagestatus-ctl download`` and its kin against a control socket that answers like the bridge."""

from __future__ import annotations

import io
import json
import os
import pty
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pagestatus.control import ControlError, Params
from pagestatus.control_server import ControlServer
from pagestatus.ctl.group import run
from pagestatus.loop import READ, Loop
from system import SLOWNESS, eventually

URL = "https://example.org/images/big.iso"
LINK = "file:///srv/downloads/big.iso"
QUEUED: dict[str, Any] = {
    "id": "3f9c",
    "url": URL,
    "process_status": "Queued",
    "path_to_file": None,
    "size": None,
    "completed": 0,
    "progress": None,
    "threads": 0,
    "speed": 0,
    "eta": None,
    "ranges": None,
    "error": None,
}
HALF = {
    **QUEUED,
    "process_status": "Downloading",
    "size": 1 << 20,
    "completed": 1 << 19,
    "progress": 0.5,
    "threads": 8,
    "speed": 1 << 18,
    "eta": 2,
    "ranges": True,
}
PAUSED = {
    **HALF,
    "process_status": "Paused",
    "error": {"code": "disk_full", "message": "no room\x1b[2J on the disk"},
}
DONE = {**HALF, "process_status": "Downloaded", "path_to_file": LINK, "progress": 1.0, "threads": 0}
FAILED = {**HALF, "process_status": "Failed", "error": {"code": "sha256", "message": "it hashes\nto 12"}}
CANCELLED = {**HALF, "process_status": "Cancelled"}


class Bridge:
    """Its downloads go through ``stages``, one at every look; the last one stays."""

    def __init__(self, run_dir: Path) -> None:
        self.path = run_dir / "wsbridge.ctl"
        self.stages: list[dict[str, Any]] = [DONE]
        self.others: list[dict[str, Any]] = []
        self.asked: list[dict[str, Any]] = []
        self.looks = 0
        self.commands: dict[str, Callable[[Params], object]] = {
            "status": lambda _params: {"name": "wsbridge", "state": "running"},
            "download": self._download,
            "downloads": self._downloads,
            "act": self._act,
        }

    def _download(self, params: Params) -> object:
        self.asked.append(dict(params))
        if not params["url"].startswith("http"):
            raise ControlError("the URL has no scheme")
        return {"id": "3f9c"}

    def _downloads(self, params: Params) -> object:
        self.looks += 1
        stage = self.stages.pop(0) if len(self.stages) > 1 else self.stages[0]
        found = [one for one in (stage, *self.others) if params.get("id") in {None, one["id"]}]
        if not found:
            raise ControlError("unknown id")
        return found

    def _act(self, params: Params) -> object:
        self.asked.append(dict(params))
        return {"message": f"Download is done with\x1b: {params['action']}."}

    @contextmanager
    def serving(self) -> Iterator[None]:
        loop = Loop()
        server = ControlServer(loop, self.path, self.commands)
        wake, sleeping = socket.socketpair()
        loop.watch(sleeping.fileno(), READ, lambda _fd, _events: loop.stop())
        thread = threading.Thread(target=loop.run)
        thread.start()
        try:
            yield
        finally:
            wake.send(b"x")
            thread.join()
            server.close()
            loop.close()
            wake.close()
            sleeping.close()


@pytest.fixture
def bridge(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bridge:
    run_dir = tmp_path / "r"
    run_dir.mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PAGESTATUS_RUN_DIR", str(run_dir))
    monkeypatch.setattr("pagestatus.ctl.download.POLL_S", 0.02)
    return Bridge(run_dir)


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[str, str]:
    """What stands on standard output and standard error."""
    assert run(arguments) == code
    out, err = capsys.readouterr()
    return out, err


# --- download ---------------------------------------------------------------------------------------------


def test_the_place_of_the_file_is_all_that_is_data(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    bridge.stages = [QUEUED, HALF, HALF, HALF, DONE]
    with bridge.serving():
        out, err = said(capsys, "download", URL)
    assert out == f"{LINK}\n"
    assert err.splitlines() == [
        "3f9c big.iso: queued",
        "3f9c big.iso: downloading, 50 % of 1.00 MiB, 256 KiB/s, 2s left, 8 workers",
        "3f9c big.iso: downloaded, 100 % of 1.00 MiB",
    ]
    assert bridge.asked == [{"command": "download", "url": URL}]


def test_all_that_a_request_may_carry(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--sha256", "AB" * 32, "--filename", "x.iso", "--threads", "3"]
    headers = ["--header", "Authorization: Bearer a:b ", "--header", "X-Key:k"]
    with bridge.serving():
        out, _err = said(capsys, "download", *options, *headers, URL, "--json")
    assert json.loads(out) == DONE
    assert bridge.asked == [
        {
            "command": "download",
            "url": URL,
            "sha256": "ab" * 32,
            "filename": "x.iso",
            "threads": 3,
            "headers": {"Authorization": "Bearer a:b", "X-Key": "k"},
        }
    ]


def test_secrets_stand_on_no_command_line(
    bridge: Bridge, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "secrets").write_bytes(b"# Of the shop.\r\n\r\nCookie: a=b; c\r\n  # None.\n X-Key:\tk \n")
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{URL}\nmore\n"))
    with bridge.serving():
        said(capsys, "download", "-", "--header", "@secrets", "--header", "X-Other: o")
    headers = {"Cookie": "a=b; c", "X-Key": "k", "X-Other": "o"}
    assert bridge.asked == [{"command": "download", "url": URL, "headers": headers}]


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (FAILED, "pagestatus-ctl: 3f9c failed: it hashes\\x0ato 12"),
        ({**FAILED, "error": None}, "pagestatus-ctl: 3f9c failed: no reason is given"),
        (CANCELLED, "pagestatus-ctl: 3f9c was cancelled"),
        (
            PAUSED,
            (
                "pagestatus-ctl: 3f9c is paused: no room\\x1b[2J on the disk; "
                "when there is some: pagestatus-ctl download-resume 3f9c"
            ),
        ),
        (
            {**FAILED, "error": {"code": "needs_url", "message": "the link has expired"}},
            (
                "pagestatus-ctl: 3f9c failed: the link has expired; "
                "pagestatus-ctl download-set-url 3f9c URL goes on with a fresh link"
            ),
        ),
    ],
)
def test_what_does_not_arrive_is_told(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], end: dict[str, Any], words: str
) -> None:
    bridge.stages = [HALF, end]
    with bridge.serving():
        out, err = said(capsys, "download", URL, code=1)
    assert out == ""
    assert err.splitlines()[-1] == words


def test_a_mistake_is_told_as_the_bridge_tells_it(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    with bridge.serving():
        assert said(capsys, "download", "example.org", code=1) == (
            "",
            "pagestatus-ctl: the URL has no scheme\n",
        )


def test_while_it_is_paused_it_is_waited_for(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    paused = {**PAUSED, "error": None}
    bridge.stages = [paused, paused, paused, HALF, DONE]
    with bridge.serving():
        out, err = said(capsys, "download", URL)
    assert out == f"{LINK}\n"
    assert err.splitlines()[:3] == [
        "3f9c big.iso: paused, 50 % of 1.00 MiB",
        "3f9c is paused; pagestatus-ctl download-resume 3f9c goes on with it",
        "3f9c big.iso: downloading, 50 % of 1.00 MiB, 256 KiB/s, 2s left, 8 workers",
    ]


@pytest.mark.parametrize("others", [[], [{**HALF, "id": "77aa"}]])
def test_an_id_that_is_not_known_any_more(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], others: list[dict[str, Any]]
) -> None:
    bridge.stages = [HALF, {**HALF, "id": "0000"}]
    bridge.others = others
    with bridge.serving():
        _out, err = said(capsys, "download", URL, code=1)
    assert err.splitlines()[-1] == "pagestatus-ctl: unknown id"


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pagestatus.ctl", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_bridge_that_is_started_again_is_asked_again(bridge: Bridge) -> None:
    bridge.stages = [HALF]
    with bridge.serving():
        asking = started("download", URL)
        eventually(lambda: bridge.looks > 1, "it is looked at")
    assert asking.stderr is not None
    read = asking.stderr.readline
    eventually(lambda: "waiting for it" in read(), "it is missed")
    bridge.stages = [DONE]
    with bridge.serving():
        out, _err = asking.communicate(timeout=10 * SLOWNESS)
    assert (asking.returncode, out) == (0, f"{LINK}\n")


def test_a_bridge_that_drains_will_have_a_successor(
    bridge: Bridge, capsys: pytest.CaptureFixture[str]
) -> None:
    states = ["draining", "running"]
    answer = bridge.commands["downloads"]

    def ending(params: Params) -> object:
        if states[0] == "draining":
            raise ControlError("the bridge is ending")
        return answer(params)

    bridge.commands["downloads"] = ending
    bridge.commands["status"] = lambda _params: {"name": "wsbridge", "state": states.pop(0)}
    with bridge.serving():
        out, err = said(capsys, "download", URL)
    assert out == f"{LINK}\n"
    assert err.splitlines()[0] == "the bridge does not answer; waiting for it"


def test_a_bridge_that_does_not_come_back_is_gone(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pagestatus.ctl.download.AWAY_S", 0.1)
    bridge.commands["downloads"] = _leave(bridge)
    with bridge.serving():
        _out, err = said(capsys, "download", URL, code=4)
    assert err.count("the bridge does not answer; waiting for it") == 1
    assert "is not running" in err.splitlines()[-1]


def _leave(bridge: Bridge) -> Callable[[Params], object]:
    """An answer after which nobody can connect any more."""

    def answer(_params: Params) -> object:
        bridge.path.unlink()
        return [HALF]

    return answer


def test_ctrl_c_leaves_it_running_and_says_so(bridge: Bridge) -> None:
    bridge.stages = [HALF]
    with bridge.serving():
        asking = started("download", URL)
        eventually(lambda: bridge.looks > 1, "it is looked at")
        asking.send_signal(signal.SIGINT)
        out, err = asking.communicate(timeout=10 * SLOWNESS)
    assert (asking.returncode, out) == (130, "")
    assert err.splitlines()[-1] == (
        "3f9c goes on: pagestatus-ctl downloads shows it, pagestatus-ctl download-cancel 3f9c ends it"
    )
    assert [request["command"] for request in bridge.asked] == ["download"]


def on_terminal(command: list[str], **variables: str) -> bytes:
    """What ``command`` writes to standard error, which is a terminal; standard output is a pipe."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "70", **variables}
    with subprocess.Popen(
        command, stdin=theirs, stdout=subprocess.PIPE, stderr=theirs, env=environment, start_new_session=True
    ) as process:
        os.close(theirs)
        came = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                # EIO: nobody has the other end any more (pty(7)).
                break
            came += piece
        os.close(ours)
        assert process.stdout is not None
        assert process.stdout.read() == f"{LINK}\n".encode()
    return came


def test_on_a_terminal_one_line_is_redrawn_in_place(bridge: Bridge) -> None:
    bridge.stages = [QUEUED, HALF, {**HALF, "progress": 0.75}, DONE]
    with bridge.serving():
        came = on_terminal([sys.executable, "-m", "pagestatus.ctl", "download", URL])
    lines = came.decode().split("\r")
    assert lines == [
        "",
        "big.iso  queued\x1b[K",
        "big.iso  [#####      ]   50 % of 1.00 MiB   256 KiB/s       2s left\x1b[K",
        "big.iso  [########   ]   75 % of 1.00 MiB   256 KiB/s       2s left\x1b[K",
        "big.iso  [#########################]  100 % of 1.00 MiB  downloaded\x1b[K",
        "\n",
    ]


def test_a_terminal_that_can_do_nothing_gets_lines(bridge: Bridge) -> None:
    bridge.stages = [HALF, DONE]
    with bridge.serving():
        came = on_terminal([sys.executable, "-m", "pagestatus.ctl", "download", URL], TERM="dumb")
    assert b"\x1b" not in came
    assert came.startswith(b"3f9c big.iso: downloading, 50 % of 1.00 MiB")


# --- downloads --------------------------------------------------------------------------------------------


def test_the_list(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    bridge.stages = [HALF]
    bridge.others = [{**FAILED, "id": "77aa"}]
    with bridge.serving():
        assert json.loads(said(capsys, "downloads", "--json")[0]) == [HALF, *bridge.others]
        out, _err = said(capsys, "downloads")
    assert out.splitlines() == [
        "ID    STATE        DONE      SIZE      SPEED  LEFT  WORKERS  NAME     PLACE",
        f"3f9c  Downloading  50 %  1.00 MiB  256 KiB/s    2s        8  big.iso  {URL}",
        f"77aa  Failed       50 %  1.00 MiB                         8  big.iso  {URL}",
        "  it hashes\\x0ato 12",
    ]


def test_what_has_ended_comes_last(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    bridge.stages = [DONE]
    bridge.others = [{**CANCELLED, "id": "0b1c"}, {**FAILED, "id": "77aa"}, {**HALF, "id": "51e0"}]
    with bridge.serving():
        out, _err = said(capsys, "downloads")
    ids = [line.split()[0] for line in out.splitlines() if "MiB" in line]
    assert ids == ["51e0", "77aa", "0b1c", "3f9c"]


def test_a_screen_that_is_too_low_cuts_what_has_ended(bridge: Bridge) -> None:
    bridge.stages = [DONE]
    bridge.others = [{**CANCELLED, "id": "0b1c"}, {**HALF, "id": "77aa"}, {**QUEUED, "id": "51e0"}]
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pagestatus.ctl", "downloads", "--watch"]
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "4"}
    pieces: list[bytes] = []

    def is_cut() -> bool:
        # It writes every second.
        pieces.append(os.read(ours, 65536))
        return b"more lines" in b"".join(pieces)

    with bridge.serving(), subprocess.Popen(command, stdout=theirs, env=environment) as watching:
        os.close(theirs)
        try:
            eventually(is_cut, "it says that there is more")
        finally:
            watching.send_signal(signal.SIGINT)
    os.close(ours)
    came = b"".join(pieces)
    assert b"77aa" in came
    assert b"51e0" in came
    assert b"0b1c" not in came
    assert b"3f9c" not in came


def test_no_downloads(bridge: Bridge, capsys: pytest.CaptureFixture[str]) -> None:
    bridge.commands["downloads"] = lambda _params: []
    with bridge.serving():
        assert said(capsys, "downloads") == ("", "no downloads\n")
        assert said(capsys, "downloads", "--json") == ("[]\n", "")


def test_watching_outlives_the_bridge(bridge: Bridge) -> None:
    bridge.stages = [HALF]
    with bridge.serving():
        watching = started("downloads", "--watch")
        assert watching.stdout is not None
        read = watching.stdout.readline
        assert read().startswith("ID ")
    eventually(lambda: "is not running" in read(), "it says so")
    with bridge.serving():
        eventually(lambda: read().startswith("3f9c"), "it is there again")
        watching.send_signal(signal.SIGINT)
        _out, err = watching.communicate(timeout=10 * SLOWNESS)
    assert (watching.returncode, err) == (130, "")


@pytest.mark.parametrize(
    ("given", "action", "id_"),
    [
        ("download-pause 3f9c", "pause", "3f9c"),
        ("download-pause 3", "pause", "3f9c"),
        ("download-cancel 77a", "cancel", "77aa"),
        ("download-resume 3f9c", "resume", "3f9c"),
        ("download-resume 77aa", "retry", "77aa"),
        ("download-resume 77", "resume", "77"),
        ("download-resume 0b", "retry", "0b1c"),
        ("download-remove 77a", "remove", "77aa"),
    ],
)
def test_one_of_them_is_steered(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], given: str, action: str, id_: str
) -> None:
    bridge.stages = [PAUSED]
    bridge.others = [{**FAILED, "id": "77aa"}, {**CANCELLED, "id": "0b1c"}]
    if id_ == "77":
        bridge.others.append({**PAUSED, "id": "77"})
    with bridge.serving():
        assert said(capsys, *given.split()) == (f"Download is done with\\x1b: {action}.\n", "")
    assert bridge.asked == [{"command": "act", "action": action, "id": id_}]


@pytest.mark.parametrize("given", [f"{URL}?key=new", "-"])
def test_a_fresh_link_is_given(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, given: str
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{URL}?key=new\n"))
    bridge.stages = [FAILED]
    with bridge.serving():
        out, err = said(capsys, "download-set-url", "3f", given)
    assert (out, err) == ("Download is done with\\x1b: set_url.\n", "")
    assert bridge.asked == [{"command": "act", "action": "set_url", "id": "3f9c", "url": f"{URL}?key=new"}]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("9", "no download has the id 9"),
        ("", "no download has the id "),
        ("3f", "3f may be any of 3f9c, 3f00"),
    ],
)
def test_an_id_must_mean_one(
    bridge: Bridge, capsys: pytest.CaptureFixture[str], given: str, words: str
) -> None:
    bridge.stages = [HALF]
    bridge.others = [{**FAILED, "id": "3f00"}]
    with bridge.serving():
        assert said(capsys, "download-cancel", given, code=1) == ("", f"pagestatus-ctl: {words}\n")
    assert bridge.asked == []


@pytest.mark.parametrize(
    ("given", "ids"),
    [
        ("download-pause", {"a1", "a2"}),
        ("download-resume", {"a3", "a4", "a5"}),
        ("download-cancel", {"a1", "a2", "a3", "a4"}),
        ("download-remove", {"a1", "a2", "a3", "a4", "a5", "a6"}),
        ("download-set-url", {"a1", "a2", "a3", "a4", "a5", "a6"}),
    ],
)
def test_ids_are_completed(
    bridge: Bridge,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    given: str,
    ids: set[str],
) -> None:
    monkeypatch.setenv("_PAGESTATUS_CTL_COMPLETE", "zsh_complete")
    monkeypatch.setenv("COMP_WORDS", f"pagestatus-ctl {given} a")
    monkeypatch.setenv("COMP_CWORD", "2")

    def completed() -> set[str]:
        with pytest.raises(SystemExit):
            run([])
        # Three lines for each: its kind, the word, what it is.
        return set(capsys.readouterr().out.splitlines()[1::3])

    bridge.stages = [{**HALF, "id": "77aa"}]
    states = (HALF, QUEUED, PAUSED, FAILED, CANCELLED, DONE)
    bridge.others = [{**state, "id": f"a{number}"} for number, state in enumerate(states, 1)]
    with bridge.serving():
        assert completed() == ids
    assert completed() == set()
