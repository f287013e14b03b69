"""Taking over from the scheduler before: which of its slots are settled, and how long nobody ran.

    ASKING ──last Recap──▶ CLOSING ──commit of Down──▶ DONE
       ▲                      │
       └──a new aggregator,───┘
          or it was not taken

A slot of the one before that is not settled is gone on with while it lasts, else it is missed: its lease died
with who gave it, or its target is not on the list any more. What fell due in ``(since, until]``, while nobody
ran, is one ``Down`` for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from pagestatus.clock import MINUTE_US
from pagestatus.messages import Commit, Down, Message, Missed, Reason, Recap, Started
from scheduler.catalog import Catalog
from scheduler.former import Former
from scheduler.planner import Planner
from scheduler.sweep import next_due, slots_between, slots_of_group

# Longer than that no aggregator is without a disk: whoever calls an older slot open has lost its memory.
LONGEST_OPEN_US = 24 * 60 * MINUTE_US


class Step(Enum):
    """How far the handover has come."""

    ASKING = auto()
    CLOSING = auto()
    DONE = auto()


class Open(NamedTuple):
    """A slot of the scheduler before that is not settled."""

    which: int
    due_us: int
    # Attempts on the disk.
    attempts: int


class Handover:
    """One start of a scheduler."""

    def __init__(self, epoch: int, former: Former) -> None:
        """``former``: what lists before leave to settle."""
        self.step = Step.ASKING
        self.down = Down(epoch, 0, 0, 0)
        # Names the question: what comes late in answer to another one is not taken.
        self.epoch = epoch
        self._aggregator = 0
        self._recaps: list[Recap] = []
        self._former = former
        # What was missed of what ``former`` has, once that is known.
        self.left: list[Missed] = []

    def says(self) -> Message | None:
        """What is to be sent now, and again every second until something comes back."""
        if self.step is Step.ASKING:
            return Started(self.epoch)
        return self.down if self.step is Step.CLOSING else None

    def on_pulse(self, aggregator: int) -> None:
        """The aggregator ``aggregator`` is alive; if it is not the one that answered, ask again."""
        if self._aggregator not in {0, aggregator} and self.step is Step.CLOSING:
            self._ask_anew()
        if self.step is Step.ASKING and self._aggregator != aggregator:
            self._recaps.clear()
        self._aggregator = aggregator

    def _ask_anew(self) -> None:
        self.step = Step.ASKING
        self.epoch += 1
        self._recaps.clear()

    def on_recap(self, recap: Recap, catalog: Catalog, now_us: int) -> bool:
        """A part of the answer; True when it is whole, and ``down`` is to be sent."""
        if recap.epoch != self.epoch:
            return False
        if recap.again and self.step is not Step.DONE:
            self._ask_anew()
        if recap.again or self.step is not Step.ASKING:
            return False
        self._recaps.append(recap)
        if not recap.last:
            return False
        slots = 0
        since_us = recap.since_us
        # Where the clock was set back, what is due before ``since`` has been answered for already.
        until_us = max(now_us, since_us + 1)
        if since_us:
            slots = _fell_due(catalog, since_us, until_us) + self._former.counted(since_us, until_us, catalog)
        self.down = Down(self.epoch, since_us, until_us, slots)
        self.step = Step.CLOSING
        return True

    def on_commit(self, commit: Commit, planner: Planner, now_us: int) -> bool:
        """True if it is the commit of ``down``: then ``planner`` has begun, with what was left open."""
        is_ours = self.step is Step.CLOSING and commit.reason is Reason.DOWN and commit.target == 0
        if not is_ours or commit.due_us != self.down.until_us:
            return False
        self.step = Step.DONE
        planner.accounts.down(self.down.slots)
        planner.begin(self.down.until_us)
        if self.down.since_us:
            self._settle_open(planner, now_us)
        self._recaps.clear()
        self._former = Former()
        return True

    def _settle_open(self, planner: Planner, now_us: int) -> None:
        """Go on with what was left open, or tell that it is missed."""
        catalog, known = planner.catalog, _Known(self._recaps)
        lasts_from_us = max(now_us, self.down.until_us)
        for slot in self._open(catalog, known):
            lasts_us = catalog.terms(slot.which).lasts_us
            if slot.due_us + lasts_us > lasts_from_us and not catalog.paused[slot.which]:
                planner.adopt(slot.which, slot.due_us, slot.attempts + 1, now_us)
            else:
                planner.miss(slot.which, slot.due_us, 1, Reason.LEASE)
        self.left = list(self._former.open(known.from_us, self.down.since_us, known.is_open, catalog))
        for record in self.left:
            planner.miss_as(record)

    def _open(self, catalog: Catalog, known: _Known) -> Iterator[Open]:
        """Every slot of ``catalog`` from before ``down`` that is not known to be settled."""
        for index, target in enumerate(catalog.ids):
            interval_us, phase_us = catalog.interval_us(index), catalog.phases_us[index]
            due_us = next_due(max(known.from_us - 1, catalog.listed_us[index]), interval_us, phase_us)
            while due_us <= self.down.since_us:
                if known.is_open(target, due_us):
                    yield Open(index, due_us, known.attempts(target, due_us))
                due_us += interval_us


class _Known:
    """What the aggregator knows of slots, by all parts of its answer."""

    def __init__(self, recaps: list[Recap]) -> None:
        last = recaps[-1]
        # All slots due before are settled.
        self.from_us = max(last.settled_us, last.since_us - LONGEST_OPEN_US)
        self._facts = {
            (target, due_us): (attempts, settled)
            for part in recaps
            for target, due_us, attempts, settled in part.slots
        }
        self._downs = [window for part in recaps for window in part.downs]

    def is_open(self, target: int, due_us: int) -> bool:
        _attempts, settled = self._facts.get((target, due_us), (0, False))
        return not settled and not any(since < due_us <= until for since, until in self._downs)

    def attempts(self, target: int, due_us: int) -> int:
        """How many are on the disk."""
        return self._facts.get((target, due_us), (0, False))[0]


def _fell_due(catalog: Catalog, since_us: int, until_us: int) -> int:
    """The slots of all targets in (since, until], without those from before a target was listed."""
    slots = sum(
        slots_of_group(since_us, until_us, interval_us, catalog.phases_us, range(start, stop))
        for interval_us, start, stop in catalog.groups()
    )
    return slots - sum(
        slots_between(
            since_us, min(listed_us, until_us), catalog.interval_us(index), catalog.phases_us[index]
        )
        for index, listed_us in enumerate(catalog.listed_us)
        if listed_us > since_us
    )
