"""A line of the log, taken again after a restart: it has on the open slots the effect that its record had."""

from __future__ import annotations

from collections.abc import Callable

from aggregator.downtime import Downtime
from aggregator.facts import packed
from aggregator.failures import Failures
from aggregator.lines import Line, moment_us, target_id, verdict_of
from aggregator.slots import Slots, slot_of
from pagestatus.messages import Outcome, Reason


def replay(  # noqa: PLR0913, PLR0917 - a line, and all that it may change
    line: Line,
    raw: bytes,
    hashed: Callable[[str], int],
    slots: Slots,
    downtime: Downtime,
    failures: Failures,
) -> None:
    """Take ``line``; raises ``ValueError`` for a moment or a target that is none."""
    if line.outcome in {"fail", "internal"}:
        failures.add(raw)
    if line.until:
        _replay_down(line, slots, downtime)
        return
    due_us = moment_us(line.due)
    if due_us < slots.watermark_us:
        return
    minute = slots.minute(due_us)
    slot = slot_of(target_id(line.target, hashed), due_us)
    if slot in minute.settled:
        return
    verdict = verdict_of(line)
    fact = packed(verdict, line.status, line.attempt or minute.attempts_of(slot))
    if not line.final:
        minute.try_again(slot, line.attempt, fact)
        return
    minute.settle(slot, fact)
    if verdict.outcome is Outcome.MISSED:
        minute.count_missed(verdict.reason)
        return
    lag_us, duration_us = (round((ms or 0) * 1000) for ms in (line.lag_ms, line.ms))
    size = -1 if line.bytes is None else line.bytes
    minute.count_check(verdict.outcome, line.url or "", line.status, size, lag_us, duration_us)


def _replay_down(line: Line, slots: Slots, downtime: Downtime) -> None:
    since_us, until_us = moment_us(line.since), moment_us(line.until)
    if until_us >= slots.watermark_us:
        downtime.record(since_us, until_us)
        slots.minute(until_us).count_missed(Reason.DOWN, line.slots or 0)
