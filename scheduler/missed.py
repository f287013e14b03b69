"""Slots that were not measured, held until the aggregator has them on the disk.

While the aggregator is silent nothing is sent: slots in a row of one target and for one reason are held as
one record, so that an outage costs memory per target and not per slot.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

import msgspec

from pagestatus.messages import Missed

# A record that has not come back by then was lost on the way.
RESEND_US = 5_000_000
# Slots in one record: its lines are one batch at the aggregator.
MOST_SLOTS = 10_000


class _Sent(NamedTuple):
    """A record that is under way, and when it was sent: for the first time, and for the last."""

    record: Missed
    first_us: int
    last_us: int


class MissedBook:
    """What was recorded as missed and is not committed yet."""

    def __init__(self) -> None:
        self._held: dict[int, list[Missed]] = {}
        self._alone: list[Missed] = []
        self._sent: dict[tuple[int, int], _Sent] = {}
        # When a commit came last, also a second one; and when the latest that came back was first sent.
        self._heard_us = 0
        self._heard_of_us = 0

    def __len__(self) -> int:
        """Records, not slots."""
        return len(self._sent) + len(self._alone) + sum(len(records) for records in self._held.values())

    def __iter__(self) -> Iterator[Missed]:
        """All records."""
        yield from self._alone
        yield from chain.from_iterable(self._held.values())
        yield from (sent.record for sent in self._sent.values())

    def add(self, record: Missed) -> None:
        """Hold a record; it goes out with the next ``take``."""
        while record.count > MOST_SLOTS:
            self._hold(msgspec.structs.replace(record, count=MOST_SLOTS))
            later_us = record.due_us + MOST_SLOTS * record.interval_us
            record = msgspec.structs.replace(record, due_us=later_us, count=record.count - MOST_SLOTS)
        self._hold(record)

    def add_alone(self, record: Missed) -> None:
        """Hold the record of a slot that a fetcher had: its result may come first, and its commit says so."""
        self._alone.append(record)

    def _hold(self, record: Missed) -> None:
        records = self._held.setdefault(record.target, [])
        if records and _goes_on(records[-1], record):
            records[-1] = msgspec.structs.replace(records[-1], count=records[-1].count + record.count)
        else:
            records.append(record)

    def take(self, now_us: int) -> Iterator[Missed]:
        """What is to be sent now."""
        held = [*self._alone, *chain.from_iterable(self._held.values())]
        self._alone.clear()
        self._held.clear()
        for record in held:
            self._sent[record.target, record.due_us] = _Sent(record, now_us, now_us)
            yield record

    def take_again(self, now_us: int) -> Iterator[Missed]:
        """What was sent long ago and has not come back, though later ones have, or none has for as long.

        After a long gap the aggregator is busy with what was sent for minutes: twice as much would not help.
        """
        is_silent = now_us - self._heard_us > RESEND_US
        for key, sent in self._sent.items():
            if now_us - sent.last_us > RESEND_US and (is_silent or sent.first_us < self._heard_of_us):
                self._sent[key] = sent._replace(last_us=now_us)
                yield sent.record

    def commit(self, target: int, due_us: int, count: int, now_us: int) -> Missed | None:
        """So many slots are on the disk; None: nothing like it was held (its commit came twice).

        Of fewer slots than were sent it is the answer to another scheduler: ours is still to come.
        """
        self._heard_us = now_us
        sent = self._sent.get((target, due_us))
        if sent is None or count < sent.record.count:
            return None
        self._heard_of_us = max(self._heard_of_us, sent.first_us)
        del self._sent[target, due_us]
        return sent.record


def _goes_on(before: Missed, after: Missed) -> bool:
    return (
        before.reason is after.reason
        and before.count + after.count <= MOST_SLOTS
        and (before.interval_us, before.url, before.name) == (after.interval_us, after.url, after.name)
        and before.due_us + before.count * before.interval_us == after.due_us
    )
