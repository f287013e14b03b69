"""What ``check-config`` knows of how checks go, how the needs are shown, and what it says to do."""

from __future__ import annotations

import pytest

from pagestatus.capacity import TYPICAL_CPU, TYPICAL_SEEN, Cpu, Demand, Machine, Seen
from pagestatus.ctl.answers import Bridge, Downloads, Lender, Minute, Process, Quantiles, Schedule, Scheduler
from pagestatus.ctl.needs import Needs, figures, show
from pagestatus.ctl.picture import Picture
from pagestatus.ctl.remedies import remedies
from pagestatus.ctl.seen import cpu, seen
from pagestatus.ctl.table import COLOUR

GIB = 1 << 30
NEEDS = Needs(
    Demand(
        targets=100_000,
        per_second=1000.0,
        worst_slots=10_000.0,
        named_bytes=60.0,
        retries=2,
        host_per_second=10.0,
    ),
    Seen(latency_ms=400.0, failing=0.02),
    Cpu(fetchers_us=300.0, scheduler_us=40.0, aggregator_us=60.0),
    Machine(
        cores=4, fetchers=2, slots=1000, commit_ms=100.0, log_bytes=9 * GIB, disk_bytes=90 * GIB, per_host=32
    ),
    "measured",
    "assumed",
    "all",
)


def minute(at: str, **figures: object) -> Minute:
    return Minute(f"2026-01-31T{at}:00.000Z", **figures)  # type: ignore[arg-type]


def all_took(ms: float) -> Quantiles:
    return Quantiles(ms, ms, ms, ms)


def test_the_mean_is_not_above_its_bound() -> None:
    assert Quantiles(20.0, 50.0, 100.0, 1000.0).mean == pytest.approx(
        0.5 * 20 + 0.4 * 50 + 0.09 * 100 + 0.01 * 1000
    )
    assert Quantiles(20.0, 50.0, 100.0).mean is None


def test_minutes_count_by_what_was_checked_in_them() -> None:
    minutes = [
        minute("12:03", due=100, checked=100, ok=100, latency_ms=all_took(10.0)),
        minute("12:04", due=320, checked=300, ok=260, missed={"overrun": 20}, latency_ms=all_took(50.0)),
        # Nothing was due.
        minute("12:05"),
    ]
    found, source = seen(minutes)
    assert found == pytest.approx((40.0, 60 / 420))
    assert source == "measured from 12:03 to 12:05 UTC: at most 40 ms a check on average"
    assert seen(minutes[:1])[1] == "measured at 12:03 UTC: at most 10 ms a check on average"


def test_slots_in_which_nothing_ran_are_one_line_of_the_log() -> None:
    found, _source = seen([minute("12:03", due=10_100, ok=99, missed={"down": 10_000, "late": 1})])
    assert found.failing == pytest.approx(0.01)


@pytest.mark.parametrize("minutes", [[], [minute("12:03")], [minute("12:03", due=9, missed={"down": 9})]])
def test_without_a_measurement_the_assumption_is_stated(minutes: list[Minute]) -> None:
    assert seen(minutes) == (TYPICAL_SEEN, "assumed, nothing is measured yet: 500 ms a check")


def running(per_second: float, uptime_s: float = 60.0, active: int = 0) -> Picture:
    schedule = Schedule(0, 0, {}, 0, per_second)
    processes = [
        Process(name, "running", uptime_s=uptime_s, load=load)
        for name, load in {"scheduler": 0.05, "aggregator": 0.1, "fetcher-1": 0.5, "fetcher-2": 0.7}.items()
    ]
    scheduler = Scheduler("scheduler", "running", schedule=schedule, fetchers=[Lender(1, 2000)])
    return Picture(processes, scheduler, Bridge("wsbridge", "running", downloads=Downloads(active=active)))


def test_cpu_is_measured_while_enough_runs() -> None:
    found, source = cpu(running(10_000.0))
    assert found == pytest.approx((120, 5, 10))
    assert source == "measured now: 135 µs a check (fetchers 120, scheduler 5, aggregator 10)"


@pytest.mark.parametrize(
    "picture",
    [
        Picture([]),
        # Hardly anything is checked; it has just begun; a download runs, which takes CPU of the fetchers.
        running(100.0),
        running(10_000.0, uptime_s=5.0),
        running(10_000.0, active=1),
    ],
)
def test_else_it_is_that_of_the_benchmarks(picture: Picture) -> None:
    found, source = cpu(picture)
    assert found == TYPICAL_CPU
    assert source.startswith(f"assumed as in BENCHMARKS.md: {TYPICAL_CPU.all_us:.0f} µs a check (")


def test_the_table() -> None:
    assert show(NEEDS, 200) == [
        "targets   100,000",
        "latency   measured",
        "CPU       assumed",
        "log       rotation leaves 9.00 GiB (log.max_bytes times log.keep + 1): 7h 22m of",
        "          log.mode all",
        "",
        "FOR THIS LIST               NEEDS       HAS  SHARE",
        "checks a second             1,000     4,000   25 %",
        "slots                         500     2,000   25 %",
        "  a tenth hanging           1,450     2,000   72 %",
        "  all hanging              10,000     2,000  500 %",
        "  of the busiest host           5        32   16 %",
        "fetchers                        1         2   15 %",
        "cores                        0.40         4   10 %",
        "  the scheduler's            0.04         1  4.0 %",
        "  the aggregator's           0.06         1  6.0 %",
        "disk for the log         9.00 GiB  90.0 GiB   10 %",
        "  a day, all (log.mode)  29.3 GiB  9.00 GiB  325 %",
        "  a day, changes         1.42 GiB  9.00 GiB   16 %",
        "  a day, failures        1.69 GiB  9.00 GiB   19 %",
        "",
        "! The log of a day does not fit: a larger log.keep, or another log.mode, keeps",
        "  it longer.",
    ]


def test_it_fits_a_narrow_terminal_and_colour_adds_nothing_else() -> None:
    assert max(map(len, show(NEEDS, 56))) <= 56
    painted = "\n".join(show(NEEDS, 80, COLOUR))
    for code in ("0", "2", "31", "33"):
        painted = painted.replace(f"\x1b[{code}m", "")
    assert painted == "\n".join(show(NEEDS, 80))


FEW = NEEDS.machine
LITTLE = "which leaves little for a bad hour"
HANGING = "When a tenth of the targets hang until their time-out, slots are missed (no_capacity)"
DISK = "The log may grow to 9.00 GiB, and the disk has room for 1.00 GiB"
MISSED = "and slots will be missed"
DESCRIPTORS = "with 2304 descriptors (LimitNOFILE, ulimit -n)"
IF_IT_CAN = "if the host can take it, or longer intervals"
ONE = "it is one process, on one core: longer intervals, or a part of the list elsewhere"


@pytest.mark.parametrize(
    ("needs", "sentences"),
    [
        (NEEDS, []),
        (
            NEEDS._replace(machine=FEW._replace(slots=300)),
            [f"83 % of the slots will be in use, {LITTLE}: slots = 400."],
        ),
        (
            NEEDS._replace(machine=FEW._replace(slots=200)),
            [f"125 % of the slots is asked for, {MISSED}: slots = 400."],
        ),
        (
            NEEDS._replace(machine=FEW._replace(slots=200, descriptors=1024)),
            [f"125 % of the slots is asked for, {MISSED}: slots = 400, {DESCRIPTORS}."],
        ),
        (
            NEEDS._replace(machine=FEW._replace(per_host=4)),
            [f"125 % of what one host gets is asked for, {MISSED}: check.per_host = 7, {IF_IT_CAN}."],
        ),
        (
            NEEDS._replace(machine=FEW._replace(slots=700)),
            [f"{HANGING}: slots = 1000."],
        ),
        (
            NEEDS._replace(cpu=Cpu(1700, 1, 1)),
            [f"85 % of the fetchers' cores will be in use, {LITTLE}: fetchers = 3, with a core for each."],
        ),
        (
            NEEDS._replace(cpu=Cpu(1, 1000, 900)),
            [
                f"100 % of the scheduler's core is asked for, {MISSED}: {ONE}.",
                f"90 % of the aggregator's core will be in use, {LITTLE}: {ONE}.",
            ],
        ),
        (
            NEEDS._replace(machine=FEW._replace(fetchers=10), cpu=Cpu(4400, 1, 1)),
            [f"110 % of the cores is asked for, {MISSED}: 6 cores, or longer intervals."],
        ),
        (
            NEEDS._replace(machine=FEW._replace(disk_bytes=GIB)),
            [f"{DISK}: lower log.max_bytes or log.keep."],
        ),
    ],
)
def test_what_is_too_little_and_what_helps(needs: Needs, sentences: list[str]) -> None:
    """With a log.mode whose day fits."""
    assert list(remedies(needs.plan, needs.machine, "changes")) == sentences


def test_needs_for_scripts() -> None:
    found = figures(NEEDS)
    assert list(found) == [
        "targets", "share", "latency_ms", "latency_source", "failing", "cpu_us", "cpu_source",
        "checks", "slots", "hanging", "worst", "host", "fetchers", "scheduler", "aggregator", "cores", "disk",
        "log", "log_mode",
    ]  # fmt: skip
    assert found["share"] == 0.25
    assert found["cpu_us"] == {"fetchers_us": 300.0, "scheduler_us": 40.0, "aggregator_us": 60.0}
    assert found["slots"] == {"needs": 500.0, "has": 2000, "share": 0.25}
    assert found["log"] == {
        "all": {"needs": 31_449_600_000.0, "has": 9 * GIB, "share": 3.254414},
        "changes": {"needs": 1_524_096_000.0, "has": 9 * GIB, "share": 0.157714},
        "failures": {"needs": 1_814_400_000.0, "has": 9 * GIB, "share": 0.187755},
    }
