"""What an operator can ask the scheduler, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from pagestatus.clock import SECOND_US, Clock, iso
from pagestatus.control import Command, ControlError, Params
from pagestatus.identity import target_word
from pagestatus.messages import Reason
from scheduler.catalog import Catalog, State
from scheduler.handover import Step
from scheduler.planner import SILENT_US
from scheduler.slots import Slot, Stage, longest
from scheduler.sweep import next_due

if TYPE_CHECKING:
    from scheduler.actor import Scheduler

_MOST_INFLIGHT = 1000


class Commands:
    """The control commands of the scheduler."""

    def __init__(self, scheduler: Scheduler, clock: Clock) -> None:
        self._scheduler = scheduler
        self._clock = clock

    def table(self) -> Mapping[str, Command]:
        """By name."""
        return {
            "status": self.status,
            "inflight": self.inflight,
            "why": self.why,
            "pause": self.pause,
            "resume": self.resume,
            "reload": self.reload,
        }

    @property
    def _catalog(self) -> Catalog:
        return self._scheduler.planner.catalog

    def status(self, _params: Params) -> dict[str, object]:
        """The books and the fetchers, as of one moment."""
        planner, now_us = self._scheduler.planner, self._clock.now_us()
        answer: dict[str, object] = {
            "targets": self._targets(),
            "schedule": self._schedule(),
            "fetchers": [
                {
                    "fetcher": fetcher.index,
                    "epoch": fetcher.epoch,
                    "slots": fetcher.slots,
                    "leases": fetcher.leases,
                    "alive": fetcher.alive(now_us),
                }
                for fetcher in planner.dispatcher.fetchers.values()
            ],
            "aggregator": {
                "alive": now_us - self._scheduler.aggregator_heard_us < SILENT_US,
                "writable": self._scheduler.aggregator_writes,
            },
            "waiting": planner.dispatcher.waiting_counts,
            "list": self._scheduler.lists.state(),
            **self._scheduler.inbox_told(),
        }
        if self._scheduler.handover.step is not Step.DONE:
            # Nothing falls due before the aggregator has said what became of the slots before.
            answer["state"] = "starting"
        elif (behind_us := planner.swept_us - now_us) > SECOND_US:
            answer["state"] = "blocked"
            answer["trouble"] = (
                f"the clock was set back, and until it has come again to {iso(planner.swept_us)} nothing "
                f"falls due (for {behind_us // SECOND_US} s): if it is wrong now, set it right"
            )
        return answer

    def _targets(self) -> dict[str, int]:
        catalog = self._catalog
        # In C, but for the few that are paused: the schedule waits meanwhile.
        paused = catalog.paused.count(1)
        states = [catalog.states.count(state) for state in State]
        at = catalog.paused.find(1)
        while at >= 0:
            states[catalog.states[at]] -= 1
            at = catalog.paused.find(1, at + 1)
        unknown, up, down = states
        return {"total": len(catalog), "up": up, "down": down, "unknown": unknown, "paused": paused}

    def _schedule(self) -> dict[str, object]:
        accounts, lag = self._scheduler.planner.accounts, self._scheduler.planner.lag
        p50, p99 = lag.percentiles(50, 99)
        return {
            "due_total": accounts.due,
            "checked_total": accounts.checked,
            "missed_total": {
                reason.name.lower(): count for reason, count in accounts.missed.items() if count
            },
            "in_flight": accounts.in_flight,
            "per_second": round(accounts.per_second, 1),
            "lag_ms": {"p50": p50 / 1000, "p99": p99 / 1000, "max": lag.max_us / 1000},
        }

    def inflight(self, params: Params) -> list[dict[str, object]]:
        """The slots that are with a fetcher, longest first."""
        most = params.get("n", _MOST_INFLIGHT)
        if not isinstance(most, int) or most < 1:
            raise ControlError(f"n: {most!r}: expected a whole number of at least 1")
        planner, now_us = self._scheduler.planner, self._clock.now_us()
        indices = {fetcher.epoch: fetcher.index for fetcher in planner.dispatcher.fetchers.values()}
        return [
            {
                "url": slot.url,
                "target": target_word(slot.target, slot.name),
                "seconds": round((now_us - slot.given_us) / SECOND_US, 3),
                "attempt": slot.attempt,
                "fetcher": indices.get(slot.fetcher),
            }
            for slot in longest(planner.slots.values(), min(most, _MOST_INFLIGHT))
        ]

    def why(self, params: Params) -> list[dict[str, object]]:
        """Everything that is known of one target, or of several with the same URL."""
        return [self._explain(index) for index in self._wanted(params)]

    def _explain(self, index: int) -> dict[str, object]:
        catalog, planner = self._catalog, self._scheduler.planner
        interval_us, timeout_us, *_ = catalog.terms(index)
        phase_us = catalog.phases_us[index]
        due_us = next_due(planner.swept_us or self._clock.now_us(), interval_us, phase_us)
        slot = planner.slots.get(catalog.ids[index])
        retry_after_us = catalog.retry_after_us.get(index)
        return {
            "target": target_word(catalog.ids[index], catalog.names.get(index, "")),
            "url": catalog.urls[index],
            "interval_s": interval_us / SECOND_US,
            "timeout_s": timeout_us / SECOND_US,
            "state": "paused" if catalog.paused[index] else State(catalog.states[index]).name.lower(),
            "slow": bool(catalog.slow[index]),
            "next_due": iso(due_us),
            "next_due_s": round((due_us - self._clock.now_us()) / SECOND_US, 3),
            "failed_permanently": catalog.streaks[index],
            "checked_every": catalog.strides[index],
            "skips": catalog.skips[index],
            "retry_after": iso(retry_after_us) if retry_after_us else None,
            "slot": self._explain_slot(slot) if slot else None,
            "not_checked": list(self._obstacles(index, slot)),
        }

    def _explain_slot(self, slot: Slot) -> dict[str, object]:
        return {"due": iso(slot.due_us), "stage": slot.stage.name.lower(), "attempt": slot.attempt}

    def _obstacles(self, index: int, slot: Slot | None) -> Iterator[str]:
        """Why it is not being checked, in words; nothing: it is, or will be at its next slot."""
        catalog, planner = self._catalog, self._scheduler.planner
        now_us = self._clock.now_us()
        if self._scheduler.handover.step is not Step.DONE:
            yield "the scheduler is starting: it waits for the aggregator to say what is settled"
        if catalog.paused[index]:
            yield "it is paused: pagestatus-ctl resume checks it again"
        if catalog.retry_after_us.get(index, 0) > now_us:
            yield f"its server asked for peace until {iso(catalog.retry_after_us[index])} (Retry-After)"
        if catalog.skips[index]:
            yield (
                f"it failed permanently {catalog.streaks[index]} slots in a row: it is checked every "
                f"{catalog.strides[index]} slots, and {catalog.skips[index]} more will be skipped"
            )
        if slot is None or slot.stage is not Stage.WAITING:
            return
        if slot.waits_for is Reason.PER_HOST:
            yield "its slot waits: as many attempts are in flight to its host as check.per_host allows"
        elif not any(fetcher.alive(now_us) for fetcher in planner.dispatcher.fetchers.values()):
            yield "its slot waits: no fetcher is alive"
        elif slot.slow:
            yield "its slot waits: it timed out last time, and slow targets use their half of the credit"
        else:
            yield "its slot waits: no fetcher has credit; more fetchers (scale) or slots would help"

    def pause(self, params: Params) -> dict[str, object]:
        """Stop checking the targets with this name or URL."""
        return self._each(params, self._scheduler.planner.pause)

    def resume(self, params: Params) -> dict[str, object]:
        """Check them again."""
        return self._each(params, self._scheduler.planner.resume)

    def _each(self, params: Params, act: Callable[[int], None]) -> dict[str, object]:
        indices = list(self._wanted(params))
        for index in indices:
            act(index)
        self._save_paused()
        return {"targets": [self._catalog.names.get(i) or self._catalog.urls[i] for i in indices]}

    def _save_paused(self) -> None:
        try:
            self._scheduler.lists.save_paused(self._catalog)
        except OSError as mistake:
            raise ControlError(f"done, but a restart will undo it: {mistake.strerror}") from mistake

    def reload(self, _params: Params) -> dict[str, object]:
        """Read the list again; it is taken over when it has been read."""
        self._scheduler.reload()
        return self._scheduler.lists.state()

    def _wanted(self, params: Params) -> Iterator[int]:
        wanted = params.get("target")
        if not isinstance(wanted, str) or not wanted:
            raise ControlError("target: expected the name, the URL or the id of a target")
        found = list(dict.fromkeys(self._catalog.named(wanted)))
        if not found:
            raise ControlError(f"{wanted!r}: no target with this name, URL or id")
        yield from found
