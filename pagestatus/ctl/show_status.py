"""``status`` for people: a picture in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagestatus.ctl.answers import Downloads, Lender, Minute, Process, Quantiles, Schedule, Targets
from pagestatus.ctl.minutes import told
from pagestatus.ctl.missed import words
from pagestatus.ctl.picture import RUNNING, Picture
from pagestatus.ctl.table import PLAIN, WIDE_GAP, Cell, Column, Palette, Style, flow, table, warning
from pagestatus.ctl.text import clean, count, milliseconds, percent, rate, span

LABEL = 13
# More fetchers than this are one row, as long as all of them run.
MOST_ROWS = 4
# However wide the terminal, and also in a pipe: longer lines are harder to read.
WIDEST_TEXT = 80
_STATES = {RUNNING: Style.GOOD, "starting": Style.WARN, "draining": Style.WARN}
_PICTURES = {RUNNING: Style.GOOD, "degraded": Style.WARN}


def show(
    picture: Picture, troubles: Iterable[str], now: str, width: int, palette: Palette = PLAIN
) -> list[str]:
    """The whole table; ``now`` is shown at the top right."""
    width = min(width, WIDEST_TEXT)
    state = picture.state
    title = palette.paint("pagestatus is ", Style.BOLD) + palette.paint(
        state, _PICTURES.get(state, Style.BAD)
    )
    share = _share(picture)
    space = width - len("pagestatus is ") - len(state) - len(share) - len(now)
    lines = [title + share + " " * max(1, space) + palette.paint(now, Style.DIM)]
    for trouble in troubles:
        lines += warning(clean(trouble), width, palette)
    if state == "not running":
        return lines
    minute = told(picture.minute)
    schedule = picture.scheduler.schedule if picture.scheduler else None
    lines += ["", *_processes(picture, width, palette), ""]
    if picture.scheduler is not None:
        lines += _label("targets", _targets(picture.scheduler.targets), width, palette)
    if schedule is not None:
        lines += _schedule(schedule, width, palette)
    if picture.bridge is not None and picture.bridge.downloads != Downloads():
        lines += _label("downloads", _downloads(picture.bridge.downloads), width, palette)
    if minute is not None:
        lines += _label("last minute", _minute_parts(minute), width, palette)
    return lines + _missed(schedule, minute, width, palette)


def _share(picture: Picture) -> str:
    """How much of its capacity is in use; of a system that is not whole nobody knows."""
    if picture.state != RUNNING or not picture.limits:
        return ""
    return f", at {percent(picture.limits[0].share)} of capacity"


def _processes(picture: Picture, width: int, palette: Palette) -> list[str]:
    lenders = {f"fetcher-{lender.fetcher}": [lender] for lender in picture.lenders}
    heads = [
        Column("PROCESS"),
        Column("STATE"),
        Column("PID", right=True),
        Column("UP", right=True),
        Column("CPU", right=True),
        Column("SLOTS IN USE", flexible=True),
    ]
    shown = _shown(picture)
    rows = [_row(process, _held(lenders.get(process.name, []))) for process in shown]
    if rest := picture.processes[len(shown) :]:
        all_of_them = Process(
            f"fetcher-1…{len(rest)}",
            RUNNING,
            uptime_s=min(one.uptime_s or 0 for one in rest),
            load=sum(one.load or 0 for one in rest),
        )
        rows.append(_row(all_of_them, _held(picture.lenders)))
    return table(heads, rows, width, palette)


def _shown(picture: Picture) -> Sequence[Process]:
    """The processes that get a row of their own: all, unless many fetchers all run."""
    fetchers = [process for process in picture.processes if process.name.startswith("fetcher-")]
    if len(fetchers) > MOST_ROWS and all(fetcher.state == RUNNING for fetcher in fetchers):
        return picture.processes[: -len(fetchers)]
    return picture.processes


def _row(process: Process, held: str) -> list[str | Cell]:
    return [
        clean(process.name),
        Cell(clean(process.state), _STATES.get(process.state, Style.BAD)),
        str(process.pid) if process.pid is not None else "",
        span(process.uptime_s) if process.uptime_s is not None else "",
        percent(process.load) if process.load is not None else "",
        held,
    ]


def _held(lenders: Sequence[Lender]) -> str:
    slots = sum(lender.slots for lender in lenders)
    return f"{count(sum(lender.leases for lender in lenders))} of {count(slots)}" if slots else ""


def _label(label: str, parts: Iterable[Cell], width: int, palette: Palette, gap: str = WIDE_GAP) -> list[str]:
    """``label`` and, beside it, ``parts`` in as many lines as they need."""
    first, *rest = flow(parts, width - LABEL, palette, gap)
    return [f"{palette.paint(label.ljust(LABEL), Style.DIM)}{first}", *(" " * LABEL + line for line in rest)]


def _some(number: int, what: str, style: Style) -> Cell:
    """A count that is only coloured when there is any."""
    return Cell(f"{count(number)} {what}", style if number else Style.PLAIN)


def _targets(targets: Targets) -> Iterator[Cell]:
    yield Cell(count(targets.total))
    yield _some(targets.up, "up", Style.GOOD)
    yield _some(targets.down, "down", Style.BAD)
    yield _some(targets.unknown, "not known yet", Style.DIM)
    yield _some(targets.paused, "paused", Style.WARN)


def _downloads(downloads: Downloads) -> Iterator[Cell]:
    yield Cell(f"{count(downloads.queued)} queued")
    yield Cell(f"{count(downloads.active)} active")
    yield _some(downloads.complete, "complete", Style.GOOD)
    yield _some(downloads.failed, "failed", Style.BAD)


def _schedule(schedule: Schedule, width: int, palette: Palette) -> list[str]:
    missed = sum(schedule.missed_total.values())
    books = [
        Cell(f"{count(schedule.due_total)} due"),
        Cell(f"= {count(schedule.checked_total)} checked"),
        Cell(f"+ {count(missed)} missed", Style.WARN if missed else Style.PLAIN),
        Cell(f"+ {count(schedule.in_flight)} in flight"),
    ]
    lag = ", ".join(f"{name} {milliseconds(schedule.lag_ms.get(name))}" for name in ("p50", "p99", "max"))
    pace = [Cell(f"{rate(schedule.per_second)} checks a second"), Cell(f"lag {lag}")]
    return [
        *_label("slots", books, width, palette, " "),
        *_label("rate", pace, width, palette),
    ]


def _minute_parts(minute: Minute) -> Iterator[Cell]:
    yield Cell(minute.minute[11:16], Style.DIM)
    yield Cell(f"{count(minute.due)} due")
    yield _some(minute.ok, "ok", Style.GOOD)
    yield _some(minute.fail, "failed", Style.BAD)
    if minute.internal:
        yield _some(minute.internal, "internal", Style.WARN)
    yield _some(sum(minute.missed.values()), "missed", Style.WARN)
    yield Cell(_quantiles("lag", minute.lag_ms))
    yield Cell(_quantiles("latency", minute.latency_ms))


def _quantiles(what: str, values: Quantiles) -> str:
    return ", ".join(
        f"{name} {milliseconds(value)}"
        for name, value in ((f"{what} p50", values.p50), ("p99", values.p99), ("max", values.max))
    )


def _missed(schedule: Schedule | None, minute: Minute | None, width: int, palette: Palette) -> list[str]:
    totals = schedule.missed_total if schedule else {}
    last = minute.missed if minute else {}
    reasons = sorted({*totals, *last}, key=lambda reason: (-totals.get(reason, 0), reason))
    reasons = [reason for reason in reasons if totals.get(reason) or last.get(reason)]
    if not reasons:
        return []
    heads = [
        Column("MISSED"),
        Column("TOTAL", right=True),
        Column("MINUTE", right=True),
        Column("WHY", wraps=True),
    ]
    rows = [
        (
            Cell(clean(reason), Style.WARN),
            count(totals.get(reason, 0)),
            count(last.get(reason, 0)),
            words(reason),
        )
        for reason in reasons
    ]
    return ["", *table(heads, rows, width, palette)]
