"""The state of the whole, composed from what the processes answered; what is wrong with it, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import msgspec

from pagestatus.config import MINUTES_LOG
from pagestatus.control import NoAnswer, Silent
from pagestatus.ctl.answers import (
    Bridge,
    Downloads,
    Lender,
    ListState,
    Pool,
    Process,
    Schedule,
    Scheduler,
    Targets,
)
from pagestatus.ctl.minutes import last_minutes
from pagestatus.ctl.output import Refused
from pagestatus.ctl.place import DEGRADED, NOT_RUNNING, Place, understood

RUNNING = "running"
ABSENT = "absent"
SILENT = "silent"
EXIT_CODES = {RUNNING: 0, "degraded": DEGRADED, "not running": NOT_RUNNING}
_SHAPES: dict[str, type[Process]] = {
    "scheduler": Scheduler,
    "aggregator": Process,
    "fetchers": Pool,
    "wsbridge": Bridge,
}

_WITHOUT = {
    "scheduler": "nothing is checked",
    "aggregator": "no result is written, and checking stops once the fetchers are full",
    "fetchers": "nothing is checked, every slot is missed, and no download runs",
    "wsbridge": "no download runs, none can be asked for",
}
# A process's own word for a disk that takes nothing is ``blocked``: what does not reach it.
_BLOCKED = {"aggregator": "Results do", "wsbridge": "The journal of downloads does"}


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

    @property
    def state(self) -> str:
        """``running``, ``degraded``, ``not running``."""
        states = {process.state for process in self.processes}
        if states == {ABSENT}:
            return "not running"
        return RUNNING if all(map(_is_well, self.processes)) else "degraded"

    @property
    def lenders(self) -> list[Lender]:
        """What the scheduler knows of the fetchers, without those whose place another one has taken."""
        by_index: dict[int, Lender] = {}
        for lender in self.scheduler.fetchers if self.scheduler else ():
            if lender.alive or lender.fetcher not in by_index:
                by_index[lender.fetcher] = lender
        return [by_index[index] for index in sorted(by_index)]

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
            }
        )
        return picture


def _is_well(process: Process) -> bool:
    """A fetcher that drains makes room for another number of them: nothing is amiss."""
    return process.state == RUNNING or (process.state == "draining" and process.name not in _SHAPES)


def look(place: Place) -> Picture:
    """Ask all processes at once, and compose."""
    answers = place.ask_all(
        {name: (name, "status", {}) for name in _SHAPES} | {"log_path": ("aggregator", "log_path", {})}
    )
    path = place.path_of(MINUTES_LOG, answers["log_path"])
    try:
        minutes = last_minutes(path, 1)
    except OSError:
        # How it goes can be said without it.
        minutes = []
    return compose(answers, minutes[-1] if minutes else {}, path.parent)


def compose(answers: Mapping[str, Any], minute: Mapping[str, Any], data_dir: Path) -> Picture:
    """The picture from the answers by process; an exception stands where none came."""
    heard = {name: _heard(name, answers[name]) for name in _SHAPES}
    scheduler, bridge = heard["scheduler"], heard["wsbridge"]
    picture = Picture(
        list(heard.values()),
        scheduler if isinstance(scheduler, Scheduler) else None,
        bridge if isinstance(bridge, Bridge) else None,
        minute,
        data_dir,
    )
    fetchers = _fetchers(heard["fetchers"], picture.lenders)
    return replace(picture, processes=[*picture.processes, *fetchers])


def _heard(name: str, answer: object) -> Process:
    if isinstance(answer, NoAnswer) and not isinstance(answer, Silent):
        return Process(name, ABSENT)
    if isinstance(answer, Exception):
        return Process(name, SILENT)
    try:
        return understood(name, answer, _SHAPES[name])
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


def _plain(process: Process) -> dict[str, object]:
    return {
        "name": process.name,
        "pid": process.pid,
        "state": process.state,
        "uptime_s": process.uptime_s,
    }


def troubles(picture: Picture) -> Iterator[str]:
    """What is not as it should be, and what to do about it; one sentence each."""
    if picture.state == "not running":
        yield "Nothing runs here. Start it with scripts/run, or name its run_dir with --run-dir."
        return
    for process in picture.processes:
        if _is_well(process):
            continue
        log = picture.data_dir / f"{process.name if process.name in _SHAPES else 'fetchers'}.log"
        without = _WITHOUT.get(process.name, "the others do its work")
        match process.state:
            case "absent":
                yield f"{process.name} is not running: {without}. If it stays away, see {log}."
            case "silent":
                yield f"{process.name} does not answer: {without}. If that lasts, see {log} and kill -9 it."
            case "starting":
                yield f"{process.name} is starting. If that lasts, see {log}."
            case "draining":
                yield f"{process.name} is finishing what is in flight, and then ends."
            case "blocked" if what := _BLOCKED.get(process.name):
                room = f"make room in {picture.data_dir}, then it goes on by itself"
                yield f"{what} not reach the disk: {room}."
            case state:
                yield f"{process.name} is {state}: see {log}."
    if picture.scheduler is not None:
        yield from _list_troubles(picture.scheduler.list)


def _list_troubles(state: ListState) -> Iterator[str]:
    if state.problem:
        yield f"{state.problem}: the list before is kept."
    if state.mistakes:
        yield f"Entries of the list are left out: {state.mistakes}. {state.explained_by} says why."
