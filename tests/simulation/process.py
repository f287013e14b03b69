"""A process of the simulated machine: a real actor on a held loop, which can be stopped and killed."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from pagestatus.addresses import Addresses
from pagestatus.clock import Clock
from pagestatus.config import Config
from pagestatus.runner import DRAIN_S, HEARTBEAT_S, Actor, Runner
from simulation.network import NEVER, SECOND_US, HeldLoop, Inbox, Outbox

if TYPE_CHECKING:
    from simulation.world import World


class Killed(BaseException):
    """The process is no more, in the middle of a call."""


class Process:
    """Does for an actor what the runner does; the actor takes it for one."""

    def __init__(self, world: World, actor: Actor, config: Config) -> None:
        self.world = world
        self.actor = actor
        self.config = config
        self.addresses = Addresses(config.run_dir)
        self.loop = HeldLoop(world.monotonic)
        self.clock = Clock(world.wall_ns, world.monotonic_ns)
        self.context = self
        self.inbox: Inbox | None = None
        self.outboxes: list[Outbox] = []
        self.alive = True
        self.stopped = False
        self.draining = False
        # Ended by itself, with nothing in flight.
        self.drained = False
        self.after_round: Callable[[], None] = _nothing
        self.ended: Callable[[Process], None] = _ignore
        self._wake_us = NEVER
        self._ends = False
        self._next_second = 0.0

    def start(self) -> None:
        """Begin; raises ``Killed``."""
        self.actor.start(cast("Runner", self))
        self.loop.before_wait(self._look_at_drain)
        self._next_second = self.loop.now
        self._second()
        self.wake(self.world.now_us)

    def wake(self, at_us: int) -> None:
        """See to it that a round is made at ``at_us`` or before."""
        if at_us < self._wake_us:
            self._wake_us = at_us
            self.world.at(at_us, self._woken)

    def do(self, act: Callable[[], object]) -> None:
        """What a signal or a command asks for."""
        try:
            act()
        except Killed:
            self.kill()
        else:
            self.wake(self.world.now_us)

    def drain(self) -> None:
        """A first TERM."""
        if not self.draining:
            self.draining = True
            self.loop.after(DRAIN_S, self._give_up)
            self.do(self.actor.drain)

    def stop(self) -> None:
        """SIGSTOP."""
        self.stopped = True

    def go_on(self) -> None:
        """SIGCONT."""
        if self.stopped:
            self.stopped = False
            self.world.at(self.world.now_us, self._woken)

    def kill(self) -> None:
        """SIGKILL."""
        self.alive = False
        if self.inbox is not None:
            self.inbox.close()
        for outbox in self.outboxes:
            outbox.tear(self.world.random)
        self.ended(self)

    def _woken(self) -> None:
        now_us = self.world.now_us
        if not self.alive or self.stopped or now_us < self._wake_us:
            return
        expected_us, self._wake_us = self._wake_us, NEVER
        try:
            self._round(expected_us)
        except Killed:
            self.kill()
            return
        self.after_round()
        if self._ends:
            self._exit()
            return
        sleeps_s = self.loop.sleeps_s
        timer_us = NEVER if sleeps_s < 0 else now_us + (int(sleeps_s * SECOND_US) + 1 if sleeps_s else 0)
        mail_us = NEVER if self.inbox is None else self.inbox.next_us()
        self.wake(max(now_us, min(timer_us, mail_us)))

    def _round(self, expected_us: int) -> None:
        self.world.rounds += 1
        began = self.loop.now
        self.loop.round(self.world.moment(expected_us) - began)

    def _second(self) -> None:
        self._next_second = max(self._next_second + HEARTBEAT_S, self.loop.now)
        self.loop.at(self._next_second, self._second)
        self.clock.follow()
        self.actor.second()

    def _look_at_drain(self) -> None:
        if self.draining and self.actor.drained():
            self.drained = self._ends = True

    def _give_up(self) -> None:
        self._ends = True

    def _exit(self) -> None:
        self.alive = False
        try:
            self.actor.close()
        except Killed:
            self.kill()
        else:
            self.ended(self)


def _nothing() -> None:
    pass


def _ignore(_process: Process) -> None:
    pass
