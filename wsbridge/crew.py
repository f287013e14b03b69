"""The fetchers as the bridge knows them, and how many more ranges each will take.

Credit is arithmetic, as in the scheduler: what a fetcher says it can hold, less what it was given.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterator

from pagestatus.messages import FetcherState

# Whoever has not been heard of for this long gets nothing new; for longer, is forgotten. Seconds.
SILENT_S = 5.0
FORGOTTEN_S = 30.0
# Epochs that are remembered as gone: more than are ever on their way at once.
MOST_GONE = 1000


class Member:
    """One incarnation of a fetcher."""

    def __init__(self, state: FetcherState) -> None:
        self.epoch = state.epoch
        self.slots = 0
        self.heard = 0.0
        # The numbers of its tasks.
        self.tasks: set[int] = set()

    def has_credit(self, now: float) -> bool:
        """Whether it takes one more."""
        return len(self.tasks) < self.slots and now - self.heard < SILENT_S


class Crew:
    """All fetchers, by epoch."""

    def __init__(self) -> None:
        self._members: dict[int, Member] = {}
        self._gone: deque[int] = deque(maxlen=MOST_GONE)

    def on_state(self, state: FetcherState, now: float) -> bool:
        """A fetcher says what it can hold; returns whether it is new."""
        if state.epoch in self._gone:
            return False
        member = self._members.get(state.epoch)
        is_new = member is None
        if member is None:
            member = self._members[state.epoch] = Member(state)
        member.slots = state.range_slots
        member.heard = now
        return is_new

    def choose(self, of_download: Container[int], now: float) -> Member | None:
        """Who takes the next range: whoever has the fewest of this download, then of all."""
        able = [member for member in self._members.values() if member.has_credit(now)]
        return min(
            able,
            key=lambda member: (sum(task in of_download for task in member.tasks), len(member.tasks)),
            default=None,
        )

    def give(self, epoch: int, task: int) -> None:
        """A task is with a fetcher."""
        self._members[epoch].tasks.add(task)

    def take_back(self, epoch: int, task: int) -> None:
        """It is no longer."""
        member = self._members.get(epoch)
        if member is not None:
            member.tasks.discard(task)

    def bury(self, epoch: int) -> None:
        """Never hear this one again: what it said last may come after the news that it is gone."""
        self._gone.append(epoch)

    def forget(self, epoch: int) -> set[int]:
        """A fetcher is lost; returns the tasks that are lost with it."""
        member = self._members.pop(epoch, None)
        return set() if member is None else member.tasks

    def excuse(self, now: float) -> None:
        """We have stood still, and may have missed what they said."""
        for member in self._members.values():
            member.heard = now

    def long_silent(self, now: float) -> Iterator[int]:
        """The epochs of those that are to be forgotten."""
        yield from [epoch for epoch, member in self._members.items() if now - member.heard > FORGOTTEN_S]

    def __len__(self) -> int:
        return len(self._members)
