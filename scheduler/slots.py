"""The slots that are not settled yet, and what a slot goes through.

    due ──▶ WAITING ──lease──▶ LEASED ──commit, final──▶ settled
               ▲                 │ │
               │     lease ran   │ │ commit, not final
               ├─────────────────┘ ▼
               └──────backoff── RETRY

A target has at most one slot here. One that can not be measured leaves as ``missed`` and is held until that,
too, is on the disk (``missed.py``).
"""

from __future__ import annotations

import sys
from bisect import insort
from collections.abc import Iterable
from enum import IntEnum
from itertools import islice

import msgspec

from pagestatus.messages import Check, Reason
from scheduler.catalog import Catalog, Terms

# A sweep takes what fell due in less than this, unless it comes late.
_UNORDERED_US = 1_000_000
# Slots among which the longest-running are sought: they are the oldest.
_OLDEST = 10_000


class Stage(IntEnum):
    """Where a slot stands; see the diagram above."""

    WAITING = 0
    LEASED = 1
    RETRY = 2
    SETTLED = 3


class Slot(msgspec.Struct, gc=False, eq=False):
    """One due time of one target, from falling due to being settled.

    A Struct because its defaults are filled in by C: one is made for every check.
    """

    target: int
    # Where the catalog has the target; a reload may move it (``Catalog.find_near``).
    index: int
    url: str
    name: str
    # What the cap per host counts by (``Catalog.hosts``).
    host: int
    terms: Terms
    # The last attempt timed out.
    slow: bool
    due_us: int
    attempt: int = 1
    stage: Stage = Stage.WAITING
    first_started_us: int = 0
    # The epoch of the fetcher that has it.
    fetcher: int = 0
    # When its first attempt was given out; 0: it was not.
    given_us: int = 0
    lease_until_us: int = 0
    # What it is recorded as if it is never given out.
    waits_for: Reason = Reason.NO_CAPACITY

    @classmethod
    def of(cls, catalog: Catalog, index: int, due_us: int) -> Slot:
        """Everything that is needed later is copied: a reload may change the catalog meanwhile."""
        return cls(
            catalog.ids[index],
            index,
            catalog.urls[index],
            catalog.names.get(index, ""),
            catalog.hosts[index],
            catalog.terms(index),
            catalog.slow[index] == 1,
            due_us,
        )

    def begin(self, due_us: int) -> None:
        """Stand for the slot due at ``due_us``, from its first attempt."""
        self.due_us = due_us
        self.attempt = 1
        self.stage = Stage.WAITING
        self.first_started_us = self.fetcher = self.given_us = self.lease_until_us = 0
        self.waits_for = Reason.NO_CAPACITY

    @property
    def lasts_until_us(self) -> int:
        """When the slot is over: the next one begins, or it has taken too long."""
        return self.due_us + self.terms.lasts_us

    def check(self, retry_wait_us: int) -> Check:
        """The attempt to make next; ``retry_wait_us`` is the longest wait that would follow its failure."""
        _interval_us, timeout_us, retries, expect, max_bytes, lasts_us = self.terms
        retry_by_us = 0
        if self.attempt <= retries and lasts_us > timeout_us + retry_wait_us:
            retry_by_us = self.due_us + lasts_us - timeout_us - retry_wait_us
        return Check(
            self.target,
            self.due_us,
            self.attempt,
            retry_by_us,
            self.first_started_us,
            timeout_us,
            self.url,
            self.name,
            expect,
            max_bytes,
        )


def longest(slots: Iterable[Slot], most: int) -> list[Slot]:
    """Of all ``slots``, in the order in which they fell due, those that have been with a fetcher longest."""
    found: list[Slot] = []
    last_us = sys.maxsize
    for slot in islice(slots, _OLDEST):
        # They are in that order to within a sweep, and none was given before it was due.
        if slot.due_us > last_us + _UNORDERED_US:
            break
        if slot.stage is Stage.LEASED and slot.given_us < last_us:
            insort(found, slot, key=_given_us)
            if len(found) > most:
                found.pop()
                last_us = found[-1].given_us
    return found


def _given_us(slot: Slot) -> int:
    return slot.given_us
