"""How many ranges at once, how long to wait after failures, and how fast bytes come: tables of moments."""

from __future__ import annotations

import pytest

from range_records import EvenRandom
from wsbridge.pace import LONGEST_RETRY_AFTER_S, LONGEST_WAIT_S, Pace
from wsbridge.speed import WINDOW_S, Speed

START = 1000.0


def pace(threads: int = 8, retries: int = 10, interval_s: float = 1.0) -> Pace:
    return Pace(threads=threads, retries=retries, retry_interval_s=interval_s, random=EvenRandom())


@pytest.mark.parametrize(
    ("interval_s", "expected"),
    [
        (1.0, [1, 2, 4, 8, 16, 32, 60, 60]),
        (0.1, [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 12.8]),
        (600.0, [60] * 8),
    ],
)
def test_the_wait_doubles_up_to_a_limit(interval_s: float, expected: list[float]) -> None:
    one, now, waits = pace(interval_s=interval_s), START, []
    for _ in expected:
        waits.append(one.failed(now))
        now += waits[-1]
    assert waits == pytest.approx(expected)


def test_the_wait_has_jitter() -> None:
    class Edges(EvenRandom):
        def uniform(self, a: float, b: float) -> float:
            return b if self.random() < 0.5 else a

    waits = {
        Pace(threads=1, retries=1, retry_interval_s=4.0, random=Edges(seed)).failed(START)
        for seed in range(20)
    }
    assert waits == {3.0, 5.0}


def test_it_fails_for_good_after_so_many_failures_in_a_row() -> None:
    one, now = pace(retries=3), START
    for _ in range(3):
        now += one.failed(now)
        assert not one.is_exhausted
    one.failed(now)
    assert one.is_exhausted


def test_bytes_forgive_what_failed_before() -> None:
    one, now = pace(retries=1), START
    for _ in range(5):
        now += one.failed(now)
        one.moved(now)
        assert not one.is_exhausted
    assert one.failed(now) == 1.0, "the wait begins anew"


def test_failures_that_come_together_count_once() -> None:
    one = pace(retries=1)
    for thread in range(8):
        one.failed(START + thread * 0.1)
    assert not one.is_exhausted
    one.failed(START + 1.0)
    assert one.is_exhausted, "and here the first wait was over"


def test_trouble_of_our_own_is_waited_for_up_to_a_minute_and_is_never_the_end() -> None:
    one, now, waits = pace(retries=0), START, []
    for _ in range(30):
        waits.append(one.ours(now))
        assert not one.is_exhausted
        now += waits[-1]
    assert waits == [1, 2, 4, 8, 16, 32] + [LONGEST_WAIT_S] * 24
    assert one.failed(now) == 1.0, "it says nothing about the server"


def test_trouble_of_our_own_that_comes_together_counts_once_and_bytes_forgive_it() -> None:
    one = pace()
    for thread in range(8):
        one.ours(START + thread * 0.1)
    assert one.ours(START + 1.0) == 2.0
    one.moved(START + 10)
    assert one.ours(START + 10) == 1.0


def test_lies_are_never_forgiven() -> None:
    one, now = pace(retries=2), START
    for _ in range(2):
        assert one.lied(now) == 1.0
        now += 5
        one.moved(now)
        assert not one.is_exhausted
    one.lied(now)
    one.moved(now)
    assert one.is_exhausted


# --- a busy server ----------------------------------------------------------------------------------------


def test_a_refusal_halves_the_threads_and_bytes_bring_them_back_one_by_one() -> None:
    one, now, seen = pace(threads=8), START, []
    for _ in range(4):
        one.refused(now, -1)
        now = one.not_before
        seen.append(one.threads(now))
    assert seen == [4, 2, 1, 1]
    for second in range(95):
        one.moved(now + second)
        seen.append(one.threads(now + second))
    # The last refusal was 8 s before ``now``.
    assert [seen.index(threads) for threads in range(5, 9)] == [4 + 10 * k + 2 for k in range(3, 7)]
    assert seen[-1] == 8, "and no more than are configured"


def test_refusals_that_come_together_halve_once() -> None:
    one = pace(threads=8)
    for thread in range(8):
        one.refused(START + thread * 0.1, -1)
    assert one.threads(one.not_before) == 4


def test_nothing_is_asked_before_the_wait_is_over() -> None:
    one = pace()
    assert one.refused(START, -1) == 1.0
    assert (one.threads(START + 0.9), one.threads(START + 1.0)) == (0, 4)


@pytest.mark.parametrize(
    ("failures", "retry_after_s", "expected", "why"),
    [
        (0, 0, 1.0, "at once: not so soon"),
        (3, 0, 1.0, "at once, however often it failed before"),
        (0, 7, 7.0, "what it says"),
        (5, 7, 7.0, "what it says, though we would wait longer"),
        (0, 3600, 3600.0, "an hour"),
        (0, 3601, LONGEST_RETRY_AFTER_S, "longer than we believe"),
        (0, 1 << 60, LONGEST_RETRY_AFTER_S, "for ever"),
        (2, -1, 4.0, "it does not say"),
    ],
)
def test_retry_after_is_honoured_within_limits(
    failures: int, retry_after_s: int, expected: float, why: str
) -> None:
    one, now = pace(), START
    for _ in range(failures):
        now += one.failed(now)
    assert one.refused(now, retry_after_s) == expected, why
    assert one.not_before == now + expected, why


def test_an_earlier_word_of_the_server_is_not_shortened_by_a_later_failure() -> None:
    one = pace()
    one.refused(START, 100)
    one.wait(START + 1)
    one.refused(START + 2, 5)
    assert one.not_before == START + 100


def test_refusals_in_a_row_exhaust_too() -> None:
    one, now = pace(retries=2), START
    for _ in range(3):
        assert not one.is_exhausted
        one.refused(now, 5)
        now = one.not_before
    assert one.is_exhausted


def test_a_single_transfer_waits_as_a_whole() -> None:
    one = pace(threads=1)
    one.wait(START)
    assert (one.threads(START + 0.9), one.threads(START + 1.0), one.not_before) == (0, 1, START + 1)
    assert LONGEST_WAIT_S < LONGEST_RETRY_AFTER_S


# --- speed ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reports", "now", "expected", "why"),
    [
        ([], 0.0, 0, "nothing yet"),
        ([(0.0, 100)], 0.0, 200, "the first report is no burst"),
        ([(0.0, 100), (1.0, 100), (2.0, 100)], 2.0, 150, "since the first"),
        ([(float(second), 100) for second in range(11)], 10.0, 120, "the last five seconds, both ends"),
        ([(0.0, 100)], 4.0, 25, "it slows down while nothing comes"),
        ([(0.0, 100)], 5.1, 0, "and is forgotten"),
        ([(0.0, 100), (60.0, 100)], 60.0, 20, "after a long pause: over the window"),
    ],
)
def test_speed(reports: list[tuple[float, int]], now: float, expected: float, why: str) -> None:
    speed = Speed()
    for moment, size in reports:
        speed.add(size, moment)
    assert speed.per_second(now) == pytest.approx(expected), why


def test_speed_begins_again() -> None:
    speed = Speed()
    speed.add(1000, 0.0)
    speed.reset()
    assert speed.per_second(0.0) == 0
    speed.add(100, 100.0)
    assert speed.per_second(100.0) == 200


def test_reports_that_nobody_asks_for_do_not_pile_up() -> None:
    speed = Speed()
    for report in range(10_000):
        speed.add(1, report * 0.1)
    assert len(speed._reports) <= WINDOW_S / 0.1 + 2
