"""Words and figures for people: what a stranger wrote made harmless, numbers that are quick to read."""

from __future__ import annotations

import unicodedata

ABSENT = "-"
_ELLIPSIS = "…"


def clean(text: str) -> str:
    """``text`` on one line, with nothing in it that could steer a terminal.

    Control characters (C0, DEL, C1), line separators, bidirectional overrides and lone surrogates are shown
    as escapes.
    """
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(ord(char)) for char in text)


def _escape(code: int) -> str:
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def columns(text: str) -> int:
    """How many columns of a terminal ``text`` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns_of(char) for char in text)


def _columns_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def fit(text: str, width: int) -> str:
    """``text`` in at most ``width`` columns; an ellipsis stands for the end that is cut off."""
    if columns(text) <= width:
        return text
    return _first(text, width - 1) + _ELLIPSIS if width > 0 else ""


def fit_middle(text: str, width: int) -> str:
    """The same with the middle cut out: of a URL, host and last part tell most."""
    if columns(text) <= width:
        return text
    if width < 1:
        return ""
    head = _first(text, (width - 1) // 2)
    return head + _ELLIPSIS + _first(text[::-1], width - 1 - columns(head))[::-1]


def _first(text: str, width: int) -> str:
    """As much of the start of ``text`` as ``width`` columns hold."""
    taken = 0
    for index, char in enumerate(text):
        taken += _columns_of(char)
        if taken > width:
            return text[:index]
    return text


def count(number: float) -> str:
    """``1,234,567``."""
    return f"{round(number):,}"


def rate(per_second: float) -> str:
    """``83.4``, ``0.02``, ``1,234``: three figures that count."""
    if per_second >= 100:
        return count(per_second)
    return f"{per_second:.1f}" if per_second >= 10 or per_second == 0 else f"{per_second:.2f}"


def milliseconds(ms: float | None) -> str:
    """A duration in the unit that suits it: ``0.31 ms``, ``31 ms``, ``1.20 s``, ``12.3 s``, ``2m 05s``."""
    if ms is None:
        return ABSENT
    # The bounds are those at which the rounded figure would gain a digit.
    for below, text in ((0.9995, "{:.2f} ms"), (9.95, "{:.1f} ms"), (999.5, "{:.0f} ms")):
        if ms < below:
            return text.format(ms)
    seconds = ms / 1000
    for below, text in ((9.995, "{:.2f} s"), (59.95, "{:.1f} s")):
        if seconds < below:
            return text.format(seconds)
    return span(seconds)


def span(seconds: float | None) -> str:
    """A long time in its two largest units: ``12s``, ``2m 05s``, ``2h 05m``, ``3d 04h``."""
    if seconds is None:
        return ABSENT
    whole = max(0, int(seconds))
    minutes, hours, days = whole // 60, whole // 3600, whole // 86_400
    if days:
        return f"{days}d {hours % 24:02}h"
    if hours:
        return f"{hours}h {minutes % 60:02}m"
    return f"{minutes}m {whole % 60:02}s" if minutes else f"{whole}s"


def size(number: float | None) -> str:
    """Bytes in the unit that suits: ``0 B``, ``12.3 KiB``, ``4.00 MiB``."""
    if number is None:
        return ABSENT
    units = iter(("B", "KiB", "MiB", "GiB", "TiB", "PiB"))
    unit = next(units)
    while number >= 1000 and (larger := next(units, "")):
        number, unit = number / 1024, larger
    if unit == "B":
        return f"{number:.0f} B"
    digits = 2 if number < 9.995 else 1 if number < 99.95 else 0
    return f"{number:.{digits}f} {unit}"


def percent(part: float) -> str:
    """A share of one: ``0.4 %``, ``37 %``."""
    shown = part * 100
    if 0 < shown < 0.05:
        return "<0.1 %"
    return f"{shown:.1f} %" if 0 < shown < 9.95 else f"{shown:.0f} %"
