"""scripts/supervisord.conf: from any folder, without an active virtual environment."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import pytest

from scripts.demo.big_file import BIG_FILE
from supervised import Supervised
from system import ACTORS, System, eventually


@pytest.fixture
def supervised(site: str, make_system: Callable[..., System]) -> Iterator[Supervised]:
    system = make_system([{"url": f"{site}/fast/{number}", "interval": 1} for number in range(1, 6)])
    supervised = Supervised(system)
    try:
        supervised.until_running("after the start")
        yield supervised
    finally:
        supervised.close()


def test_a_stop_drains_one_after_the_other(supervised: Supervised) -> None:
    system = supervised.system
    system.until_checked(10)
    assert supervised.stop() == 0
    assert list(system.findings()) == []
    log = supervised.log("supervisord")
    stops = [log.index(f"stopped: {name} (exit status 0)") for name in ("watchdog", *ACTORS)]
    assert stops == sorted(stops)


def test_a_download_goes_on_after_a_stop_and_a_start(supervised: Supervised, site: str) -> None:
    system = supervised.system
    client = system.connect()
    id_ = client.add(f"{site}/slow.bin")
    # It comes at 8 MiB a second: from nothing it would not be as far again so soon.
    client.until_it(id_, lambda told: told["completed"] > 48 << 20, "is three quarters done")
    assert supervised.stop() == 0
    supervised.start_again()
    supervised.until_running("after the start")
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
    eventually(lambda: "(exit status 78; expected)" in supervised.log("supervisord"), "fetchers ends with 78")
    said = (supervised.root / "var" / "fetchers.out").read_text(encoding="utf-8")
    assert "slots" in said
    assert supervised.system.state() == "degraded"
