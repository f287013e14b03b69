"""``scripts/run --demo``, as somebody types it who has never seen the project."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from pagestatus.control import NoAnswer, ask
from scripts.audit import log
from scripts.audit.__main__ import intervals_us
from scripts.audit.slots import gathered
from scripts.demo.big_file import BIG_FILE
from scripts.soak_run.ports import held_port
from system import SLOWNESS, environment, eventually, short_folder

ROOT = Path(__file__).parents[2]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """A copy of the scripts with a .venv that is up to date: this one."""
    checkout = short_folder()
    venv = checkout / ".venv"
    venv.mkdir()
    for name in ("bin", "lib", "pyvenv.cfg"):
        (venv / name).symlink_to(Path(sys.prefix) / name)
    shutil.copytree(ROOT / "scripts", checkout / "scripts")
    shutil.copy(ROOT / "pyproject.toml", checkout)
    (checkout / "var").mkdir()
    (venv / "made-for").write_text(f"{checkout}\n", encoding="utf-8")
    digest = sha256((checkout / "pyproject.toml").read_bytes()).hexdigest()
    (venv / "installed-run").write_text(f"{digest}  -\n", encoding="ascii")
    yield checkout
    shutil.rmtree(checkout)


class Demo:
    """``scripts/run --demo`` in a terminal of its own."""

    def __init__(self, checkout: Path, port: int) -> None:
        self.run_dir = checkout / "run"
        self.data_dir = checkout / "var" / "demo"
        self.said = checkout / "said"
        with self.said.open("wb") as output:
            self.process = subprocess.Popen(
                [checkout / "scripts" / "run", "--demo", "--fetchers", "2"],
                cwd="/",
                env=environment(run_dir=self.run_dir, **{"websocket.port": port}),
                stdin=subprocess.DEVNULL,
                stderr=output,
                start_new_session=True,
            )

    def has_said(self, words: str) -> bool:
        return words in self.said.read_text(encoding="utf-8")

    def checked(self) -> int:
        """Slots checked so far; 0 when the scheduler does not answer."""
        try:
            return int(ask(self.run_dir / "scheduler.ctl", "status")["schedule"]["checked_total"])
        except NoAnswer:
            return 0

    def site(self) -> str:
        """Where the demo's pages are."""
        listed = json.loads((self.data_dir / "urls.json").read_text(encoding="utf-8"))
        return str(listed[0]["url"].partition("/fast")[0])

    def stop(self) -> tuple[int, str]:
        """What Ctrl-C does, to the terminal's whole foreground group; the exit code, and what was said."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(100 * SLOWNESS), self.said.read_text(encoding="utf-8")


@pytest.fixture
def held() -> Iterator[socket.socket]:
    """A port for the websocket."""
    with held_port() as held:
        yield held


def test_the_demo_shows_what_its_site_does_and_drains_at_ctrl_c(checkout: Path, held: socket.socket) -> None:
    demo = Demo(checkout, held.getsockname()[1])
    try:
        eventually(lambda: demo.checked() >= 60, "the demo's targets are checked", within_s=40)
    finally:
        code, said = demo.stop()
    assert code == 0, said
    assert "pagestatus-ctl status --watch" in said
    assert said.endswith("Draining ...\nStopped.\n")
    slots = gathered(log.lines(demo.data_dir))
    assert list(slots.findings(intervals_us(demo.data_dir / "urls.json"))) == []
    assert {
        ("ok", ""),
        ("fail", "http_status"),
        ("fail", "connect"),
        ("fail", "dns"),
    } <= slots.outcomes.keys()


def test_the_demos_big_file_can_be_asked_for_as_the_demo_says(checkout: Path, held: socket.socket) -> None:
    port = held.getsockname()[1]
    demo = Demo(checkout, port)
    try:
        eventually(lambda: demo.has_said("Ctrl-C drains"), "everything runs", within_s=40)
        url = f"{demo.site()}/big.bin"
        assert demo.has_said(f"pagestatus-ctl download {url}\n")
        assert demo.has_said(f"python -m websockets ws://localhost:{port}/\n")
        eventually((demo.run_dir / "wsbridge.ctl").exists, "the bridge listens", within_s=20)
        with BridgeClient(port, SLOWNESS) as client:
            told = client.until(client.add(url), "Downloaded")
    finally:
        code, said = demo.stop()
    assert code == 0, said
    path = demo.data_dir / "downloads" / "big.bin"
    assert told["path_to_file"] == path.as_uri()
    assert path.read_bytes() == BIG_FILE.read(0, BIG_FILE.size)


def test_a_websocket_port_that_is_taken_is_told_in_one_line_and_the_rest_runs(checkout: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        demo = Demo(checkout, port)
        try:
            eventually(lambda: demo.has_said("Ctrl-C drains"), "the rest runs", within_s=40)
            eventually(lambda: demo.checked() >= 20, "the demo's targets are checked", within_s=40)
        finally:
            code, said = demo.stop()
    assert code == 0, said
    told = f"no downloads, all else runs: websocket 127.0.0.1:{port}: Address already in use"
    assert [line.startswith(told) for line in said.splitlines()].count(True) == 1
    assert "python -m websockets" not in said
