"""The whole minutes of a run, as ``minutes.log`` tells them: ten million lines need not be read."""

from __future__ import annotations

import math
import time
from datetime import datetime

import msgspec

from pagestatus.config import MINUTES_LOG
from scripts.bench_run.system import System

MINUTE_S = 60
# A minute has its line when all its slots are settled.
CLOSED_S = 60
LOOK_S = 0.2


class Lag(msgspec.Struct):
    """Milliseconds."""

    p50: float
    p90: float
    p99: float
    max: float


class Minute(msgspec.Struct):
    """What is asked of a line."""

    minute: datetime
    due: int
    checked: int
    ok: int
    missed: dict[str, int]
    lag_ms: Lag


def next_minute(moment_s: float) -> int:
    """The first whole minute that begins at or after a moment since the epoch; in seconds too."""
    return math.ceil(moment_s / MINUTE_S) * MINUTE_S


def read(system: System, first_s: int, count: int) -> list[Minute]:
    """So many minutes from ``first_s`` on; fewer, if the last ones are not closed in time."""
    last_s = first_s + (count - 1) * MINUTE_S
    while True:
        found = [minute for minute in _all(system) if first_s <= minute.minute.timestamp() <= last_s]
        if len(found) == count or time.time() > last_s + MINUTE_S + CLOSED_S:
            return found
        time.sleep(LOOK_S)


def _all(system: System) -> list[Minute]:
    decode = msgspec.json.Decoder(Minute).decode
    path = system.data_dir / MINUTES_LOG
    if not path.exists():
        return []
    # What has no end is still being written.
    return [decode(line) for line in path.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
