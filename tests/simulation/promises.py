"""The promises, held against the bytes of a log, the list as it was at each moment, and what was measured."""

from __future__ import annotations

import itertools
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from aggregator.lines import REASONS
from pagestatus.clock import MINUTE_US
from pagestatus.messages import Reason
from pagestatus.targets import Target, target_id
from scheduler.accounts import Accounts
from scripts.audit import log, minutes
from scripts.audit.log import Line, microseconds
from simulation.history import key_of

if TYPE_CHECKING:
    from simulation.world import World

HEX = 16


def broken(world: World, data_dir: Path, end_us: int) -> Iterator[str]:
    """One line for every promise that the log breaks; slots due after ``end_us`` were nobody's business."""
    lines = list(log.lines(data_dir))
    yield from _unmeasured(world, lines)
    yield from _attempts(lines)
    yield from _slots(world, lines, end_us)
    yield from minutes.findings(lines, log.minutes(data_dir))
    yield from _extremes(lines, data_dir)


def disagreeing(books: Accounts, data_dir: Path) -> Iterator[str]:
    """Where the books of the only scheduler there ever was say something else than the log."""
    missed: Counter[str] = Counter()
    checked = 0
    for line in log.lines(data_dir):
        if line.final and line.outcome == "missed":
            missed[line.reason] += line.slots if line.since else 1
        elif line.final:
            checked += 1
    told = Counter({REASONS[reason]: count for reason, count in books.missed.items()})
    if (books.checked, +told) != (checked, +missed):
        yield f"books: {books.checked} checked and {told}; log: {checked} checked and {missed}"


def id_of(line: Line) -> int:
    """The target of a line."""
    word = line.target
    is_id = len(word) == HEX and set(word) <= set("0123456789abcdef")
    return int(word, 16) if is_id else target_id(f"name\0{word}")


def due_of(line: Line) -> int:
    return microseconds(line.due) if line.due else 0


def _unmeasured(world: World, lines: list[Line]) -> Iterator[str]:
    """Lines that say what no fetcher said."""
    for line in lines:
        if not line.attempt:
            continue
        key = id_of(line), due_of(line), line.attempt
        duration_us = round((line.ms or 0) * 1000)
        if not any(
            found.duration_us == duration_us
            and found.status == line.status
            and (line.status or REASONS[found.reason] == line.reason)
            and (line.outcome == "ok") == (200 <= found.status <= 299)
            and (line.outcome == "internal") == (found.reason >= Reason.STALLED)
            for found in world.sites.measured.get(key, ())
        ):
            yield f"{line}: nobody measured this"


class _Minute(msgspec.Struct):
    """What the audit's own minute leaves out."""

    minute: datetime
    lag_ms: dict[str, float]
    latency_ms: dict[str, float]


def _extremes(lines: list[Line], data_dir: Path) -> Iterator[str]:
    """The longest lag and the longest attempt of each minute."""
    lags: defaultdict[int, float] = defaultdict(float)
    latencies: defaultdict[int, float] = defaultdict(float)
    for line in lines:
        if line.final and line.attempt:
            minute_us = due_of(line) // MINUTE_US * MINUTE_US
            lags[minute_us] = max(lags[minute_us], line.lag_ms or 0)
            if line.outcome != "internal":
                latencies[minute_us] = max(latencies[minute_us], line.ms or 0)
    for path in log.rotated(data_dir / "minutes.log"):
        for raw in path.read_bytes().splitlines():
            minute = msgspec.json.decode(raw, type=_Minute)
            minute_us = microseconds(minute.minute)
            told = minute.lag_ms["max"], minute.latency_ms["max"]
            if told != (lags[minute_us], latencies[minute_us]):
                yield f"{minute}: the log has {lags[minute_us]} and {latencies[minute_us]}"


def _attempts(lines: list[Line]) -> Iterator[str]:
    """Attempts are numbered 1, 2, … and the last one alone may settle."""
    numbers: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    finals: set[tuple[int, int]] = set()
    for line in lines:
        slot = id_of(line), due_of(line)
        if line.attempt:
            numbers[slot].append(line.attempt)
            if slot in finals:
                yield f"{line}: after the final line"
        if line.final and not line.since:
            finals.add(slot)
    for slot, found in numbers.items():
        if found != list(range(1, len(found) + 1)):
            yield f"slot {slot}: attempts {found}"


def _slots(world: World, lines: list[Line], end_us: int) -> Iterator[str]:
    """Exactly one final line for every slot, by the list in force when it fell due."""
    finals = Counter((id_of(line), due_of(line)) for line in lines if line.final and not line.since)
    tried = {(id_of(line), due_of(line)) for line in lines if line.attempt}
    windows = [
        (microseconds(line.since), microseconds(line.until), line.slots)
        for line in lines
        if line.since and line.until
    ]
    expected = _expected(world, windows, end_us)
    relived = set(_relived(world))
    yield from (f"slot {slot} has {count} final lines" for slot, count in finals.items() if count > 1)
    yield from (f"slot {slot} has attempts and no final line" for slot in sorted(tried - finals.keys()))
    for (_, until_us, _), (since_us, _, _) in itertools.pairwise(sorted(windows)):
        if since_us < until_us:
            yield f"down until {until_us} and since {since_us}: nobody can not run twice at a time"
    counted: set[tuple[int, int]] = set()
    for since_us, until_us, slots in windows:
        after_us, targets, _until_us = world.history.counted[until_us]
        # Without any history nothing was due.
        due = {
            slot
            for target in targets
            for slot in grid(target, max(since_us, world.history.listed_us(target, until_us)), until_us)
            if after_us
        }
        due.update(_left_open(world, since_us, until_us))
        settled = {slot for slot in finals if since_us < slot[1] <= until_us}
        counted |= settled
        window = f"down ({since_us}, {until_us}]"
        if settled:
            yield f"{window}: {len(settled)} slots in it have lines, and the fence was up"
        if slots != len(due):
            yield f"{window}: {slots} slots, and {len(due)} fell due"
    yield from (f"slot {slot} has no final line" for slot in sorted(expected - finals.keys()))
    yield from (
        f"slot {slot} is none to settle" for slot in sorted(finals.keys() - expected - counted - relived)
    )


def _expected(world: World, windows: list[tuple[int, int, int]], end_us: int) -> set[tuple[int, int]]:
    """The slots that are to have a line each."""
    first_us = world.history.first_us or min(
        (since_us for since_us, _until_us, _slots in windows), default=end_us
    )
    expected: set[tuple[int, int]] = set()
    until_us = end_us
    for after_us, targets, _until_us in reversed(world.history.adoptions):
        for target in targets:
            expected.update(grid(target, max(first_us, after_us), until_us))
        # Where the clock went back, it is the later list that holds.
        until_us = min(until_us, after_us)
    return {
        slot for slot in expected if not any(since < slot[1] <= until for since, until, _slots in windows)
    }


def _relived(world: World) -> Iterator[tuple[int, int]]:
    """Slots of schedulers that were ahead of their successors, by a clock that was set back.

    Their targets may be on the list no more when that time comes again: then the log need not have them.
    """
    again_us = sys.maxsize
    followed_us = 0
    for after_us, targets, until_us in reversed(world.history.adoptions):
        for target in targets:
            yield from grid(target, max(again_us, after_us), until_us or followed_us)
        again_us, followed_us = min(again_us, after_us), after_us


def _left_open(world: World, since_us: int, until_us: int) -> Iterator[tuple[int, int]]:
    """Slots of targets that a reload removed after the log's last word of a scheduler."""
    listed_us: dict[tuple[int, int], int] = {}
    for theirs, followed in itertools.pairwise(world.history.adoptions):
        listed_us = {
            key_of(target): listed_us.get(key_of(target), theirs.after_us) for target in theirs.targets
        }
        if since_us < followed.after_us < until_us:
            for target in theirs.targets:
                if (key := key_of(target)) not in followed.keys:
                    yield from grid(target, max(since_us, listed_us[key]), followed.after_us)


def grid(target: Target, after_us: int, until_us: int) -> Iterator[tuple[int, int]]:
    """The slots of a target due in (after, until], drawn anew."""
    phase_us = target.id % (target.interval_us // 1000) * 1000
    due_us = after_us - (after_us - phase_us) % target.interval_us + target.interval_us
    while due_us <= until_us:
        yield target.id, due_us
        due_us += target.interval_us
