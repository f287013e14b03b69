"""Downloads for people: one as a progress bar or in words, all of them in a table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote

from pagestatus.ctl.answers import Download
from pagestatus.ctl.table import PLAIN, Cell, Column, Palette, Style, table
from pagestatus.ctl.text import clean, columns, count, fit, fit_middle, size, span

GAP = "  "
# When there is little room, first the bar becomes short, then the name, then facts are left out.
LONGEST_BAR = 40
SHORTEST_BAR = 10
SHORTEST_NAME = 10
# With less room, a table does not say where things are.
SHORTEST_PLACE = 30
_STYLES = {
    "Downloaded": Style.GOOD,
    "Failed": Style.BAD,
    "Paused": Style.WARN,
    "Queued": Style.DIM,
    "Cancelled": Style.DIM,
}
_MOVING = "Downloading"
# "user:password@" of an authority (RFC 3986 3.2). The bridge shows none; this is for what it should not.
_USER = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*@")


def url_of(download: Download) -> str:
    """The URL, without a user name."""
    return clean(_USER.sub(r"\1//", download.url))


def name_of(download: Download) -> str:
    """The file's name, as far as it is known: until it is there, the last part of its URL, else all of it."""
    path = download.path_to_file or re.split(r"[?#]", download.url)[0].partition("://")[2].partition("/")[2]
    return clean(unquote(path.rpartition("/")[2])) or url_of(download)


def place_of(download: Download) -> str:
    """Where the file lies; until it is there, its URL."""
    if not download.path_to_file:
        return url_of(download)
    return clean(unquote(download.path_to_file.removeprefix("file://")))


def percent_of(download: Download) -> str:
    """How much is there, rounded down: 100 % is all of it; empty where the size is not known."""
    if download.size is None or download.progress is None:
        return ""
    return f"{min(max(int(download.progress * 100), 0), 100)} %"


def reason_of(download: Download) -> str:
    """Why it does not go on; empty: it does, or nobody says."""
    if download.error is None:
        return ""
    return clean(download.error.message or download.error.code)


def words(download: Download) -> str:
    """One line on where it is."""
    facts = ", ".join(text for text in (_state(download), _amount(download), *_pace(download)) if text)
    return f"{clean(download.id)} {name_of(download)}: {facts}"


def bar(download: Download, width: int) -> str:
    """One line of at most ``width`` columns: name, bar, percent, size, speed, time left, workers."""
    amount = f"{percent_of(download):>5} of {size(download.size)}" if percent_of(download) else ""
    there = amount or (f"{size(download.completed):>8}" if download.completed else "")
    facts = [fact for fact in (there, *_steady_pace(download)) if fact]
    least_bar = len(GAP) + SHORTEST_BAR if amount else 0
    name = name_of(download)
    least = min(columns(name), SHORTEST_NAME) + least_bar
    # The least telling are last.
    while len(facts) > 1 and least + sum(len(GAP) + columns(fact) for fact in facts) > width:
        facts.pop()
    room = width - sum(len(GAP) + columns(fact) for fact in facts)
    name = fit_middle(name, room - least_bar)
    room -= columns(name) + len(GAP)
    drawn = [_drawn(download.progress or 0, min(room, LONGEST_BAR))] if amount else []
    return fit(GAP.join(part for part in (name, *drawn, *facts) if part), width)


def show(downloads: Sequence[Download], width: int, palette: Palette = PLAIN) -> list[str]:
    """A line for each, and below it what is wrong with it; with room for it also where each is."""
    heads = [
        Column("ID"),
        Column("STATE"),
        *(Column(title, right=True) for title in ("DONE", "SIZE", "SPEED", "LEFT", "WORKERS")),
        Column("NAME"),
    ]
    rows = [_row(download) for download in downloads]
    taken = max(columns(line) for line in table(heads, rows, width))
    if taken + len(GAP) + _room_for_places(downloads) <= width:
        heads.append(Column("PLACE", flexible=True))
        rows = [[*row, place_of(download)] for row, download in zip(rows, downloads, strict=True)]
    else:
        heads[-1] = Column("NAME", flexible=True)
    head, *lines = table(heads, rows, width, palette)
    return [head, *_with_reasons(downloads, lines, width, palette)]


def _room_for_places(downloads: Sequence[Download]) -> int:
    """Where a file lies is shown whole; a URL may be cut."""
    paths = (columns(place_of(download)) for download in downloads if download.path_to_file)
    return max(SHORTEST_PLACE, *paths, 0)


def _row(download: Download) -> list[str | Cell]:
    moving = download.process_status == _MOVING
    return [
        clean(download.id),
        Cell(clean(download.process_status), _STYLES.get(download.process_status, Style.PLAIN)),
        percent_of(download) or size(download.completed),
        size(download.size),
        _speed(download) if moving else "",
        span(download.eta) if moving and download.eta is not None else "",
        count(download.threads) if download.threads else "",
        name_of(download),
    ]


def _with_reasons(
    downloads: Sequence[Download], lines: Sequence[str], width: int, palette: Palette
) -> Iterator[str]:
    for download, line in zip(downloads, lines, strict=True):
        yield line
        if reason := reason_of(download):
            yield palette.paint(fit(f"  {reason}", width), Style.WARN)


def _state(download: Download) -> str:
    if download.process_status == "Checking":
        return "asking the server"
    return clean(download.process_status).lower()


def _amount(download: Download) -> str:
    percent = percent_of(download)
    if percent:
        return f"{percent} of {size(download.size)}"
    return size(download.completed) if download.completed else ""


def _speed(download: Download) -> str:
    return f"{size(download.speed)}/s" if download.speed is not None else ""


def _workers(download: Download) -> str:
    return f"{count(download.threads)} worker{'' if download.threads == 1 else 's'}"


def _pace(download: Download) -> Iterator[str]:
    """How fast it goes, if it does."""
    if download.process_status == _MOVING:
        yield _speed(download)
        yield f"{span(download.eta)} left" if download.eta is not None else ""
        yield _workers(download)


def _steady_pace(download: Download) -> Iterator[str]:
    """The same in columns that stay where they are, whatever the figures; else the state."""
    if download.process_status != _MOVING:
        yield _state(download)
        return
    speed, left, workers = _pace(download)
    yield f"{speed:>10}"
    yield f"{left:>12}"
    yield f"{workers:<10}"


def _drawn(progress: float, width: int) -> str:
    inside = width - 2
    done = min(max(int(progress * inside), 0), inside)
    return f"[{'#' * done}{' ' * (inside - done)}]"
