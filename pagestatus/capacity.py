"""What a list needs of a machine, and how much of a running system is in use: arithmetic alone.

What is in flight is the rate times how long each one takes (Little's law). The scheduler, the aggregator and
each fetcher are one process with one loop, so one core is the most that any of them can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil, inf
from typing import NamedTuple

# A share of the whole. Beyond NEAR there is little left for a bad hour; beyond FULL slots are missed.
NEAR = 0.8
FULL = 1.0
# No check is over sooner.
SHORTEST_MS = 0.01
# How many hang when a network or a provider has a bad hour, as a share of the targets.
HANGING = 0.1

DAY_S = 86_400
# Of a line of the log without its URL and its target's name (see aggregator.lines).
LINE_BYTES = 290
# With log.mode "changes" every so many lines that changed nothing are written (see aggregator.modes).
EVERY = 100


class Cpu(NamedTuple):
    """CPU of one check in microseconds, by who uses it."""

    fetchers_us: float
    scheduler_us: float
    aggregator_us: float

    @property
    def all_us(self) -> float:
        """Of all of them."""
        return sum(self)


# BENCHMARKS.md: new connections to distinct hosts, on the machine described there.
TYPICAL_CPU = Cpu(60, 7, 8)
# Below so many checks a second batches are small, and a check pays for being woken for it: up to ten times
# as much, which says nothing about a higher rate.
MEASURABLE_PER_S = 2000.0


class Demand(NamedTuple):
    """What a list asks for."""

    targets: int
    per_second: float
    # Slots in use if every check lasted until its time-out, without retries.
    worst_slots: float
    # Of the URL and the name, on average over the checks.
    named_bytes: float
    # Attempts that may follow the first.
    retries: int
    # Checks a second of the host that has most of them.
    host_per_second: float = 0.0


class Seen(NamedTuple):
    """How checks went so far."""

    latency_ms: float
    # Share of the slots that failed or were missed.
    failing: float


# A page that is neither near nor slow.
TYPICAL_SEEN = Seen(500.0, 0.01)


class Machine(NamedTuple):
    """What there is."""

    cores: int
    fetchers: int
    # Checks in flight per fetcher.
    slots: int
    # How long a result waits for the disk, while its check keeps its slot.
    commit_ms: float
    # What rotation leaves of the log, and what the disk has room for, with the log that is there.
    log_bytes: int
    disk_bytes: int
    # Checks in flight to one host (check.per_host); 0: as many as there are slots.
    per_host: int = 0
    # That a fetcher may have.
    descriptors: int = 1 << 20


class Need(NamedTuple):
    """What is needed of something, what there is of it, and the share that is in use then."""

    needs: float
    has: float
    share: float


class Plan(NamedTuple):
    """What a list needs of a machine."""

    checks: Need
    slots: Need
    hanging: Need
    worst: Need
    # Of the slots, those of the host that has most checks.
    host: Need
    fetchers: Need
    scheduler: Need
    aggregator: Need
    cores: Need
    # A day of log by log.mode.
    log: Mapping[str, Need]
    disk: Need


def plan(demand: Demand, seen: Seen, cpu: Cpu, machine: Machine) -> Plan:
    """All of it; how much of its capacity a list uses is the share of ``checks``."""
    held_s = max(seen.latency_ms + machine.commit_ms, SHORTEST_MS) / 1000
    all_slots = machine.fetchers * machine.slots
    of_host = _need(demand.host_per_second * held_s, machine.per_host or all_slots)
    # As far as each of these goes alone.
    most_per_second = min(
        all_slots / held_s,
        machine.fetchers * 1e6 / cpu.fetchers_us,
        1e6 / cpu.scheduler_us,
        1e6 / cpu.aggregator_us,
        machine.cores * 1e6 / cpu.all_us,
        # If all of the list grew alike.
        demand.per_second / of_host.share if of_host.share else inf,
    )
    rate = demand.per_second
    slots = rate * held_s
    busy = rate * cpu.fetchers_us / 1e6
    room = min(machine.log_bytes, machine.disk_bytes)
    return Plan(
        checks=_need(rate, most_per_second),
        slots=_need(slots, all_slots),
        hanging=_need((1 - HANGING) * slots + HANGING * max(demand.worst_slots, slots), all_slots),
        worst=_need(max(demand.worst_slots, slots), all_slots),
        host=of_host,
        fetchers=Need(enough(busy), machine.fetchers, busy / machine.fetchers),
        scheduler=_need(rate * cpu.scheduler_us / 1e6, 1),
        aggregator=_need(rate * cpu.aggregator_us / 1e6, 1),
        cores=_need(rate * cpu.all_us / 1e6, machine.cores),
        log={mode: _need(written, room) for mode, written in log_bytes(demand, seen).items()},
        disk=_need(machine.log_bytes, machine.disk_bytes),
    )


def _need(needs: float, has: float) -> Need:
    # A disk may have no room at all; one byte is as good as that.
    return Need(needs, has, needs / (has or 1.0))


def enough(used: float) -> int:
    """How many of something are only NEAR to full when so much is used."""
    return max(1, ceil(round(used / NEAR, 6)))


def log_bytes(demand: Demand, seen: Seen) -> dict[str, float]:
    """What each log.mode writes in a day, at most: as if each failure had all its retries.

    And as if each were a change, and the success after it another one.
    """
    lines = 1 + seen.failing * demand.retries
    failures = seen.failing * (1 + demand.retries)
    changes = min(lines, lines / EVERY + 2 * seen.failing)
    a_day = demand.per_second * DAY_S * (LINE_BYTES + demand.named_bytes)
    return {"all": a_day * lines, "changes": a_day * changes, "failures": a_day * failures}


class Limit(NamedTuple):
    """Something that can be full: "slots", "cores", or a process, which can use one core."""

    name: str
    used: float
    has: float

    @property
    def share(self) -> float:
        """Of one."""
        return self.used / self.has


def limits(slots: Limit, loads: Mapping[str, float], cores: int, loops: Iterable[str]) -> list[Limit]:
    """The fullest first. ``loads``: cores in use by process; ``loops``: those that checks pass through."""
    found = [slots, Limit("cores", sum(loads.values()), cores)]
    found += [Limit(name, loads[name], 1) for name in loops if name in loads]
    return sorted(found, key=lambda limit: limit.share, reverse=True)


def measured(loads: Mapping[str, float], per_second: float) -> Cpu | None:
    """CPU of a check from what the processes use at a rate; None: too little runs to tell."""
    fetchers = [cores for name, cores in loads.items() if is_fetcher(name)]
    if per_second < MEASURABLE_PER_S or not fetchers or not {"scheduler", "aggregator"} <= loads.keys():
        return None
    used = (sum(fetchers), loads["scheduler"], loads["aggregator"])
    # One that was never seen working takes next to nothing, not nothing.
    return Cpu(*(max(cores * 1e6 / per_second, 0.1) for cores in used))


def is_fetcher(name: str) -> bool:
    """Whether this is the name of one of the fetchers."""
    return name.startswith("fetcher-")
