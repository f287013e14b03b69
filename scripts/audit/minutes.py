"""The minute summaries add up to the log."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pagestatus.clock import MINUTE_US
from scripts.audit.log import Line, Minute, microseconds

MOST_CODES = 5


@dataclass
class Sums:
    """What the final lines of slots due in one minute come to."""

    outcomes: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    codes: Counter[int] = field(default_factory=Counter)
    bytes: int = 0

    def add(self, line: Line) -> None:
        count = line.slots if line.since else 1
        self.outcomes[line.outcome] += count
        if line.outcome == "missed":
            self.missed[line.reason] += count
        if line.status:
            self.codes[line.status] += 1
        self.bytes += line.bytes or 0

    def differences(self, minute: Minute) -> Iterator[str]:
        """Where the summary says something else."""
        checked = self.outcomes["ok"] + self.outcomes["fail"] + self.outcomes["internal"]
        pairs: dict[str, tuple[object, object]] = {
            "due": (minute.due, self.outcomes.total()),
            "checked": (minute.checked, checked),
            "ok": (minute.ok, self.outcomes["ok"]),
            "fail": (minute.fail, self.outcomes["fail"]),
            "internal": (minute.internal, self.outcomes["internal"]),
            "missed": (minute.missed, dict(+self.missed)),
            "bytes": (minute.bytes, self.bytes),
            "the commonest codes": (
                [count for _code, count in minute.codes],
                [count for _code, count in self.codes.most_common(MOST_CODES)],
            ),
        }
        for key, (told, found) in pairs.items():
            if told != found:
                yield f"minute {minute.minute.isoformat()}: {key} is {told}, and the log has {found}"


def findings(lines: Iterable[Line], summaries: Iterable[Minute]) -> Iterator[str]:
    """One line for each figure that the log does not bear out, each minute told twice or left out."""
    sums: dict[int, Sums] = {}
    for line in lines:
        moment = line.until or line.due
        if line.final and moment is not None:
            sums.setdefault(microseconds(moment) // MINUTE_US, Sums()).add(line)
    told: list[int] = []
    for minute in summaries:
        number = microseconds(minute.minute) // MINUTE_US
        if told and number <= told[-1]:
            yield f"minute {minute.minute.isoformat()} comes after a later one"
        told.append(number)
        yield from sums.get(number, Sums()).differences(minute)
    # The minutes that had not ended when the run did have no summary yet.
    for number in sorted(sums.keys() - set(told)):
        if told and number < told[-1]:
            yield f"minute {number} has lines and no summary"
