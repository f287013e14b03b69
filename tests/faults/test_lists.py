"""A scheduler that is killed when its list has just changed, or changes while it is away."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from raw_site import unanswering
from scripts.audit import log, minutes
from scripts.audit.log import microseconds
from scripts.audit.slots import gathered
from system import ACTORS, SLOWNESS, System, eventually


@pytest.fixture
def system(site: str, make_system: Callable[..., System]) -> Iterator[System]:
    """One target a second, running; in the end every slot of a target, once it was listed, has one line."""
    system = make_system(listed(site, 1))
    system.start()
    system.until_checked(4)
    yield system
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    lines = system.lines()
    assert list(minutes.findings(lines, log.minutes(system.data_dir))) == []
    windows = gathered(lines).windows
    for name in {line.target for line in lines if line.due}:
        dues = sorted(
            microseconds(line.due) for line in lines if line.target == name and line.final and line.due
        )
        slots = range(dues[0], dues[-1] + 1, 1_000_000)
        assert dues == [
            due for due in slots if not any(window.since_us < due <= window.until_us for window in windows)
        ]


def listed(site: str, number: int) -> list[dict[str, object]]:
    """So many targets, the last of which have come last."""
    return [{"name": f"page {n}", "url": f"{site}/fast/{n + 1}", "interval": 1} for n in range(number)]


def killed(system: System) -> None:
    system.kill("scheduler")
    system.start("scheduler")
    eventually(lambda: system.checked() >= 4, "the next one checks")


def dues_us(system: System, name: str) -> list[int]:
    return [microseconds(line.due) for line in system.lines() if line.target == name and line.due]


def first_due_us(system: System, name: str) -> int:
    return min(dues_us(system, name))


def test_no_slot_is_recorded_from_before_its_target_was_listed(system: System, site: str) -> None:
    before_us = time.time_ns() // 1000
    system.write_list(listed(site, 2))
    assert "(1 added, 0 removed)" in system.ctl("reload").stdout
    killed(system)
    assert first_due_us(system, "page 1") > before_us
    system.kill("scheduler")
    before_us = time.time_ns() // 1000
    system.write_list(listed(site, 3))
    system.start("scheduler")
    eventually(lambda: system.checked() >= 4, "who began with another list checks")
    assert first_due_us(system, "page 2") > before_us
    killed(system)
    assert first_due_us(system, "page 2") > before_us
    assert first_due_us(system, "page 0") < before_us


def test_a_list_that_was_good_once_is_tried_again_until_it_is(system: System, site: str) -> None:
    system.kill("scheduler")
    system.urls.write_text("[", encoding="utf-8")
    system.start("scheduler")
    # Not 78: that would have supervisord leave it at that.
    assert system.processes["scheduler"].wait(20 * SLOWNESS) == 1
    assert "nothing is checked until it can be read" in (system.data_dir / "scheduler.log").read_text("utf-8")
    system.write_list(listed(site, 1))
    system.start("scheduler")
    eventually(lambda: system.checked() >= 4, "it checks again")


@pytest.mark.parametrize("is_reloaded", [True, False], ids=["reloaded", "changed while nobody ran"])
def test_a_slot_that_is_open_when_its_target_goes_is_settled_by_the_next_scheduler(
    system: System, site: str, *, is_reloaded: bool
) -> None:
    with unanswering("127.0.0.1") as port:
        url = f"http://127.0.0.1:{port}/"
        target = {"name": "hung", "url": url, "interval": 1, "timeout": 60}
        system.write_list([*listed(site, 1), target])
        assert "(1 added, 0 removed)" in system.ctl("reload").stdout
        eventually(lambda: dues_us(system, "hung"), "the slot after the one that hangs is missed")
        if is_reloaded:
            system.write_list(listed(site, 1))
            assert "(0 added, 1 removed)" in system.ctl("reload").stdout
        open_us = min(dues_us(system, "hung")) - 1_000_000
        system.kill("scheduler")
        system.write_list(listed(site, 1))
        system.start("scheduler")
        eventually(lambda: open_us in dues_us(system, "hung"), "the slot that hung is settled")
    (line,) = [
        line
        for line in system.lines()
        if line.target == "hung" and line.due and microseconds(line.due) == open_us
    ]
    assert (line.url, line.outcome, line.reason) == (url, "missed", "removed")
