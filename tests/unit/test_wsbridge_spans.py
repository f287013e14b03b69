"""Sets of bytes, against a set of integers."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsbridge.spans import Spans

EDGE = 40

Pair = tuple[int, int]


@pytest.mark.parametrize(
    ("pairs", "expected", "why"),
    [
        ([], (), "nothing"),
        ([(0, 5)], ((0, 5),), "one"),
        ([(3, 3), (9, 2)], (), "no bytes"),
        ([(5, 9), (0, 3)], ((0, 3), (5, 9)), "apart, in order"),
        ([(0, 5), (5, 9)], ((0, 9),), "touching"),
        ([(5, 9), (0, 5)], ((0, 9),), "touching from below"),
        ([(0, 5), (6, 9)], ((0, 5), (6, 9)), "a byte between"),
        ([(0, 5), (3, 9)], ((0, 9),), "overlapping"),
        ([(0, 9), (3, 5)], ((0, 9),), "inside"),
        ([(3, 5), (0, 9)], ((0, 9),), "around"),
        ([(0, 2), (4, 6), (8, 10), (1, 9)], ((0, 10),), "over several"),
        ([(0, 2), (4, 6), (8, 10), (2, 8)], ((0, 10),), "exactly between"),
    ],
)
def test_add(pairs: list[Pair], expected: tuple[Pair, ...], why: str) -> None:
    assert Spans(pairs).pairs() == expected, why


@pytest.mark.parametrize(
    ("start", "stop", "expected", "why"),
    [
        (0, 10, ((20, 30),), "one"),
        (0, 30, (), "all"),
        (5, 25, ((0, 5), (25, 30)), "the ends are left"),
        (3, 5, ((0, 3), (5, 10), (20, 30)), "out of the middle"),
        (10, 20, ((0, 10), (20, 30)), "what is not there"),
        (9, 21, ((0, 9), (21, 30)), "a byte on each side"),
        (5, 5, ((0, 10), (20, 30)), "no bytes"),
        (9, 2, ((0, 10), (20, 30)), "reversed"),
    ],
)
def test_remove(start: int, stop: int, expected: tuple[Pair, ...], why: str) -> None:
    spans = Spans([(0, 10), (20, 30)])
    spans.remove(start, stop)
    assert spans.pairs() == expected, why


@pytest.mark.parametrize(
    ("start", "stop", "expected", "why"),
    [
        (0, 40, (10, 20), "the first of two"),
        (0, 15, (10, 15), "no further than asked"),
        (12, 40, (12, 20), "no earlier than asked"),
        (0, 10, None, "none"),
        (0, 11, (10, 11), "one byte"),
        (20, 30, None, "exactly one span"),
        (30, 40, (30, 40), "after all"),
        (-5, 5, (-5, 0), "before all"),
        (15, 15, None, "no bytes, in a gap"),
        (18, 12, None, "reversed, in a gap"),
    ],
)
def test_first_gap(start: int, stop: int, expected: Pair | None, why: str) -> None:
    spans = Spans([(0, 10), (20, 30)])
    assert spans.first_gap(start, stop) == expected, why
    assert spans.covers(start, stop) is (expected is None), why


def test_equal_are_those_with_the_same_bytes() -> None:
    assert Spans([(0, 5), (5, 9)]) == Spans([(0, 9)])
    assert Spans([(0, 5)]) != Spans([(0, 6)])
    assert Spans() != ()
    with pytest.raises(TypeError, match="unhashable"):
        hash(Spans())


def test_it_shows_its_spans() -> None:
    assert repr(Spans([(5, 9), (0, 2)])) == "Spans([(0, 2), (5, 9)])"


edges = st.integers(0, EDGE)
steps = st.lists(st.tuples(st.sampled_from([Spans.add, Spans.remove]), edges, edges), max_size=30)


@given(steps)
def test_it_is_a_set_of_integers(changes: list[tuple[Callable[[Spans, int, int], None], int, int]]) -> None:
    spans, model = Spans(), set[int]()
    for change, start, stop in changes:
        change(spans, start, stop)
        model = model | set(range(start, stop)) if change is Spans.add else model - set(range(start, stop))
        assert {byte for span in spans for byte in range(*span)} == model
        assert spans.total == len(model)
        flat = [edge for span in spans for edge in span]
        assert all(left < right for left, right in pairwise(flat)), "sorted, apart"
        assert len(spans) == len(spans.pairs()) == len(flat) // 2


@given(st.lists(st.tuples(edges, edges), max_size=12), edges, edges)
def test_questions_are_answered_as_a_set_of_integers_would(pairs: list[Pair], start: int, stop: int) -> None:
    spans = Spans(pairs)
    absent = [byte for byte in range(start, stop) if not any(low <= byte < high for low, high in pairs)]
    assert spans.covers(start, stop) is (not absent)
    gap = spans.first_gap(start, stop)
    if not absent:
        assert gap is None
        return
    assert gap is not None
    # Exactly what is absent of it, from the first one, and the byte after it is not.
    assert gap[0] == absent[0]
    assert set(range(*gap)) <= set(absent)
    assert gap[1] not in absent


class Counted(int):
    """A number that counts how often it is compared."""

    compared = 0

    def __lt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) < int(other)

    def __le__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) <= int(other)

    def __gt__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) > int(other)

    def __ge__(self, other: int) -> bool:
        Counted.compared += 1
        return int(self) >= int(other)


def test_a_gap_is_found_without_looking_at_all_spans() -> None:
    count = 100_000
    spans = Spans((Counted(10 * index), Counted(10 * index + 5)) for index in range(count))
    for index in (0, count // 2, count - 1):
        Counted.compared = 0
        assert spans.first_gap(10 * index, 10 * count) == (10 * index + 5, 10 * index + 10)
        assert 0 < Counted.compared < 50
