"""``pagestatus-ctl`` beside the real processes."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest

from system import System, eventually


@pytest.fixture
def held() -> Iterator[str]:
    """The URL of a port that lets everybody in and serves nobody: a visit to it stays in flight."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def balanced(picture: dict[str, Any]) -> bool:
    books = picture["schedule"]
    settled = books["checked_total"] + sum(books["missed_total"].values())
    return bool(books["due_total"] == settled + books["in_flight"])


def whole_lines(said: str) -> list[str]:
    """All but what is just being written."""
    return said.splitlines(keepends=True)[: said.count("\n")]


def test_an_operators_tour(make_system: Callable[..., System], site: str, refusing: str, held: str) -> None:
    good = {"url": f"{site}/fast/1", "interval": 1, "name": "good"}
    bad = {"url": refusing, "interval": 1, "name": "bad", "retries": 0}
    held_up = {"url": held, "interval": 1, "name": "held up", "timeout": 600}
    system = make_system([good, bad, held_up])
    assert system.ctl("check-config").returncode == 0
    assert system.ctl("status").returncode == 4
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")
    system.until_checked(4)

    status = system.ctl("status", "--json")
    picture = json.loads(status.stdout)
    assert status.returncode == 0
    assert balanced(picture)
    assert picture["targets"] == {"total": 3, "up": 1, "down": 1, "unknown": 1, "paused": 0}
    assert system.ctl("status").stdout.startswith("pagestatus is running")

    assert json.loads(system.ctl("failures", "bad", "--json").stdout)[-1]["reason"] == "connect"
    assert system.ctl("failures", "good").stderr == "no failure since the aggregator started, of good\n"
    misspelled = system.ctl("failures", "goood")
    assert (misspelled.returncode, misspelled.stdout) == (1, "")
    assert "no target with this name" in misspelled.stderr
    assert system.ctl("failures", "goood", "--json").returncode == 1
    before = len(whole_lines(system.said()))
    shown = [json.loads(line) for line in system.ctl("tail", "-n", "2", "--json").stdout.splitlines()]
    written = [json.loads(line) for line in whole_lines(system.said())]
    assert shown in [written[at : at + 2] for at in range(before - 2, len(written) - 1)]
    found = json.loads(system.ctl("why", "good", "--json").stdout)
    assert [one["url"] for one in found] == [f"{site}/fast/1"]
    assert found[0]["attempts"][-1]["outcome"] == "ok"
    (longest,) = json.loads(system.ctl("inflight", "-n", "1", "--json").stdout)
    assert (longest["url"], longest["attempt"]) == (held, 1)

    assert system.ctl("pause", "good").stdout == "paused: good\n"
    assert json.loads(system.ctl("status", "--json").stdout)["targets"]["paused"] == 1
    assert "not checked" in system.ctl("why", "good").stdout
    assert system.ctl("resume", "good").stdout == "resumed: good\n"

    system.write_list([good, held_up, {"url": 7}])
    reloaded = system.ctl("reload")
    assert reloaded.returncode == 78
    assert reloaded.stdout == "targets: 2 (0 added, 1 removed)\n"

    assert system.ctl("scale", "2").stdout == "fetchers: 2\n"
    eventually(lambda: "fetcher-2" in system.ctl("status").stdout, "there are two fetchers")

    system.kill("aggregator")
    degraded = system.ctl("status")
    assert degraded.returncode == 3
    assert "! aggregator is not running" in degraded.stdout


def test_a_download_arrives_where_it_says(make_system: Callable[..., System], site: str) -> None:
    system = make_system([])
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")

    done = system.ctl("download", f"{site}/big.bin", "--filename", "a file.bin")
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    path = Path(unquote(urlsplit(done.stdout.strip()).path))
    assert path == system.downloads_dir / "a file.bin"
    (found,) = json.loads(system.ctl("downloads", "--json").stdout)
    assert (found["process_status"], found["size"]) == ("Downloaded", path.stat().st_size)
    assert f"{found['id']}  Downloaded" in system.ctl("downloads").stdout

    refused = system.ctl("download", f"{site}/status/404")
    assert refused.returncode == 1
    assert "failed: " in refused.stderr.splitlines()[-1]
    downloads = json.loads(system.ctl("status", "--json").stdout)["downloads"]
    assert downloads == {"queued": 0, "active": 0, "complete": 1, "failed": 1}
    assert system.ctl("download-pause", found["id"]).returncode == 1

    assert system.ctl("download-remove", found["id"]).stdout == "Download has been removed from the list.\n"
    assert path.exists()
    (failed,) = json.loads(system.ctl("downloads", "--json").stdout)
    assert system.ctl("download-set-url", failed["id"], f"{site}/big.bin").stdout == "URL has been set.\n"
    eventually(lambda: f"{failed['id']}  Downloaded" in system.ctl("downloads").stdout, "the link is used")
