"""The log held against the witness: no ``ok`` for what was not answered, no request that nobody made.

A line and a request belong together when the request came while the attempt lasted, and was answered with the
status, and for an ``ok`` with as many bytes, as the line tells. No request belongs to two lines.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from pagestatus.clock import iso
from scripts.soak_run.fault import Struck, any_between
from scripts.soak_run.log import Line
from scripts.soak_run.record import Request, Requests
from scripts.soak_run.targets import TIMEOUT_S

# Two processes read two clocks one after the other; and a fetcher with very much to do begins a transfer
# some time after it has looked at the clock, which is in no duration.
BEFORE_US, AFTER_US = 20_000, 500_000
# A site that stood still reads what was asked of it when its visitors have long gone.
LATE_US = 15_000_000
# How long after trouble an attempt may be made that nobody waits for any more: its slot has its line, but the
# commit was lost. Its lease runs out five seconds after its time-out, leases hold for three seconds after an
# aggregator was silent and are looked at once a second; and where packets are lost, its request may take as
# long as it may to arrive.
UNDER_WAY_US = (TIMEOUT_S + 5 + 3 + 1 + TIMEOUT_S) * 1_000_000
OK = "ok"
# Attempts that ended so have asked the site for nothing. (After ``name_server`` there may have been time.)
_SILENT = frozenset({"dns", "connect", "no_fds", "no_ports"})


class Witnessed:
    """Lines are given to ``see``, then it is asked for what is wrong."""

    def __init__(self, requests: Requests) -> None:
        self._requests = requests
        # Attempts without an answer have what the others leave over.
        self._unanswered: list[Line] = []
        self._unseen: list[Line] = []
        self.attempts = self.ok = 0

    def see(self, lines: Iterable[Line]) -> None:
        """Take lines, in any order."""
        for line in lines:
            self.attempts += 1
            if not line.status and line.outcome != OK:
                self._unanswered.append(line)
            elif not self._know(line, line.end_us + AFTER_US):
                self._unseen.append(line)
            else:
                self.ok += line.outcome == OK

    def findings(self, struck: Sequence[Struck]) -> Iterator[str]:
        """One line for each answer that nobody gave, and each request that nobody knows of."""
        for line in self._unanswered:
            if line.reason not in _SILENT:
                self._know(line, line.end_us + LATE_US)
        self._unanswered.clear()
        yield from (f"the witness gave no such answer: {line}" for line in self._unseen)
        losing = [strike for strike in struck if strike.fault.loses]
        for request in self.unknown():
            if not any_between(losing, request.at_us - UNDER_WAY_US, request.at_us + UNDER_WAY_US):
                yield f"no line of the log knows of the request {iso(request.at_us)} for {request.target}"

    def unknown(self) -> Iterator[Request]:
        """Requests without a line."""
        return (request for asked in self._requests.values() for request in asked if not request.is_known)

    def _know(self, line: Line, until_us: int) -> bool:
        asked = self._requests.get(line.number, ())
        first = bisect_left(asked, line.start_us - BEFORE_US, key=lambda request: request.at_us)
        for request in asked[first:]:
            if request.at_us > until_us:
                return False
            if not request.is_known and _fits(line, request):
                request.is_known = True
                return True
        return False


def _fits(line: Line, request: Request) -> bool:
    if line.outcome == OK:
        return (request.status, request.bytes) == (line.status, line.bytes)
    # What was answered may not have arrived.
    return line.status in {0, request.status}
