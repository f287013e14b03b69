"""The targets in columns: a million of them cost some tens of bytes each beside their URLs.

A target is its index here. Indices change at a reload, so nothing that outlives one (a slot, a message)
holds an index without the catalog it belongs to; the 64-bit id is for ever.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

from pagestatus.targets import Target


class State(IntEnum):
    """What is known of a target."""

    UNKNOWN = 0
    UP = 1
    DOWN = 2


class Options(NamedTuple):
    """What an entry may say beside URL, interval and name; shared by all targets that say the same."""

    timeout_us: int
    retries: int
    expect: tuple[int, ...]
    max_bytes: int


class Catalog:
    """All targets, in the order of the list."""

    def __init__(self, targets: Iterable[Target], timeout_us: int, retries: int) -> None:
        """Read ``targets`` once; ``timeout_us`` and ``retries`` stand in where an entry says nothing."""
        self.ids = array("Q")
        self.urls: list[str] = []
        self.names: dict[int, str] = {}
        self.phases_us = array("q")
        self._intervals: list[int] = []
        self._interval = array("I")
        self._options: list[Options] = []
        self._option = array("I")
        intervals: dict[int, int] = {}
        options: dict[Options, int] = {}
        for target in targets:
            self._add(target, timeout_us, retries, intervals, options)
        self._intervals = list(intervals)
        self._options = list(options)
        count = len(self.urls)
        self.states = bytearray(count)
        # The last attempt timed out.
        self.slow = bytearray(count)
        self.paused = bytearray(count)
        # Slots in a row that failed permanently; checked every how many slots; how many are still to skip.
        self.streaks = bytearray(count)
        self.strides = bytearray(b"\1") * count
        self.skips = bytearray(count)
        # Slots due before are not wanted by the server.
        self.retry_after_us: dict[int, int] = {}
        self._by_id = array("I", sorted(range(count), key=self.ids.__getitem__))

    def _add(
        self,
        target: Target,
        timeout_us: int,
        retries: int,
        intervals: dict[int, int],
        options: dict[Options, int],
    ) -> None:
        index = len(self.urls)
        self.ids.append(target.id)
        self.urls.append(target.url)
        if target.name:
            self.names[index] = target.name
        # Whole milliseconds, so that a due time can be read back exactly from the log.
        self.phases_us.append(target.id % (target.interval_us // 1000) * 1000)
        self._interval.append(intervals.setdefault(target.interval_us, len(intervals)))
        option = Options(
            target.timeout_us or timeout_us,
            retries if target.retries is None else target.retries,
            target.expect,
            target.max_bytes,
        )
        self._option.append(options.setdefault(option, len(options)))

    def __len__(self) -> int:
        """How many targets there are."""
        return len(self.urls)

    def interval_us(self, index: int) -> int:
        """How often, microseconds."""
        return self._intervals[self._interval[index]]

    def options(self, index: int) -> Options:
        """Everything else that the entry said."""
        return self._options[self._option[index]]

    def find(self, id_: int) -> int:
        """The index of the target with this id, -1 if there is none."""
        at = bisect_left(self._by_id, id_, key=self.ids.__getitem__)
        if at < len(self._by_id) and self.ids[self._by_id[at]] == id_:
            return self._by_id[at]
        return -1

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
            return self.find(int(text, 16))
        except ValueError:
            return -1

    def groups(self) -> Iterator[tuple[int, Sequence[int]]]:
        """For each interval its targets, sorted by phase: what is swept by one cursor."""
        members: list[array[int]] = [array("I") for _ in self._intervals]
        for index, group in enumerate(self._interval):
            members[group].append(index)
        for interval_us, group_members in zip(self._intervals, members, strict=True):
            yield interval_us, array("I", sorted(group_members, key=self.phases_us.__getitem__))
