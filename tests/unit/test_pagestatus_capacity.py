"""What a list needs, and how much is in use: tables of numbers."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from aggregator import modes
from aggregator.lines import result_line
from pagestatus.capacity import (
    EVERY,
    LINE_BYTES,
    MEASURABLE_PER_S,
    Cpu,
    Demand,
    Limit,
    Machine,
    Seen,
    enough,
    limits,
    log_bytes,
    measured,
    plan,
)
from pagestatus.config import Log
from pagestatus.verdict import judge
from records import result

DEMAND = Demand(
    targets=6000, per_second=100.0, worst_slots=1000.0, named_bytes=60.0, retries=2, host_per_second=5.0
)
SEEN = Seen(latency_ms=400.0, failing=0.02)
CPU = Cpu(fetchers_us=600.0, scheduler_us=100.0, aggregator_us=200.0)
MACHINE = Machine(cores=4, fetchers=2, slots=50, commit_ms=100.0, log_bytes=10**9, disk_bytes=10**10)


def test_what_a_list_needs() -> None:
    found = plan(DEMAND, SEEN, CPU, MACHINE)
    # 100 checks a second hold a slot for half a second each.
    assert found.slots == pytest.approx((50, 100, 0.5))
    # A tenth of them as long as their time-out.
    assert found.hanging == pytest.approx((0.9 * 50 + 0.1 * 1000, 100, 1.45))
    assert found.worst == pytest.approx((1000, 100, 10))
    assert found.fetchers == pytest.approx((1, 2, 0.03))
    assert found.scheduler == pytest.approx((0.01, 1, 0.01))
    assert found.aggregator == pytest.approx((0.02, 1, 0.02))
    assert found.cores == pytest.approx((0.09, 4, 0.0225))
    assert found.disk == pytest.approx((10**9, 10**10, 0.1))
    assert {need.has for need in found.log.values()} == {10**9}


@pytest.mark.parametrize(
    ("cpu", "machine", "most", "limit"),
    [
        (CPU, MACHINE, 200, "slots"),
        (CPU, MACHINE._replace(slots=10_000), 2 / 600e-6, "fetchers"),
        (Cpu(600, 800, 200), MACHINE._replace(slots=10_000), 1 / 800e-6, "scheduler"),
        (Cpu(600, 100, 900), MACHINE._replace(slots=10_000), 1 / 900e-6, "aggregator"),
        (CPU, MACHINE._replace(slots=10_000, cores=1), 1 / 900e-6, "cores"),
        (CPU, MACHINE._replace(slots=10_000, per_host=1), 40, "host"),
        # Two fetchers on one core are not twice as fast.
        (CPU, MACHINE._replace(slots=10_000, cores=1, fetchers=2), 1 / 900e-6, "cores"),
        # Four on four cores are.
        (CPU, MACHINE._replace(slots=10_000, fetchers=4), 4 / 900e-6, "cores"),
    ],
)
def test_the_scarcest_thing_says_how_much_can_be_done(
    cpu: Cpu, machine: Machine, most: float, limit: str
) -> None:
    found = plan(DEMAND, SEEN, cpu, machine)
    assert found.checks.has == pytest.approx(most)
    assert found.checks.share == pytest.approx(100 / most)
    assert found.checks.share == pytest.approx(getattr(found, limit).share)


def test_a_million_a_minute_on_two_cores() -> None:
    million = Demand(1_000_000, 1e6 / 60, 166_667.0, 50.0, 2)
    machine = Machine(2, 1, 6000, 100.0, 10**12, 10**12)
    found = plan(million, Seen(2.0, 0.0), Cpu(60, 7, 8), machine)
    assert found.slots.needs == pytest.approx(1700)
    assert found.cores.needs == pytest.approx(1.25)
    # One would be busy to the brim.
    assert found.fetchers == pytest.approx((2, 1, 1.0))


@pytest.mark.parametrize(
    ("used", "wanted"),
    [(0.0, 1), (0.1, 1), (0.81, 2), (1.6, 2), (1.61, 3), (0.1 + 0.7, 1), (8.0, 10)],
)
def test_enough_leaves_some_room(used: float, wanted: int) -> None:
    assert enough(used) == wanted


def test_what_hangs_is_never_less_than_what_does_not() -> None:
    """An interval below the latency, and a time-out below it as well."""
    found = plan(DEMAND._replace(worst_slots=1.0), SEEN, CPU, MACHINE)
    assert found.slots.needs == found.hanging.needs == found.worst.needs


def test_the_slowest_and_the_fastest_site() -> None:
    """One slot for minutes at a time; and answers that are there at once, with nothing synced."""
    one_slot = MACHINE._replace(fetchers=1, slots=1)
    slow = plan(DEMAND._replace(per_second=0.01, host_per_second=0.0), Seen(599_900.0, 0.0), CPU, one_slot)
    assert slow.checks == pytest.approx((0.01, 1 / 600, 6.0))
    assert slow.slots.share == pytest.approx(6.0)
    fast = plan(DEMAND, Seen(0.0, 0.0), CPU, MACHINE._replace(commit_ms=0.0))
    assert 0 < fast.slots.share < 1e-4


def test_an_empty_list_needs_next_to_nothing() -> None:
    found = plan(Demand(0, 0.0, 0.0, 0.0, 2), SEEN, CPU, MACHINE)
    assert found.checks.share == found.slots.share == found.cores.share == found.log["all"].share == 0
    assert found.fetchers.needs == 1


def test_a_full_disk_is_a_large_share_and_no_mistake() -> None:
    found = plan(DEMAND, SEEN, CPU, MACHINE._replace(disk_bytes=0))
    assert found.disk.share > 1
    assert found.log["failures"].share > 1


@pytest.mark.parametrize(
    ("failing", "retries", "lines", "changes", "failures"),
    [
        # Nothing ever fails: every 100th line alone is kept.
        (0.0, 2, 1.0, 0.01, 0.0),
        (0.0, 0, 1.0, 0.01, 0.0),
        (0.01, 0, 1.0, 0.03, 0.01),
        (0.01, 2, 1.02, 0.0302, 0.03),
        # More than all can not have changed.
        (1.0, 0, 1.0, 1.0, 1.0),
        (1.0, 2, 3.0, 2.03, 3.0),
    ],
)
def test_what_each_mode_writes(
    failing: float, retries: int, lines: float, changes: float, failures: float
) -> None:
    found = log_bytes(DEMAND._replace(retries=retries), Seen(1.0, failing))
    a_day = 100.0 * 86_400 * (LINE_BYTES + 60)
    assert found["all"] == pytest.approx(lines * a_day)
    assert found["changes"] == pytest.approx(changes * a_day)
    assert found["failures"] == pytest.approx(failures * a_day)


def test_the_modes_are_those_that_can_be_configured() -> None:
    assert EVERY == modes.EVERY
    assert set(log_bytes(DEMAND, SEEN)) == set(get_args(get_type_hints(Log)["mode"]))


@pytest.mark.parametrize("tls_us", [-1, 100_123])
def test_a_line_is_as_long_as_is_reckoned(tls_us: int) -> None:
    attempt = result(
        url="", status=200, bytes=74_123, dns_us=10_019, connect_us=40_248, tls_us=tls_us, ttfb_us=171_834
    )
    line = result_line(attempt, judge(attempt)).replace(b"%016x" % attempt.target, b"")
    assert len(line) == pytest.approx(LINE_BYTES, rel=0.1)


def test_cpu_is_measured_from_what_runs() -> None:
    loads = {"scheduler": 0.2, "aggregator": 0.1, "fetcher-1": 0.5, "fetcher-2": 0.3, "wsbridge": 0.01}
    assert measured(loads, 10_000.0) == pytest.approx((80, 20, 10))


@pytest.mark.parametrize(
    ("loads", "per_second"),
    [
        ({"scheduler": 0.2, "aggregator": 0.1, "fetcher-1": 0.5}, MEASURABLE_PER_S - 1),
        ({"scheduler": 0.2, "aggregator": 0.1}, 10_000.0),
        ({"scheduler": 0.2, "fetcher-1": 0.5}, 10_000.0),
        ({"aggregator": 0.2, "fetcher-1": 0.5}, 10_000.0),
        ({}, 0.0),
    ],
)
def test_too_little_runs_to_measure(loads: dict[str, float], per_second: float) -> None:
    assert measured(loads, per_second) is None


def test_the_fullest_thing_comes_first() -> None:
    loads = {"scheduler": 0.2, "fetcher-1": 0.7, "wsbridge": 0.3}
    found = limits(Limit("slots", 30, 100), loads, 2, ["scheduler", "aggregator", "fetcher-1"])
    # The bridge is not on the way of a check, but it uses a core as well; the aggregator did not tell.
    assert [limit.name for limit in found] == ["fetcher-1", "cores", "slots", "scheduler"]
    assert [limit.share for limit in found] == pytest.approx([0.7, 0.6, 0.3, 0.2])
