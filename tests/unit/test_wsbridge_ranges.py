"""Ranges of one file: which comes next, what is left of one that was cut or lost, and when one is split."""

from __future__ import annotations

from random import Random

import pytest

from wsbridge.fetching import QUESTION, WHOLE, Fetching
from wsbridge.orders import Orders
from wsbridge.ranges import FIRST_BYTE_S, SMALLEST_PIECE, Range, Ranges

KIB = 1 << 10
MIB = 1 << 20


def given(ranges: Ranges, task: int, now: float = 0.0) -> Range:
    """The next piece is with a fetcher."""
    piece = ranges.next(now)
    assert piece is not None
    range_ = Range(task, 1, *piece, now)
    ranges.begin(range_)
    return range_


def span(range_: Range) -> tuple[int, int]:
    return range_.start, range_.stop


# --- which comes next -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("total", "size", "done", "expected", "why"),
    [
        (100, 40, (), [(0, 40), (40, 80), (80, 100)], "the last one is shorter"),
        (80, 40, (), [(0, 40), (40, 80)], "it comes out even"),
        (10, 40, (), [(0, 10)], "smaller than one range"),
        (100, 40, ((0, 50),), [(50, 80), (80, 100)], "back on the grid"),
        (100, 40, ((10, 20),), [(0, 10), (20, 40), (40, 80), (80, 100)], "around what is there"),
        (100, 40, ((30, 90),), [(0, 30), (90, 100)], "over what is there"),
        (100, 40, ((0, 100),), [], "all is there"),
    ],
)
def test_the_earliest_missing_piece_comes_next(
    total: int, size: int, done: tuple[tuple[int, int], ...], expected: list[tuple[int, int]], why: str
) -> None:
    ranges = Ranges(total, size, done)
    assert ranges.is_complete is (not expected)
    pieces = [span(given(ranges, task)) for task in range(len(expected))]
    assert pieces == expected, why
    assert ranges.next(0) is None, "everything is in flight"


def test_a_range_that_has_ended_leaves_what_it_did_not_bring() -> None:
    ranges = Ranges(200, 100)
    given(ranges, 1)
    given(ranges, 2)
    assert ranges.advance(1, 30, 1.0) == 30
    assert ranges.advance(1, 20, 1.1) == 0, "nothing goes back"
    assert ranges.advance(1, 30, 1.2) == 0, "nothing counts twice"
    ranges.end(1)
    assert ranges.next(2.0) == (30, 100)
    assert list(ranges.in_flight) == [2]


def test_what_was_held_comes_when_it_is_due_and_not_before_what_is_free() -> None:
    ranges = Ranges(300, 100)
    given(ranges, 1)
    ranges.end(1, hold_until=5.0)
    assert (ranges.release_at, ranges.waiting(4.9)) == (5.0, 1)
    assert span(given(ranges, 2, 4.9)) == (100, 200)
    assert ranges.waiting(5.0) == 0
    assert span(given(ranges, 3, 5.0)) == (0, 100)
    assert ranges.release_at is None


def test_the_first_of_those_that_are_held_says_when_to_wake() -> None:
    ranges = Ranges(300, 100)
    for task, until in ((1, 9.0), (2, 5.0), (3, 7.0)):
        given(ranges, task)
        ranges.end(task, hold_until=until)
    assert (ranges.release_at, ranges.waiting(6.0)) == (5.0, 2)
    assert ranges.next(6.0) == (100, 200)
    assert ranges.release_at == 7.0


def test_no_byte_beyond_the_file_counts() -> None:
    ranges = Ranges(100, 100)
    given(ranges, 1)
    assert ranges.advance(1, 120, 1.0) == 100
    assert ranges.done.pairs() == ((0, 100),)


# --- cuts -------------------------------------------------------------------------------------------------


def test_what_is_behind_a_cut_is_missing_again() -> None:
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.advance(1, 30, 1.0)
    ranges.cut(one, 60)
    assert ranges.next(1.0) == (60, 100)
    ranges.advance(1, 60, 2.0)
    ranges.end(1)
    assert ranges.next(2.0) == (60, 100), "nothing of the first is missing"


def test_a_range_that_was_cut_and_dies_leaves_only_its_own() -> None:
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.cut(one, 60)
    two = given(ranges, 2)
    ranges.advance(1, 20, 1.0)
    ranges.end(1)
    assert span(two) == (60, 100)
    assert ranges.next(1.0) == (20, 60)


def test_bytes_that_came_beyond_a_cut_are_not_fetched_again() -> None:
    """Its fetcher had not heard of the cut, or the word of the bytes was under way."""
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.cut(one, 60)
    assert ranges.advance(1, 70, 1.0) == 70
    assert ranges.next(1.0) == (70, 100)
    two = given(ranges, 2)
    assert ranges.advance(1, 80, 1.1) == 10
    ranges.end(1)
    assert ranges.advance(2, 75, 1.2) == 0, "these had come already"
    ranges.end(2)
    assert span(two) == (70, 100)
    assert ranges.next(2.0) == (80, 100), "what the first had brought of it is there"


def test_what_was_distrusted_is_missing_also_behind_a_cut() -> None:
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.cut(one, 60)
    ranges.advance(1, 80, 1.0)
    ranges.distrust(1)
    assert one.position == 0
    ranges.end(1)
    assert ranges.done.total == 0
    assert ranges.next(1.0) == (0, 100)


def test_what_was_distrusted_behind_a_cut_and_has_come_since_is_there() -> None:
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.cut(one, 60)
    given(ranges, 2)
    ranges.advance(1, 80, 1.0)
    ranges.distrust(1)
    ranges.end(1, hold_until=9.0)
    ranges.advance(2, 100, 2.0)
    ranges.end(2)
    assert ranges.done.pairs() == ((60, 100),)
    assert ranges.next(9.0) == (0, 60)


def test_what_was_distrusted_after_another_had_brought_the_rest_is_fetched_again() -> None:
    ranges = Ranges(100, 100)
    one = given(ranges, 1)
    ranges.cut(one, 60)
    ranges.advance(1, 80, 1.0)
    given(ranges, 2)
    ranges.advance(2, 100, 2.0)
    ranges.end(2)
    ranges.distrust(1)
    ranges.end(1)
    assert ranges.next(2.0) == (0, 80), "of [60, 80) nobody knows who wrote last"


def test_ranges_come_to_an_end_whatever_is_cut_lost_and_distrusted() -> None:
    """Against a naive picture: the bytes that nobody has and nobody is after are exactly what comes next."""
    random = Random(5)  # noqa: S311 - a history, not a secret
    for _ in range(300):
        ranges, now = Ranges(60, random.choice((7, 20, 60))), 0.0
        for task in range(1, 200):
            if ranges.is_complete:
                break
            now += random.random()
            if (piece := ranges.next(now)) is not None and len(ranges.in_flight) < 4:
                assert not ranges.done.covers(*piece)
                ranges.begin(Range(task, 1, *piece, now))
            for range_ in list(ranges.in_flight.values()):
                _happens(random, ranges, range_, now)
            is_stuck = not ranges.in_flight and not ranges.waiting(now) and ranges.next(now) is None
            assert ranges.done.total == ranges.total or not is_stuck, ranges
        assert ranges.is_complete, ranges


def _happens(random: Random, ranges: Ranges, range_: Range, now: float) -> None:
    match random.randrange(8):
        case 0 if range_.position < range_.stop:
            ranges.cut(range_, random.randint(range_.position, range_.stop))
        case 1:
            ranges.end(range_.task, random.choice((0.0, now + 0.5)))
        case 2 if random.random() < 0.1:
            ranges.distrust(range_.task)
            ranges.end(range_.task)
        case _:
            # Perhaps beyond its end: who was cut may not have heard of it.
            ranges.advance(range_.task, range_.position + random.randint(0, 9), now)
            if range_.position >= range_.stop and random.random() < 0.5:
                ranges.end(range_.task)


# --- splits -----------------------------------------------------------------------------------------------


def in_flight(*ranges_: tuple[int, int, int, float], given_at: float = 0.0) -> Ranges:
    """Ranges (start, stop, position, bytes per second) and nothing that is missing."""
    ranges = Ranges(max(stop for _, stop, _, _ in ranges_), MIB)
    for task, (start, stop, position, speed) in enumerate(ranges_, 1):
        range_ = Range(task, 1, start, stop, given_at)
        range_.position, range_.speed = position, speed
        ranges.begin(range_)
    return ranges


@pytest.mark.parametrize(
    ("ranges_", "expected", "why"),
    [
        ([(0, 4 * MIB, 0, MIB)], (1, 2 * MIB), "a single one: half of it"),
        ([(0, 4 * MIB, 2 * MIB, MIB)], (1, 3 * MIB), "half of what is left"),
        (
            [(0, 4 * MIB, 0, MIB), (4 * MIB, 8 * MIB, 7 * MIB, 3 * MIB)],
            (1, MIB),
            "one that is three times as fast gets three quarters",
        ),
        (
            [(0, 4 * MIB, 3 * MIB, MIB), (4 * MIB, 8 * MIB, 4 * MIB, MIB)],
            (2, 6 * MIB),
            "the one that takes longest",
        ),
        ([(0, MIB, MIB // 2, 1.01 * MIB)], None, "it is over in less than half a second"),
        ([(0, MIB, MIB // 2, MIB)], (1, 3 * MIB // 4), "and here it is not"),
        ([(0, 2 * SMALLEST_PIECE - 2, 0, KIB)], None, "the pieces would be too small"),
        ([(0, 2 * SMALLEST_PIECE, 0, KIB)], (1, SMALLEST_PIECE), "and here they are not"),
        ([(0, 4 * MIB, 0, 0.0)], None, "nobody knows how fast another would be"),
        (
            [(0, MIB, 100, 10 * KIB), (MIB, 2 * MIB, 2 * MIB - 1, MIB)],
            (1, 100),
            "hopeless: another does it all sooner",
        ),
        (
            [(0, MIB, 0, 100 * KIB), (MIB, 2 * MIB, 2 * MIB - 1, 700 * KIB)],
            (1, SMALLEST_PIECE),
            "slow, but it can do a piece that is worth it",
        ),
        (
            [(0, 300 * KIB, 0, 100 * KIB), (MIB, 2 * MIB, 2 * MIB - 1, 300 * KIB)],
            None,
            "slow, but too near to its end to give much away, and not hopeless",
        ),
    ],
)
def test_a_range_that_holds_up_the_end_is_split(
    ranges_: list[tuple[int, int, int, float]], expected: tuple[int, int] | None, why: str
) -> None:
    found = in_flight(*ranges_).split(1.0)
    assert (found and (found[0].task, found[1])) == expected, why


def test_a_range_is_not_judged_before_its_speed_is_known() -> None:
    ranges = in_flight((0, 4 * MIB, 0, MIB), given_at=1.0)
    assert ranges.split(1.4) is None
    assert ranges.split(1.5) is not None


def test_a_range_without_its_first_byte_is_given_time_and_then_given_up() -> None:
    ranges = in_flight((0, MIB, 0, 0.0), (MIB, 2 * MIB, 2 * MIB - 1, MIB))
    assert ranges.split(FIRST_BYTE_S - 0.1) is None
    found = ranges.split(FIRST_BYTE_S)
    assert found is not None
    assert (found[0].task, found[1]) == (1, 0), "it brings nothing, and others do"


def test_the_speed_of_a_range_follows_what_comes() -> None:
    range_ = Range(1, 1, 0, 1000, 0.0)
    range_.advance(100, 1.0)
    assert range_.speed == 100
    range_.advance(100, 2.0)
    assert range_.speed == pytest.approx(60)
    range_.advance(100, 2.0)
    assert range_.speed == pytest.approx(60), "at the same moment nothing can be measured"
    assert (range_.left_s(), range_.position) == (15.0, 100)


# --- what is on its way -----------------------------------------------------------------------------------


class Way:
    """What is on its way of one download, and what was cut of it."""

    def __init__(self) -> None:
        self.orders = Orders(7)
        self.fetching = Fetching(self.orders)

    def begin(self, task: int, piece: tuple[int, int] | None, *, single: bool = False) -> Range:
        assert piece is not None
        range_ = Range(task, 3, *piece, 0.0)
        self.fetching.begin(range_, single=single)
        return range_

    def cuts(self) -> list[tuple[int, int, int]]:
        return [(epoch, cut.task, cut.stop) for epoch, cut in self.orders.messages]  # type: ignore[union-attr]


def test_a_question_is_one_task_beside_what_is_there_of_the_ranges() -> None:
    way = Way()
    way.fetching.in_ranges(200, 100, ((0, 50),))
    way.begin(1, QUESTION, single=True)
    assert list(way.fetching.in_flight) == [1]
    assert way.fetching.end_single(1)
    assert not way.fetching.end_single(1)
    assert not way.fetching.in_flight
    assert way.fetching.ranges is not None
    assert way.fetching.ranges.done.pairs() == ((0, 50),)


def test_the_bytes_of_a_whole_are_counted_and_need_a_fresh_file() -> None:
    way = Way()
    way.fetching.is_fresh = True
    way.begin(1, WHOLE)
    assert not way.fetching.is_fresh
    assert [way.fetching.advance(1, position, 1.0) for position in (70, 60, 90)] == [70, 0, 20]
    assert way.fetching.whole == 90
    way.fetching.drop()
    assert (way.cuts(), way.fetching.whole) == ([(3, 1, 0)], 0)


def test_the_cut_of_a_split_is_sent_to_its_fetcher() -> None:
    way = Way()
    way.fetching.in_ranges(4 * MIB, 4 * MIB, ())
    way.begin(1, way.fetching.next(0.0))
    assert way.fetching.advance(1, MIB, 1.0) == MIB
    assert way.fetching.next(1.0) == (2 * MIB + MIB // 2, 4 * MIB)
    assert way.cuts() == [(3, 1, 2 * MIB + MIB // 2)]


def test_what_is_dropped_is_cut_and_its_bytes_stay() -> None:
    way = Way()
    way.fetching.in_ranges(300, 100, ())
    for task in (1, 2):
        way.begin(task, way.fetching.next(0.0))
    way.fetching.advance(1, 40, 1.0)
    way.fetching.drop()
    assert way.cuts() == [(3, 1, 0), (3, 2, 0)]
    assert not way.fetching.in_flight
    assert way.fetching.in_ranges(300, 100, ()).next(1.0) == (40, 100), "what came counts, synced or not"
    way.fetching.forget()
    assert way.fetching.in_ranges(300, 100, ()).next(1.0) == (0, 100)


# --- bytes that are taken back ----------------------------------------------------------------------------


def test_bytes_that_are_taken_back_are_missing_again() -> None:
    ranges = Ranges(300, 100, ((0, 200),))
    ranges.forget(50, 150)
    assert (ranges.done.pairs(), ranges.distrusted) == (((0, 50), (150, 200)), 1)
    assert [span(given(ranges, task)) for task in range(3)] == [(50, 100), (100, 150), (200, 300)]


def test_bytes_that_are_taken_back_under_others_are_given_out_once() -> None:
    """A part of them is in flight again, another waits after a failure, and the rest must not be lost."""
    ranges = Ranges(300, 100, ((0, 50),))
    given(ranges, 1)
    failed = given(ranges, 2)
    ranges.end(failed.task, hold_until=5.0)
    ranges.forget(0, 200)
    assert span(given(ranges, 3, 1.0)) == (0, 50)
    assert span(given(ranges, 4, 1.0)) == (200, 300)
    assert ranges.next(1.0) is None
    assert span(given(ranges, 5, 5.0)) == (100, 200)
    for task, stop in ((1, 100), (3, 50), (4, 300), (5, 200)):
        ranges.advance(task, stop, 6.0)
        ranges.end(task)
    assert ranges.is_complete
