"""The state of the whole, composed from what the processes answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import time_ns
from typing import Any

import msgspec

from pagestatus.addresses import Addresses
from pagestatus.capacity import NEAR, Limit, is_fetcher, limits
from pagestatus.clock import MINUTE_US, SECOND_US, iso
from pagestatus.config import MINUTES_LOG
from pagestatus.control import NoAnswer, Silent
from pagestatus.ctl.answers import (
    Bridge,
    Downloads,
    Lender,
    Pool,
    Process,
    Schedule,
    Scheduler,
    Targets,
)
from pagestatus.ctl.machine import cores
from pagestatus.ctl.minutes import last_minutes, told
from pagestatus.ctl.output import Refused
from pagestatus.ctl.own_faults import LOOKED_AT, RECENT_S, OwnFaults, own_faults
from pagestatus.ctl.place import DEGRADED, NOT_RUNNING, Place, understood
from pagestatus.ctl.remedies import remedy
from pagestatus.load import LATELY_S

WATCHDOG = "watchdog"
RUNNING = "running"
ABSENT = "absent"
SILENT = "silent"
EXIT_CODES = {RUNNING: 0, "degraded": DEGRADED, "not running": NOT_RUNNING}
SHAPES: dict[str, type[Process]] = {
    "scheduler": Scheduler,
    "aggregator": Process,
    "fetchers": Pool,
    "wsbridge": Bridge,
    # Under supervisord alone.
    WATCHDOG: Process,
}
# The processes that every check passes through, beside the fetchers.
_EACH_CHECK = ("scheduler", "aggregator")
# After this what was used lately has nothing to do with starting.
SETTLED_S = 2 * LATELY_S


@dataclass(frozen=True)
class Picture:
    """What ``status`` shows."""

    processes: list[Process]
    scheduler: Scheduler | None = None
    bridge: Bridge | None = None
    # The last line of minutes.log, as it is.
    minute: Mapping[str, Any] = field(default_factory=dict)
    # Where the logs are.
    data_dir: Path = Path()
    # Of this machine.
    cores: int = 1
    own_faults: OwnFaults = field(default_factory=OwnFaults)

    @property
    def state(self) -> str:
        """``running``, ``degraded``, ``not running``."""
        states = {process.state for process in self.processes}
        if states == {ABSENT}:
            return "not running"
        return RUNNING if all(map(is_well, self.processes)) else "degraded"

    @property
    def lenders(self) -> list[Lender]:
        """What the scheduler knows of the fetchers, without those whose place another one has taken."""
        by_index: dict[int, Lender] = {}
        for lender in self.scheduler.fetchers if self.scheduler else ():
            if lender.alive or lender.fetcher not in by_index:
                by_index[lender.fetcher] = lender
        return [by_index[index] for index in sorted(by_index)]

    @property
    def loads(self) -> dict[str, float]:
        """Cores in use by process; none while one has just begun: starting takes CPU, too."""
        if any(process.uptime_s is not None and process.uptime_s < SETTLED_S for process in self.processes):
            return {}
        return {process.name: process.load for process in self.processes if process.load is not None}

    @property
    def per_second(self) -> float:
        """Checks, lately."""
        schedule = self.scheduler.schedule if self.scheduler else None
        return schedule.per_second if schedule else 0.0

    @property
    def limits(self) -> list[Limit]:
        """What is in use of what there is, the fullest first; empty when the scheduler does not tell."""
        schedule = self.scheduler.schedule if self.scheduler else None
        lenders = [lender for lender in self.lenders if lender.alive and lender.slots]
        if schedule is None or not lenders:
            return []
        minute = told(self.minute)
        # What falls due needs them, also what is missed for want of them.
        rate = max(schedule.per_second, minute.due * SECOND_US / MINUTE_US if minute else 0.0)
        needed = rate * ((minute and minute.latency_ms.mean) or 0.0) / 1000
        used = max(needed, sum(lender.leases for lender in lenders))
        loops = [*_EACH_CHECK, *filter(is_fetcher, self.loads)]
        return limits(
            Limit("slots", used, sum(lender.slots for lender in lenders)), self.loads, self.cores, loops
        )

    @property
    def warning(self) -> str | None:
        """Told before slots are missed. What is not whole has other troubles, which fill slots as well."""
        found = self.limits
        return remedy(found) if self.state == RUNNING and found and found[0].share >= NEAR else None

    def as_json(self) -> dict[str, Any]:
        """The shape of ``status --json``. What only one process knows is empty when that does not answer."""
        targets: Targets | dict[str, int] = self.scheduler.targets if self.scheduler else {}
        schedule: Schedule | dict[str, int] = (self.scheduler and self.scheduler.schedule) or {}
        downloads: Downloads | dict[str, int] = self.bridge.downloads if self.bridge else {}
        picture: dict[str, Any] = msgspec.to_builtins(
            {
                "state": self.state,
                "processes": [_plain(process) for process in self.processes],
                "targets": targets,
                "schedule": schedule,
                "minute": self.minute,
                "downloads": downloads,
                "capacity": _capacity(self),
            }
        )
        return picture


def _capacity(picture: Picture) -> dict[str, object]:
    found = picture.limits
    if not found:
        return {}
    return {
        "share": found[0].share,
        "limit": found[0].name,
        "warning": picture.warning,
        "limits": {
            limit.name: {"used": limit.used, "has": limit.has, "share": limit.share} for limit in found
        },
    }


def is_well(process: Process) -> bool:
    """A fetcher that drains makes room for another number of them: nothing is amiss."""
    return process.state == RUNNING or (process.state == "draining" and process.name not in SHAPES)


def look(place: Place) -> Picture:
    """Ask all processes at once, and compose."""
    addresses = place.addresses
    is_watched = addresses.control(WATCHDOG).exists()
    actors = [name for name in SHAPES if is_watched or name != WATCHDOG]
    asked: dict[str, tuple[str, str, Mapping[str, object]]] = {
        name: (name, "status", {}) for name in (*actors, *place.fetchers())
    }
    asked["log_path"] = ("aggregator", "log_path", {})
    asked["failures"] = ("aggregator", "failures", {"n": LOOKED_AT})
    answers = place.ask_all(asked)
    path = place.path_of(MINUTES_LOG, answers["log_path"])
    try:
        minutes = last_minutes(path, 1)
    except OSError:
        # How it goes can be said without it.
        minutes = []
    picture = compose(answers, minutes[-1] if minutes else {}, path.parent, cores())
    picture = replace(picture, processes=[_found(process, addresses) for process in picture.processes])
    since = iso(time_ns() // 1000 - RECENT_S * SECOND_US)
    return replace(picture, own_faults=own_faults(answers["failures"], since))


def compose(answers: Mapping[str, Any], minute: Mapping[str, Any], data_dir: Path, cores: int) -> Picture:
    """The picture from the answers by process; an exception stands where none came."""
    heard = {name: _heard(name, answers[name]) for name in SHAPES if name in answers}
    scheduler, bridge = heard["scheduler"], heard["wsbridge"]
    picture = Picture(
        list(heard.values()),
        scheduler if isinstance(scheduler, Scheduler) else None,
        bridge if isinstance(bridge, Bridge) else None,
        minute,
        data_dir,
        cores,
    )
    fetchers = [_as_it_tells(fetcher, answers) for fetcher in _fetchers(heard["fetchers"], picture.lenders)]
    return replace(picture, processes=[*picture.processes, *fetchers])


def _found(process: Process, addresses: Addresses) -> Process:
    """Of one that does not answer its lock tells who it is: somebody may have to end it."""
    if process.state != SILENT or process.pid is not None:
        return process
    try:
        pid = int(addresses.lock(process.name).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return process
    return msgspec.structs.replace(process, pid=pid)


def _heard(name: str, answer: object) -> Process:
    if isinstance(answer, NoAnswer) and not isinstance(answer, Silent):
        return Process(name, ABSENT)
    if isinstance(answer, Exception):
        return Process(name, SILENT)
    try:
        return understood(name, answer, SHAPES[name])
    except Refused:
        return Process(name, "unknown")


def _fetchers(pool: Process, lenders: Sequence[Lender]) -> list[Process]:
    """The fetchers as their pool tells of them, else as far as the scheduler knows."""
    if not isinstance(pool, Pool):
        return [
            Process(f"fetcher-{lender.fetcher}", RUNNING if lender.alive else SILENT) for lender in lenders
        ]
    there = {process.name for process in pool.fetchers}
    wanted = [f"fetcher-{index}" for index in range(1, pool.wanted + 1)]
    return [*pool.fetchers, *(Process(name, ABSENT) for name in wanted if name not in there)]


def _as_it_tells(fetcher: Process, answers: Mapping[str, Any]) -> Process:
    """What the pool knows of it, and what it tells of itself."""
    answer = answers.get(fetcher.name)
    if isinstance(answer, Silent):
        return msgspec.structs.replace(fetcher, state=SILENT)
    try:
        own = understood(fetcher.name, answer, Process)
    except Refused:
        return fetcher
    return msgspec.structs.replace(
        own, pid=fetcher.pid, state=fetcher.state, uptime_s=fetcher.uptime_s, trouble=fetcher.trouble
    )


def _plain(process: Process) -> dict[str, object]:
    return {
        "name": process.name,
        "pid": process.pid,
        "state": process.state,
        "uptime_s": process.uptime_s,
        "cpu_s": process.cpu_s,
        "load": process.load,
    }
