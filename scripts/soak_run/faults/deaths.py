"""The aggregator dies on its way to the disk: in the middle of a line, after the write, after the sync."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pagestatus.config import RESULTS_LOG
from scripts.soak_run.dying import TAKEN, Death, Step
from scripts.soak_run.fault import NotHealed
from scripts.soak_run.faults.processes import killed
from scripts.soak_run.system import has_ended
from scripts.soak_run.world import World

AGGREGATOR = "aggregator"
# Which piece it is at most.
LATEST = 20
STARTS_S, DIES_S = 20.0, 60.0


@contextmanager
def dying(world: World, step: Step) -> Iterator[None]:
    """One that is to die at this step takes its place; it has died when this begins."""
    death = Death(RESULTS_LOG, step, world.random.randint(1, LATEST), world.random.random())
    orders = world.system.orders
    orders.write_text(json.dumps(death), encoding="ascii")
    try:
        with killed(world.system.pid(AGGREGATOR)):
            pid = _who_took(orders)
        if not has_ended(pid, DIES_S):
            raise NotHealed(f"the aggregator that was to die does not: {death}")
    finally:
        orders.unlink(missing_ok=True)
    yield


def _who_took(orders: Path) -> int:
    deadline = time.monotonic() + STARTS_S
    while orders.exists():
        if time.monotonic() > deadline:
            raise NotHealed("no other aggregator has started")
        time.sleep(0.01)
    return int(orders.with_suffix(TAKEN).read_text(encoding="ascii"))
