"""What a soak has left, held against the promises; and the figures of it all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from scripts.audit import log as audit_log
from scripts.audit import minutes
from scripts.audit.__main__ import intervals_us
from scripts.audit.slots import gathered
from scripts.soak_run import answers, blame, growth, log, passing
from scripts.soak_run.downloader import Downloader
from scripts.soak_run.fault import Struck
from scripts.soak_run.record import requests
from scripts.soak_run.striker import Striker
from scripts.soak_run.watcher import Watcher
from scripts.soak_run.witnessed import Witnessed
from scripts.soak_run.world import World


@dataclass
class Judgement:
    """Figures, and what breaks a promise, by the promise."""

    struck: Sequence[Struck]
    # Slots by outcome and reason.
    slots: Counter[tuple[str, str]] = field(default_factory=Counter)
    attempts: int = 0
    requests: int = 0
    unknown_requests: int = 0
    ok_attempts: int = 0
    questions: int = 0
    downloads: Mapping[str, int] = field(default_factory=dict)
    downloaded_bytes: int = 0
    grown: Sequence[growth.Grown] = ()
    findings: dict[str, list[str]] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        """Nothing breaks a promise."""
        return not any(self.findings.values())


def judge(world: World, striker: Striker, watcher: Watcher, downloader: Downloader) -> Judgement:
    """Look at everything, once the system has drained."""
    struck = striker.struck
    found = Judgement(struck, questions=watcher.asked)
    found.downloads, found.downloaded_bytes = dict(downloader.ends), downloader.bytes
    found.grown = list(growth.grown(watcher.samples))
    told = found.findings
    told["well again after each fault"] = striker.findings
    try:
        told["one final line a slot, minutes that add up"] = list(_audited(world, found))
        told["no ok that was not measured"] = list(_witnessed(world, found))
        told["no fail that is our own fault"] = list(
            blame.findings(log.attempts(world.system.data_dir), struck)
        )
    except msgspec.DecodeError as mistake:
        told["every line is whole"] = [str(mistake)]
    told["downloads are right"] = downloader.findings
    told["nothing grows"] = [finding for one in found.grown for finding in one.findings()]
    told["answers within a second"] = list(answers.findings(watcher.unanswered, struck))
    told["the books are right"] = watcher.wrong_books
    return found


def _audited(world: World, found: Judgement) -> Iterator[str]:
    data_dir = world.system.data_dir
    listed = intervals_us(world.urls)
    slots = gathered(
        line for line in audit_log.lines(data_dir) if line.since is not None or line.target in listed
    )
    found.slots = slots.outcomes
    yield from slots.findings(listed)
    yield from passing.findings(
        line for line in audit_log.lines(data_dir) if line.since is None and line.target not in listed
    )
    yield from minutes.findings(audit_log.lines(data_dir), audit_log.minutes(data_dir))


def _witnessed(world: World, found: Judgement) -> Iterator[str]:
    asked = requests(world.site.record)
    found.requests = sum(map(len, asked.values()))
    witnessed = Witnessed(asked)
    witnessed.see(log.attempts(world.system.data_dir))
    yield from witnessed.findings(found.struck)
    found.unknown_requests = sum(1 for _ in witnessed.unknown())
    found.attempts, found.ok_attempts = witnessed.attempts, witnessed.ok
