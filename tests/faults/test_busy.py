"""A processor that is busy with something else: checks are later, and right."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from episode import Episode
from page_site import PageSite
from range_site import answer
from scripts.soak_run.faults.processes import busy
from system import ACTORS, SLOWNESS, System, eventually

TARGETS = 20
ROUNDS = 2
# For each core, with no more right to it than we have.
SPINNERS_A_CORE = 3
# A twentieth of a timeslice each, and the site's own.
MOST_LAG_MS = 2000


def test_a_busy_processor(make_system: Callable[..., System]) -> None:
    with PageSite() as site:
        listed: list[dict[str, object]] = [
            {"name": f"page {n}", "url": site.add(lambda _asked: [answer(200, b"hello")]), "interval": 1}
            for n in range(TARGETS)
        ]
        names = [str(target["name"]) for target in listed]
        system = make_system(listed, check__timeout=0.9)
        episode = Episode(system, names)
        system.start()
        eventually(episode.is_well, "all is well", within_s=20)
        during = Episode(system, names)
        with ExitStack() as others:
            for _ in range(SPINNERS_A_CORE):
                others.enter_context(busy())
            during.until("ok", "", ROUNDS * TARGETS)
            assert system.state() == "running"
        during.until_well("busy")
        assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []
    assert set(episode.finals()) == {("ok", "")}
    assert max(line.lag_ms or 0 for line in during.lines()) < MOST_LAG_MS * SLOWNESS
