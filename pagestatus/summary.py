"""A minute for people: one block of short lines, made of a line of ``minutes.log``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from textwrap import wrap
from typing import Any

from pagestatus.ctl.text import clean, count, fit, milliseconds, size

WIDTH = 80
MOST_URLS = 3
_LABEL = 13


def block(figures: Mapping[str, Any], width: int = WIDTH) -> list[str]:
    """The minute in lines of at most ``width`` columns, the first one without an indent."""
    due = f"{count(figures['due'])} due, {count(figures['ok'])} ok" if figures["due"] else "nothing was due"
    lines = [f"minute {figures['minute'][:16].replace('T', ' ')} UTC: {due}"]
    for label, text, parts in _facts(figures):
        room = width - _LABEL
        # Words are wrapped; a URL is cut, so that it stands on one line.
        texts = wrap(text, room) if parts else [fit(text, room)]
        for number, piece in enumerate(texts):
            lines.append(f"  {label if number == 0 else '':{_LABEL - 2}}{piece}")
    return [fit(line, width) for line in lines]


def _facts(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, bool]]:
    """(label, text, whether the text may be wrapped)."""
    if bad := [f"{count(figures[key])} {key}" for key in ("fail", "internal") if figures[key]]:
        yield "bad", ", ".join(bad), True
    if figures["missed"]:
        yield "missed", ", ".join(f"{count(n)} {clean(word)}" for word, n in figures["missed"].items()), True
    if figures["codes"]:
        yield "codes", ", ".join(f"{code}: {count(number)}" for code, number in figures["codes"]), True
    if figures["checked"]:
        yield "latency", _spread(figures["latency_ms"]), True
        yield "lag", _spread(figures["lag_ms"]), True
        yield "bodies", size(figures["bytes"]), True
    if any(figures["downloads"].values()):
        yield "downloads", _downloads(figures["downloads"]), True
    if slowest := figures["slowest"]:
        yield "slowest", f"{milliseconds(slowest['ms'])}  {clean(slowest['url'])}", False
    if figures["in_flight"]:
        yield "in flight", count(figures["in_flight"]), True
    for check in figures["in_flight_urls"][:MOST_URLS]:
        yield "", f"{milliseconds(check['seconds'] * 1000)}  {clean(check['url'])}", False


def _downloads(figures: Mapping[str, int]) -> str:
    parts = [f"{count(figures[key])} {key}" for key in ("active", "completed", "failed") if figures[key]]
    return ", ".join((*parts, size(figures["bytes"])))


def _spread(figures: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {milliseconds(ms)}" for name, ms in figures.items())
