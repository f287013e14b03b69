"""A histogram of durations in microseconds: bounded memory, percentiles within 2.5 %, the exact maximum.

The buckets' bounds grow by a twentieth each, from 1 µs to a day, and a percentile is the middle of its
bucket. A bucket is found by bisection, in C: half the cost of arithmetic on the value.
"""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate

_GROWTH = 1.05
_LONGEST_US = 86_400_000_000


def _bounds() -> list[int]:
    bounds = [1]
    while bounds[-1] < _LONGEST_US:
        bounds.append(max(bounds[-1] + 1, int(bounds[-1] * _GROWTH)))
    return bounds


# Bucket i holds the values in [_BOUNDS[i - 1], _BOUNDS[i]); the first one everything below 1.
_BOUNDS = _bounds()


class Histogram:
    """Counts of values; negative ones count as zero."""

    __slots__ = ("_counts", "max_us")

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self.max_us = 0

    def add(self, value_us: int) -> None:
        """Count one value."""
        self._counts[bisect_right(_BOUNDS, value_us)] += 1
        if value_us > self.max_us:  # noqa: PLR1730 - calling max() costs as much as all the rest
            self.max_us = value_us

    def percentiles(self, *percents: int) -> list[int]:
        """The nearest-rank percentiles (1-100) in microseconds; zeros when nothing was counted."""
        up_to = list(accumulate(self._counts))
        if not up_to[-1]:
            return [0] * len(percents)
        # The rank is rounded up: the first bucket that reaches it has it.
        ranks = (-(-percent * up_to[-1] // 100) for percent in percents)
        return [min(_middle(bisect_right(up_to, rank - 1)), self.max_us) for rank in ranks]

    def figures_ms(self) -> dict[str, float]:
        """p50, p90, p99 and max in milliseconds, as ``minutes.log`` shows them."""
        p50, p90, p99 = self.percentiles(50, 90, 99)
        return {"p50": p50 / 1000, "p90": p90 / 1000, "p99": p99 / 1000, "max": self.max_us / 1000}

    def __repr__(self) -> str:
        return f"<Histogram of {sum(self._counts)}, max {self.max_us} us>"


def _middle(bucket: int) -> int:
    """What stands for the values of a bucket."""
    if bucket == 0:
        return 0
    if bucket == len(_BOUNDS):
        return _BOUNDS[-1]
    return (_BOUNDS[bucket - 1] + _BOUNDS[bucket] - 1) // 2
