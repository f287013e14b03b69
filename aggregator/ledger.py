"""What is taken, what is a duplicate, and what the log, the minutes and the scheduler get to hear of it.

Records go in (``take``), lines and commits come out (``collect``). The caller owes one thing: the commits of
a batch, the answers (``recap``, ``counted``) and the minutes that ``close_minutes`` gives are passed on only
once the lines of that batch and of all before it are on the disk, and those of the minutes too.

A slot is settled once. Whatever else comes for it, and every attempt that the log has already, is answered
with what the log says. Slots of closed minutes, and of times in which no scheduler ran, are settled too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import msgspec

from aggregator.downloads import Downloads
from aggregator.downtime import Downtime
from aggregator.facts import packed, unpacked
from aggregator.failures import Failures
from aggregator.lines import (
    Line,
    down_line,
    missed_line,
    moment_us,
    result_line,
)
from aggregator.minutes import Figures, Minute
from aggregator.modes import Keeps, keep_all
from aggregator.plausible import (
    AHEAD_US,
    can_be_down,
    can_be_download_minute,
    can_be_missed,
    can_be_result,
)
from aggregator.replay import replay
from aggregator.slots import Slots, slot_of
from pagestatus.messages import (
    Class,
    Commit,
    Down,
    DownloadMinute,
    DownloadsCounted,
    Message,
    Missed,
    Outcome,
    Reason,
    Recap,
    Result,
    Started,
    Sweep,
)
from pagestatus.verdict import GOOD, Verdict, judge

# A frame of nothing but full ones is still below what an inbox takes (``ports.LARGEST_FRAME``).
SLOTS_A_RECAP = 2000
# Missed slots that are taken in one round: a tenth of a second's work. One record may bring half of them.
SLOTS_A_ROUND = 20_000

_LATE = Verdict(Outcome.MISSED, Reason.LATE, Class.NONE, final=True, retry_after_us=0)
_DOWN = Verdict(Outcome.MISSED, Reason.DOWN, Class.NONE, final=True, retry_after_us=0)


class Batch(NamedTuple):
    """Lines to write, and what is true once they are on the disk."""

    lines: list[bytes]
    commits: list[Commit]


class Ledger:
    """Everything that is known of open slots."""

    def __init__(self, failures: Failures, keeps: Keeps = keep_all) -> None:
        self.failures = failures
        self.counts = dict.fromkeys(("results", "missed", "duplicates", "late", "fenced", "bad"), 0)
        # A scheduler waits for its recap: the epoch to answer, once all is on the disk.
        self.asked: int | None = None
        # A question or an account that was not taken, since another scheduler has asked: whom to tell so.
        self.refused: int | None = None
        self._keeps = keeps
        self._slots = Slots()
        self._downtime = Downtime()
        self._downloads = Downloads()
        self._swept_us = 0
        self._settled_us = 0
        self._now_us = 0
        # What the log told of at our start and a scheduler since, and what a peer may tell of at most.
        self._told_us = 0
        self._latest_plausible_us = 0
        self._lines: list[bytes] = []
        self._commits: list[Commit] = []

    @property
    def is_urgent(self) -> bool:
        """Somebody waits for more than one commit: flush at once."""
        return self.asked is not None or self.refused is not None

    # --- while running ---

    def take(self, records: Sequence[Message], now_us: int) -> list[Message]:
        """Take what a peer sent, in its order; what is left over is for the next round.

        After a long gap a few frames tell of millions of slots.
        """
        if not self._now_us:
            # What the log tells was, whatever the clock says now.
            self._told_us = max(self._latest_us(), self._slots.watermark_us)
        self._now_us = now_us
        self._latest_plausible_us = max(now_us, self._told_us) + AHEAD_US
        take_result = self._take_result
        left = SLOTS_A_ROUND
        rest = iter(records)
        for record in rest:
            if type(record) is Result:
                take_result(record)
            elif type(record) is Missed:
                self._take_missed(record)
                left -= record.count
                if left <= 0:
                    return list(rest)
            elif type(record) is Sweep:
                self._take_sweep(record)
            elif type(record) is DownloadMinute:
                self._take_downloads(record)
            elif type(record) is Started:
                self._take_started(record)
            elif type(record) is Down:
                self._take_down(record)
            else:
                self.counts["bad"] += 1
        return []

    def collect(self) -> Batch:
        """The lines and commits of everything taken since the last call."""
        batch = Batch(self._lines, self._commits)
        self._lines, self._commits = [], []
        return batch

    def close_minutes(self) -> list[Figures]:
        """The minutes whose slots are all settled, in order. They are forgotten."""
        return [
            minute.figures(self._downloads.close(minute.start_us))
            for minute in self._slots.close(self._settled_us, self._downtime)
        ]

    def counted(self) -> Iterator[DownloadsCounted]:
        """The answers to who told the figures of downloads, for all minutes that are closed."""
        return self._downloads.counted(self._slots.watermark_us)

    def recap(self) -> Iterator[Recap]:
        """The answer to who asked, in parts; and to whose account was not taken."""
        refused, self.refused = self.refused, None
        if refused is not None:
            yield Recap(refused, 0, 0, again=True)
        epoch, self.asked = self.asked, None
        if epoch is None:
            return
        fence = self._downtime.fence
        since_us = fence.since_us if fence is not None else self._latest_us()
        # Before the first minute was closed, nothing was due before the first thing that is known of.
        settled_us = max(self._slots.watermark_us, self._settled_us) or self._earliest_us()
        slots = self._slots.known(settled_us, since_us)
        part = tuple(islice(slots, SLOTS_A_RECAP))
        while rest := tuple(islice(slots, SLOTS_A_RECAP)):
            yield Recap(epoch, settled_us, since_us, part, last=False)
            part = rest
        yield Recap(epoch, settled_us, since_us, part, downs=tuple(self._downtime.windows))

    def _take_result(self, result: Result) -> None:
        if not can_be_result(result, self._latest_plausible_us):
            self.counts["bad"] += 1
            return
        due_us = result.due_us
        verdict = judge(result)
        if self._is_past(due_us):
            self._answer_past(result, verdict)
            return
        minute = self._slots.minute(due_us)
        slot = slot_of(result.target, due_us)
        if slot in minute.settled or (slot in minute.attempts and result.attempt in minute.attempts[slot]):
            self._answer_duplicate(result, verdict, minute, slot)
            return
        lag_us = (result.first_started_us or result.started_us) - due_us
        if verdict.final:
            minute.settle(slot, packed(verdict, result.status, result.attempt))
            minute.count_check(
                verdict.outcome, result.url, result.status, result.bytes, lag_us, result.duration_us
            )
        else:
            minute.try_again(slot, result.attempt, packed(verdict, result.status, result.attempt))
        self.counts["results"] += 1
        kept = self._keeps is keep_all or self._keeps(result.target, verdict.outcome)
        if kept or verdict is not GOOD:
            line = result_line(result, verdict)
            if kept:
                self._lines.append(line)
            if verdict is not GOOD:
                self.failures.add(line)
        self._commits.append(_commit(result, verdict, result.status))

    def _is_past(self, due_us: int) -> bool:
        if due_us < self._slots.watermark_us:
            return True
        downtime = self._downtime
        if downtime.fence is None and due_us > downtime.until_us:
            return False
        return downtime.fenced(due_us) or downtime.covers(due_us)

    def _answer_past(self, result: Result, verdict: Verdict) -> None:
        """A closed minute, or a time that a scheduler accounts for as a whole."""
        if self._downtime.fenced(result.due_us):
            # Who gave this check is gone, and its successor has no lease for it: nobody waits for a commit.
            self.counts["fenced"] += 1
            return
        self.counts["late"] += 1
        found = _DOWN if self._downtime.covers(result.due_us) else _LATE
        self._commits.append(_commit(result, found._replace(retry_after_us=verdict.retry_after_us), 0))

    def _answer_duplicate(self, result: Result, verdict: Verdict, minute: Minute, slot: int) -> None:
        """Say what the log says; of what it does not keep, what the record itself says."""
        self.counts["duplicates"] += 1
        settled = minute.settled.get(slot)
        fact = unpacked(minute.attempts[slot][result.attempt] if settled is None else settled)
        logged = Verdict(fact.outcome, fact.reason, fact.class_, settled is not None, verdict.retry_after_us)
        self._commits.append(_commit(result, logged, fact.status))

    def _take_missed(self, missed: Missed) -> None:
        if not can_be_missed(missed, self._latest_plausible_us):
            self.counts["bad"] += 1
            return
        is_answered = True
        found = Verdict(Outcome.MISSED, missed.reason, Class.NONE, final=True, retry_after_us=0)
        fact = unpacked(packed(found, 0, 0))
        for number in range(missed.count):
            due_us = missed.due_us + number * missed.interval_us
            if self._downtime.fenced(due_us):
                # Its scheduler is gone, or says it again when the fence is down: part of it is not all.
                self.counts["fenced"] += 1
                is_answered = False
                continue
            if self._is_past(due_us):
                self.counts["late"] += 1
                continue
            minute = self._slots.minute(due_us)
            slot = slot_of(missed.target, due_us)
            settled = minute.settled.get(slot)
            if settled is None:
                self._miss(missed, due_us, minute, found)
                continue
            self.counts["duplicates"] += 1
            if missed.count == 1:
                fact = unpacked(settled)
        if is_answered:
            self._commits.append(
                Commit(
                    missed.target, missed.due_us, 0, fact.outcome, fact.reason, fact.class_,
                    final=True, count=missed.count, status=fact.status,
                )
            )  # fmt: skip

    def _miss(self, missed: Missed, due_us: int, minute: Minute, found: Verdict) -> None:
        slot = slot_of(missed.target, due_us)
        minute.settle(slot, packed(found, 0, minute.attempts_of(slot)))
        minute.count_missed(missed.reason)
        self.counts["missed"] += 1
        if self._keeps(missed.target, Outcome.MISSED):
            self._lines.append(missed_line(missed, due_us, self._now_us))

    def _take_sweep(self, sweep: Sweep) -> None:
        downtime = self._downtime
        downtime.lapse(self._now_us)
        if not downtime.listens_to(sweep.epoch):
            return
        latest_us = self._latest_plausible_us
        self._swept_us = max(self._swept_us, min(sweep.swept_us, latest_us))
        self._settled_us = max(self._settled_us, min(sweep.settled_us, latest_us))
        if sweep.swept_us <= latest_us:
            # Whoever ran before a clock was set back goes on by the time of before, for as long as it lives.
            self._told_us = max(self._told_us, sweep.swept_us)
        if self._slots.watermark_us <= sweep.swept_us <= latest_us:
            self._slots.minute(sweep.swept_us).look(sweep)

    def _take_downloads(self, record: DownloadMinute) -> None:
        if can_be_download_minute(record, self._latest_plausible_us):
            self._downloads.take(record)
        else:
            self.counts["bad"] += 1

    # --- when a scheduler starts ---

    def _take_started(self, started: Started) -> None:
        if self._downtime.raise_fence(started.epoch, self._latest_us(), self._now_us):
            self.asked = started.epoch
        else:
            self.refused = started.epoch

    def _take_down(self, down: Down) -> None:
        if not can_be_down(down, self._latest_plausible_us):
            self.counts["bad"] += 1
            return
        fence = self._downtime.fence
        if fence is not None and fence.epoch != down.epoch:
            # One of the two is gone, and what it has sent may come late, and more than once. Who has the
            # fence was told of a time without this account. If that is not the living one, it asks again.
            self.refused = down.epoch
            return
        if down.until_us < self._slots.watermark_us or down.until_us <= self._downtime.until_us:
            # Its question may have come again as well, to us who knew the account already.
            self._downtime.lower_fence()
            self.counts["duplicates"] += 1
        elif fence is None or fence.since_us != down.since_us:
            # We were started again after the answer. What passed meanwhile would be counted twice.
            self.refused = down.epoch
            return
        else:
            self._record(down)
        self._commits.append(
            Commit(0, down.until_us, 0, Outcome.MISSED, Reason.DOWN, Class.NONE, final=True, count=down.slots)
        )

    def _record(self, down: Down) -> None:
        # Before the very first start nothing fell due. The line then stands for no time, only for when that
        # was, so that after a crash in the first minute nobody has to guess what was lost.
        since_us = down.since_us or down.until_us - 1
        self._downtime.epoch = down.epoch
        self._downtime.record(since_us, down.until_us)
        self._slots.minute(down.until_us).count_missed(Reason.DOWN, down.slots)
        self._lines.append(down_line(msgspec.structs.replace(down, since_us=since_us), self._now_us))

    def _earliest_us(self) -> int:
        known = (self._slots.earliest_us(), *(since_us for since_us, _ in self._downtime.windows))
        return min(filter(None, known), default=0)

    def _latest_us(self) -> int:
        return max(self._slots.latest_us(), self._swept_us, self._downtime.until_us, 0)

    # --- after our own restart ---

    def restore_closed(self, until_us: int, minutes: Sequence[Figures] = ()) -> None:
        """Every minute up to ``until_us`` has its line, the last ones these; call this before ``restore``."""
        self._slots.watermark_us = until_us
        self._downloads.restore({moment_us(line["minute"]): line.get("downloads") for line in minutes})

    def restore(self, line: Line, raw: bytes, hashed: Callable[[str], int]) -> None:
        """Take a line of the log, oldest first; raises ``ValueError``, also for a moment that is none."""
        replay(line, raw, hashed, self._slots, self._downtime, self.failures)

    def __repr__(self) -> str:
        return f"<Ledger closed up to {self._slots.watermark_us} us, {self.counts}>"


def _commit(result: Result, verdict: Verdict, status: int) -> Commit:
    started_us = result.started_us
    return Commit(
        result.target,
        result.due_us,
        result.attempt,
        verdict.outcome,
        verdict.reason,
        verdict.class_,
        verdict.final,
        result.first_started_us or started_us,
        started_us + result.duration_us,
        verdict.retry_after_us,
        1,
        status,
    )
