"""The aggregator dies between the write and the commit, and in the middle of a line, again and again.

PAGESTATUS_TEST_KILLS=200 has it die 200 times.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import cycle, islice

import pytest

import dying_aggregator
from dying_aggregator import MINUTE_US
from page_site import PageSite
from pagestatus.config import MINUTES_LOG, RESULTS_LOG
from range_site import answer
from scripts.audit import minutes
from scripts.soak_run.dying import Death, Step
from system import ACTORS, SLOWNESS, System, eventually

KILLS = int(os.environ.get("PAGESTATUS_TEST_KILLS", "12"))
SEED = int(os.environ.get("PAGESTATUS_TEST_SEED", "1"))
# A slot lasts longer than a lease: what is lost with the aggregator can be measured again.
TARGETS, INTERVAL_S, TIMEOUT_S = 800, 8, 0.5
# A minute's line comes when all before it is settled.
PLACES = [(MINUTES_LOG, step, 1) for step in Step] + [(RESULTS_LOG, step, 3) for step in Step] * 7
# Of one system: many in a row take longer than a test may.
MOST = 40
PARTS = [(SEED + done, min(MOST, KILLS - done)) for done in range(0, KILLS, MOST)]


@pytest.fixture
def system(make_system: Callable[..., System]) -> Iterator[System]:
    """All of it but the aggregator."""
    with PageSite() as site:
        url = site.add(lambda _asked: [answer(200, b"hello")])
        system = make_system(
            [{"name": f"page {n}", "url": url, "interval": INTERVAL_S} for n in range(TARGETS)],
            check__timeout=TIMEOUT_S,
            check__per_host=0,
            # Each round of its loop writes a piece of its own.
            log__fsync_ms=0,
        )
        system.start("wsbridge", "fetchers")
        start_scheduler(system)
        yield system


def deaths(seed: int, kills: int) -> Iterator[Death]:
    """Of every kind."""
    source = random.Random(seed)  # noqa: S311 - a history, not a secret
    for file, step, most in islice(cycle(PLACES), kills):
        yield Death(file, step, source.randint(1, most), source.random())


def start_scheduler(system: System) -> None:
    """In the place of one before, whose leases it does not wait for: it asks what is settled."""
    if "scheduler" in system.processes:
        system.kill("scheduler")
    system.start("scheduler")


def start_aggregator(system: System, death: Death | None = None) -> subprocess.Popen[bytes]:
    """In its place; without a ``death`` it lives on."""
    folder = system.urls.parent
    with (folder / "aggregator.out").open("ab") as output:
        system.processes["aggregator"] = subprocess.Popen(
            [sys.executable, dying_aggregator.__file__, json.dumps(death)],
            cwd=folder,
            env=system.environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    return system.processes["aggregator"]


@pytest.mark.parametrize(("seed", "kills"), PARTS)
def test_each_slot_has_its_line_wherever_the_aggregator_dies(
    system: System, monkeypatch: pytest.MonkeyPatch, seed: int, kills: int
) -> None:
    # Those of this aggregator are short.
    monkeypatch.setattr(minutes, "MINUTE_US", MINUTE_US)
    torn = 0
    for death in deaths(seed, kills):
        if death.file == MINUTES_LOG:
            start_scheduler(system)
        process = start_aggregator(system, death)
        assert process.wait(30 * SLOWNESS) == -signal.SIGKILL, death
        last = (system.data_dir / death.file).read_bytes()[-1:]
        assert (last == b"\n") is (death.step is not Step.TORN), death
        torn += death.step is Step.TORN
    start_aggregator(system)
    start_scheduler(system)
    eventually(lambda: system.schedule().get("checked_total", 0) >= 20, "20 more slots are checked")
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []
    said = (system.data_dir / "aggregator.log").read_text(encoding="utf-8")
    assert said.count("cut off a torn last line") == torn
    outcomes = Counter((line.outcome, line.reason) for line in system.lines() if line.final)
    reasons = {reason for outcome, reason in outcomes if outcome == "missed"}
    # No site is blamed; a slot may last no longer than so many deaths in a row.
    assert outcomes.keys() == {("ok", ""), *(("missed", reason) for reason in reasons)}
    assert reasons <= {"down", "drain", "lease", "overrun"}
    # For who wants to know, and reads it with pytest -rP.
    sys.stdout.write(f"{kills} deaths: {dict(outcomes)}\n")
