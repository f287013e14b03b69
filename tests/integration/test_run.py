"""``scripts/run --demo``, as somebody types it who has never seen the project."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from pagestatus.control import NoAnswer, ask
from scripts.audit import log
from scripts.audit.__main__ import intervals_us
from scripts.audit.slots import gathered
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


def checked(run_dir: Path) -> int:
    """Slots checked so far; 0 when the scheduler does not answer."""
    try:
        return int(ask(run_dir / "scheduler.ctl", "status")["schedule"]["checked_total"])
    except NoAnswer:
        return 0


def test_the_demo_shows_what_its_site_does_and_drains_at_ctrl_c(checkout: Path) -> None:
    run_dir = checkout / "run"
    demo = subprocess.Popen(
        [checkout / "scripts" / "run", "--demo", "--fetchers", "2"],
        cwd="/",
        env=environment(run_dir=run_dir),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        eventually(lambda: checked(run_dir) >= 60, "the demo's targets are checked", within_s=40)
    finally:
        # What Ctrl-C does: to the whole foreground group of the terminal.
        os.killpg(demo.pid, signal.SIGINT)
        _nothing, said = demo.communicate(timeout=60 * SLOWNESS)
    assert demo.returncode == 0, said
    assert "pagestatus-ctl status --watch" in said
    assert said.endswith("Draining ...\nStopped.\n")
    data_dir = checkout / "var" / "demo"
    slots = gathered(log.lines(data_dir))
    assert list(slots.findings(intervals_us(data_dir / "urls.json"))) == []
    assert {
        ("ok", ""),
        ("fail", "http_status"),
        ("fail", "connect"),
        ("fail", "dns"),
    } <= slots.outcomes.keys()
