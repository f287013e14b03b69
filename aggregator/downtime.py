"""The times in which no scheduler ran, and the fence that keeps them clean.

A new scheduler asks what is known (``Started``) and then records everything after that as one ``Down``. A
result of its predecessor that came in between would be counted twice; hence the fence: from the answer on,
and until the ``Down`` is there, nothing due after ``since_us`` is taken.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

# Who asked and then fell silent is gone: its successor asks for itself. Results of the scheduler before it
# have all come by now.
LAPSE_US = 60_000_000
# So many schedulers are remembered; what they have sent has come long before there were more.
MOST_SUCCEEDED = 100


class Fence(NamedTuple):
    """Nothing due after ``since_us`` is taken until scheduler ``epoch`` has accounted for it."""

    epoch: int
    since_us: int
    asked_us: int


class Downtime:
    """Windows ``(since, until]`` of open minutes, ascending and disjoint, and at most one fence."""

    def __init__(self) -> None:
        self.windows: list[tuple[int, int]] = []
        self.fence: Fence | None = None
        # The scheduler that was last heard to start, None: none since we did; and those before it.
        self.epoch: int | None = None
        self._succeeded: deque[int] = deque(maxlen=MOST_SUCCEEDED)
        # Everything due up to here needs a closer look.
        self.until_us = -1

    def raise_fence(self, epoch: int, since_us: int, now_us: int) -> bool:
        """Scheduler ``epoch`` asks; one that asks again keeps its fence.

        False: it was succeeded. What it sent comes late, and its successor has been told what is known.
        """
        if epoch in self._succeeded:
            return False
        if self.fence is not None and self.fence.epoch == epoch:
            since_us = self.fence.since_us
        if self.epoch not in {None, epoch}:
            self._succeeded.append(self.epoch)
        self.epoch = epoch
        self.fence = Fence(epoch, since_us, now_us)
        return True

    def lower_fence(self) -> None:
        """The account of who asked is there."""
        self.fence = None

    def lapse(self, now_us: int) -> None:
        """Take the fence down if who asked for it has fallen silent."""
        if self.fence is not None and now_us - self.fence.asked_us > LAPSE_US:
            self.fence = None

    def listens_to(self, epoch: int) -> bool:
        """Whether the sweeps of scheduler ``epoch`` count: not those of one that was succeeded."""
        return self.epoch is None or epoch == self.epoch

    def fenced(self, due_us: int) -> bool:
        """Whether a slot has to wait for the account of a new scheduler."""
        return self.fence is not None and due_us > self.fence.since_us

    def covers(self, due_us: int) -> bool:
        """Whether a slot fell due while no scheduler ran."""
        return due_us <= self.until_us and any(since < due_us <= until for since, until in self.windows)

    def record(self, since_us: int, until_us: int) -> None:
        """Nobody ran in ``(since_us, until_us]``; the fence comes down."""
        self.windows.append((since_us, until_us))
        self.windows.sort()
        self.until_us = max(self.until_us, until_us)
        self.lower_fence()

    def spans(self, start_us: int, end_us: int) -> int | None:
        """The end of the window in which nobody ran in all of ``[start_us, end_us)``, if there is one."""
        for since, until in self.windows:
            if since <= start_us and end_us <= until + 1:
                return until
        return None

    def forget(self, before_us: int) -> None:
        """Drop the windows that ended before ``before_us``."""
        if self.windows and self.windows[0][1] < before_us:
            self.windows = [window for window in self.windows if window[1] >= before_us]
