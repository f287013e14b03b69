"""Failures, silences and growth: what a fault excuses, and what it does not."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import pytest

from scripts.audit.log import Line as AuditLine
from scripts.soak_run import answers, blame, growth, passing
from scripts.soak_run.fault import Fault, Struck, everybody, kind_of
from scripts.soak_run.growth import Sample, Size
from scripts.soak_run.log import Line
from scripts.soak_run.targets import is_named
from scripts.soak_run.watcher import Unanswered

BEGAN = datetime(2026, 11, 28, 12, 0, 0, tzinfo=UTC)
BEGAN_US = 1_795_867_200_000_000
SECOND_US = 1_000_000


def struck(
    *,
    spoils: str = "",
    halts: str = "",
    lingers_s: float = 0,
    whose: Callable[[str], bool] = everybody,
) -> list[Struck]:
    """A fault that lasts from second 10 to 15; at 20 all is well."""
    fault = Fault(
        "fault", lambda _world: nullcontext(), 5, frozenset({spoils}), lingers_s, whose, frozenset({halts})
    )
    return [Struck(fault, *(BEGAN_US + at_s * SECOND_US for at_s in (10, 15, 20)))]


@pytest.mark.parametrize(
    ("start_s", "ms", "reason", "lingers_s", "is_explained"),
    [
        (11, 100, "reset", 0, True),
        # It had begun before; it begins as the fault ends.
        (8, 3000, "reset", 0, True),
        (15.2, 1, "reset", 0, True),
        (8, 1000, "reset", 0, False),
        (17, 1, "reset", 0, False),
        (17, 1, "reset", 3, True),
        (11, 100, "timeout", 0, False),
    ],
)
def test_a_failure_has_a_fault_of_its_kind(
    start_s: float, ms: float, reason: str, lingers_s: float, *, is_explained: bool
) -> None:
    time = BEGAN + timedelta(seconds=start_s)
    line = Line(time=time, url="http://127.1.0.8/t/7", outcome="fail", reason=reason, ms=ms)
    found = list(blame.findings([line], struck(spoils="reset", lingers_s=lingers_s)))
    assert (not found) == is_explained


@pytest.mark.parametrize(
    ("host", "is_explained"),
    [("n5.known.test", True), ("127.1.0.8", False), ("n20000001.silent.test", False)],
)
def test_a_fault_explains_the_failures_of_whom_it_means(host: str, *, is_explained: bool) -> None:
    time = BEGAN + timedelta(seconds=11)
    line = Line(time=time, url=f"http://{host}:80/t/5", outcome="fail", reason="dns", ms=100)
    found = list(blame.findings([line], struck(spoils="dns", whose=is_named)))
    assert (not found) == is_explained


def test_what_is_no_failure_needs_no_explanation() -> None:
    line = Line(time=BEGAN, url="http://127.1.0.8/t/7", outcome="internal", reason="stalled")
    assert list(blame.findings([line], [])) == []


@pytest.mark.parametrize(
    ("name", "at_s", "is_silent", "is_excused"),
    [
        ("scheduler", 12, True, True),
        ("scheduler", 12, False, True),
        # Until all is well again, and a moment longer.
        ("scheduler", 19, True, True),
        ("scheduler", 21, True, True),
        ("scheduler", 5, True, False),
        ("scheduler", 30, False, False),
        ("aggregator", 12, True, False),
        # A fetcher may leave at any time, and one that is there answers.
        ("fetcher-1", 12, False, True),
        ("fetcher-1", 12, True, False),
    ],
)
def test_who_does_not_answer_is_excused_by_its_own_fault(
    name: str, at_s: float, *, is_silent: bool, is_excused: bool
) -> None:
    one = Unanswered(BEGAN_US + round(at_s * SECOND_US), name, is_silent, "no answer")
    assert (not list(answers.findings([one], struck(halts="scheduler")))) == is_excused


def test_all_fetchers_are_of_one_kind() -> None:
    assert [kind_of(name) for name in ("fetcher-1", "fetchers", "scheduler")] == [
        "fetcher",
        "fetchers",
        "scheduler",
    ]


def samples(first: Size, last: Size, *, seconds: int) -> list[Sample]:
    """A process that changes half-way, with more in flight at every other look."""
    sizes = [first if second < seconds / 2 else last for second in range(seconds + 1)]
    busy = [Size(*(2 * part for part in size)) if number % 2 else size for number, size in enumerate(sizes)]
    return [Sample(float(second), "scheduler", 1, size) for second, size in enumerate(busy)]


@pytest.mark.parametrize(
    ("last", "what"),
    [
        (Size(30_000, 30, 3), []),
        (Size(40_000, 45, 3), []),
        (Size(70_000, 30, 3), ["rss_kib"]),
        (Size(30_000, 60, 3), ["descriptors"]),
        (Size(30_000, 30, 4), ["threads"]),
    ],
)
def test_what_has_grown(last: Size, what: list[str]) -> None:
    (one,) = growth.grown(samples(Size(30_000, 30, 3), last, seconds=200))
    assert [finding.split()[2] for finding in one.findings()] == what


def test_a_short_life_is_not_judged() -> None:
    assert list(growth.grown(samples(Size(1, 1, 1), Size(10**9, 10**9, 10**9), seconds=100))) == []


def test_this_process_can_be_looked_at() -> None:
    (one,) = growth.look(0.0, {"we": os.getpid(), "nobody": 1 << 30})
    assert one.size.rss_kib > 1000
    assert one.size.descriptors >= 3
    assert one.size.threads >= 1


def test_slots_of_targets_that_came_and_went() -> None:
    def passed(second: int, *, attempt: int = 0, final: bool = False) -> AuditLine:
        due = BEGAN + timedelta(seconds=second)
        return AuditLine(None, "ok", attempt=attempt, final=final, due=due, target="guest")

    good = [passed(1, attempt=1), passed(1, attempt=2, final=True), passed(2, final=True)]
    assert list(passing.findings(good)) == []
    twice, never = [passed(3, final=True), passed(3, final=True)], [passed(4, attempt=1)]
    assert list(passing.findings([*good, *twice, *never])) == [
        f"guest: slot {BEGAN_US + 3 * SECOND_US} has 2 final lines",
        f"guest: slot {BEGAN_US + 4 * SECOND_US} has attempts and no final line",
    ]
