"""What failures make of a download: whether it goes on, in which way, and how long it waits before that."""

from __future__ import annotations

from enum import Enum, auto
from typing import NamedTuple

from pagestatus.messages import RangeDone, Reason
from wsbridge.entry import Trouble
from wsbridge.fate import Fate, fate_of, trouble_of
from wsbridge.pace import Pace
from wsbridge.ranges import Range

# Who breaks off after less than this is not asked again at once. Bytes.
WORTHWHILE = 16 << 10
# A link that has to be renewed again within this time is not to be trusted much. Seconds.
RENEWED_S = 60.0
CHANGED = "changed"


class Next(Enum):
    """What is to be done after a failure."""

    # The same again, when ``Pace`` allows it.
    AGAIN = auto()
    # Put the question again: the file, or the link, may be another.
    ASK = auto()
    # The file has changed, and comes as a whole: begin from nothing.
    BEGIN_ANEW = auto()
    # The server does not honour ranges after all: fetch the whole.
    AS_A_WHOLE = auto()
    PAUSE = auto()
    FAIL = auto()


class Setback(NamedTuple):
    """What to do, and what to say of it."""

    next: Next
    trouble: Trouble


class Stage(NamedTuple):
    """How far the download has come."""

    is_fetching: bool
    in_ranges: bool
    has_bytes: bool


class Setbacks:
    """Of one download. Moments are seconds of the monotonic clock."""

    def __init__(self, pace: Pace) -> None:
        self.pace = pace
        # The link was asked for anew since bytes last came by it.
        self._was_renewed = False
        self._renewed_at = -RENEWED_S

    def moved(self, now: float) -> None:
        """Bytes came that stay: whatever failed before is forgiven."""
        self._was_renewed = False
        self.pace.moved(now)

    def of_range(self, range_: Range, done: RangeDone, now: float) -> float:
        """How long what is missing of a range that has ended waits, seconds; 0: not at all."""
        fate = fate_of(done)
        if done.reason is Reason.LONG:
            return self.pace.lied(now)
        if fate is Fate.AGAIN and range_.position - range_.start < WORTHWHILE:
            return self.pace.failed(now)
        if fate is Fate.BUSY:
            return self.pace.refused(now, done.retry_after_s)
        return self.pace.ours(now) if fate is Fate.OURS else 0.0

    def of_download(self, done: RangeDone, stage: Stage, now: float) -> Setback:
        """What becomes of it all: a question or a whole failed, or a range in a way that concerns all."""
        fate = fate_of(done)
        if fate is Fate.EXPIRED:
            return self._expired(done, stage, now)
        if fate is Fate.CHANGED and stage.is_fetching and stage.in_ranges:
            # Some servers say one thing to the question and another to the ranges, for ever.
            self.pace.wait(now)
            return self._unless_exhausted(Next.ASK, done)
        if fate in {Fate.AGAIN, Fate.BUSY} and done.reason is not Reason.NO_SUCH_NAME:
            return self._passing(done, now, is_busy=fate is Fate.BUSY)
        if fate is Fate.OURS:
            self.pace.not_before = max(self.pace.not_before, now + self.pace.ours(now))
        return Setback(_next(fate, stage), trouble_of(done))

    def _unless_exhausted(self, next_: Next, done: RangeDone) -> Setback:
        return Setback(Next.FAIL if self.pace.is_exhausted else next_, trouble_of(done))

    def _passing(self, done: RangeDone, now: float, *, is_busy: bool) -> Setback:
        """It may work later."""
        if is_busy:
            self.pace.refused(now, done.retry_after_s)
        else:
            self.pace.wait(now)
        return self._unless_exhausted(Next.AGAIN, done)

    def _expired(self, done: RangeDone, stage: Stage, now: float) -> Setback:
        """401, 403, 404, 410. A link that worked before has expired; one that redirects may give another."""
        if stage.is_fetching and not self._was_renewed:
            self._was_renewed = True
            if now < self._renewed_at + RENEWED_S:
                # Some servers give a byte, and then nothing, for ever.
                self.pace.wait(now)
            self._renewed_at = now
            return Setback(Next.ASK, trouble_of(done))
        if stage.has_bytes or stage.in_ranges:
            words = f"the link has expired ({done.status}): give a fresh one"
            return Setback(Next.FAIL, Trouble("needs_url", words))
        return Setback(Next.FAIL, trouble_of(done))


def _next(fate: Fate, stage: Stage) -> Next:
    """What follows from ``fate`` without a wait."""
    match fate:
        case Fate.CHANGED if stage.is_fetching:
            return Next.BEGIN_ANEW
        case Fate.UNRANGED if stage.in_ranges:
            return Next.AS_A_WHOLE
        case Fate.DISK_FULL:
            return Next.PAUSE
        case Fate.OURS:
            return Next.AGAIN
        case _:
            return Next.FAIL
