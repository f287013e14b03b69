"""Frames: whatever comes is records as they were sent, or a bad frame; and what goes comes back."""

from __future__ import annotations

from enum import IntEnum
from functools import cache
from typing import Any, get_args, get_type_hints

import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from fuzzing import fuzzed, mutated, outcome
from pagestatus.codec import BadFrame, decode, encode
from pagestatus.messages import (
    Check,
    Class,
    Commit,
    DownloadsCounted,
    FetcherState,
    Head,
    Message,
    Outcome,
    RangeDone,
    RangeTask,
    Reason,
    Started,
)

KINDS: tuple[type[msgspec.Struct], ...] = get_args(Message)
LARGEST = 2**64 - 1
TARGET, DUE_US = 2**63 + 7, 1_700_000_000_000_000


@cache
def _any_of(kind: type[msgspec.Struct]) -> st.SearchStrategy[Any]:
    """Records of this kind with whatever its fields can hold."""
    hints = get_type_hints(kind, include_extras=True)
    return st.builds(kind, *(_value(inspect.type_info(hints[name])) for name in kind.__struct_fields__))


def _value(info: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - one for each type
    match info:
        case inspect.IntType(ge=ge, gt=None, le=le, lt=lt):
            least = -(2**63) if ge is None else ge
            return st.integers(least, lt - 1 if lt is not None else LARGEST if le is None else le)
        case inspect.StrType():
            # UTF-8 has no halves of characters, and so neither has the wire.
            return st.text(st.characters(exclude_categories=["Cs"]))
        case inspect.BoolType():
            return st.booleans()
        case inspect.EnumType(cls=cls):
            return st.sampled_from(list[IntEnum](cls))
        case inspect.StructType(cls=cls):
            return _any_of(cls)
        case inspect.VarTupleType(item_type=item):
            return st.lists(_value(item), max_size=3).map(tuple)
        case inspect.TupleType(item_types=items):
            return st.tuples(*map(_value, items))
        case _:
            raise TypeError(f"no field has been of this type: {info}")


RECORDS = st.lists(st.sampled_from(KINDS).flatmap(_any_of), max_size=5)
FRAMES = [
    encode([Check(TARGET, DUE_US, 1, 0, 0, 10_000_000, "http://a.test/", "ä", (200, 204), 1 << 20)]),
    encode([Commit(TARGET, DUE_US, 1, Outcome.FAIL, Reason.DNS, Class.TRANSIENT, final=True)]),
    encode([RangeTask(1, 2, "http://a.test/", 0, 9, "a.part", 3, 9, '"e"', "", "u:p", (("X-A", "b"),))]),
    encode([RangeDone(1, 2, 3, 9, Reason.NONE, 206, -1, "http://a.test/", "", Head(0, 9, 9))] * 3),
    encode([FetcherState(DUE_US, 1, 2000, 0), Started(DUE_US)]),
]


@fuzzed
@given(RECORDS)
def test_what_goes_comes_back(records: list[Message]) -> None:
    frame = encode(records)
    assert decode(frame) == records
    assert msgpack.packb(msgpack.unpackb(frame)) == frame


@fuzzed
@given(st.binary(max_size=200) | mutated(FRAMES))
def test_whatever_comes_is_records_or_a_bad_frame(frame: bytes) -> None:
    records = outcome(lambda: decode(frame), BadFrame)
    assert isinstance(records, BadFrame) or decode(encode(records)) == records


@pytest.mark.parametrize(
    ("record", "place", "values"),
    [
        # In base 36 it has no end below zero; above it no name of a socket has room for it.
        (FetcherState(DUE_US, 1, 2000, 0), 1, (-1, 36**11, LARGEST)),
        (FetcherState(DUE_US, 1, 2000, 0), 2, (-1, 257)),
        (FetcherState(DUE_US, 1, 2000, 0), 3, (-1, 1 << 63)),
        # Not one that never ends, nor one that libcurl can not count.
        (Check(1, DUE_US, 1, 0, 0, 1, "http://a.test/"), 6, (0, -1, 1 << 63)),
        (Check(1, DUE_US, 1, 0, 0, 1, "http://a.test/", "", (), 1), 10, (-1, 1 << 63)),
        (RangeTask(1, 1, "http://a.test/", 0, 0), 4, (-1, 1 << 63)),
        (RangeTask(1, 1, "http://a.test/", 0, 0), 5, (-1, 1 << 63)),
        (RangeDone(1, 1, 1, 0, Reason.NONE), 4, (-1, 1 << 63)),
        # The journal counts in 63 bits.
        (DownloadsCounted(DUE_US, 1, 1, 1), 1, (-1, 1 << 63)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, msgspec.Struct) else str(value)[:9],
)
def test_a_number_that_can_not_be_is_a_bad_frame(
    record: Message, place: int, values: tuple[int, ...]
) -> None:
    """``place`` is that of the field in the record on the wire."""
    (wire,) = msgpack.unpackb(encode([record]))
    for value in values:
        with pytest.raises(BadFrame):
            decode(msgpack.packb([[*wire[:place], value, *wire[place + 1 :]]]))
