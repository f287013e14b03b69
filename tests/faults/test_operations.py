"""What operators do in the middle of full load: scale, reload, drain one process, upgrade all of them.

PAGESTATUS_TEST_RATE=1500 makes it so many checks a second, and has each process drained by itself as well.
"""

from __future__ import annotations

import os
import random
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from downloads import NEEDS_NGINX
from page_site import PageSite, slow
from scripts.audit import log, minutes
from scripts.audit.log import microseconds
from scripts.bench_run.site import Pages, pages
from system import ACTORS, System, eventually

pytestmark = NEEDS_NGINX

RATE = int(os.environ.get("PAGESTATUS_TEST_RATE", "300"))
IS_LONG = "PAGESTATUS_TEST_RATE" in os.environ
# Longer than the fetchers are away when they are restarted: their checks wait, and are not missed.
INTERVAL_S = 3
INTERVAL_US = INTERVAL_S * 1_000_000
# In the list, and of those as many as are replaced by others.
TARGETS, REPLACED = RATE * INTERVAL_S, RATE * INTERVAL_S // 10
CONTENT = random.Random(1).randbytes(6 << 20)  # noqa: S311 - bytes to be recognised
# To each of the eight ranges: six seconds in all.
BYTES_A_SECOND = 128 << 10
# Nobody else knows the moment at which one list took the place of the other better than so.
REPLACING_US = 1_000_000
Names = AbstractSet[str]
Step = Callable[[], None]


class Load:
    """Targets on hosts of their own, of which some are to be replaced; and a download."""

    def __init__(self, folder: Path, site: Pages, files: PageSite) -> None:
        self._site = site
        self.before = [f"page {n}" for n in range(TARGETS)]
        self.after = [f"page {n}" for n in range(REPLACED, TARGETS + REPLACED)]
        self.system = System(folder, self._listed(self.before), fetchers=2, check__timeout=2)
        self._url = files.add(slow(CONTENT, BYTES_A_SECOND))

    def _listed(self, names: Iterable[str]) -> list[dict[str, object]]:
        return [
            {"name": name, "url": self._site.url(int(name.split()[1])), "interval": INTERVAL_S}
            for name in names
        ]

    def start(self) -> None:
        self.system.start()
        eventually(lambda: self.system.state() == "running", "all processes run", within_s=20)
        self.goes_on()
        self.asked = self.system.ask("wsbridge", "download", url=self._url)

    def goes_on(self) -> None:
        """For half a second's worth of checks."""
        self.system.until_checked(RATE // 2)

    def scale(self, fetchers: int) -> None:
        assert self.system.ctl("scale", str(fetchers)).returncode == 0
        eventually(lambda: len(self.system.fetcher_pids()) == fetchers, f"{fetchers} fetchers")

    def reload(self) -> None:
        self.system.write_list(self._listed(self.after))
        told = self.system.ctl("reload").stdout
        assert told == f"targets: {TARGETS:,} ({REPLACED:,} added, {REPLACED:,} removed)\n"

    def restart(self, *names: str) -> None:
        """As ``supervisorctl restart`` does: drained, and started again."""
        assert self.system.drain(*names) == dict.fromkeys(names or ACTORS, 0)
        self.system.start(*names)
        eventually(lambda: self.system.state() == "running", f"{names or 'all'} run again", within_s=20)

    def arrived(self) -> bool:
        """Whether the download is there, complete."""
        (told,) = self.system.ask("wsbridge", "downloads", **self.asked) or [{"process_status": ""}]
        assert told["process_status"] not in {"Failed", "Paused"}, told
        return bool(told["process_status"] == "Downloaded")


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    with pages(tmp_path) as site, PageSite() as files:
        load = Load(tmp_path, site, files)
        try:
            load.start()
            yield load
        finally:
            load.system.close()


def test_nothing_is_lost_whatever_an_operator_does(load: Load) -> None:
    system = load.system
    alone: list[Step] = [partial(load.restart, name) for name in ACTORS] if IS_LONG else []
    steps: list[Step] = [partial(load.scale, 1), partial(load.scale, 3), load.restart, load.reload]
    for step in alone + steps:
        step()
        load.goes_on()
    system.until_checked(TARGETS)
    eventually(load.arrived, "the download is there", within_s=30)
    assert (system.downloads_dir / "0.bin").read_bytes() == CONTENT
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    lines = system.lines()
    assert list(findings(lines, set(load.before), set(load.after))) == []
    assert list(minutes.findings(lines, log.minutes(system.data_dir))) == []
    outcomes = Counter((line.outcome, line.reason) for line in lines if line.final)
    # A result may reach an aggregator that drains by itself in the moment in which it closes its door.
    assert outcomes.pop(("missed", "lease"), 0) <= len(alone) * RATE // 100
    assert outcomes.keys() <= {("ok", ""), ("missed", "down"), ("missed", "drain"), ("missed", "removed")}


class Watched(NamedTuple):
    """A time in which a target was in the list, and every slot of it was to be settled."""

    first_us: int
    last_us: int

    def slots(self, one_us: int) -> range:
        """Of a target that has a slot at ``one_us``."""
        start_us = self.first_us + (one_us - self.first_us) % INTERVAL_US
        return range(start_us, self.last_us + 1, INTERVAL_US)

    @property
    def most(self) -> int:
        """Slots of any target."""
        return (self.last_us - self.first_us) // INTERVAL_US + 1


Finals = Mapping[str, Counter[int]]


def findings(lines: Iterable[log.Line], before: Names, after: Names) -> Iterator[str]:
    """What is wrong with the slots of a list that changed: lost, twice, or of one that is not watched."""
    finals: defaultdict[str, Counter[int]] = defaultdict(Counter)
    downs: dict[Watched, int] = {}
    for line in lines:
        if line.since is not None and line.until is not None:
            downs[Watched(microseconds(line.since) + 1, microseconds(line.until))] = line.slots
        elif line.final and line.due is not None:
            finals[line.target][microseconds(line.due)] += 1
    if strangers := finals.keys() - before - after:
        yield f"not in the list: {strangers}"
    if silent := after - finals.keys():
        yield f"without a line: {silent}"
    for target, watched in _watched(finals, min(downs).last_us + 1, before, after):
        yield from (f"{target}: {words}" for words in _wrong(finals[target], watched, downs))
    for down, told in downs.items():
        due = sum(len(down.slots(min(finals[target]))) for target in before & finals.keys())
        # Of some that were in the list for a short time nothing is known but that they are among those.
        if not due <= told <= due + len(before - finals.keys()) * down.most:
            yield f"{down}: {told} slots, and {due} fell due"


def _watched(finals: Finals, began_us: int, before: Names, after: Names) -> Iterator[tuple[str, Watched]]:
    """Each target, and when all of its slots were to be settled."""
    ended_us = max(map(max, finals.values()))
    replaced_us = max(max(found) for target, found in finals.items() if target not in after)
    for target in finals:
        first_us = began_us if target in before else replaced_us + REPLACING_US
        last_us = ended_us if target in after else replaced_us - REPLACING_US
        yield target, Watched(first_us, last_us)


def _wrong(found: Counter[int], watched: Watched, downs: Iterable[Watched]) -> Iterator[str]:
    one_us = min(found)
    nobody = {due_us for down in downs for due_us in down.slots(one_us)}
    if lost := {*watched.slots(one_us)} - nobody - found.keys():
        yield f"nothing is said of {sorted(lost)}"
    if twice := [due_us for due_us, count in found.items() if count > 1]:
        yield f"settled twice: {twice}"
    if strange := [due_us for due_us in found if due_us in nobody or (due_us - one_us) % INTERVAL_US]:
        yield f"not due, or when nobody ran: {strange}"
