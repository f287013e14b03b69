"""The wire: golden bytes of every record, read back by an independent msgpack; hostile frames; promises kept.

A change here breaks peers of another version. Kinds and enum values are append-only.
"""

from __future__ import annotations

from typing import get_args

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.codec import BadFrame, decode, encode
from pagestatus.messages import (
    Check,
    Class,
    Commit,
    Down,
    DownloadMinute,
    DownloadsCounted,
    FetcherState,
    Gone,
    Head,
    Leave,
    Message,
    Missed,
    Outcome,
    Pulse,
    RangeCut,
    RangeDone,
    RangeProgress,
    RangeTask,
    Reason,
    Recap,
    Result,
    Started,
    Sweep,
)

ID = 2**64 - 1
DUE = 1_700_000_000_000_000
URL = "http://example.com/"

GOLDEN: list[tuple[Message, list[object]]] = [
    (
        Check(ID, DUE, 1, DUE + 5, 0, 10_000_000, URL, "home", (200, 204), 1024),
        [1, ID, DUE, 1, DUE + 5, 0, 10_000_000, URL, "home", [200, 204], 1024],
    ),
    (
        Result(
            ID, DUE, 2, 0, DUE + 1, URL, "", (), 77, 3, DUE + 9, 1234, Reason.TLS,
            200, 512, 1, 2, 3, 4, "::1", "2", 30,
        ),
        [2, ID, DUE, 2, 0, DUE + 1, URL, "", [], 77, 3, DUE + 9, 1234, 5,
         200, 512, 1, 2, 3, 4, "::1", "2", 30],
    ),
    (Missed(7, DUE, 3, 60, Reason.OVERRUN, URL, "n"), [3, 7, DUE, 3, 60, 64, URL, "n"]),
    (
        Commit(7, DUE, 1, Outcome.FAIL, Reason.DNS, Class.TRANSIENT, True, 1, 2, 3, 4, 503),
        [4, 7, DUE, 1, 1, 3, 1, True, 1, 2, 3, 4, 503],
    ),
    (FetcherState(77, 3, 2000, 5, True, 42, 256, 8), [5, 77, 3, 2000, 5, True, 42, 256, 8]),
    (Gone(77, 3), [6, 77, 3]),
    (Leave(77), [7, 77]),
    (Started(99), [8, 99]),
    (
        Recap(99, 1, 2, ((7, 2, 1, True),), False, ((0, 1),), True),
        [9, 99, 1, 2, [[7, 2, 1, True]], False, [[0, 1]], True],
    ),
    (Down(99, 1, 2, 3), [10, 99, 1, 2, 3]),
    (Sweep(99, 2, 1, 5, ((URL, 1),)), [11, 99, 2, 1, 5, [[URL, 1]]]),
    (Pulse(5, False), [12, 5, False]),
    (
        RangeTask(88, 4, URL, 10, 20, "a.part", 123, 1000, '"e"', "a date", "u:p", (("X-A", "b"),)),
        [32, 88, 4, URL, 10, 20, "a.part", 123, 1000, '"e"', "a date", "u:p", [["X-A", "b"]]],
    ),
    (RangeCut(88, 4, 15), [33, 88, 4, 15]),
    (RangeProgress(88, 4, 12), [34, 88, 4, 12]),
    (
        RangeDone(
            88, 4, 77, 20, Reason.CHANGED, 206, 30, URL, "words",
            Head(10, 20, 1000, 10, '"e"', "a date", "inline", "gzip", "r", "d", "m"),
        ),
        [35, 88, 4, 77, 20, 96, 206, 30, URL, "words",
         [10, 20, 1000, 10, '"e"', "a date", "inline", "gzip", "r", "d", "m"]],
    ),
    (DownloadMinute(DUE, 1, 2, 3, 4), [36, DUE, 1, 2, 3, 4]),
    (DownloadsCounted(DUE, 2, 3, 4), [37, DUE, 2, 3, 4]),
]  # fmt: skip


def test_every_kind_of_message_has_golden_bytes() -> None:
    assert {type(record) for record, _ in GOLDEN} == set(get_args(Message))


@pytest.mark.parametrize(("record", "wire"), GOLDEN, ids=lambda value: type(value).__name__)
def test_golden_bytes(record: Message, wire: list[object]) -> None:
    frame = encode([record])
    assert frame == msgpack.packb([wire])
    assert msgpack.unpackb(frame) == [wire]
    assert decode(frame) == [record]


def test_enum_values_never_change() -> None:
    assert {reason.name: reason.value for reason in Reason} == {
        "NONE": 0, "HTTP_STATUS": 1, "TIMEOUT": 2, "DNS": 3, "CONNECT": 4, "TLS": 5, "RESET": 6,
        "PROTOCOL": 7,
        "REDIRECTS": 8, "TOO_LARGE": 9, "BAD_URL": 10, "NO_SUCH_NAME": 11, "CERTIFICATE": 12, "STALLED": 32,
        "NO_FDS": 33, "NO_PORTS": 34, "NO_ROUTE": 35, "NO_MEMORY": 36, "NAME_SERVER": 37, "BUG": 38,
        "OVERRUN": 64, "NO_CAPACITY": 65, "LEASE": 66, "RETRY_AFTER": 67, "BACKOFF": 68, "DOWN": 69,
        "PER_HOST": 70, "PAUSED": 71, "LATE": 72, "DRAIN": 73, "REMOVED": 74,
        "CHANGED": 96, "NO_RANGE": 97, "SHORT": 98, "LONG": 99, "ADDRESS": 100, "DISK_FULL": 101, "DISK": 102,
    }  # fmt: skip
    assert [outcome.name for outcome in Outcome] == ["OK", "FAIL", "INTERNAL", "MISSED"]
    assert [class_.name for class_ in Class] == ["NONE", "TRANSIENT", "PERMANENT"]


@pytest.mark.parametrize(("record", "wire"), GOLDEN, ids=lambda value: type(value).__name__)
def test_a_newer_peer_may_send_more_fields(record: Message, wire: list[object]) -> None:
    assert decode(msgpack.packb([[*wire, "a field of tomorrow", {"x": [1]}]])) == [record]


def test_an_older_peer_may_send_fewer() -> None:
    assert decode(msgpack.packb([[12, 5]])) == [Pulse(5, writable=True)]
    assert decode(msgpack.packb([[5, 77, 3, 2000, 5, True, 42]])) == [
        FetcherState(77, 3, 2000, 5, draining=True, pid=42)
    ]
    assert decode(msgpack.packb([[32, 88, 4, URL, 0, 0]])) == [RangeTask(88, 4, URL, 0, 0)]
    assert decode(msgpack.packb([[35, 88, 4, 77, 20, 0]])) == [RangeDone(88, 4, 77, 20, Reason.NONE)]


HOSTILE = [
    b"",
    b"\x91",
    b"\x80",
    b"\xc0",
    b"\xff" * 100,
    b"\x91" * 100_000,
    b"\xdd\xff\xff\xff\xff",
    msgpack.packb(5),
    msgpack.packb({"kind": 1}),
    msgpack.packb([[]]),
    msgpack.packb([[0, 1]]),
    msgpack.packb([[13, 1]]),
    msgpack.packb([["1", 1]]),
    msgpack.packb([[8]]),
    msgpack.packb([[8, "5"]]),
    msgpack.packb([[8, 5.5]]),
    msgpack.packb([[3, 7, DUE, 3, 60, 63, URL, "n"]]),
    msgpack.packb([[7, 1], [8, None]]),
    msgpack.packb([[32, 88, 4, URL, 0, 0, "", 0, -1, "", "", "", [["only a name"]]]]),
    msgpack.packb([[35, 88, 4, 77, 20, 95]]),
    msgpack.packb([[35, 88, 4, 77, 20, 0, 206, -1, "", "", [10, "20"]]]),
    msgpack.packb([[3, 7, DUE, 3, 60, 64, b"\xff\xfe", "n"]]),
    encode([Started(1)])[:-1],
    encode([Started(1)]) + b"\x00",
]


@pytest.mark.parametrize("frame", HOSTILE, ids=lambda frame: frame[:16].hex() or "empty")
def test_a_hostile_frame_is_refused_as_a_whole(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        decode(frame)


@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_a_bad_frame(frame: bytes) -> None:
    try:
        records = decode(frame)
    except BadFrame:
        return
    assert all(isinstance(record, get_args(Message)) for record in records)
