"""What goes wrong, and what operators do: one thing after the other, in an order that the seed decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from scheduler.actor import Scheduler
from simulation.network import SECOND_US
from simulation.process import Process

if TYPE_CHECKING:
    from simulation.world import World

NAMES = (
    "kill_scheduler",
    "kill_aggregator",
    "kill_fetcher",
    "kill_pool",
    "stop",
    "drain_scheduler",
    "drain_aggregator",
    "crash_in_write",
    "fill_disk",
    "fail_sync",
    "reload",
    "pause",
    "scale",
    "reopen",
    "set_clock",
    "quiet",
)
ALWAYS = ("quiet",)
LONGEST_STOP_S = 40.0


class Faults:
    """Strikes until it is told to end."""

    def __init__(self, world: World) -> None:
        self._world = world
        random = world.random
        # Few kinds at a time go deeper than all together.
        self.names = sorted({*random.sample(NAMES, random.randint(1, 6)), *ALWAYS})
        self._gap_s = random.choice([0.3, 2.0, 10.0, 30.0])
        self._ended = False
        self.struck: list[tuple[int, str]] = []

    def begin(self) -> None:
        """Strike after a while, and again."""
        self._world.after(self._world.random.expovariate(1 / self._gap_s), self._strike)

    def end(self) -> None:
        """Heal everything."""
        world = self._world
        self._ended = True
        world.healed = True
        world.disk.is_full = world.disk.fails_sync = False
        world.disk.dies_in = 0
        world.conditions.heal()
        for process in self._processes():
            process.go_on()

    def _strike(self) -> None:
        if self._ended:
            return
        name = self._world.random.choice(self.names)
        self.struck.append((self._world.now_us, name))
        act: Callable[[], None] = getattr(self, f"_{name}")
        act()
        self.begin()

    def _processes(self) -> list[Process]:
        world = self._world
        some = (world.scheduler, world.aggregator, *world.fetchers.values())
        return [process for process in some if process is not None]

    def _quiet(self) -> None:
        pass

    def _kill_scheduler(self) -> None:
        if self._world.scheduler is not None:
            self._world.scheduler.kill()

    def _kill_aggregator(self) -> None:
        if self._world.aggregator is not None:
            self._world.aggregator.kill()

    def _kill_fetcher(self) -> None:
        if self._world.fetchers:
            self._world.random.choice(list(self._world.fetchers.values())).kill()

    def _kill_pool(self) -> None:
        """Its fetchers die with it, and nobody tells."""
        for process in list(self._world.fetchers.values()):
            process.kill()

    def _stop(self) -> None:
        processes = self._processes()
        if processes:
            process = self._world.random.choice(processes)
            process.stop()
            share = self._world.random.random() ** 4
            self._world.after(0.01 + share * LONGEST_STOP_S, process.go_on)

    def _drain_scheduler(self) -> None:
        if self._world.scheduler is not None:
            self._world.scheduler.drain()

    def _drain_aggregator(self) -> None:
        if self._world.aggregator is not None:
            self._world.aggregator.drain()

    def _crash_in_write(self) -> None:
        self._world.disk.dies_in = self._world.random.randint(1, 20)

    def _fill_disk(self) -> None:
        self._for_a_while("is_full")

    def _fail_sync(self) -> None:
        self._for_a_while("fails_sync")

    def _for_a_while(self, what: str) -> None:
        disk = self._world.disk
        setattr(disk, what, True)
        self._world.after(self._world.random.random() ** 2 * 30, lambda: setattr(disk, what, False))

    def _reload(self) -> None:
        self._world.listing.edit()
        process = self._world.scheduler
        if process is not None:
            process.do(process.actor.reload)

    def _pause(self) -> None:
        """Pause or resume any target."""
        process = self._world.scheduler
        if process is None or process.stopped or not isinstance(process.actor, Scheduler):
            return
        commands = process.actor.commands()
        targets = process.actor.planner.catalog.ids
        if targets:
            command = self._world.random.choice(["pause", "resume"])
            wanted = {"target": f"{self._world.random.choice(targets):016x}"}
            process.do(lambda: commands[command](wanted))

    def _scale(self) -> None:
        self._world.scale(self._world.random.randint(0, 4))

    def _set_clock(self) -> None:
        """Somebody sets the clock, forward or back; whoever runs follows it only forward."""
        self._world.wall_ahead_us += int(self._world.random.uniform(-1, 1) ** 3 * 60 * SECOND_US)

    def _reopen(self) -> None:
        process = self._world.aggregator
        if process is not None and not process.stopped:
            process.do(process.actor.reopen)
