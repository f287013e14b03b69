"""What to do about too little of something: before it is started, and while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from pagestatus.capacity import FULL, NEAR, Limit, Machine, Need, Plan, enough, is_fetcher
from pagestatus.ctl.text import count, percent, size
from pagestatus.descriptors import descriptors_for

_ONE_PROCESS = "it is one process, on one core: longer intervals, or a part of the list elsewhere"


def remedies(plan: Plan, machine: Machine, log_mode: str) -> Iterator[str]:
    """One sentence for each thing of which a list needs nearly all, or more."""
    yield from _of_slots(plan, machine)
    if plan.host.share >= NEAR and machine.per_host:
        most = ceil(plan.host.needs / NEAR)
        yield (
            f"{_how_full('what one host gets', plan.host)}: check.per_host = {most}, "
            "if the host can take it, or longer intervals."
        )
    cores = enough(plan.cores.needs)
    for what, need, help_ in (
        ("the fetchers' cores", plan.fetchers, f"fetchers = {plan.fetchers.needs:.0f}, with a core for each"),
        ("the scheduler's core", plan.scheduler, _ONE_PROCESS),
        ("the aggregator's core", plan.aggregator, _ONE_PROCESS),
        ("the cores", plan.cores, f"{cores} cores, or longer intervals"),
    ):
        if need.share >= NEAR:
            yield f"{_how_full(what, need)}: {help_}."
    if plan.disk.share > FULL:
        yield (
            f"The log may grow to {size(plan.disk.needs)}, and the disk has room for {size(plan.disk.has)}: "
            "lower log.max_bytes or log.keep."
        )
    elif plan.log[log_mode].share >= FULL:
        yield "The log of a day does not fit: a larger log.keep, or another log.mode, keeps it longer."


def _of_slots(plan: Plan, machine: Machine) -> Iterator[str]:
    if plan.slots.share >= NEAR:
        yield f"{_how_full('the slots', plan.slots)}: {_slots_for(plan.slots, machine)}."
    elif plan.hanging.share >= FULL:
        yield (
            "When a tenth of the targets hang until their time-out, slots are missed (no_capacity): "
            f"{_slots_for(plan.hanging, machine)}."
        )


def _how_full(what: str, need: Need) -> str:
    if need.share >= FULL:
        return f"{percent(need.share)} of {what} is asked for, and slots will be missed"
    return f"{percent(need.share)} of {what} will be in use, which leaves little for a bad hour"


def _slots_for(need: Need, machine: Machine) -> str:
    """Per fetcher, in whole hundreds; and what else so many need."""
    slots = ceil(need.needs / NEAR / machine.fetchers / 100) * 100
    wanted = descriptors_for(slots)
    more = f", with {wanted} descriptors (LimitNOFILE, ulimit -n)" if wanted > machine.descriptors else ""
    return f"slots = {slots}{more}"


def remedy(limits: Sequence[Limit]) -> str:
    """What is nearly or wholly in use of a running system, the fullest thing first, and what helps."""
    limit = limits[0]
    if limit.share >= FULL:
        return f"Out of capacity ({percent(limit.share)}): {_used(limit)}. What helps: {_help(limits)}."
    return f"At {percent(limit.share)} of capacity: {_used(limit)}. Before slots are missed: {_help(limits)}."


def _used(limit: Limit) -> str:
    if limit.name == "slots":
        return f"{count(limit.used)} of {count(limit.has)} slots are in use or needed"
    if limit.name == "cores":
        return f"{limit.used:.1f} of {count(limit.has)} cores are in use"
    return f"{limit.name} uses {percent(limit.used)} of a core, and it can use only one"


def _help(limits: Sequence[Limit]) -> str:
    limit = limits[0]
    cores = next(limit for limit in limits if limit.name == "cores")
    fetchers = [limit for limit in limits if is_fetcher(limit.name)]
    if limit.name == "slots":
        return "raise slots, or pagestatus-ctl scale N"
    if limit.name == "cores":
        return f"{enough(cores.used)} cores, or longer intervals"
    if not is_fetcher(limit.name):
        return _ONE_PROCESS
    more = max(len(fetchers) + 1, enough(sum(fetcher.used for fetcher in fetchers)))
    return f"pagestatus-ctl scale {more}{', on more cores' if cores.share >= NEAR else ''}"
