"""Which list was in force when: noted beside the schedulers, to know from it what the log has to say."""

from __future__ import annotations

from typing import NamedTuple

from pagestatus.messages import Commit, Recap
from pagestatus.targets import Target
from scheduler.catalog import Catalog
from scheduler.former import Former
from scheduler.handover import Handover
from scheduler.planner import Planner


class Adoption(NamedTuple):
    """Slots due after ``after_us`` are those of ``targets``."""

    after_us: int
    targets: list[Target]
    # How far its scheduler had come when it ended; 0: another list followed.
    until_us: int = 0

    @property
    def keys(self) -> set[tuple[int, int]]:
        """The targets, to compare."""
        return set(map(key_of, self.targets))


def key_of(target: Target) -> tuple[int, int]:
    """What makes a target another one, for whoever wants to know its slots."""
    return target.id, target.interval_us


class History:
    """Over all schedulers."""

    def __init__(self) -> None:
        # What the scheduler that runs has read last.
        self.targets: list[Target] = []
        self.adoptions: list[Adoption] = []
        # Which targets a scheduler counted for the time in which nobody ran, by the end of it.
        self.counted: dict[int, Adoption] = {}
        # From where on the log is to be complete; 0: from its first line on.
        self.first_us = 0

    def ended(self, swept_us: int) -> None:
        """A scheduler has, and had come so far; 0: it had not begun."""
        if swept_us:
            self.adoptions[-1] = self.adoptions[-1]._replace(until_us=swept_us)

    def listed_us(self, target: Target, now_us: int) -> int:
        """Since when ``target`` has been on every list that was in force before ``now_us``."""
        before = [adoption for adoption in self.adoptions if adoption.after_us < now_us]
        # Of a scheduler that never came to that, none knows what it had on its list.
        since_us = now_us if before else 0
        for adoption in reversed(before):
            if key_of(target) not in adoption.keys:
                break
            since_us = adoption.after_us
        return since_us


class NotedHandover(Handover):
    """The real one, noted."""

    def __init__(self, history: History, epoch: int, former: Former) -> None:
        super().__init__(epoch, former)
        self._history = history

    def on_recap(self, recap: Recap, catalog: Catalog, now_us: int) -> bool:
        is_whole = super().on_recap(recap, catalog, now_us)
        if is_whole:
            self._history.counted[self.down.until_us] = Adoption(self.down.since_us, self._history.targets)
        return is_whole

    def on_commit(self, commit: Commit, planner: Planner, now_us: int) -> bool:
        is_done = super().on_commit(commit, planner, now_us)
        if is_done:
            history = self._history
            if not self.down.since_us:
                history.first_us = self.down.until_us
                history.adoptions.clear()
            history.adoptions.append(Adoption(self.down.until_us, history.targets))
        return is_done
