"""The targets in columns: a million of them cost some tens of bytes each beside their URLs.

A target is its index here. They are sorted by interval and phase, which is the order in which they fall due:
the sweep walks through every column from one end to the other. Indices change at a reload, so nothing that
outlives one (a slot, a message) trusts an index; the 64-bit id is for ever.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from enum import IntEnum
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from pagestatus.clock import MINUTE_US
from pagestatus.targets import Target
from pagestatus.urls import host_of

# A slot is given up after this, however far the next one is: all minutes wait for the slots due in them.
LONGEST_SLOT_US = 10 * MINUTE_US
# In a number to sort by: the longest interval has fewer microseconds, the longest list fewer targets.
_PHASE_BITS = 48
_INDEX_BITS = 32
# In place of a time: not yet on a list that was in force.
FRESH = (1 << 63) - 1


class State(IntEnum):
    """What is known of a target."""

    UNKNOWN = 0
    UP = 1
    DOWN = 2


class Terms(NamedTuple):
    """What an entry says beside URL and name; shared by all targets that say the same."""

    interval_us: int
    timeout_us: int
    retries: int
    expect: tuple[int, ...]
    max_bytes: int
    # How long a slot lasts: until the next one, or until it has taken too long.
    lasts_us: int


class Catalog:
    """All targets, in the order in which they fall due."""

    def __init__(self, targets: Iterable[Target], timeout_us: int, retries: int) -> None:
        """Read ``targets`` once; ``timeout_us`` and ``retries`` stand in where an entry says nothing."""
        self.ids = array("Q")
        self.urls: list[str] = []
        self.names: dict[int, str] = {}
        self.phases_us = array("q")
        # What stands for scheme, host and port: what the cap per host counts by. Two hosts that share one of
        # 2**64 numbers would share a cap.
        self.hosts = array("Q")
        self._term = array("I")
        terms: dict[Terms, int] = {}
        for target in targets:
            self._add(target, timeout_us, retries, terms)
        self._terms = list(terms)
        self._sort()
        count = len(self.urls)
        self.states = bytearray(count)
        # The last attempt timed out.
        self.slow = bytearray(count)
        self.paused = bytearray(count)
        # On the list since then, with this interval: what was due before is no slot. 0: always.
        self.listed_us = array("q", bytes(8 * count))
        # Slots in a row that failed permanently; checked every how many slots; how many are still to skip.
        self.streaks = bytearray(count)
        self.strides = bytearray(b"\1") * count
        self.skips = bytearray(count)
        # Slots due before are not wanted by the server.
        self.retry_after_us: dict[int, int] = {}

    def _sort(self) -> None:
        """By interval, then by phase, then as the list has them."""
        intervals = [terms.interval_us for terms in self._terms]
        # One number for all three is sorted much faster than a tuple.
        keys = [
            (intervals[term] << _PHASE_BITS | phase_us) << _INDEX_BITS | index
            for index, (term, phase_us) in enumerate(zip(self._term, self.phases_us, strict=True))
        ]
        keys.sort()
        order = array("I", (key & (1 << _INDEX_BITS) - 1 for key in keys))
        self.ids = array("Q", map(self.ids.__getitem__, order))
        self.urls = list(map(self.urls.__getitem__, order))
        self.phases_us = array("q", map(self.phases_us.__getitem__, order))
        self.hosts = array("Q", map(self.hosts.__getitem__, order))
        self._term = array("I", map(self._term.__getitem__, order))
        if names := self.names:
            self.names = {index: names[was] for index, was in enumerate(order) if was in names}

    def _add(self, target: Target, timeout_us: int, retries: int, terms: dict[Terms, int]) -> None:
        index = len(self.urls)
        self.ids.append(target.id)
        self.urls.append(target.url)
        if target.name:
            self.names[index] = target.name
        self.phases_us.append(phase_us(target.id, target.interval_us))
        self.hosts.append(_number_of(host_of(target.url)))
        term = Terms(
            target.interval_us,
            target.timeout_us or timeout_us,
            retries if target.retries is None else target.retries,
            target.expect,
            target.max_bytes,
            min(target.interval_us, LONGEST_SLOT_US),
        )
        self._term.append(terms.setdefault(term, len(terms)))

    def __len__(self) -> int:
        """How many targets there are."""
        return len(self.urls)

    def terms(self, index: int) -> Terms:
        """What the entry said."""
        return self._terms[self._term[index]]

    def interval_us(self, index: int) -> int:
        """How often, microseconds."""
        return self._terms[self._term[index]].interval_us

    @cached_property
    def _by_id(self) -> array[int]:
        """All indices, by id. Few need it, and a million take a second: made when it is first asked for."""
        return array("I", sorted(range(len(self)), key=self.ids.__getitem__))

    def find(self, id_: int) -> int:
        """The index of the target with this id, -1 if there is none."""
        at = bisect_left(self._by_id, id_, key=self.ids.__getitem__)
        if at < len(self._by_id) and self.ids[self._by_id[at]] == id_:
            return self._by_id[at]
        return -1

    def find_near(self, id_: int, index: int) -> int:
        """The same, for whom knows where it was before a reload: mostly it still is."""
        ids = self.ids
        return index if index < len(ids) and ids[index] == id_ else self.find(id_)

    def has_slot(self, id_: int, due_us: int, index: int = -1) -> bool:
        """Whether the target, which may be found at ``index``, was on the list when this slot fell due."""
        index = self.find(id_) if index < 0 else self.find_near(id_, index)
        return index >= 0 and due_us > self.listed_us[index]

    def named(self, wanted: str) -> Iterator[int]:
        """The targets that an operator may mean: by name, by URL, or by id in hexadecimal."""
        for index, name in self.names.items():
            if name == wanted:
                yield index
        for index, url in enumerate(self.urls):
            if url == wanted and self.names.get(index) != wanted:
                yield index
        if len(wanted) == 16 and (index := self._find_hex(wanted)) >= 0:
            yield index

    def _find_hex(self, text: str) -> int:
        try:
            # One in a while: no reason to sort all ids.
            return self.ids.index(int(text, 16))
        except ValueError:
            return -1

    def fresh(self) -> array[int]:
        """The indices of those that no list in force has had yet."""
        return array("I", (index for index, at_us in enumerate(self.listed_us) if at_us == FRESH))

    def list_since(self, indices: Iterable[int], at_us: int) -> None:
        """Those of ``fresh`` are on the list from ``at_us`` on."""
        for index in indices:
            self.listed_us[index] = at_us

    def groups(self) -> Iterator[tuple[int, int, int]]:
        """For each interval where its targets begin and end, sorted by phase: what one cursor sweeps."""
        start = 0
        for interval_us in sorted({terms.interval_us for terms in self._terms}):
            stop = bisect_right(range(len(self)), interval_us, lo=start, key=self.interval_us)
            yield interval_us, start, stop
            start = stop


def phase_us(id_: int, interval_us: int) -> int:
    """Where in its interval a target is due: targets are spread over it by their ids."""
    # Whole milliseconds, so that a due time can be read back exactly from the log.
    return id_ % (interval_us // 1000) * 1000


def _number_of(host: str) -> int:
    """64 bits, the same in every process: a host keeps its fetcher when the scheduler starts again."""
    return int.from_bytes(blake2b(host.encode(), digest_size=8).digest(), "big")
