"""Which lines are written: all, only failures, or only changes and every 100th.

A line that is not written is still counted and committed. What was not written is not known after a restart.
"""

from __future__ import annotations

from collections.abc import Callable

from pagestatus.messages import Outcome

Keeps = Callable[[int, Outcome], bool]

EVERY = 100
# A list has a million targets at most; beyond that the memory starts anew, and each target's next line is
# written once more than necessary.
MOST_TARGETS = 2_000_000


class Changes:
    """Keeps a target's line when its outcome differs from the one before, and every 100th."""

    def __init__(self, most_targets: int = MOST_TARGETS) -> None:
        # The last outcome, and how many lines of it were left out since.
        self._last: dict[int, tuple[Outcome, int]] = {}
        self._most_targets = most_targets

    def __call__(self, target: int, outcome: Outcome) -> bool:
        last, left_out = self._last.get(target, (None, 0))
        kept = outcome is not last or left_out + 1 >= EVERY
        if last is None and len(self._last) >= self._most_targets:
            self._last.clear()
        self._last[target] = (outcome, 0 if kept else left_out + 1)
        return kept


def keep_all(_target: int, _outcome: Outcome) -> bool:
    """Keeps every line."""
    return True


def keep_failures(_target: int, outcome: Outcome) -> bool:
    """Keeps what is not ok."""
    return outcome is not Outcome.OK


def keeps_of(mode: str) -> Keeps:
    """A new rule for ``log.mode``; raises ``KeyError`` for a mode that is none."""
    if mode == "changes":
        return Changes()
    return {"all": keep_all, "failures": keep_failures}[mode]
