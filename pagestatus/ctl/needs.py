"""What a list needs and what there is of it, for people and for scripts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import ceil
from typing import NamedTuple

from pagestatus.capacity import FULL, NEAR, Cpu, Demand, Machine, Need, Plan, Seen, plan
from pagestatus.ctl.remedies import remedies
from pagestatus.ctl.table import PLAIN, Cell, Column, Palette, Style, prose, table, warning
from pagestatus.ctl.text import count, percent, rate, size, span

LABEL = 10
WIDEST_TEXT = 80
# After the point, for scripts.
DIGITS = 6
_HEADS = [
    Column("FOR THIS LIST"),
    Column("NEEDS", right=True),
    Column("HAS", right=True),
    Column("SHARE", right=True),
]


class Needs(NamedTuple):
    """All that is known of a list and of the place where it is to run."""

    demand: Demand
    seen: Seen
    cpu: Cpu
    machine: Machine
    # How the latency, and the CPU of a check, are known.
    latency_source: str
    cpu_source: str
    # As configured.
    log_mode: str

    @property
    def plan(self) -> Plan:
        """What follows from it."""
        return plan(self.demand, self.seen, self.cpu, self.machine)


def show(needs: Needs, width: int, palette: Palette = PLAIN) -> list[str]:
    """What it is reckoned from, the table, and what to do about what is too little."""
    width, plan = min(width, WIDEST_TEXT), needs.plan
    lines = []
    for label, text in _known(needs, plan):
        first, *rest = prose(text, width - LABEL)
        lines.append(palette.paint(label.ljust(LABEL), Style.DIM) + first)
        lines += [" " * LABEL + line for line in rest]
    lines += ["", *table(_HEADS, _rows(plan, needs.log_mode), width, palette)]
    warnings = [
        line
        for sentence in remedies(plan, needs.machine, needs.log_mode)
        for line in warning(sentence, width, palette)
    ]
    return lines + (["", *warnings] if warnings else [])


def _known(needs: Needs, plan: Plan) -> Iterator[tuple[str, str]]:
    yield "targets", count(needs.demand.targets)
    yield "latency", needs.latency_source
    yield "CPU", needs.cpu_source
    bound = f"rotation leaves {size(needs.machine.log_bytes)} (log.max_bytes times log.keep + 1)"
    a_day = plan.log[needs.log_mode]
    lasts = f": {span(86_400 / a_day.share)} of log.mode {needs.log_mode}" if a_day.share else ""
    yield "log", bound + lasts


def _rows(plan: Plan, log_mode: str) -> Iterator[list[str | Cell]]:
    yield _row("checks a second", plan.checks, rate)
    yield _row("slots", plan.slots, _up)
    yield _row("  a tenth hanging", plan.hanging, _up)
    yield _row("  all hanging", plan.worst, _up)
    yield _row("  of the busiest host", plan.host, _up)
    yield _row("fetchers", plan.fetchers, count)
    yield _row("cores", plan.cores, _cores)
    yield _row("  the scheduler's", plan.scheduler, _cores)
    yield _row("  the aggregator's", plan.aggregator, _cores)
    yield _row("disk for the log", plan.disk, size)
    for mode, need in plan.log.items():
        yield _row(f"  a day, {mode}{' (log.mode)' if mode == log_mode else ''}", need, size)


def _row(label: str, need: Need, shown: Callable[[float], str]) -> list[str | Cell]:
    style = Style.BAD if need.share >= FULL else Style.WARN if need.share >= NEAR else Style.PLAIN
    return [label, shown(need.needs), shown(need.has), Cell(percent(need.share), style)]


def _up(slots: float) -> str:
    """A slot in use now and then is one; what a sum of many fractions adds by rounding is none."""
    return count(ceil(round(slots, 6)))


def _cores(cores: float) -> str:
    return f"{cores:.2f}" if cores % 1 else count(cores)


def figures(needs: Needs) -> dict[str, object]:
    """The same for scripts; ``share`` is that of the whole."""
    plan = needs.plan
    return {
        "targets": needs.demand.targets,
        "share": round(plan.checks.share, DIGITS),
        "latency_ms": round(needs.seen.latency_ms, DIGITS),
        "latency_source": needs.latency_source,
        "failing": round(needs.seen.failing, DIGITS),
        "cpu_us": _rounded(needs.cpu),
        "cpu_source": needs.cpu_source,
        **{name: _rounded(need) for name, need in plan._asdict().items() if isinstance(need, Need)},
        "log": {mode: _rounded(need) for mode, need in plan.log.items()},
        "log_mode": needs.log_mode,
    }


def _rounded(figures: Cpu | Need) -> dict[str, float]:
    return {name: round(figure, DIGITS) for name, figure in figures._asdict().items()}
