"""How checks went so far, what they cost, and how that is known: from the minutes and from what runs."""

from __future__ import annotations

from collections.abc import Sequence

from pagestatus.capacity import MEASURABLE_PER_S, TYPICAL_CPU, TYPICAL_SEEN, Cpu, Seen, measured
from pagestatus.ctl.answers import Minute
from pagestatus.ctl.picture import Picture
from pagestatus.ctl.text import count, milliseconds


def seen(minutes: Sequence[Minute]) -> tuple[Seen, str]:
    """Over ``minutes``, newest last, as far as they measured anything; and where it is from."""
    means = [(minute.latency_ms.mean, max(1, minute.checked)) for minute in minutes]
    weights = [(mean, checked) for mean, checked in means if mean is not None]
    failing = _failing(minutes)
    if not weights:
        assumed = f"assumed, nothing is measured yet: {milliseconds(TYPICAL_SEEN.latency_ms)} a check"
        return TYPICAL_SEEN._replace(failing=failing), assumed
    mean = sum(mean * weight for mean, weight in weights) / sum(weight for _mean, weight in weights)
    first, last = minutes[0].minute[11:16], minutes[-1].minute[11:16]
    when = f"at {last}" if first == last else f"from {first} to {last}"
    return Seen(mean, failing), f"measured {when} UTC: at most {milliseconds(mean)} a check on average"


def _failing(minutes: Sequence[Minute]) -> float:
    """A time in which nothing ran is one line, however many slots were due in it."""
    slots = sum(minute.due - minute.missed.get("down", 0) for minute in minutes)
    good = sum(minute.ok for minute in minutes)
    return max(0.0, 1 - good / slots) if slots > 0 else TYPICAL_SEEN.failing


def cpu(picture: Picture) -> tuple[Cpu, str]:
    """CPU of a check, measured if enough of them are made now and nothing else is; and where it is from."""
    busy = picture.bridge is not None and picture.bridge.downloads.active > 0
    found = None if busy else measured(picture.loads, picture.per_second)
    if found is not None:
        return found, f"measured now: {_split(found)}"
    when = f"measured only at {count(MEASURABLE_PER_S)} checks a second and more, without downloads"
    return TYPICAL_CPU, f"assumed as in BENCHMARKS.md: {_split(TYPICAL_CPU)}; {when}"


def _split(cpu: Cpu) -> str:
    return (
        f"{cpu.all_us:.0f} µs a check (fetchers {cpu.fetchers_us:.0f}, "
        f"scheduler {cpu.scheduler_us:.0f}, aggregator {cpu.aggregator_us:.0f})"
    )
