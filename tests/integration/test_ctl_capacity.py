"""How much of its capacity a real system uses, and what ``check-config`` says beside it."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from system import System, eventually


@pytest.fixture
def held() -> Iterator[str]:
    """The URL of a port that lets everybody in and serves nobody: a visit to it stays in flight."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"


def picture(system: System) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(system.ctl("status", "--json").stdout)
    return found


def loads(system: System) -> dict[str, float]:
    """Cores in use by process, once each of them tells, which takes a second."""
    processes = picture(system)["processes"]
    found = {process["name"]: process["load"] for process in processes}
    return {} if None in found.values() else found


def test_every_process_tells_its_cpu(make_system: Callable[..., System], site: str) -> None:
    system = make_system([{"url": f"{site}/fast/1", "interval": 1}], fetchers=2)
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")
    found = eventually(lambda: loads(system), "each process tells its load")
    assert set(found) == {"scheduler", "aggregator", "fetchers", "wsbridge", "fetcher-1", "fetcher-2"}
    # Each has some threads, and none has much to do.
    assert all(0 <= load < 4 for load in found.values()), found
    assert all(process["cpu_s"] > 0 for process in picture(system)["processes"])

    # Who ended leaves its socket behind, and tells nothing.
    system.ctl("scale", "1")
    eventually(
        lambda: set(loads(system)) >= {"fetcher-1"} and "fetcher-2" not in loads(system), "one is left"
    )


def in_use(system: System) -> float:
    """Slots."""
    limits = picture(system)["capacity"].get("limits", {})
    return float(limits["slots"]["used"]) if limits else 0.0


def test_status_warns_before_slots_run_out_and_its_exit_code_stays(
    make_system: Callable[..., System], held: str
) -> None:
    hanging: list[dict[str, object]] = [
        {"url": f"{held}{number}", "interval": 1, "timeout": 600} for number in range(5)
    ]
    system = make_system(hanging[:3], slots=5)
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")

    eventually(lambda: in_use(system) == 3, "three checks hang")
    assert picture(system)["capacity"]["warning"] is None
    assert system.ctl("status").stdout.startswith("pagestatus is running, at 60 % of capacity ")

    for number, words in ((4, "At 80 % of capacity: 4 of 5 slots"), (5, "Out of capacity (100 %): 5 of 5")):
        system.write_list(hanging[:number])
        assert system.ctl("reload").returncode == 0
        eventually(lambda: in_use(system) == number, "another one hangs")  # noqa: B023 - used at once
        shown = system.ctl("status")
        assert shown.returncode == 0
        assert f"\n! {words}" in shown.stdout
        capacity = picture(system)["capacity"]
        assert (capacity["limit"], capacity["share"]) == ("slots", number / 5)
        assert capacity["warning"].startswith(words)
    # Nobody waited in vain for a slot so far.
    assert "no_capacity" not in system.schedule()["missed_total"]


def test_check_config_plans_beside_a_running_system(make_system: Callable[..., System], site: str) -> None:
    targets: list[dict[str, object]] = [
        {"url": f"{site}/fast/{number}", "interval": 1} for number in range(20)
    ]
    system = make_system(targets, slots=100)
    before = system.ctl("check-config", "--json")
    system.start()
    eventually(lambda: system.state() == "running", "all processes run")
    system.until_checked(20)
    beside = system.ctl("check-config", "--json")
    assert (before.returncode, beside.returncode) == (0, 0), before.stderr + beside.stderr
    plan = json.loads(beside.stdout)["needs"]
    # 20 a second for half a second, while nothing is measured, and then a tenth on the way to the disk.
    assert plan["slots"] == {"needs": 12, "has": 100, "share": 0.12}
    assert plan["checks"]["needs"] == 20
    assert plan["cpu_source"].startswith("assumed")
    plans = [json.loads(said.stdout)["needs"]["checks"] for said in (before, beside)]
    assert plans[0] == plans[1]

    system.write_list([*targets, {"url": 7}])
    mistaken = system.ctl("check-config")
    assert mistaken.returncode == 78
    assert "mistakes: 1\n" in mistaken.stdout
    assert "\nchecks a second              20.0 " in mistaken.stdout
