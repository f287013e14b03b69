"""The scheduler's decisions: it is told what happened and when, and says what is to be sent.

No I/O, no clock. Every method that may give something out leaves it in ``checks`` and ``missed``, which the
actor sends and clears. The rule that all of this keeps: every slot ends in exactly one final record.
"""

from __future__ import annotations

import heapq
import itertools
import sys
from collections import defaultdict
from random import Random
from typing import NamedTuple

from pagestatus.histogram import Histogram
from pagestatus.messages import Check, Commit, FetcherState, Missed, Outcome, Reason
from scheduler import cadence
from scheduler.accounts import Accounts
from scheduler.catalog import Catalog
from scheduler.dispatch import Dispatcher, Fetcher
from scheduler.following import Following
from scheduler.missed import MissedBook
from scheduler.slots import Slot, Stage
from scheduler.sweep import Sweep

# What a lease allows beyond the attempt itself: two hops, waiting at the fetcher, the disk.
LEASE_MARGIN_US = 5_000_000
# No word from the aggregator for this long: it is silent, and leases do not run out meanwhile.
SILENT_US = 3_000_000
# For each slot that was looked at for an overdue lease, how long until they are looked at again: a second for
# 50,000 of them.
_REST_A_SLOT_US = 20
# A member looked up in its enum costs as much as a method call.
_MISSED = Outcome.MISSED
_LEASED, _SETTLED = Stage.LEASED, Stage.SETTLED


class Policy(NamedTuple):
    """The part of the configuration that decisions depend on."""

    retry_interval_us: int
    backoff_max: int
    per_host: int


class Planner:
    """Targets, slots and fetchers, and what is to happen between them."""

    def __init__(self, catalog: Catalog, policy: Policy, now_us: int, random: Random) -> None:
        """Nothing falls due before ``begin``."""
        self.catalog = catalog
        self.accounts = Accounts()
        self.dispatcher = Dispatcher(policy.per_host)
        self.book = MissedBook()
        self.slots: dict[int, Slot] = {}
        self.lag = Histogram()
        self.draining = False
        # By the epoch of the fetcher that gets them.
        self.checks: defaultdict[int, list[Check]] = defaultdict(list)
        self.missed: list[Missed] = []
        self._policy = policy
        self._random = random
        self._sweep: Sweep | None = None
        self._retries: list[tuple[int, int, Slot, int]] = []
        self._sequence = itertools.count()
        self._aggregator_heard_us = now_us
        self._leases_hold_until_us = 0
        self._look_again_us = 0

    def begin(self, at_us: int) -> None:
        """From now on slots fall due: those due after ``at_us``."""
        self._sweep = Sweep(self.catalog, at_us)

    # --- what happens -------------------------------------------------------------------------------------

    def tick(self, now_us: int) -> None:
        """Time has passed: take what fell due, and what is to be tried again."""
        # Who has waited goes first.
        self.pump(now_us)
        if self._sweep is not None and not self.draining:
            for index, due_us, count in self._sweep.due(now_us):
                self._fell_due(index, due_us, count, now_us)
        while self._retries and self._retries[0][0] <= now_us:
            _when, _number, slot, due_us = heapq.heappop(self._retries)
            if slot.stage is Stage.RETRY and slot.due_us == due_us:
                slot.stage = Stage.WAITING
                slot.slow = self._is_slow(slot)
                self._offer(slot, now_us)
        self.pump(now_us)

    def second(self, now_us: int) -> None:
        """Once a second: who is alive, which leases ran out, what was lost on the way."""
        self.dispatcher.look(now_us)
        self.accounts.second()
        if not self.is_aggregator_silent(now_us):
            if now_us > max(self._leases_hold_until_us, self._look_again_us):
                self._end_overdue(now_us)
            self.missed.extend(self.book.take_again(now_us))
        self.pump(now_us)

    def on_state(self, state: FetcherState, now_us: int) -> bool:
        """A fetcher spoke; True: it is new, and wants a port of its own."""
        return self.dispatcher.hear(state, now_us)

    def on_gone(self, epoch: int, now_us: int) -> None:
        """A fetcher has ended."""
        self.dispatcher.bury(epoch)
        fetcher = self.dispatcher.fetchers.get(epoch)
        if fetcher is not None and fetcher.draining:
            # It has finished what it had: the results are on their way to the disk.
            for slot in self._leased_to(epoch):
                slot.lease_until_us = min(slot.lease_until_us, now_us + SILENT_US)
            self.dispatcher.forget(epoch, now_us)
        else:
            self.on_lost(epoch, now_us)

    def on_lost(self, epoch: int, now_us: int) -> None:
        """A fetcher has ended or is silent: what it had is checked again while its slot lasts."""
        lost = self._leased_to(epoch)
        for slot in lost:
            self.dispatcher.release(slot)
            slot.stage = Stage.WAITING
        self.dispatcher.forget(epoch, now_us)
        for slot in lost:
            self._give_again(slot, now_us)

    def on_aggregator(self, now_us: int) -> None:
        """The aggregator is alive."""
        if self.is_aggregator_silent(now_us):
            self.hold_leases(now_us)
        self._aggregator_heard_us = now_us

    def stood_still(self, now_us: int) -> None:
        """We did, or the clock went forward: nobody is silent for what could not be heard."""
        self.hold_leases(now_us)
        self.dispatcher.excuse(now_us)

    def hold_leases(self, now_us: int) -> None:
        """Somebody stood still, and commits that waited come now: call no lease overdue before they have."""
        self._leases_hold_until_us = now_us + SILENT_US

    def on_commit(self, commit: Commit, now_us: int) -> None:
        """Something is on the disk: the ring closes."""
        if commit.attempt == 0:
            self._missed_committed(commit, now_us)
            return
        slot = self.slots.get(commit.target)
        if slot is None or slot.due_us != commit.due_us or commit.attempt < slot.attempt:
            return
        if slot.stage is _LEASED:
            self.dispatcher.release(slot)
        if not slot.first_started_us:
            slot.first_started_us = commit.first_started_us
        index = self._index_of(slot)
        if index >= 0:
            cadence.note_attempt(self.catalog, index, commit)
        if commit.final:
            self._settle(slot, index, commit)
        else:
            self._retry(slot, index, now_us)

    def pump(self, now_us: int) -> None:
        """Give out what waited, as far as there is credit; and tell what was missed, if somebody listens."""
        for fetcher, slot in self.dispatcher.served():
            self._give(slot, fetcher, now_us)
        if not self.is_aggregator_silent(now_us):
            self.missed.extend(self.book.take(now_us))

    # --- what an operator asks for ------------------------------------------------------------------------

    def reload(self, following: Following) -> None:
        """Go on with another list; what stays keeps its phase and its state, and what is in flight ends."""
        following.take_over(self.swept_us)
        catalog = self.catalog = following.catalog
        if self._sweep is not None:
            self._sweep = following.sweep
        for slot in [slot for slot in self.slots.values() if catalog.find(slot.target) < 0]:
            if slot.stage is not Stage.LEASED:
                self._give_up(slot, Reason.REMOVED)

    def pause(self, index: int) -> None:
        """Stop checking a target; its slots are recorded as missed."""
        self.catalog.paused[index] = 1
        slot = self.slots.get(self.catalog.ids[index])
        if slot is not None and slot.stage is not Stage.LEASED:
            self._give_up(slot, Reason.PAUSED)

    def resume(self, index: int) -> None:
        """Check it again from its next slot on."""
        self.catalog.paused[index] = 0

    def drain(self, now_us: int) -> None:
        """Nothing falls due any more; what is not with a fetcher is recorded as missed."""
        self.tick(now_us)
        self.draining = True
        for slot in [slot for slot in self.slots.values() if slot.stage is not Stage.LEASED]:
            self._give_up(slot, Reason.DRAIN)
        self.pump(now_us)

    def abandon(self) -> None:
        """The drain takes too long: what is still with a fetcher is recorded as missed."""
        for slot in list(self.slots.values()):
            self.dispatcher.release(slot)
            self._give_up(slot, Reason.DRAIN)

    def drained(self) -> bool:
        """Whether every slot that fell due is settled."""
        return self.draining and not self.slots and not len(self.book)

    # --- what others want to know -------------------------------------------------------------------------

    @property
    def swept_us(self) -> int:
        """Everything due up to here has been given out or recorded; 0 before ``begin``."""
        return 0 if self._sweep is None else self._sweep.swept_us

    @property
    def settled_us(self) -> int:
        """All slots due before this are settled."""
        return self.accounts.settled_us(self.swept_us)

    @property
    def wake_us(self) -> int | None:
        """When ``tick`` has something to do next; None: only when something happens."""
        moments = [self._retries[0][0]] if self._retries else []
        if self._sweep is not None and not self.draining and self._sweep.next_us is not None:
            moments.append(self._sweep.next_us)
        return min(moments, default=None)

    def is_aggregator_silent(self, now_us: int) -> bool:
        """Whether nothing has come from it for a while."""
        return now_us - self._aggregator_heard_us > SILENT_US

    # --- a slot's way -------------------------------------------------------------------------------------

    def adopt(self, index: int, due_us: int, attempt: int, now_us: int) -> None:
        """A slot of a scheduler before us that still lasts: go on with it."""
        self.accounts.fell_due(due_us)
        slot = Slot.of(self.catalog, index, due_us)
        slot.attempt = attempt
        # The one before may have given it out: its result may still come.
        slot.given_us = now_us
        self.slots[slot.target] = slot
        if self.draining:
            self._give_up(slot, Reason.DRAIN)
        else:
            self._offer(slot, now_us)

    def miss(self, index: int, due_us: int, count: int, reason: Reason) -> None:
        """So many slots in a row of one target will not be measured; they have not been counted yet."""
        catalog = self.catalog
        url, name = catalog.urls[index], catalog.names.get(index, "")
        self.miss_as(Missed(catalog.ids[index], due_us, count, catalog.interval_us(index), reason, url, name))

    def miss_as(self, record: Missed) -> None:
        """The same, also of a target that is not on the list any more."""
        self.accounts.fell_due_in_a_row(record.due_us, record.count, record.interval_us)
        self.book.add(record)

    def _fell_due(self, index: int, due_us: int, count: int, now_us: int) -> None:
        catalog = self.catalog
        if count > 1:
            # The sweep itself came late: only the last one can still be measured.
            reason = Reason.PAUSED if catalog.paused[index] else Reason.LATE
            self.miss(index, due_us, count - 1, reason)
            due_us += (count - 1) * catalog.interval_us(index)
        reason_now = cadence.passes_over(catalog, index, due_us)
        target = catalog.ids[index]
        slot = self.slots.get(target)
        if reason_now is not None:
            self.miss(index, due_us, 1, reason_now)
        elif slot is None:
            self._begin(index, due_us, now_us)
        elif slot.stage is Stage.WAITING:
            self._swap(slot, index, due_us, now_us)
        else:
            self.miss(index, due_us, 1, Reason.OVERRUN)

    def _begin(self, index: int, due_us: int, now_us: int) -> None:
        self.accounts.fell_due(due_us)
        slot = Slot.of(self.catalog, index, due_us)
        self.slots[slot.target] = slot
        self._offer(slot, now_us)

    def _swap(self, slot: Slot, index: int, due_us: int, now_us: int) -> None:
        """Nobody took the slot while it lasted: it is missed, and the next takes its place in the queue."""
        if slot.url != self.catalog.urls[index] or slot.terms != self.catalog.terms(index):
            # The entry has changed since, and its host may have: the place in the queue is another's.
            self._give_up(slot, slot.waits_for)
            self._begin(index, due_us, now_us)
            return
        self._hold_missed(slot, slot.waits_for)
        self.accounts.fell_due(due_us)
        slot.begin(due_us)
        fetcher = self.dispatcher.try_(slot)
        if fetcher is not None:
            self._give(slot, fetcher, now_us)

    def _offer(self, slot: Slot, now_us: int) -> None:
        fetcher = self.dispatcher.offer(slot)
        if fetcher is not None:
            self._give(slot, fetcher, now_us)

    def _give(self, slot: Slot, fetcher: Fetcher, now_us: int) -> None:
        slot.lease_until_us = now_us + slot.terms.timeout_us + LEASE_MARGIN_US
        slot.given_us = slot.given_us or now_us
        self.checks[fetcher.epoch].append(slot.check(self._longest_wait_us(slot.attempt)))

    def _settle(self, slot: Slot, index: int, commit: Commit) -> None:
        self._leave(slot)
        if commit.outcome is _MISSED:
            self.accounts.settle_missed(commit.reason, slot.due_us)
            return
        self.accounts.settle_checked(slot.due_us)
        if slot.first_started_us:
            self.lag.add(max(0, slot.first_started_us - slot.due_us))
        if index >= 0:
            cadence.note_settled(self.catalog, index, commit, self._policy.backoff_max)

    def _retry(self, slot: Slot, index: int, now_us: int) -> None:
        reason = self._why_not_again(index)
        if reason is not None:
            self._give_up(slot, reason)
            return
        wait_us = self._longest_wait_us(slot.attempt)
        # Between half and all of it, so that targets which failed together do not come back together.
        wait_us -= self._random.randrange(wait_us // 2 + 1)
        slot.attempt += 1
        slot.stage = Stage.RETRY
        heapq.heappush(self._retries, (now_us + wait_us, next(self._sequence), slot, slot.due_us))

    def _why_not_again(self, index: int) -> Reason | None:
        if self.draining:
            return Reason.DRAIN
        if index < 0:
            return Reason.REMOVED
        return Reason.PAUSED if self.catalog.paused[index] else None

    def _longest_wait_us(self, attempt: int) -> int:
        """The wait that follows a failure of this attempt: doubling from the configured one."""
        return self._policy.retry_interval_us << (attempt - 1)

    def _leased_to(self, epoch: int) -> list[Slot]:
        return [slot for slot in self.slots.values() if slot.stage is Stage.LEASED and slot.fetcher == epoch]

    def _end_overdue(self, now_us: int) -> None:
        """Leases that ran out, and slots that waited for as long as they lasted."""
        # With a backlog of many seconds this would take what is needed to work it off.
        self._look_again_us = now_us + len(self.slots) * _REST_A_SLOT_US
        overdue = [slot for slot in self.slots.values() if _ends_us(slot) < now_us]
        for slot in overdue:
            if slot.stage is _LEASED:
                self.dispatcher.release(slot)
                slot.stage = Stage.WAITING
                self._give_again(slot, now_us)
            else:
                self._give_up(slot, slot.waits_for)

    def _give_again(self, slot: Slot, now_us: int) -> None:
        """A lease was lost: the same attempt once more while the slot lasts."""
        if now_us >= slot.lasts_until_us or self._why_not_again(self._index_of(slot)) is not None:
            self._give_up(slot, Reason.LEASE)
        else:
            self._offer(slot, now_us)

    def _give_up(self, slot: Slot, reason: Reason) -> None:
        self._leave(slot)
        self._hold_missed(slot, reason)

    def _hold_missed(self, slot: Slot, reason: Reason) -> None:
        hold = self.book.add_alone if slot.given_us else self.book.add
        hold(Missed(slot.target, slot.due_us, 1, slot.terms.interval_us, reason, slot.url, slot.name))

    def _leave(self, slot: Slot) -> None:
        slot.stage = _SETTLED
        del self.slots[slot.target]

    def _missed_committed(self, commit: Commit, now_us: int) -> None:
        record = self.book.commit(commit.target, commit.due_us, commit.count, now_us)
        if record is None:
            return
        if commit.outcome is not Outcome.MISSED:
            # Its result was on the disk before.
            self.accounts.settle_checked(record.due_us)
        else:
            self.accounts.settle_missed(record.reason, record.due_us, record.count, record.interval_us)

    def _index_of(self, slot: Slot) -> int:
        """Where the catalog has its target; -1: nowhere any more."""
        return self.catalog.find_near(slot.target, slot.index)

    def _is_slow(self, slot: Slot) -> bool:
        index = self._index_of(slot)
        return index >= 0 and bool(self.catalog.slow[index])


def _ends_us(slot: Slot) -> int:
    """When its lease ends, or it has waited for as long as it lasts."""
    stage = slot.stage
    if stage is _LEASED:
        return slot.lease_until_us
    return slot.lasts_until_us if stage is Stage.WAITING else sys.maxsize
