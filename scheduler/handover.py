"""Taking over from the scheduler before: which of its slots are settled, and how long nobody ran.

    ASKING ──last Recap──▶ CLOSING ──commit of Down──▶ DONE
       ▲                      │
       └──a new aggregator,───┘
          or it was not taken

A slot of the one before that is not settled is gone on with while it lasts, else it is missed: its lease died
with who gave it. What fell due in ``(since, until]``, while nobody ran, is one ``Down`` for all.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum, auto
from typing import NamedTuple

from pagestatus.clock import MINUTE_US
from pagestatus.messages import Commit, Down, Message, Reason, Recap, Started
from scheduler.catalog import Catalog
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

    def __init__(self, epoch: int) -> None:
        self.step = Step.ASKING
        self.down = Down(epoch, 0, 0, 0)
        # Names the question: what comes late in answer to another one is not taken.
        self.epoch = epoch
        self._aggregator = 0
        self._recaps: list[Recap] = []

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
            slots = _fell_due(catalog, since_us, until_us)
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
        from_us = max(now_us, self.down.until_us)
        for slot in self._open(planner.catalog):
            interval_us = planner.catalog.interval_us(slot.which)
            if slot.due_us + interval_us > from_us and not planner.catalog.paused[slot.which]:
                planner.adopt(slot.which, slot.due_us, slot.attempts + 1, now_us)
            else:
                planner.miss(slot.which, slot.due_us, 1, Reason.LEASE)
        self._recaps.clear()
        return True

    def _open(self, catalog: Catalog) -> Iterator[Open]:
        """Every slot from before ``down`` that the recap does not call settled."""
        last = self._recaps[-1]
        from_us = max(last.settled_us, last.since_us - LONGEST_OPEN_US) - 1
        if not last.since_us:
            return
        known = {(target, due_us): fact for part in self._recaps for target, due_us, *fact in part.slots}
        downs = [window for part in self._recaps for window in part.downs]
        for index, target in enumerate(catalog.ids):
            interval_us, phase_us = catalog.interval_us(index), catalog.phases_us[index]
            due_us = next_due(max(from_us, catalog.listed_us[index]), interval_us, phase_us)
            while due_us <= self.down.since_us:
                attempts, settled = known.get((target, due_us), (0, False))
                if not settled and not any(since < due_us <= until for since, until in downs):
                    yield Open(index, due_us, attempts)
                due_us += interval_us


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
