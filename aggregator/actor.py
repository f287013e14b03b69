"""The aggregator's sockets and wiring: the inbox feeds the ledger, the writer empties it, commits go out."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from aggregator.failures import KEPT, Failures
from aggregator.ledger import Ledger
from aggregator.logfile import LogFile
from aggregator.minutes import Figures
from aggregator.modes import keeps_of
from aggregator.recovery import last_minutes, recover
from aggregator.writer import Writer
from pagestatus.config import MINUTES_LOG, RESULTS_LOG, Config
from pagestatus.control import Command, ControlError, Params
from pagestatus.locks import Lock
from pagestatus.loop import Timer
from pagestatus.messages import Message, Pulse
from pagestatus.ports import Inbox, Outbox
from pagestatus.runner import Runner
from pagestatus.summary import block

log = logging.getLogger(__name__)

LOCK = "url_status.lock"
# While draining: what the fetchers still send comes within this; after QUIET_S without any, nothing will.
QUIET_S = 0.3
LONGEST_DRAIN_S = 2.0
LINGER_S = 1.0


class Aggregator:
    """The only writer of results."""

    name = "aggregator"

    def __init__(self, config: Config) -> None:
        self._config = config
        self._fsync_s = max(config.log.fsync_ms, 0) / 1000
        self._failures = Failures()
        self._ledger = Ledger(self._failures, keeps_of(config.log.mode))
        self._timer: Timer | None = None
        self._last_received = 0.0
        self._drain_began: float | None = None
        self._last_minute: Figures = {}

    def start(self, runner: Runner) -> None:
        """Take the data folder, know again what is in it, and open the ports; raises OSError, ``Taken``."""
        data_dir, log_config = self._config.data_dir, self._config.log
        self._runner = runner
        # run_dir has a lock of its own; this one keeps two run_dirs from sharing one data_dir.
        self._lock = Lock(data_dir / LOCK)
        sizes = {"max_bytes": log_config.max_bytes, "keep": log_config.keep}
        results = LogFile(data_dir / RESULTS_LOG, sync=log_config.fsync_ms >= 0, **sizes)
        minutes = LogFile(data_dir / MINUTES_LOG, sync=True, **sizes)
        recover(data_dir, self._ledger)
        self._last_minute = next(iter(last_minutes(data_dir, 1)), {})
        self._writer = Writer(self._ledger, results, minutes)
        # Names this incarnation, so that a scheduler notices that it talks to another one.
        self._epoch = runner.clock.now_us()
        self._scheduler = Outbox(runner.loop, runner.context, runner.addresses.scheduler)
        self._bridge = Outbox(runner.loop, runner.context, runner.addresses.wsbridge)
        self._inbox = Inbox(runner.loop, runner.context, runner.addresses.aggregator, self._receive)

    def commands(self) -> Mapping[str, Command]:
        """What an operator may ask."""
        return {
            "status": self._status,
            "failures": self._latest_failures,
            "log_path": lambda _params: str(self._config.data_dir / RESULTS_LOG),
        }

    def second(self) -> None:
        """Try again what the disk did not take, and say that we are alive."""
        if not self._writer.writable:
            self._flush()
        self._scheduler.send(Pulse(self._epoch, self._writer.writable))

    def reload(self) -> None:
        """The list of targets is not ours."""

    def reopen(self) -> None:
        """Somebody rotated the logs: go on in new ones, with nothing left for the old."""
        self._flush()
        self._writer.reopen()

    def drain(self) -> None:
        """What is on its way is still taken: nobody would send it again."""
        self._drain_began = self._last_received = self._runner.loop.now
        self._runner.loop.after(QUIET_S, self._look_at_quiet)

    def drained(self) -> bool:
        """Whether it is quiet and everything is on the disk."""
        now, began = self._runner.loop.now, self._drain_began
        if began is not None and self._inbox.has_left:
            # What stands behind it has its time still to come.
            self._drain_began = now
            return False
        if began is None or (now - self._last_received < QUIET_S and now - began < LONGEST_DRAIN_S):
            return False
        if not self._writer.idle or self._timer is not None:
            self._flush()
        return self._writer.idle

    def close(self) -> None:
        """Stop; the commits of the last batch get a moment to leave."""
        self._inbox.close()
        self._scheduler.close(LINGER_S)
        # Without a moment: a bridge that does not get its answer asks again.
        self._bridge.close()
        self._writer.close()
        self._lock.release()

    def _receive(self, records: Sequence[Message]) -> list[Message]:
        loop = self._runner.loop
        self._last_received = loop.now
        rest = self._ledger.take(records, self._runner.clock.now_us())
        # Even at once is at the end of the round: questions that waited together get one answer.
        when = loop.now + (0 if self._ledger.is_urgent else self._fsync_s)
        if self._timer is None or when < self._timer.when:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = loop.at(when, self._flush)
        return rest

    def _flush(self) -> None:
        """Bring everything that was taken to the disk, and tell whom it concerns."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        written = self._writer.flush()
        if not self._writer.writable:
            self._inbox.pause()
            return
        self._inbox.resume()
        self._scheduler.send_all(written.commits)
        for recap in written.recaps:
            self._scheduler.send(recap)
        self._bridge.send_all(written.counted)
        for figures in written.minutes:
            self._last_minute = figures
            log.info("%s", "\n".join(block(figures)))

    def _look_at_quiet(self) -> None:
        """Wake the loop, so that ``drained`` is asked again."""
        self._runner.loop.after(QUIET_S, self._look_at_quiet)

    def _status(self, _params: Params) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "writable": self._writer.writable,
            "lines": self._writer.lines,
            "records": self._ledger.counts,
            **self._inbox.told(),
            "minute": self._last_minute,
        }
        if self._writer.writable:
            return answer
        return {"state": "blocked", "trouble": self._writer.trouble, **answer}

    def _latest_failures(self, params: Params) -> list[dict[str, Any]]:
        url = params.get("url")
        if url is not None and not isinstance(url, str):
            raise ControlError(f"url: {url!r}: expected text")
        return self._failures.latest(_number(params), url)


def _number(params: Params) -> int:
    """How many of the last failures are asked for."""
    number = params.get("n", 10)
    if type(number) is not int or number < 1:
        raise ControlError(f"n: {number!r}: expected a number of 1 or more")
    return min(number, KEPT)
