"""``pagestatus-ctl`` beside the real processes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from system import System, eventually


def balanced(picture: dict[str, Any]) -> bool:
    books = picture["schedule"]
    settled = books["checked_total"] + sum(books["missed_total"].values())
    return bool(books["due_total"] == settled + books["in_flight"])


def test_an_operators_tour(make_system: Callable[..., System], site: str, refusing: str) -> None:
    system = make_system(
        [
            {"url": f"{site}/fast/1", "interval": 1, "name": "good"},
            {"url": refusing, "interval": 1, "name": "bad", "retries": 0},
        ]
    )
    assert system.ctl("check-config").returncode == 0
    assert system.ctl("status").returncode == 4
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")
    system.until_checked(4)

    status = system.ctl("status", "--json")
    picture = json.loads(status.stdout)
    assert status.returncode == 0
    assert balanced(picture)
    assert picture["targets"] == {"total": 2, "up": 1, "down": 1, "unknown": 0, "paused": 0}
    assert system.ctl("status").stdout.startswith("pagestatus is running")

    assert json.loads(system.ctl("failures", "bad", "--json").stdout)[-1]["reason"] == "connect"
    lines = [json.loads(line) for line in system.ctl("tail", "-n", "2", "--json").stdout.splitlines()]
    assert {line["outcome"] for line in lines} <= {"ok", "fail", "missed"}
    found = json.loads(system.ctl("why", "good", "--json").stdout)
    assert [one["url"] for one in found] == [f"{site}/fast/1"]
    assert found[0]["attempts"][-1]["outcome"] == "ok"
    assert json.loads(system.ctl("inflight", "--json").stdout) is not None

    assert system.ctl("pause", "good").stdout == "paused: good\n"
    assert json.loads(system.ctl("status", "--json").stdout)["targets"]["paused"] == 1
    assert "not checked" in system.ctl("why", "good").stdout
    assert system.ctl("resume", "good").stdout == "resumed: good\n"

    system.write_list([{"url": f"{site}/fast/1", "interval": 1, "name": "good"}, {"url": 7}])
    reloaded = system.ctl("reload")
    assert reloaded.returncode == 78
    assert reloaded.stdout == "targets: 1 (0 added, 1 removed)\n"

    assert system.ctl("scale", "2").stdout == "fetchers: 2\n"
    eventually(lambda: "fetcher-2" in system.ctl("status").stdout, "there are two fetchers")

    system.kill("aggregator")
    degraded = system.ctl("status")
    assert degraded.returncode == 3
    assert "! aggregator is not running" in degraded.stdout
