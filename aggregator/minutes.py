"""What one minute of due time amounts to: every figure is over the final lines of the slots due in it.

Hence the minutes add up to the log: ``checked`` is ok + fail + internal, ``due`` is checked + the sum of
missed. A down line counts, whole, in the minute in which it ends.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from aggregator.facts import unpacked
from aggregator.lines import REASONS, stamp
from pagestatus.histogram import Histogram
from pagestatus.messages import Outcome, Reason, Sweep

MOST_CODES = 5
MOST_IN_FLIGHT_URLS = 20

# A member looked up in its enum costs as much as a method call.
_INTERNAL = Outcome.INTERNAL

Figures = dict[str, Any]
NO_DOWNLOADS: Mapping[str, int] = MappingProxyType({"active": 0, "completed": 0, "failed": 0, "bytes": 0})


class Minute:
    """The figures of one open minute, and what is known of its slots.

    A slot is one integer, ``due_us << 64 | target``: half the memory of a tuple, and there may be millions.
    """

    __slots__ = (
        "attempts",
        "bytes",
        "codes",
        "in_flight",
        "lag",
        "latency",
        "longest",
        "missed",
        "outcomes",
        "settled",
        "slowest_url",
        "slowest_us",
        "start_us",
    )

    def __init__(self, start_us: int) -> None:
        self.start_us = start_us
        # Settled slots and how (see facts); attempts on the disk of slots that are not settled.
        self.settled: dict[int, int] = {}
        self.attempts: dict[int, dict[int, int]] = {}
        self.outcomes = [0] * len(Outcome)
        self.missed: Counter[Reason] = Counter()
        self.codes: Counter[int] = Counter()
        self.lag = Histogram()
        self.latency = Histogram()
        self.bytes = 0
        self.slowest_us = -1
        self.slowest_url = ""
        self.in_flight = 0
        self.longest: list[tuple[str, int]] = []

    def count_check(  # noqa: PLR0913, PLR0917 - the columns of one final line
        self, outcome: Outcome, url: str, status: int, size: int, lag_us: int, duration_us: int
    ) -> None:
        """A slot was settled by an attempt."""
        self.outcomes[outcome] += 1
        if status:
            self.codes[status] += 1
        if size > 0:
            self.bytes += size
        self.lag.add(lag_us)
        # How long an attempt took that we spoilt ourselves says nothing about a site.
        if outcome is not _INTERNAL:
            self.latency.add(duration_us)
            if duration_us > self.slowest_us:
                self.slowest_us, self.slowest_url = duration_us, url

    def count_missed(self, reason: Reason, slots: int = 1) -> None:
        """Slots were settled without being measured."""
        self.outcomes[Outcome.MISSED] += slots
        self.missed[reason] += slots

    def look(self, sweep: Sweep) -> None:
        """Remember what was in flight at the last sweep of this minute."""
        self.in_flight = max(sweep.in_flight, 0)
        oldest = heapq.nsmallest(MOST_IN_FLIGHT_URLS, sweep.longest, key=lambda entry: entry[1])
        self.longest = [(url, max(sweep.swept_us - since_us, 0)) for url, since_us in oldest]

    def settle(self, slot: int, fact: int) -> None:
        """A slot has its final line."""
        self.settled[slot] = fact
        self.attempts.pop(slot, None)

    def try_again(self, slot: int, attempt: int, fact: int) -> None:
        """A slot has a line that does not settle it."""
        self.attempts.setdefault(slot, {})[attempt] = fact

    def attempts_of(self, slot: int) -> int:
        """The number of the last attempt that the log has; 0: none."""
        if slot in self.settled:
            return unpacked(self.settled[slot]).attempt
        return max(self.attempts.get(slot, ()), default=0)

    def figures(self, downloads: Mapping[str, int] = NO_DOWNLOADS) -> Figures:
        """The minute's line in ``minutes.log``."""
        ok, fail, internal, missed = self.outcomes
        slowest = {"url": self.slowest_url, "ms": self.slowest_us / 1000} if self.slowest_us >= 0 else None
        codes = sorted(self.codes.items(), key=lambda entry: (-entry[1], entry[0]))[:MOST_CODES]
        return {
            "minute": stamp(self.start_us),
            "due": ok + fail + internal + missed,
            "checked": ok + fail + internal,
            "ok": ok,
            "fail": fail,
            "internal": internal,
            "missed": self._missed_by_word(),
            "codes": [[code, count] for code, count in codes],
            "in_flight": self.in_flight,
            "in_flight_urls": [{"url": url, "seconds": round(us / 1e6, 3)} for url, us in self.longest],
            "slowest": slowest,
            "lag_ms": self.lag.figures_ms(),
            "latency_ms": self.latency.figures_ms(),
            "bytes": self.bytes,
            "downloads": dict(downloads),
        }

    def _missed_by_word(self) -> dict[str, int]:
        words: Counter[str] = Counter()
        for reason, count in self.missed.items():
            if count:
                words[REASONS[reason]] += count
        return dict(sorted(words.items()))

    def __repr__(self) -> str:
        return f"<Minute {stamp(self.start_us)}, {sum(self.outcomes)} settled, {len(self.attempts)} tried>"
