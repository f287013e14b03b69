"""The fetcher process: checks come from the scheduler, results go to the aggregator, beats to the pool.

Range tasks come from the bridge, which may run or not; their bytes go into its files, their progress to it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from fetchers.channel import BadNameServer
from fetchers.checker import Checker, Incarnation, Means
from fetchers.lifeline import ChildEnd
from fetchers.ranges import Ranges
from fetchers.resolver import Resolver
from fetchers.ways import Ways
from pagestatus.config import Config
from pagestatus.control import Command
from pagestatus.descriptors import descriptor_limit, slots_within
from pagestatus.messages import Check, FetcherState, Leave, Message, RangeCut, RangeTask
from pagestatus.ports import Inbox, Outbox
from pagestatus.runner import CannotStart, Runner

log = logging.getLogger(__name__)

# How long a drain waits for the scheduler's Leave: without a scheduler there is none to come.
LEAVE_S = 2.0
# What the last results are given to reach the aggregator, and ended ranges to reach the bridge.
LINGER_S = 2.0
# Results of a busy fetcher leave this far apart.
RESULTS_REST_S = 0.04
# Frames that wait for a bridge: one that starts later wants to know what is, not what was.
MOST_FOR_BRIDGE = 100


class Fetcher:
    """One incarnation of one fetcher. It decides nothing: it measures."""

    def __init__(self, config: Config, index: int, epoch: int, lifeline: ChildEnd | None) -> None:
        self.name = f"fetcher-{index}"
        self._config = config
        self._index = index
        self._epoch = epoch
        self._lifeline = lifeline
        self._leaving = False
        self._draining = False
        # Until when a drain waits for the bridge.
        self._bridge_until = 0.0

    def start(self, runner: Runner) -> None:
        """Open the ports and say so."""
        self._runner = runner
        loop, context, addresses = runner.loop, runner.context, runner.addresses
        config = self._config
        self._count_slots()
        # The disk keeps results waiting for longer than that.
        rest_s = min(RESULTS_REST_S, max(config.log.fsync_ms, 0) / 1000)
        self._aggregator = Outbox(loop, context, addresses.aggregator, longest_rest_s=rest_s)
        self._scheduler = Outbox(loop, context, addresses.scheduler)
        # Immediate: what the socket holds for a bridge that ended would only be in the way of its successor.
        self._bridge = Outbox(loop, context, addresses.wsbridge, immediate=True, most_waiting=MOST_FOR_BRIDGE)
        try:
            self._resolver = Resolver(loop, config.check.name_servers)
        except BadNameServer as mistake:
            raise CannotStart(f"check.name_servers: {mistake}") from mistake
        self._ways = Ways(loop)
        means = Means(loop, runner.clock, self._resolver, self._ways)
        self._checker = Checker(means, config.check, self._incarnation(self._slots), self._aggregator.send)
        self._ranges = Ranges(means, config, self._incarnation(self._range_slots), self._bridge.send)
        self._inbox = Inbox(loop, context, addresses.fetcher(self._index, self._epoch), self._receive)
        if self._lifeline is not None:
            # The next pool is on its way, and wants to start a fetcher of the same name.
            self._lifeline.watch(loop, runner.step_aside)

    def commands(self) -> Mapping[str, Command]:
        """What it holds."""
        return {"status": self._status}

    def second(self) -> None:
        """Tell the pool, the scheduler and the bridge that it is there, and look for new name servers."""
        if self._lifeline is not None:
            self._lifeline.beat()
        self._send_state()
        self._resolver.refresh()

    def reload(self) -> None:
        """The list is the scheduler's affair."""

    def reopen(self) -> None:
        """The runner has reopened the log; there is no other."""

    def drain(self) -> None:
        """Ask the scheduler to send nothing more; what it sent before its Leave is still measured.

        Ranges end at once: another fetcher goes on where they were.
        """
        self._draining = True
        self._ranges.drain()
        self._send_state()
        if self._is_there("wsbridge"):
            self._bridge_until = self._runner.loop.now + LINGER_S
        self._runner.loop.after(LEAVE_S if self._is_there("scheduler") else 0, self._leave)

    def drained(self) -> bool:
        """Whether nothing can come any more and all that came is on its way to who waits for it."""
        if not self._leaving or self._checker.in_flight:
            return False
        self._aggregator.flush()
        self._bridge.flush()
        return not self._aggregator.waiting and not self._waits_for_bridge()

    def close(self) -> None:
        """Close the ports."""
        self._checker.close()
        self._ranges.close()
        self._resolver.close()
        self._ways.close()
        self._inbox.close()
        self._aggregator.close(LINGER_S)
        self._bridge.close(LINGER_S)
        # What it would say, the pool says too: Gone.
        self._scheduler.close()

    def _receive(self, records: list[Message]) -> None:
        for record in records:
            if isinstance(record, Check):
                self._checker.take(record)
            elif isinstance(record, RangeTask):
                self._ranges.take(record)
            elif isinstance(record, RangeCut):
                self._ranges.cut(record)
            elif isinstance(record, Leave) and record.epoch == self._epoch:
                self._leave()

    def _leave(self) -> None:
        self._leaving = self._draining

    def _is_there(self, name: str) -> bool:
        """Whether that process runs: one that has drained has nothing more to say, and no control socket."""
        return self._runner.addresses.control(name).exists()

    def _waits_for_bridge(self) -> bool:
        return bool(self._bridge.waiting) and self._runner.loop.now < self._bridge_until

    def _count_slots(self) -> None:
        descriptors = descriptor_limit()
        wanted = self._config.slots
        self._slots, self._range_slots = slots_within(descriptors, wanted)
        if self._slots < wanted:
            log.warning("slots: %d, not %d: the limit is %d descriptors", self._slots, wanted, descriptors)

    def _incarnation(self, slots: int) -> Incarnation:
        return Incarnation(self._epoch, self._index, slots)

    def _send_state(self) -> None:
        state = FetcherState(
            self._epoch,
            self._index,
            0 if self._draining else self._slots,
            self._checker.in_flight,
            self._draining,
            os.getpid(),
            0 if self._draining else self._range_slots,
            self._ranges.in_flight,
        )
        self._scheduler.send(state)
        self._bridge.send(state)

    def _status(self, _params: Mapping[str, Any]) -> dict[str, object]:
        return {
            "fetcher": self._index,
            "epoch": self._epoch,
            "slots": self._slots,
            "in_flight": self._checker.in_flight,
            "range_slots": self._range_slots,
            "ranges_in_flight": self._ranges.in_flight,
            "lookups": self._resolver.lookups,
            "dropped": self._checker.dropped + self._aggregator.dropped,
            **self._inbox.told(),
        }
