"""Every slot ends in exactly one final record, whatever dies, stops, fills up or is lost on the way.

The real actors run on a held clock, network and disk, and a seed decides what goes wrong when. By hand:

    PAGESTATUS_TEST_SEED=1000 PAGESTATUS_TEST_STEPS=5000000 scripts/test tests/simulation
"""

from __future__ import annotations

import itertools
import logging
import os
import shutil
from collections.abc import Iterator
from math import ceil
from pathlib import Path

import pytest

from aggregator.actor import Aggregator
from fetchers.actor import Fetcher
from scheduler.actor import Scheduler
from scheduler.handover import Step
from simulation.faults import Faults
from simulation.network import SECOND_US
from simulation.process import Process
from simulation.promises import broken, disagreeing
from simulation.world import World

SEED = int(os.environ.get("PAGESTATUS_TEST_SEED", "1"))
# Some twenty seconds; a run begins with each seed from the first on until they are used up. More are as many
# tests, none of which takes so long that it seems to hang.
STEPS_A_TEST = 300_000
STEPS = int(os.environ.get("PAGESTATUS_TEST_STEPS", STEPS_A_TEST))
STEPS_A_RUN = 10_000
# More than a test uses.
SEEDS_A_TEST = 100
# Until every fetcher that nobody told about is forgotten, and every fence has lapsed.
HEALING_US = 130 * SECOND_US
MOST_SHOWN = 20
LONGEST_DRAIN_US = 25 * SECOND_US


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    """What actors say about faults is not of interest here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.parametrize(
    "first_seed", range(SEED, SEED + ceil(STEPS / STEPS_A_TEST) * SEEDS_A_TEST, SEEDS_A_TEST)
)
def test_every_slot_ends_in_exactly_one_final_record(tmp_path: Path, first_seed: int) -> None:
    steps = min(STEPS, STEPS_A_TEST)
    for seed in itertools.count(first_seed):
        steps -= steps_of_run(seed, tmp_path / str(seed))
        if steps <= 0:
            break


def steps_of_run(seed: int, data_dir: Path) -> int:
    """One world from its beginning to its end, and all promises."""
    data_dir.mkdir()
    world = World(seed, data_dir)
    faults = Faults(world)
    with pytest.MonkeyPatch.context() as monkeypatch:
        world.install(monkeypatch)
        try:
            end_us = live(world, faults)
            assert list(itertools.islice(broken(world, data_dir, end_us), MOST_SHOWN)) == []
        except Exception as mistake:
            mistake.add_note(f"PAGESTATUS_TEST_SEED={seed} PAGESTATUS_TEST_STEPS=1; faults: {faults.names}")
            raise
    shutil.rmtree(data_dir)
    return world.rounds


def live(world: World, faults: Faults) -> int:
    """Faults, then peace, then the drain in the order of the flow; up to when slots fell due."""
    world.start()
    faults.begin()
    world.run_until(rounds=STEPS_A_RUN)
    faults.end()
    world.run_until(world.now_us + HEALING_US)
    world.closing = True
    scheduler = drained(world, world.scheduler)
    aggregator = drained(world, world.aggregator)
    assert isinstance(scheduler.actor, Scheduler)
    nothing_left(world, scheduler.actor)
    assert isinstance(aggregator.actor, Aggregator)
    few_left(aggregator.actor)
    if world.schedulers_started == 1 and len(world.history.counted) == 1:
        found = list(disagreeing(scheduler.actor.planner.accounts, world.config.data_dir))
        assert not found, found
    return scheduler.actor.planner.swept_us


def drained(world: World, process: Process | None) -> Process:
    """Drain it and see it end by itself."""
    assert process is not None
    process.drain()
    world.run_until(world.now_us + LONGEST_DRAIN_US)
    assert process.drained
    return process


def nothing_left(world: World, scheduler: Scheduler) -> None:
    """Nothing is in flight, nothing waits, all credit is back, and nothing has grown."""
    planner = scheduler.planner
    dispatcher = planner.dispatcher
    assert scheduler.handover.step is Step.DONE, scheduler.handover.down
    assert (planner.accounts.in_flight, len(planner.book), planner.slots) == (0, 0, {})
    assert set(dispatcher.waiting_counts.values()) == {0}
    assert [len(dispatcher._leases), len(dispatcher._slow_leases), len(dispatcher._queues)] == [0, 0, 0]
    assert {fetcher.epoch for fetcher in dispatcher.fetchers.values()} == {
        fetcher.actor._epoch for fetcher in world.fetchers.values() if isinstance(fetcher.actor, Fetcher)
    }
    for fetcher in dispatcher.fetchers.values():
        assert (fetcher.leases, fetcher.slow_leases, fetcher.credit) == (0, 0, world.config.slots)
    assert scheduler._ports.keys() == dispatcher.fetchers.keys()
    assert len(planner._retries) <= len(planner.catalog)


def few_left(aggregator: Aggregator) -> None:
    """What is remembered is of the last two minutes."""
    ledger = aggregator._ledger
    assert len(ledger._slots._minutes) <= 2, ledger._slots._minutes
    assert all(until_us >= ledger._slots.watermark_us for _since_us, until_us in ledger._downtime.windows)
    assert ledger._downtime.fence is None
