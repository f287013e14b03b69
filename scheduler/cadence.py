"""How an outcome changes what is done with a target's next slots: state, slow lane, backoff, Retry-After.

A target that failed permanently five slots in a row is looked at every second slot, then every fourth, and
so on up to ``check.backoff_max``; the first success brings it back to every slot.
"""

from __future__ import annotations

from pagestatus.messages import Class, Commit, Outcome, Reason
from scheduler.catalog import Catalog, State

STREAK = 5
_LARGEST = 255
# A member looked up in its enum costs as much as a method call.
_OK, _FAIL, _INTERNAL = Outcome.OK, Outcome.FAIL, Outcome.INTERNAL
_TIMEOUT, _DNS = Reason.TIMEOUT, Reason.DNS
_UP = State.UP


def note_attempt(catalog: Catalog, index: int, commit: Commit) -> None:
    """After every attempt, final or not: see whether the target belongs into the slow lane."""
    if commit.outcome is not _INTERNAL:
        # A name that nobody answers for holds a slot as long as a site that does not answer.
        catalog.slow[index] = commit.reason is _TIMEOUT or commit.reason is _DNS


def note_settled(catalog: Catalog, index: int, commit: Commit, backoff_max: int) -> None:
    """After the attempt that settled a slot."""
    if commit.outcome is _OK:
        if catalog.states[index] == _UP:
            # Nothing is held against a target that was up already.
            return
        catalog.states[index] = _UP
        catalog.streaks[index] = 0
        catalog.strides[index] = 1
        catalog.skips[index] = 0
        catalog.retry_after_us.pop(index, None)
    elif commit.outcome is _FAIL:
        catalog.states[index] = State.DOWN
        if commit.retry_after_us:
            catalog.retry_after_us[index] = commit.retry_after_us
        _back_off(catalog, index, commit.class_, backoff_max)


def _back_off(catalog: Catalog, index: int, class_: Class, backoff_max: int) -> None:
    if class_ is not Class.PERMANENT:
        catalog.streaks[index] = 0
    else:
        catalog.streaks[index] = min(_LARGEST, catalog.streaks[index] + 1)
        if catalog.streaks[index] >= STREAK:
            catalog.strides[index] = min(backoff_max, catalog.strides[index] * 2)
    # A target that has backed off stays so until its first success, whatever it fails of meanwhile.
    catalog.skips[index] = catalog.strides[index] - 1


def passes_over(catalog: Catalog, index: int, due_us: int) -> Reason | None:
    """Why the slot due now is not to be measured; None: it is. Counts the skipped slot."""
    if not (catalog.skips[index] or catalog.paused[index] or catalog.retry_after_us):
        return None
    if catalog.paused[index]:
        return Reason.PAUSED
    until_us = catalog.retry_after_us.get(index)
    if until_us is not None:
        if due_us < until_us:
            return Reason.RETRY_AFTER
        del catalog.retry_after_us[index]
    if catalog.skips[index]:
        catalog.skips[index] -= 1
        return Reason.BACKOFF
    return None
