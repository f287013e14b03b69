"""The scheduler's sockets and wiring: who tells the planner what, and where its answers go."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from random import Random

from pagestatus.clock import SECOND_US
from pagestatus.config import Config
from pagestatus.control import Command
from pagestatus.locks import Lock
from pagestatus.loop import Timer
from pagestatus.messages import Commit, FetcherState, Gone, Leave, Message, Pulse, Recap, Sweep
from pagestatus.ports import Inbox, Outbox
from pagestatus.runner import DRAIN_S, CannotStart, CannotStartYet, Runner
from pagestatus.targets import BadList
from scheduler.commands import Commands
from scheduler.handover import Handover, Step
from scheduler.lists import Lists
from scheduler.planner import Planner, Policy
from scheduler.slots import longest

log = logging.getLogger(__name__)

LOCK = "paused.lock"
# The longest-running URLs told with every sweep.
MOST_LONGEST = 20
# A drain that takes this long will not end in time: an attempt may take ten minutes.
ABANDON_S = DRAIN_S - 3.0
# A sweep is followed by a rest of this for each check that it gave out, at most that long. Below a thousand
# checks a second that is no rest at all; above it they go in batches, without which each would wake three
# processes on its way.
REST_US = 1_000
LONGEST_REST_US = 6_000


class Scheduler:
    """Finds what is due and gives it to the fetchers; nothing is settled here before it is on the disk."""

    name = "scheduler"

    def __init__(self, config: Config) -> None:
        self.lists = Lists(config)
        self._data_dir = config.data_dir
        self._policy = Policy(
            round(config.check.retry_interval * 1_000_000), config.check.backoff_max, config.check.per_host
        )
        self._ports: dict[int, Outbox] = {}
        self._wake: Timer | None = None
        self._wake_us: int | None = None
        self._rests_until_us = 0
        self.aggregator_writes = True
        self.aggregator_heard_us = 0
        self._may_ask = True

    def start(self, runner: Runner) -> None:
        """Read the list, open the ports, and ask what has become of the slots of the one before."""
        self._runner = runner
        self._clock = runner.clock
        # run_dir has a lock of its own; this one keeps two run_dirs from sharing what is paused.
        self._lock = Lock(self._data_dir / LOCK)
        try:
            catalog, former = self.lists.begin()
        except BadList as mistake:
            if self.lists.had_one:
                # It was changed since: who mends it is not to have to start anything.
                raise CannotStartYet(f"{mistake}: nothing is checked until it can be read") from mistake
            raise CannotStart(str(mistake)) from mistake
        self.planner = Planner(catalog, self._policy, self._clock.now_us(), Random())  # noqa: S311 - jitter
        self.handover = Handover(time.time_ns() // 1000, former)
        addresses, loop, context = runner.addresses, runner.loop, runner.context
        self._inbox = Inbox(loop, context, addresses.scheduler, self._receive)
        self._aggregator = Outbox(loop, context, addresses.aggregator)
        self._on: dict[type[Message], Callable[..., None]] = {
            FetcherState: self._on_state,
            Gone: self._on_gone,
            Pulse: self._on_pulse,
            Recap: self._on_recap,
        }
        loop.before_wait(self._round)
        loop.on_stall(lambda _seconds: self.planner.stood_still(self._clock.now_us()))

    def commands(self) -> Mapping[str, Command]:
        """What an operator can ask."""
        return Commands(self, self._clock).table()

    def inbox_told(self) -> dict[str, object]:
        """What came and was no message."""
        return self._inbox.told()

    # --- messages -----------------------------------------------------------------------------------------

    def _receive(self, records: list[Message]) -> None:
        now_us = self._clock.now_us()
        on_commit = self._on_commit
        if records and type(records[0]) is Commit:
            self.planner.on_aggregator(now_us)
            if self.handover.step is Step.DONE:
                # Nothing else comes as often.
                on_commit = self.planner.on_commit
        for record in records:
            if type(record) is Commit:
                on_commit(record, now_us)
            else:
                handle = self._on.get(type(record))
                if handle is not None:
                    handle(record, now_us)

    def _on_commit(self, commit: Commit, now_us: int) -> None:
        """While a handover goes on, one of them may be the answer to it."""
        self.planner.on_aggregator(now_us)
        if not self.handover.on_commit(commit, self.planner, now_us):
            self.planner.on_commit(commit, now_us)
            return
        self.lists.take_effect(self.planner.catalog, self.planner.swept_us, self.handover.left)
        if self.handover.down.slots:
            log.info("not running for %d slots: recorded as missed (down)", self.handover.down.slots)

    def _on_pulse(self, pulse: Pulse, now_us: int) -> None:
        self.aggregator_heard_us = now_us
        self.aggregator_writes = pulse.writable
        self.handover.on_pulse(pulse.epoch)
        if not pulse.writable:
            # It commits nothing, so for all decisions it is silent: leases hold, and missed slots gather.
            return
        self.planner.on_aggregator(now_us)
        if self._may_ask:
            # Only who listens is asked, and once a second: else every question that waited would be answered.
            self._may_ask = False
            self._say_handover()

    def _on_recap(self, recap: Recap, now_us: int) -> None:
        if self.handover.on_recap(recap, self.planner.catalog, now_us):
            if (behind_us := self.handover.down.until_us - now_us) > SECOND_US:
                log.warning("the clock was set back: nothing falls due for %.0f s", behind_us / SECOND_US)
            self._say_handover()

    def _on_state(self, state: FetcherState, now_us: int) -> None:
        if self.planner.on_state(state, now_us):
            path = self._runner.addresses.fetcher(state.fetcher, state.epoch)
            self._ports[state.epoch] = Outbox(self._runner.loop, self._runner.context, path, immediate=True)
            log.info("fetcher-%d is here with %d slots", state.fetcher, state.slots)
        if state.draining and state.epoch in self._ports:
            # Nothing is given to it from now on: the last it hears.
            self._ports[state.epoch].send(Leave(state.epoch))

    def _on_gone(self, gone: Gone, now_us: int) -> None:
        self.planner.on_gone(gone.epoch, now_us)
        port = self._ports.pop(gone.epoch, None)
        if port is not None:
            port.close()
            log.info("fetcher-%d is gone", gone.fetcher)

    # --- the loop -----------------------------------------------------------------------------------------

    def _round(self) -> None:
        """At the end of each round: give out what is due, and sleep until the next is."""
        self.lists.adopt_reload(self.planner)
        now_us = self._clock.now_us()
        if now_us < self._rests_until_us:
            # Whatever has become possible meanwhile has its turn then.
            self._set_alarm(self._rests_until_us)
            return
        self.planner.tick(now_us)
        self._rests_until_us = now_us + min(self._send() * REST_US, LONGEST_REST_US)
        wake_us = self.planner.wake_us
        self._set_alarm(None if wake_us is None else max(wake_us, self._rests_until_us))

    def _set_alarm(self, wake_us: int | None) -> None:
        if wake_us == self._wake_us:
            return
        if self._wake is not None:
            self._wake.cancel()
        self._wake_us = wake_us
        if wake_us is not None:
            delay_us = max(0, wake_us - self._clock.now_us())
            self._wake = self._runner.loop.after(delay_us / 1_000_000, self._woken)

    def _woken(self) -> None:
        """Waking up is all that is wanted: the end of the round does the work."""
        self._wake = self._wake_us = None

    def _send(self) -> int:
        """Send what the planner gave out; how many checks."""
        planner, count = self.planner, 0
        for epoch, checks in planner.checks.items():
            count += len(checks)
            port = self._ports.get(epoch)
            if port is not None:
                port.send_all(checks)
        planner.checks.clear()
        if planner.missed:
            self._aggregator.send_all(planner.missed)
            planner.missed.clear()
        return count

    def _say_handover(self) -> None:
        words = self.handover.says()
        if words is not None:
            self._aggregator.send(words)

    def second(self) -> None:
        """The heartbeat: leases, what is still unanswered, and how far the sweep has come."""
        now_us = self._clock.now_us()
        self.planner.second(now_us)
        for epoch in self.planner.dispatcher.long_silent(now_us):
            log.warning("fetcher epoch %d has not been heard of for long: forgotten", epoch)
            self.planner.on_lost(epoch, now_us)
            self._ports.pop(epoch).close()
        self._may_ask = True
        if self.handover.step is Step.DONE:
            self._aggregator.send(self._sweep())

    def _sweep(self) -> Sweep:
        planner, epoch = self.planner, self.handover.epoch
        running = tuple((slot.url, slot.given_us) for slot in longest(planner.slots.values(), MOST_LONGEST))
        return Sweep(epoch, planner.swept_us, planner.settled_us, planner.accounts.in_flight, running)

    def reload(self) -> None:
        """Read the list again, beside everything else."""
        self.lists.begin_reload(self._runner.loop, self.planner)

    def reopen(self) -> None:
        """No logs of its own."""

    def drain(self) -> None:
        """Give nothing more out; wait for what is with the fetchers."""
        self.planner.drain(self._clock.now_us())
        self._runner.loop.after(ABANDON_S, self.planner.abandon)

    def drained(self) -> bool:
        """Whether every slot that fell due is settled on the disk."""
        return self.planner.drained()

    def close(self) -> None:
        """Tell how far the sweep came, so that the next one knows."""
        if self.handover.step is Step.DONE:
            self._aggregator.send(self._sweep())
        for port in self._ports.values():
            port.close()
        self._aggregator.close(linger_s=1.0)
        self._inbox.close()
        self._lock.release()
