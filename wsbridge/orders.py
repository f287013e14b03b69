"""What the decisions of a round come to: messages for fetchers and jobs for the disk, in their order."""

from __future__ import annotations

from pagestatus.messages import Message, RangeCut
from wsbridge.entry import Entry, Status
from wsbridge.jobs import Job
from wsbridge.ranges import Range


class Orders:
    """Filled by who decides, emptied by who does."""

    def __init__(self, bridge: int) -> None:
        """``bridge`` is the epoch of this incarnation."""
        self.bridge = bridge
        self.messages: list[tuple[int, Message]] = []
        self.jobs: list[Job] = []
        # For the figures of the minute: how downloads ended, and bytes that are newly on the disk.
        self.ended: list[Status] = []
        self.bytes = 0
        # What was added, has ended or has stopped, and which: clients and the log are told.
        self.news: list[tuple[Entry, Status]] = []

    def send(self, epoch: int, message: Message) -> None:
        """A message for the fetcher of this incarnation."""
        self.messages.append((epoch, message))

    def cut(self, range_: Range, stop: int) -> None:
        """Its fetcher is to end ``range_`` at ``stop``, 0: at once."""
        self.send(range_.epoch, RangeCut(self.bridge, range_.task, stop))

    def do(self, job: Job) -> None:
        """A job for the disk."""
        self.jobs.append(job)
