"""Tables and claims, as every part shows them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What is to hold, in words that have the figure in them, and whether it does."""

    words: str
    holds: bool

    def __str__(self) -> str:
        return f"{'ok' if self.holds else 'NOT':>3}  {self.words}"


def told(claims: Iterable[Claim]) -> dict[str, bool]:
    """For JSON."""
    return {claim.words: claim.holds for claim in claims}


def times(value: float, other: float) -> float:
    """How many times ``other`` it is; infinite where that makes no sense."""
    return value / other if 0 < other < math.inf else math.inf


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """The first column to the left, all others to the right."""
    lines = [tuple(head), *(tuple(row) for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(_cells(line, widths)).rstrip() for line in lines)


def _cells(line: Sequence[str], widths: Sequence[int]) -> Iterator[str]:
    for number, (cell, width) in enumerate(zip(line, widths, strict=True)):
        yield f"{cell:{width}}" if number == 0 else f"{cell:>{width}}"
