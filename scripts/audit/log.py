"""Reading what a run has left: the lines of ``url_status.log`` and ``minutes.log``, rotated ones first.

This reader shares nothing with the aggregator that wrote them.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Line(msgspec.Struct, gc=False):
    """What the audit needs of one line of ``url_status.log``."""

    url: str | None
    outcome: str
    bytes: int | None = None
    status: int = 0
    reason: str = ""
    class_: str = msgspec.field(default="", name="class")
    final: bool = False
    attempt: int = 0
    due: datetime | None = None
    lag_ms: float | None = None
    ms: float | None = None
    fetcher: int = 0
    target: str = ""
    since: datetime | None = None
    until: datetime | None = None
    slots: int = 0


class Minute(msgspec.Struct):
    """What the audit needs of one line of ``minutes.log``."""

    minute: datetime
    due: int
    checked: int
    ok: int
    fail: int
    internal: int
    missed: dict[str, int]
    codes: list[tuple[int, int]]
    bytes: int


def lines(data_dir: Path) -> Iterator[Line]:
    """Every line of the results; raises ``msgspec.DecodeError`` at one that is not whole."""
    decode = msgspec.json.Decoder(Line).decode
    for path in rotated(data_dir / "url_status.log"):
        with path.open("rb") as file:
            yield from map(decode, file)


def minutes(data_dir: Path) -> Iterator[Minute]:
    """Every minute's summary; raises ``msgspec.DecodeError`` at one that is not whole."""
    decode = msgspec.json.Decoder(Minute).decode
    for path in rotated(data_dir / "minutes.log"):
        with path.open("rb") as file:
            yield from map(decode, file)


def rotated(path: Path) -> list[Path]:
    """``path`` and its rotated predecessors (``.1`` is the youngest of them), oldest first."""
    older = [file for file in path.parent.glob(f"{path.name}.*") if file.suffix[1:].isdigit()]
    older.sort(key=lambda file: -int(file.suffix[1:]))
    return [*older, path]


def microseconds(moment: datetime) -> int:
    """``moment`` since the epoch."""
    return (moment - _EPOCH) // _MICROSECOND
