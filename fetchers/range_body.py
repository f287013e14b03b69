"""The bytes of one range on their way into the part file: how far they have come and where they end.

A range ends at the first of three: what was asked for, what the head of the answer promised, and where the
bridge has cut it since. What comes in between is written where it belongs.
"""

from __future__ import annotations

from typing import NamedTuple

from fetchers.gathered import Gathered
from fetchers.part_file import DiskTrouble, PartFile
from pagestatus.messages import RangeTask, Reason

_ENDLESS = 1 << 63
# Of libcurl: the connection was closed before all that Content-Length promised had come.
_PARTIAL_FILE = 18


class End(NamedTuple):
    """How a range ended; Reason.NONE: all that was wanted is in the file."""

    reason: Reason
    words: str = ""


class RangeBody:
    """Made for one ``RangeTask`` with a file."""

    __slots__ = ("_asked", "_cut", "_gathered", "_promised", "_start", "_trouble")

    def __init__(self, task: RangeTask, part: PartFile) -> None:
        self._gathered = Gathered(part, task.start)
        self._start = task.start
        self._asked = task.stop or _ENDLESS
        self._promised = _ENDLESS
        self._cut = _ENDLESS
        self._trouble: End | None = None

    @property
    def position(self) -> int:
        """The bytes from the task's start up to here are in the file."""
        return self._gathered.position

    @property
    def reached(self) -> int:
        """The bytes from the task's start up to here have come."""
        return self._gathered.reached

    def promise(self, stop: int) -> None:
        """The head of the answer says that its body ends at ``stop``; -1: it does not say."""
        self._promised = stop if stop >= 0 else _ENDLESS

    def cut(self, stop: int) -> bool:
        """From now on only the bytes up to ``stop`` are wanted; whether they have all come."""
        reached = self.reached
        if stop < self._asked:
            self._cut = min(self._cut, max(stop, reached))
        return self._cut <= reached

    def take(self, piece: memoryview) -> bool:
        """The next bytes; whether more are wanted. Whoever gets False asks ``end`` why."""
        reached = self.reached
        end = reached + len(piece)
        if end > self._promised < self._cut:
            self._trouble = End(Reason.LONG, "the server sent more bytes than the range has")
            self._gathered.forget(self._start)
            return False
        if end > self._cut:
            piece = piece[: self._cut - reached]
        try:
            self._gathered.add(piece)
        except DiskTrouble as trouble:
            self._trouble = End(trouble.reason, str(trouble))
            return False
        return end < self._cut

    def flush(self) -> bool:
        """Write what has come; whether that went well. Whoever gets False asks ``end`` why."""
        if self._trouble is None:
            try:
                self._gathered.flush()
            except DiskTrouble as trouble:
                self._trouble = End(trouble.reason, str(trouble))
        return self._trouble is None

    def end(self, code: int, reason: Reason, words: str) -> End:
        """What the end of the transfer means: libcurl's ``code`` and ``words``, and our ``reason``."""
        self.flush()
        if self._trouble is not None:
            return self._trouble
        wanted = min(self._asked, self._cut)
        if wanted == _ENDLESS:
            # Of a whole whose length nobody knows only the server can say that it is there.
            wanted = self._promised
        if self.position >= wanted or (wanted == _ENDLESS and code == 0):
            return End(Reason.NONE)
        if code in {0, _PARTIAL_FILE}:
            return End(Reason.SHORT, f"the server sent the bytes up to {self.position} of {wanted}")
        return End(reason, words)

    def close(self) -> End | None:
        """Give the file back; what is wrong with what was written, if the file system says so only now."""
        try:
            self._gathered.close()
        except DiskTrouble as trouble:
            self._gathered.forget(self._start)
            return End(trouble.reason, str(trouble))
        return None
