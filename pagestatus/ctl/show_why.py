"""``why`` for people: what the scheduler says of a target, and its last attempts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from pagestatus.ctl.answers import Attempt, Why
from pagestatus.ctl.attempts import detailed
from pagestatus.ctl.table import PLAIN, Palette, Style, prose
from pagestatus.ctl.text import clean, columns, count, fit_middle, span

LABEL = 13
WIDEST_TEXT = 80
_STATES = {"up": Style.GOOD, "down": Style.BAD, "paused": Style.WARN}
_STAGES = {
    "waiting": "waits to be given to a fetcher",
    "leased": "is with a fetcher",
    "retry": "waits for its next attempt",
}


def show(why: Why, attempts: Sequence[Mapping[str, Any]], width: int, palette: Palette = PLAIN) -> list[str]:
    """State, times, obstacles, and ``attempts``, oldest first."""
    url, target = clean(why.url), clean(why.target)
    lines = [palette.paint(fit_middle(url, width), Style.BOLD)]
    facts = [("target", target, Style.PLAIN), ("state", clean(why.state), _STATES.get(why.state, Style.DIM))]
    facts += [(label, text, Style.PLAIN) for label, text in _facts(why)]
    facts += [("not checked", clean(words), Style.WARN) for words in why.not_checked]
    for label, text, style in facts:
        for index, line in enumerate(prose(text, min(width, WIDEST_TEXT) - LABEL)):
            head = "" if index else label
            lines.append(
                palette.paint(head, Style.DIM) + " " * (LABEL - columns(head)) + palette.paint(line, style)
            )
    return [*lines, "", *show_attempts(attempts, width, palette)]


def _facts(why: Why) -> Iterator[tuple[str, str]]:
    stride = f", at the moment only every {why.checked_every}th slot" if why.checked_every > 1 else ""
    yield "interval", f"{span(why.interval_s)}{stride}, time-out {span(why.timeout_s)}"
    if why.failed_permanently:
        yield "failed", f"for good, {count(why.failed_permanently)} slots in a row"
    if why.slow:
        yield "lane", "slow: its last attempt timed out"
    if why.slot is not None:
        stage = _STAGES.get(why.slot.stage, clean(why.slot.stage))
        yield "now", f"the slot of {_clock(why.slot.due)} {stage} (attempt {why.slot.attempt})"
    yield "next due", f"{_clock(why.next_due)}, in {span(why.next_due_s)}"


def _clock(moment: str) -> str:
    return clean(f"{moment[11:19]} UTC")


def show_attempts(attempts: Sequence[Mapping[str, Any]], width: int, palette: Palette = PLAIN) -> list[str]:
    """The last attempts with their phases."""
    if not attempts:
        return ["no attempt in the log"]
    return [
        line
        for attempt in attempts
        for line in detailed(msgspec.convert(attempt, Attempt), width, palette, named=False)
    ]
