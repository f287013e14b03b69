"""Another list to go on with: all that takes time is done here, beside the schedule.

For a million targets matching and sorting take seconds; the loop only copies what is known of the targets
that stay, and places the cursors.
"""

from __future__ import annotations

from array import array

from scheduler.catalog import FRESH, Catalog
from scheduler.sweep import Sweep


class Following:
    """The catalog that follows ``old``, and its sweep."""

    def __init__(self, catalog: Catalog, old: Catalog) -> None:
        """Match the two. ``old`` may be in use meanwhile: its ids, and since when they are listed, stay."""
        self.catalog = catalog
        self.sweep = Sweep(catalog, 0)
        self._old = old
        # For each target of ``old`` its index here, -1 where it is gone.
        self._stays = array("i", (catalog.find(target_id) for target_id in old.ids))
        gone = self._stays.count(-1)
        self.removed = gone
        self.added = len(catalog) - (len(old) - gone)
        catalog.listed_us = array("q", [FRESH]) * len(catalog)
        for before, index in enumerate(self._stays):
            if index >= 0 and catalog.interval_us(index) == old.interval_us(before):
                catalog.listed_us[index] = old.listed_us[before]
        self._fresh = catalog.fresh()
        # Other slots fall due by the new list than by the old one, or they have other URLs or names.
        self.differs = bool(self.removed or self._fresh) or any(
            catalog.urls[index] != old.urls[before] or catalog.names.get(index) != old.names.get(before)
            for before, index in enumerate(self._stays)
        )

    def take_over(self, at_us: int) -> None:
        """Know what ``old`` knows, and go on with what is due after ``at_us``."""
        old, new = self._old, self.catalog
        for before, index in enumerate(self._stays):
            if index < 0:
                continue
            new.states[index] = old.states[before]
            new.slow[index] = old.slow[before]
            new.paused[index] = old.paused[before]
            new.streaks[index] = old.streaks[before]
            new.strides[index] = old.strides[before]
            new.skips[index] = old.skips[before]
        for before, until_us in old.retry_after_us.items():
            if (index := self._stays[before]) >= 0:
                new.retry_after_us[index] = until_us
        new.list_since(self._fresh, at_us)
        self.sweep.place(at_us)
