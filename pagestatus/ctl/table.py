"""Tables and colour: rows of cells in, lines out. Colour is laid on after everything is in its column."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import zip_longest
from typing import NamedTuple

from pagestatus.ctl.text import columns, fit_middle

GAP = "  "
WIDE_GAP = "   "
# A flexible column is never squeezed below this, whatever the terminal's width.
NARROWEST = 12


class Style(Enum):
    """What a text is, with the SGR parameters (ECMA-48 8.3.117) that show it."""

    PLAIN = ""
    GOOD = "32"
    WARN = "33"
    BAD = "31"
    DIM = "2"
    BOLD = "1"


class Cell(NamedTuple):
    """A text and what it is."""

    text: str
    style: Style = Style.PLAIN


class Column(NamedTuple):
    """How one column of a table is laid out.

    A flexible one gets what the others leave of the width, and is cut in its middle; one that wraps goes on
    below.
    """

    title: str
    right: bool = False
    flexible: bool = False
    wraps: bool = False


class Palette:
    """Paints, or leaves everything as it is."""

    def __init__(self, *, colour: bool = False) -> None:
        self._colour = colour

    def paint(self, text: str, style: Style) -> str:
        """``text``, painted if there is colour."""
        if not self._colour or style is Style.PLAIN or not text:
            return text
        return f"\x1b[{style.value}m{text}\x1b[0m"


PLAIN = Palette()
COLOUR = Palette(colour=True)


def table(
    heads: Sequence[Column], rows: Iterable[Sequence[str | Cell]], width: int, palette: Palette = PLAIN
) -> list[str]:
    """A head and ``rows`` in at most ``width`` columns; texts must be clean already."""
    cells = [[cell if isinstance(cell, Cell) else Cell(cell) for cell in row] for row in rows]
    widths = _widths(heads, cells, width)
    titles = [Cell(head.title, Style.DIM) for head in heads]
    wrapped = (line for row in cells for line in _wrapped(heads, row, widths))
    return [_line(heads, row, widths, palette) for row in (titles, *wrapped)]


def flow(parts: Iterable[Cell], width: int, palette: Palette = PLAIN, gap: str = WIDE_GAP) -> list[str]:
    """``parts`` beside each other, none of them broken, in lines of at most ``width`` columns."""
    lines: list[str] = []
    taken = 0
    for part in parts:
        wide = len(gap) + columns(part.text)
        if lines and taken + wide <= width:
            lines[-1] += gap + palette.paint(*part)
            taken += wide
        else:
            lines.append(palette.paint(*part))
            taken = columns(part.text)
    return lines


def prose(text: str, width: int) -> list[str]:
    """``text`` in lines of at most ``width`` columns, broken between words."""
    return textwrap.wrap(text, max(width, NARROWEST), break_on_hyphens=False)


def warning(text: str, width: int, palette: Palette = PLAIN) -> list[str]:
    """``text`` with a mark before it."""
    first, *rest = prose(text, width - 2)
    return [palette.paint(line, Style.WARN) for line in (f"! {first}", *(f"  {line}" for line in rest))]


def _widths(heads: Sequence[Column], rows: Sequence[Sequence[Cell]], width: int) -> list[int]:
    widths = [
        max((columns(head.title), *(columns(row[index].text) for row in rows)))
        for index, head in enumerate(heads)
    ]
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width
    for index, head in enumerate(heads):
        if (head.flexible or head.wraps) and over > 0:
            squeezed = min(widths[index], max(NARROWEST, widths[index] - over))
            over -= widths[index] - squeezed
            widths[index] = squeezed
    return widths


def _wrapped(heads: Sequence[Column], row: Sequence[Cell], widths: Sequence[int]) -> Iterator[list[Cell]]:
    """``row`` and, where a cell wraps, the rows that go on below it."""
    pieces = [
        [Cell(line, cell.style) for line in prose(cell.text, wide)] if head.wraps else [cell]
        for head, cell, wide in zip(heads, row, widths, strict=True)
    ]
    for line in zip_longest(*pieces, fillvalue=Cell("")):
        yield list(line)


def _line(heads: Sequence[Column], row: Sequence[Cell], widths: Sequence[int], palette: Palette) -> str:
    parts: list[str] = []
    padding = ""
    for head, cell, wide in zip(heads, row, widths, strict=True):
        text = fit_middle(cell.text, wide)
        space = " " * (wide - columns(text))
        before, after = (space, "") if head.right else ("", space)
        parts += [padding, before, palette.paint(text, cell.style)] if text else []
        # Padding waits for the next text, so that no line ends in spaces.
        padding = after + GAP if text else padding + space + GAP
    return "".join(parts)
