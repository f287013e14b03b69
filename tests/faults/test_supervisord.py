"""scripts/supervisord.conf: from any folder, without an active virtual environment."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from scripts.demo.big_file import BIG_FILE
from system import ACTORS, SLOWNESS, System, eventually

SCRIPTS = Path(__file__).parents[2] / "scripts"


class Supervised:
    """The system of ``supervisord.conf`` in a checkout of its own, watching the pages that ``system`` has."""

    def __init__(self, system: System) -> None:
        self.system = system
        # Short, for supervisord's socket, and with a space, as a home folder may have.
        self.root = Path(tempfile.mkdtemp(prefix="page status-"))
        (self.root / "scripts").mkdir()
        (self.root / "var").mkdir()
        for name in ("actor", "supervisord.conf"):
            shutil.copy(SCRIPTS / name, self.root / "scripts")
        self.process = self._start()

    def _start(self) -> subprocess.Popen[bytes]:
        bare = {**self.system.environment, "PATH": "/usr/bin:/bin"}
        bare.pop("VIRTUAL_ENV", None)
        conf = self.root / "scripts" / "supervisord.conf"
        return subprocess.Popen(
            [Path(sys.executable).with_name("supervisord"), "--nodaemon", "--silent", "-c", conf],
            cwd="/",
            env=bare,
            stdin=subprocess.DEVNULL,
        )

    def pid(self, name: str) -> int:
        """The process id of an actor; 0 when it does not answer."""
        answer = self.system.ask(name, "status")
        return int(answer["pid"]) if answer else 0

    def back(self, name: str, killed: int) -> bool:
        """Whether an actor answers that is not the one that was killed."""
        return self.pid(name) not in {0, killed}

    def running(self) -> bool:
        return self.system.state() == "running"

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(100 * SLOWNESS)

    def start_again(self) -> None:
        """After a stop."""
        self.process = self._start()
        eventually(self.running, "supervisord has started everything again", within_s=30)

    def close(self) -> None:
        """End what a failed test left, and show what supervisord saw."""
        if self.process.poll() is None:
            self.stop()
        for path in sorted((self.root / "var").glob("*.*")):
            if path.suffix in {".log", ".out"}:
                sys.stdout.write(f"--- {path.name}\n{path.read_text(encoding='utf-8', errors='replace')}\n")
        shutil.rmtree(self.root)


@pytest.fixture
def supervised(site: str, make_system: Callable[..., System]) -> Iterator[Supervised]:
    system = make_system([{"url": f"{site}/fast/{number}", "interval": 1} for number in range(1, 6)])
    supervised = Supervised(system)
    try:
        eventually(supervised.running, "supervisord has started everything", within_s=30)
        yield supervised
    finally:
        supervised.close()


def test_what_dies_is_started_again_and_a_stop_drains(supervised: Supervised) -> None:
    system = supervised.system
    system.until_checked(10)
    for name in ACTORS:
        killed = supervised.pid(name)
        os.kill(killed, signal.SIGKILL)
        eventually(partial(supervised.back, name, killed), f"{name} is back")
        eventually(supervised.running, f"running again after {name} was killed", within_s=20)
        system.until_checked(10)
    assert supervised.stop() == 0
    assert list(system.findings()) == []
    log = (supervised.root / "var" / "supervisord.log").read_text(encoding="utf-8")
    assert [log.index(f"stopped: {name} (exit status 0)") for name in ACTORS] == sorted(
        log.index(f"stopped: {name} (exit status 0)") for name in ACTORS
    )


def test_a_download_goes_on_after_a_stop_and_a_start(supervised: Supervised, site: str) -> None:
    system = supervised.system
    client = system.connect()
    id_ = client.add(f"{site}/slow.bin")
    # It comes at 8 MiB a second: from nothing it would not be as far again so soon.
    client.until_it(id_, lambda told: told["completed"] > 48 << 20, "is three quarters done")
    assert supervised.stop() == 0
    supervised.start_again()
    client = system.connect()
    told = client.until_it(id_, lambda _told: True, "is in the list")
    assert told["completed"] > 40 << 20
    client.until(id_, "Downloaded")
    assert (system.downloads_dir / "slow.bin").read_bytes() == BIG_FILE.read(0, BIG_FILE.size)


def test_its_control_is_a_socket_for_its_owner_alone(supervised: Supervised) -> None:
    assert (supervised.root / "var" / "supervisord.sock").stat().st_mode & 0o777 == 0o700


def test_a_mistake_in_the_configuration_is_not_started_again(supervised: Supervised) -> None:
    (supervised.root / "pagestatus.toml").write_text("slots = -1\n", encoding="utf-8")
    os.kill(supervised.pid("fetchers"), signal.SIGTERM)
    log = supervised.root / "var" / "supervisord.log"
    eventually(
        lambda: "(exit status 78; expected)" in log.read_text(encoding="utf-8"), "fetchers ends with 78"
    )
    said = (supervised.root / "var" / "fetchers.out").read_text(encoding="utf-8")
    assert "slots" in said
    assert supervised.system.state() == "degraded"
