"""Targets that were in the list for a while: the audit knows one list, so these are judged apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

from scripts.audit.log import Line, microseconds


def findings(lines: Iterable[Line]) -> Iterator[str]:
    """One line for each slot of theirs that has attempts and no final line, or more than one."""
    attempts: set[tuple[str, int]] = set()
    finals: Counter[tuple[str, int]] = Counter()
    for line in lines:
        slot = line.target, microseconds(line.due) if line.due else 0
        if line.attempt:
            attempts.add(slot)
        finals[slot] += line.final
    for (target, due_us), count in finals.items():
        if count > 1:
            yield f"{target}: slot {due_us} has {count} final lines"
    for target, due_us in attempts - {slot for slot, count in finals.items() if count}:
        yield f"{target}: slot {due_us} has attempts and no final line"
