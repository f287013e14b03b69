"""The fetcher process: checks come from the scheduler, results go to the aggregator, beats to the pool."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from typing import Any

from fetchers.channel import BadNameServer
from fetchers.checker import Checker, Incarnation
from fetchers.lifeline import ChildEnd
from fetchers.limits import raise_descriptor_limit, slots_within
from pagestatus.config import Config
from pagestatus.control import Command
from pagestatus.messages import Check, FetcherState, Leave, Message
from pagestatus.ports import Inbox, Outbox
from pagestatus.runner import CannotStart, Runner

log = logging.getLogger(__name__)

# How long a drain waits for the scheduler's Leave: without a scheduler there is none to come.
LEAVE_S = 2.0
# What the last results are given to reach the aggregator.
LINGER_S = 2.0


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

    def start(self, runner: Runner) -> None:
        """Open the ports and say so."""
        self._runner = runner
        descriptors = raise_descriptor_limit()
        self._slots = slots_within(descriptors, self._config.slots)
        if self._slots < self._config.slots:
            log.warning(
                "slots: %d, not %d: the limit is %d descriptors", self._slots, self._config.slots, descriptors
            )
        loop, context, addresses = runner.loop, runner.context, runner.addresses
        incarnation = Incarnation(self._epoch, self._index, self._slots)
        # The engine is made before the outboxes, so that a round's results leave in the same round.
        try:
            self._checker = Checker(loop, runner.clock, self._config.check, incarnation, self._report)
        except BadNameServer as mistake:
            raise CannotStart(f"check.name_servers: {mistake}") from mistake
        self._aggregator = Outbox(loop, context, addresses.aggregator)
        self._scheduler = Outbox(loop, context, addresses.scheduler)
        self._inbox = Inbox(loop, context, addresses.fetcher(self._index, self._epoch), self._receive)
        if self._lifeline is not None:
            # The next pool is on its way, and wants to start a fetcher of the same name.
            self._lifeline.watch(loop, runner.step_aside)

    def commands(self) -> Mapping[str, Command]:
        """What it holds."""
        return {"status": self._status}

    def second(self) -> None:
        """Tell the pool and the scheduler that it is there, and look for new name servers."""
        if self._lifeline is not None:
            self._lifeline.beat()
        self._send_state()
        self._checker.resolver.refresh()

    def reload(self) -> None:
        """The list is the scheduler's affair."""

    def reopen(self) -> None:
        """The runner has reopened the log; there is no other."""

    def drain(self) -> None:
        """Ask the scheduler to send nothing more; what it sent before its Leave is still measured."""
        self._draining = True
        self._send_state()
        # A scheduler that has drained has nothing more to say, and its control socket is gone.
        is_there = self._runner.addresses.control("scheduler").exists()
        self._runner.loop.after(LEAVE_S if is_there else 0, self._leave)

    def drained(self) -> bool:
        """Whether nothing can come any more and everything that came is on its way to the aggregator."""
        if not self._leaving or self._checker.in_flight:
            return False
        self._aggregator.flush()
        return not self._aggregator.waiting

    def close(self) -> None:
        """Close the ports."""
        self._checker.close()
        self._inbox.close()
        self._aggregator.close(LINGER_S)
        # What it would say, the pool says too: Gone.
        self._scheduler.close()

    def _receive(self, records: list[Message]) -> None:
        for record in records:
            if isinstance(record, Check):
                self._checker.take(record)
            elif isinstance(record, Leave) and record.epoch == self._epoch:
                self._leave()

    def _report(self, result: Message) -> None:
        self._aggregator.send(result)

    def _leave(self) -> None:
        self._leaving = self._draining

    def _send_state(self) -> None:
        slots = 0 if self._draining else self._slots
        self._scheduler.send(
            FetcherState(
                self._epoch, self._index, slots, self._checker.in_flight, self._draining, os.getpid()
            )
        )

    def _status(self, _params: Mapping[str, Any]) -> dict[str, object]:
        return {
            "fetcher": self._index,
            "epoch": self._epoch,
            "slots": self._slots,
            "in_flight": self._checker.in_flight,
            "lookups": self._checker.resolver.lookups,
            "dropped": self._checker.dropped + self._aggregator.dropped,
            "bad_frames": self._inbox.bad_frames,
        }
