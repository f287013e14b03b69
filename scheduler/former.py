"""What earlier lists leave to a handover: slots of targets that the list in force does not have any more.

A target that is removed, or gets another interval, may have an open slot, which has to be settled whoever
dies. The planner of the scheduler that took the new list over settles it. Its successor knows such slots from
here: those that were open when the list was taken over, by name; and where the list has changed while no
scheduler ran, those of whom only the former list has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from pagestatus.messages import Missed, Reason
from scheduler.catalog import Catalog, phase_us
from scheduler.planner import Planner
from scheduler.sweep import next_due

# URL and name of the targets at these positions of the former list; of whom it can not tell, nothing.
Labels = Callable[[Sequence[int]], Mapping[int, tuple[str, str]]]


class Gone(NamedTuple):
    """A target of the former list that the new one has not, or with another interval."""

    # Where the former list has it.
    position: int
    target: int
    interval_us: int
    listed_us: int

    def dues(self, from_us: int, until_us: int) -> Iterator[int]:
        """When its slots in ``[from_us, until_us]`` were due."""
        phase = phase_us(self.target, self.interval_us)
        first_us = next_due(max(from_us - 1, self.listed_us), self.interval_us, phase)
        return iter(range(first_us, until_us + 1, self.interval_us))


class Former:
    """Of the lists before the one that a scheduler begins with."""

    def __init__(
        self, records: Sequence[Missed] = (), gone: Sequence[Gone] = (), labels: Labels = lambda _: {}
    ) -> None:
        """``records`` were open when the former list was taken over."""
        self._records = records
        self._gone = gone
        self._labels = labels

    def counted(self, since_us: int, until_us: int, catalog: Catalog) -> int:
        """How many of the slots that were open then were due in ``(since_us, until_us]``.

        Those of a list that has changed in a time in which nobody ran are not counted for that time: there it
        is the new list that holds.
        """
        return sum(1 for _record, _due_us in self._left(since_us + 1, until_us, catalog))

    def _left(self, from_us: int, until_us: int, catalog: Catalog) -> Iterator[tuple[Missed, int]]:
        """Those of ``records``. Of who has come back since, one may have slots of its later time as well."""
        for record in self._records:
            for due_us in _dues(record):
                if from_us <= due_us <= until_us and not catalog.has_slot(record.target, due_us):
                    yield record, due_us

    def open(
        self, from_us: int, until_us: int, is_open: Callable[[int, int], bool], catalog: Catalog
    ) -> Iterator[Missed]:
        """The slots due in ``[from_us, until_us]`` that are open as ``is_open`` tells of (target, due)."""
        for record, due_us in self._left(from_us, until_us, catalog):
            if is_open(record.target, due_us):
                yield msgspec.structs.replace(record, due_us=due_us, count=1)
        found = [
            (gone, due_us)
            for gone in self._gone
            for due_us in gone.dues(from_us, until_us)
            if is_open(gone.target, due_us)
        ]
        labels = self._labels(sorted({gone.position for gone, _due_us in found}))
        for gone, due_us in found:
            if gone.position in labels:
                reason = _why(gone.target, catalog)
                yield Missed(gone.target, due_us, 1, gone.interval_us, reason, *labels[gone.position])


def left_open(planner: Planner) -> Iterator[Missed]:
    """The open slots that the list in force does not tell of, as a successor has to record them."""
    catalog = planner.catalog
    for slot in planner.slots.values():
        if not catalog.has_slot(slot.target, slot.due_us, slot.index):
            reason = _why(slot.target, catalog)
            yield Missed(slot.target, slot.due_us, 1, slot.terms.interval_us, reason, slot.url, slot.name)
    for record in planner.book:
        if not catalog.has_slot(record.target, record.due_us):
            yield record


def _why(target: int, catalog: Catalog) -> Reason:
    """Who has another interval now is not removed: only the lease of its slot is lost."""
    return Reason.REMOVED if catalog.find(target) < 0 else Reason.LEASE


def _dues(record: Missed) -> range:
    return range(record.due_us, record.due_us + record.count * record.interval_us, record.interval_us)
