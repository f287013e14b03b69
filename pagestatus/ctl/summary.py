"""``summary``: the last minutes, one line each, and the last one in full."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from pagestatus.config import MINUTES_LOG
from pagestatus.ctl.answers import DownloadsOfMinute, Minute
from pagestatus.ctl.group import Command
from pagestatus.ctl.minutes import last_minutes
from pagestatus.ctl.output import note, palette, width, write, write_json
from pagestatus.ctl.place import Place, understood
from pagestatus.ctl.table import PLAIN, Cell, Column, Palette, Style, table
from pagestatus.ctl.text import clean, count, milliseconds, size

EXAMPLES = """
pagestatus-ctl summary             the last 10 minutes
pagestatus-ctl summary -n 60       the last hour
pagestatus-ctl summary -n 1 --json
"""
MOST_URLS = 5


@click.command(cls=Command, epilog=EXAMPLES)
@click.option(
    "-n", "--minutes", type=click.IntRange(1), default=10, show_default=True, help="How many minutes."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON array of lines of minutes.log, newest last.")
@click.pass_obj
def summary(place: Place, *, minutes: int, as_json: bool) -> None:
    """The last minutes, one line each.

    A minute holds the slots that were due in it, so its line comes when the last of them is settled. Times
    are UTC. Below the table stands what else is known of the last minute.
    """
    found = last_minutes(place.log(MINUTES_LOG), minutes)
    if as_json:
        write_json(found)
        return
    known = understood("aggregator", found, list[Minute])
    if not known:
        note("no minute is complete yet")
        return
    write(show(known, width(), palette()))


def show(minutes: Sequence[Minute], width: int, palette: Palette = PLAIN) -> list[str]:
    """The table, and the last of ``minutes`` in full."""
    heads = [
        Column("UTC"),
        *(Column(title, right=True) for title in ("DUE", "OK", "FAIL", "INTERNAL", "MISSED")),
        *(Column(title, right=True) for title in ("LAG p99", "TOOK p50", "p99", "max")),
    ]
    head, *lines = table(heads, [_row(minute) for minute in minutes], width, palette)
    return [head, *_dated(minutes, lines, palette), "", *_full(minutes[-1], width, palette)]


def _dated(minutes: Sequence[Minute], lines: Sequence[str], palette: Palette) -> Iterator[str]:
    """A line with the date wherever a new day begins."""
    before = minutes[-1].minute[:10]
    for minute, line in zip(minutes, lines, strict=True):
        if (day := minute.minute[:10]) != before:
            before = day
            yield palette.paint(clean(day), Style.DIM)
        yield line


def _row(minute: Minute) -> list[str | Cell]:
    return [
        clean(minute.minute[11:16]),
        count(minute.due),
        count(minute.ok),
        _some(minute.fail, Style.BAD),
        _some(minute.internal, Style.WARN),
        _some(sum(minute.missed.values()), Style.WARN),
        milliseconds(minute.lag_ms.p99),
        milliseconds(minute.latency_ms.p50),
        milliseconds(minute.latency_ms.p99),
        milliseconds(minute.latency_ms.max),
    ]


def _some(number: int, style: Style) -> Cell:
    return Cell(count(number), style if number else Style.DIM)


def _full(minute: Minute, width: int, palette: Palette) -> list[str]:
    rows = [(Cell(label, Style.DIM), text) for label, text in _facts(minute)]
    heads = [Column(""), Column("", flexible=True)]
    title = palette.paint(clean(f"the minute of {minute.minute[:10]} {minute.minute[11:16]}"), Style.BOLD)
    return [title, *table(heads, rows, width, palette)[1:]]


def _facts(minute: Minute) -> Iterator[tuple[str, str]]:
    if minute.codes:
        yield "codes", "   ".join(f"{code}: {count(times)}" for code, times in minute.codes)
    if minute.missed:
        yield (
            "missed",
            "   ".join(f"{clean(reason)}: {count(slots)}" for reason, slots in minute.missed.items()),
        )
    yield "bodies", size(minute.bytes)
    if minute.downloads != DownloadsOfMinute():
        yield "downloads", "   ".join(_downloads(minute.downloads))
    if minute.slowest is not None:
        yield "slowest", f"{milliseconds(minute.slowest.ms)}  {clean(minute.slowest.url)}"
    yield "in flight", count(minute.in_flight)
    for check in minute.in_flight_urls[:MOST_URLS]:
        yield "", f"{milliseconds(check.seconds * 1000)}  {clean(check.url)}"


def _downloads(downloads: DownloadsOfMinute) -> Iterator[str]:
    yield f"{count(downloads.active)} active"
    yield f"{count(downloads.completed)} completed"
    yield f"{count(downloads.failed)} failed"
    yield size(downloads.bytes)
