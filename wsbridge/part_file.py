"""The part file of one download, from its making to its final name: one job for the disk after the other.

A part file holds one content: whoever begins from nothing begins in a new one, so that a fetcher that has not
heard of it yet writes into a file that nobody will read.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto

from wsbridge.entry import Entry, Trouble
from wsbridge.jobs import Answer, Choose, Claims, Discard, Failed, Find, Job, Make, Publish, Verify
from wsbridge.orders import Orders
from wsbridge.spans import Piece


class Step(Enum):
    """How far a part file has come."""

    # It is there, and takes bytes.
    READY = auto()
    # Somebody has taken it away, with all that was in it.
    GONE = auto()
    # It is what it should be, and gets its final name.
    VERIFIED = auto()
    # It has it.
    PUBLISHED = auto()


class PartFile:
    """Keeps ``name``, ``inode`` and ``done`` of an ``Entry`` in step with the disk."""

    def __init__(self, entry: Entry, orders: Orders, taken: Callable[[Entry], Claims]) -> None:
        """``taken`` tells what of the folder belongs to other downloads."""
        self._entry = entry
        self._orders = orders
        self._taken = taken
        # Of the last job: an answer to an earlier one comes too late.
        self._serial = 0

    def make(self, name: str = "") -> None:
        """Get a new one; its name is chosen the first time, like ``name``."""
        entry = self._entry
        entry.done, entry.inode, entry.given_up = (), 0, False
        if entry.name:
            self._orders.do(Make(entry.id, self._next(), entry.name))
        else:
            self._orders.do(Choose(entry.id, self._next(), name, max(entry.total, 0), self._taken(entry)))

    def find(self) -> None:
        """Go on with the one that was made, if nobody has taken it away."""
        entry = self._entry
        self._orders.do(Find(entry.id, self._next(), entry.name, entry.inode, entry.reach))

    def verify(self) -> None:
        """It is complete: hold it against what it should be, and give it its final name."""
        entry = self._entry
        self._orders.do(Verify(entry.id, self._next(), entry.name, entry.inode, entry.total, entry.digests()))

    def discard(self) -> None:
        """Give it up. Its name is kept until it is gone, so that a successor can see to that."""
        entry = self._entry
        if entry.name:
            entry.given_up = True
            self._orders.do(Discard(entry.id, self._next(), entry.name, entry.inode))
        entry.forget_file()

    def let_be(self) -> None:
        """Whatever the disk is doing is no longer waited for."""
        self._next()

    def waits_for(self, job: Job) -> bool:
        """Whether the answer to ``job`` still matters."""
        return job.serial == self._serial

    def on_answer(self, answer: Answer) -> Step | Trouble | None:
        """The disk has done a job, or could not; None: another job follows, or nothing."""
        entry = self._entry
        if isinstance(answer, Failed):
            # What cannot be removed hinders nobody.
            return None if isinstance(answer.job, Discard) else answer.trouble
        match answer.job:
            case Choose():
                # It is written down before anything of that name is made.
                entry.name, entry.folder = answer.name, answer.folder
                self.make()
            case Make() | Find() if answer.inode:
                entry.inode = answer.inode
                return Step.READY
            case Find():
                return Step.GONE
            case Verify():
                self.note_synced(((0, entry.total),) if entry.total else ())
                title = entry.title or entry.name
                self._orders.do(Publish(entry.id, self._serial, entry.name, entry.inode, title))
                return Step.VERIFIED
            case Publish():
                entry.name, entry.folder = answer.name, answer.folder
                return Step.PUBLISHED
            case Discard():
                entry.name, entry.inode, entry.given_up = "", 0, False
        return None

    def note_synced(self, pairs: tuple[Piece, ...]) -> None:
        """These bytes are on the disk."""
        self._orders.bytes += self._entry.note_synced(pairs)

    def _next(self) -> int:
        self._serial += 1
        return self._serial
