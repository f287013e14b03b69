"""What a list of targets needs: a pure function of the list and of how long a check takes."""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil
from typing import NamedTuple

from pagestatus.ctl.answers import Minute, Quantiles
from pagestatus.ctl.text import count, milliseconds, percent, rate

# Without a measurement: a page that is neither near nor slow.
ASSUMED_MS = 500.0
# Beyond this share there is little left for a bad hour, in which checks take long.
COMFORTABLE = 0.5


class Load(NamedTuple):
    """What is asked for, and what there is."""

    targets: int
    per_second: float
    # Slots in use if every check took as long as its time-out allows, without retries.
    worst_slots: float
    fetchers: int
    # Checks in flight per fetcher.
    slots: int


class Latency(NamedTuple):
    """How long a check takes, and how that is known."""

    ms: float
    source: str


def latency(minute: Minute | None) -> Latency:
    """From the last minute if it measured anything, else assumed."""
    mean = _mean(minute.latency_ms) if minute else None
    if minute is None or mean is None:
        return Latency(ASSUMED_MS, f"assumed, nothing is measured yet: {milliseconds(ASSUMED_MS)} a check")
    return Latency(
        mean, f"measured at {minute.minute[11:16]} UTC: at most {milliseconds(mean)} a check on average"
    )


def _mean(values: Quantiles) -> float | None:
    """An upper bound of the mean: each part of the checks counts as its slowest one."""
    if values.p50 is None or values.p90 is None or values.p99 is None or values.max is None:
        return None
    return 0.5 * values.p50 + 0.4 * values.p90 + 0.09 * values.p99 + 0.01 * values.max


def sentences(load: Load, latency: Latency) -> Iterator[tuple[str, str]]:
    """Label and text, line by line."""
    capacity = load.fetchers * load.slots
    # Little's law: what is in flight is the rate times how long each takes.
    slots = load.per_second * latency.ms / 1000
    share = slots / capacity
    yield "targets", count(load.targets)
    yield "rate", f"{rate(load.per_second)} checks a second"
    yield "latency", latency.source
    yield "slots", f"{_up(slots)} in use, {_up(load.worst_slots)} if every check timed out"
    yield "capacity", f"{count(capacity)} slots ({count(load.fetchers)} fetchers of {count(load.slots)})"
    yield "share", f"{percent(share)}, {percent(load.worst_slots / capacity)} if every check timed out"
    if share > 1:
        yield "too much", "slots will be missed (no_capacity): more fetchers, more slots or longer intervals"
    elif share > COMFORTABLE:
        yield "tight", "little is left for when sites get slow: more fetchers or more slots"


def figures(load: Load, latency: Latency) -> dict[str, object]:
    """The same for scripts."""
    capacity = load.fetchers * load.slots
    slots = load.per_second * latency.ms / 1000
    return {
        "targets": load.targets,
        "per_second": round(load.per_second, 6),
        "latency_ms": round(latency.ms, 3),
        "latency": latency.source,
        "slots": round(slots, 3),
        "worst_slots": round(load.worst_slots, 3),
        "capacity": capacity,
        "share": round(slots / capacity, 6),
    }


def _up(slots: float) -> str:
    """A slot in use now and then is one; what a sum of many fractions adds by rounding is none."""
    return count(ceil(round(slots, 6)))
