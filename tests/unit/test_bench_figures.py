"""What the parts of ``scripts/bench`` make of what they have measured."""

from __future__ import annotations

import os
import socket
from argparse import ArgumentTypeError
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from scripts.audit.log import Line
from scripts.bench_run import growth, hung, scale
from scripts.bench_run.asking import ANSWERS, COMMAND, Latencies
from scripts.bench_run.beside import Run
from scripts.bench_run.due import Due, Window, due
from scripts.bench_run.figures import percentile
from scripts.bench_run.hanging import hanging
from scripts.bench_run.latency import Asked
from scripts.bench_run.memory import Memory, memory
from scripts.bench_run.minutes import Lag, Minute, next_minute
from scripts.bench_run.options import count, part_of_a_minute
from scripts.bench_run.start import Started
from scripts.bench_run.use import SITE, SoFar, Use

START = datetime(2026, 1, 31, 12, tzinfo=UTC)
WINDOW = Window(START.timestamp(), START.timestamp() + 10)
MIB = 1 << 20


def line(second: float, outcome: str = "ok", lag_ms: float | None = 1.0, *, final: bool = True) -> Line:
    return Line("http://x/", outcome, due=START + timedelta(seconds=second), lag_ms=lag_ms, final=final)


@pytest.mark.parametrize(
    ("lines", "slots", "missed", "failed"),
    [
        ([line(0), line(9.999)], 2, 0, 0),
        # Due before and after the window.
        ([line(-0.001), line(10)], 0, 0, 0),
        # It will be tried again: another line settles it.
        ([line(1, "fail", final=False), line(1)], 1, 0, 0),
        ([line(1, "fail"), line(2, "internal"), line(3, "missed", None)], 3, 1, 2),
        # The time in which no scheduler ran.
        ([Line(None, "missed", final=True, since=START, until=START, slots=5)], 0, 0, 0),
    ],
)
def test_the_slots_of_a_window(lines: Sequence[Line], slots: int, missed: int, failed: int) -> None:
    found = due(lines, {"": WINDOW})[""]
    assert (found.slots, found.missed, found.failed) == (slots, missed, failed)


def test_targets_that_are_not_wanted_do_not_count() -> None:
    lines = [line(1, lag_ms=5.0), line(2, lag_ms=7.0)]
    assert due(lines, {"": WINDOW}, lambda url: url != "http://x/")[""].slots == 0
    assert due(lines, {"": WINDOW}, lambda url: url == "http://x/")[""].lag_ms(100) == 7.0


def test_nothing_checked_is_no_small_lag() -> None:
    assert due([], {"": WINDOW})[""].lag_ms(99) == float("inf")


def test_cpu_of_a_check_is_without_the_site() -> None:
    before = Use(10.0, 100, {"scheduler": 1.0, SITE: 5.0})
    after = Use(20.0, 1100, {"scheduler": 1.5, "fetcher-1": 0.5, SITE: 8.0})
    used = SoFar({}, after) - SoFar({}, before)
    assert used.per_second == pytest.approx(100)
    assert used.us_a_check == pytest.approx(1000)


def started(
    first_s: float = 5, all_s: float = 65, unchecked: int = 0, down: int = 0, rss: int = 700 * MIB
) -> Started:
    found = {"scheduler": Memory(rss, rss, rss)}
    return Started(1_000_000, 60, first_s, all_s, unchecked, found, 300 * MIB, 24 * 10**6, down)


@pytest.mark.parametrize(
    ("start", "held"),
    [
        (started(), [True, True, True, True]),
        (started(first_s=10.1), [False, True, True, True]),
        # An interval and ten seconds.
        (started(all_s=70), [True, True, True, True]),
        (started(all_s=70.1), [True, False, True, True]),
        (started(unchecked=1), [True, False, True, True]),
        (started(down=1), [True, True, False, True]),
        # 400 bytes a target are 381 MiB, and the URLs are 23.
        (started(rss=704 * MIB), [True, True, True, True]),
        (started(rss=705 * MIB), [True, True, True, False]),
    ],
)
def test_what_a_start_holds(start: Started, held: Sequence[bool]) -> None:
    assert [claim.holds for claim in start.claims] == held


@pytest.mark.parametrize(
    ("slow", "slow_commands", "lost", "holds"),
    [
        (0, 0, 0, [True, True, True]),
        (1, 1, 0, [True, True, True]),
        (2, 0, 0, [True, False, True]),
        # The whole command counts, not only the answers in it.
        (0, 2, 0, [False, True, True]),
        (0, 0, 1, [True, True, False]),
    ],
)
def test_status_is_late_when_more_than_a_hundredth_is(
    slow: int, slow_commands: int, lost: int, holds: Sequence[bool]
) -> None:
    latencies = Latencies()
    latencies.ms[ANSWERS] = [1.0] * (100 - slow) + [250.0] * slow
    latencies.ms[COMMAND] = [100.0] * (100 - slow_commands) + [350.0] * slow_commands
    latencies.lost = lost
    assert [claim.holds for claim in Asked(latencies).claims] == holds


def test_a_command_that_was_never_run_is_not_fast() -> None:
    latencies = Latencies()
    latencies.ms[ANSWERS] = [1.0]
    assert not Asked(latencies).held


@pytest.mark.parametrize(
    ("values", "hundredths", "expected"),
    [
        ([1, 2], 50, 1),
        (range(1, 101), 99, 99),
        (range(1, 101), 100, 100),
        ([3], 1, 3),
        (range(1, 102), 99, 100),
    ],
)
def test_a_percentile_is_the_smallest_that_so_many_do_not_exceed(
    values: Sequence[float], hundredths: int, expected: float
) -> None:
    assert percentile(values, hundredths) == expected


GOOD, BAD, NONE = Due([1.0] * 10), Due([1.0] * 10, failed=10), Due(missed=10)


@pytest.mark.parametrize(
    ("found", "held"), [(GOOD, True), (BAD, False), (NONE, False), (Due(), False), (Due([0.0]), True)]
)
def test_what_fails_or_is_not_checked_holds_nothing(found: Due, held: bool) -> None:  # noqa: FBT001
    assert hung.Measured(10, dict.fromkeys(hung.SHARES, found)).held is held
    run = Run(Use(1.0, found.checked, {"scheduler": 0.001, SITE: 0.0}), found)
    assert growth.Measured([(1000, run), (10_000, run)]).held is held


@pytest.mark.parametrize(("ok", "held"), [(10, True), (9, False), (0, False)])
def test_a_minute_of_checks_that_fail_is_none(ok: int, held: bool) -> None:  # noqa: FBT001
    minute = Minute(START, due=10, checked=10, ok=ok, missed={}, lag_ms=Lag(1.0, 1.0, 1.0, 1.0))
    latencies = Latencies()
    latencies.ms = {ANSWERS: [1.0], COMMAND: [1.0]}
    found = scale.Measured([minute], 10, Use(1.0, 10, {SITE: 0.0}), started(), Asked(latencies))
    assert found.held is held


@pytest.mark.parametrize(("moment_s", "expected_s"), [(60.0, 60), (60.1, 120), (119.9, 120)])
def test_the_next_whole_minute(moment_s: float, expected_s: int) -> None:
    assert next_minute(moment_s) == expected_s


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", "²", "99999999999"])
def test_no_count(text: str) -> None:
    with pytest.raises(ArgumentTypeError, match="expected a whole number from 1 to"):
        count(text)


@pytest.mark.parametrize("text", ["7", "61", "0"])
def test_no_part_of_a_minute(text: str) -> None:
    with pytest.raises(ArgumentTypeError):
        part_of_a_minute(text)


def test_the_memory_of_this_process() -> None:
    found = memory(os.getpid())
    assert 0 < found.pss <= found.rss <= found.most


def test_who_hangs_takes_a_connection_and_says_nothing_to_its_end() -> None:
    with hanging() as port:
        peer = socket.create_connection(("127.9.9.9", port), timeout=5)
        peer.sendall(b"GET / HTTP/1.1\r\n\r\n")
    # With what it never read thrown away.
    with peer, pytest.raises(ConnectionResetError):
        peer.recv(1)
