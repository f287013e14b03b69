"""Pictures of figures, as SVG that needs nothing else.

They follow the light or dark mode of the reader, and every bar has its figure beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

WIDTH = 760
_MARGIN = 16
# Of a letter, about.
_LETTER = 7.9
_FIGURE = 110
_BAR, _STEP = 20, 30
_TITLE, _HEADING = 48, 32
# Of the title's letters.
_BASE = 28
_STYLE = """<style>
text { font: 14px system-ui, sans-serif; fill: #1f2328 }
.title { font-size: 16px; font-weight: 600 }
.heading { font-weight: 600 }
.paper { fill: #fff }
.ours { fill: #1f6feb }
.theirs { fill: #afb8c1 }
.more { fill: none; stroke: #afb8c1; stroke-dasharray: 4 3 }
.limit { stroke: #cf222e; stroke-width: 1.5; stroke-dasharray: 4 3 }
.most { fill: #cf222e }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.paper { fill: #0d1117 }
.ours { fill: #4493f8 }
.theirs { fill: #57606a }
.more { stroke: #6e7681 }
.limit { stroke: #f85149 }
.most { fill: #f85149 }
}
</style>"""


class Bar(NamedTuple):
    """From 0 to its value."""

    label: str
    value: float
    is_ours: bool
    # Its end is not known.
    or_more: bool = False


def bars(title: str, unit: str, values: Iterable[tuple[str, float, bool]], limit: float | None = None) -> str:
    """One bar for each ``(label, value, is_ours)``; ``limit`` is a line across all of them."""
    group = [Bar(*row) for row in values]
    drawing = _Drawing(unit, _labels_end(group))
    drawing.group(group, limit)
    return drawing.document(title)


def groups(title: str, unit: str, values: Sequence[tuple[str, Sequence[Bar]]]) -> str:
    """Bars under headings, each group to a scale of its own."""
    drawing = _Drawing(unit, _labels_end(bar for _heading, group in values for bar in group))
    for heading, group in values:
        drawing.heading(heading)
        drawing.group(group)
    return drawing.document(title)


def shown(value: float) -> str:
    """With three digits that count, and thousands set apart."""
    if not math.isfinite(value):
        return "∞"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _labels_end(bars_: Iterable[Bar]) -> float:
    """Where the bars can begin."""
    return 2 * _MARGIN + max((len(bar.label) for bar in bars_), default=0) * _LETTER


class _Drawing:
    """Grows from the top."""

    def __init__(self, unit: str, left: float) -> None:
        self._unit = unit
        self._left = left
        self._top = _TITLE
        self._marks: list[str] = []

    def heading(self, words: str) -> None:
        self._text(_MARGIN, self._top + 20, words, 'class="heading"')
        self._top += _HEADING

    def group(self, group: Sequence[Bar], limit: float | None = None) -> None:
        """Draw it as long as there is room."""
        finite = [value for value in [limit or 0, *(bar.value for bar in group)] if math.isfinite(value)]
        room = WIDTH - self._left - _FIGURE
        scale = room / (max(finite) or 1)
        top = self._top
        for bar in group:
            self._bar(bar, bar.value * scale if math.isfinite(bar.value) else room)
        if limit is not None:
            at = self._left + limit * scale
            across = f'x1="{at:.1f}" x2="{at:.1f}" y1="{top - 5}" y2="{self._top - 5}"'
            self._marks.append(f'<line class="limit" {across}/>')
            most = f"at most {shown(limit)} {self._unit}"
            self._text(WIDTH - _MARGIN, _BASE, most, 'class="most" text-anchor="end"')

    def _bar(self, bar: Bar, length: float) -> None:
        kind = "more" if bar.or_more else "ours" if bar.is_ours else "theirs"
        place = f'x="{self._left:.1f}" y="{self._top}" width="{max(length, 1):.1f}" height="{_BAR}" rx="3"'
        line, sign = self._top + 15, "> " if bar.or_more else ""
        self._text(self._left - _MARGIN / 2, line, bar.label, 'text-anchor="end"')
        self._marks.append(f'<rect class="{kind}" {place}/>')
        self._text(self._left + length + 8, line, f"{sign}{shown(bar.value)} {self._unit}")
        self._top += _STEP

    def _text(self, x: float, y: float, words: str, more: str = "") -> None:
        self._marks.append(f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>')

    def document(self, title: str) -> str:
        return "\n".join([*self._lines(title), ""])

    def _lines(self, title: str) -> Iterator[str]:
        size, named = f'width="{WIDTH}" height="{self._top}"', f'role="img" aria-label={quoteattr(title)}'
        box = f'viewBox="0 0 {WIDTH} {self._top}"'
        yield f'<svg xmlns="http://www.w3.org/2000/svg" {size} {box} {named}>'
        yield _STYLE
        yield f'<rect class="paper" {size} rx="6"/>'
        yield f'<text class="title" x="{_MARGIN}" y="{_BASE}">{escape(title)}</text>'
        yield from self._marks
        yield "</svg>"
