"""Lines of ``url_status.log`` for people: in columns, or with their phases."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from pagestatus.ctl.answers import Attempt
from pagestatus.ctl.table import PLAIN, WIDE_GAP, Cell, Palette, Style, flow
from pagestatus.ctl.text import clean, columns, count, fit, fit_middle, milliseconds, size
from pagestatus.identity import is_id_word

# Widths of the columns of ``tail``: they stand before the lines are known.
HEAD = "UTC      OUTCOME   WHY         TRY    TOOK    BYTES TARGET"
_NAMED_AFTER = 52
_STYLES = {"ok": Style.GOOD, "fail": Style.BAD, "internal": Style.WARN, "missed": Style.WARN}
FAILURES = frozenset({"fail", "internal"})

_decode = msgspec.json.Decoder(Attempt).decode


def parse(line: bytes) -> Attempt | None:
    """A line of the log; None when it is none."""
    try:
        return _decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def name(attempt: Attempt) -> str:
    """What the line is about: the target's name if it has one, else its URL."""
    target = attempt.target or ""
    if target and not is_id_word(target):
        return clean(target)
    return clean(attempt.url or "")


def what(attempt: Attempt) -> str:
    """The status code, else the reason."""
    if attempt.status and attempt.reason in {None, "http_status"}:
        return str(attempt.status)
    return clean(attempt.reason or "")


def style(attempt: Attempt) -> Style:
    """A failure that will be tried again is a warning yet."""
    if attempt.outcome == "fail" and not attempt.final:
        return Style.WARN
    return _STYLES.get(attempt.outcome, Style.PLAIN)


def row(attempt: Attempt, width: int, palette: Palette = PLAIN) -> str:
    """One line of ``tail``. An ellipsis after the outcome: the slot is not settled yet."""
    if attempt.url is None and attempt.since:
        return fit(_down(attempt), width)
    # The aggregator's word for it, short enough for its column.
    outcome = clean(attempt.outcome) + ("" if attempt.final else "…")
    tries = f"#{attempt.attempt}" if attempt.attempt and attempt.attempt > 1 else ""
    took = milliseconds(attempt.ms) if attempt.ms is not None else ""
    body = size(attempt.bytes) if attempt.bytes is not None else ""
    return (
        f"{clean(attempt.time[11:19]):8} "
        f"{palette.paint(f'{fit(outcome, 9):9}', style(attempt))} {fit(what(attempt), 11):11} {tries:>3} "
        f"{took:>7} {body:>8} {fit_middle(name(attempt), width - _NAMED_AFTER)}"
    ).rstrip()


def _down(attempt: Attempt) -> str:
    since, until = (clean(moment or "")[5:19].replace("T", " ") for moment in (attempt.since, attempt.until))
    words = f"{count(attempt.slots or 0)} slots, {since} to {until}"
    return f"{clean(attempt.time[11:19]):8} {'missed':9} {'down':11} {words}"


def detailed(attempt: Attempt, width: int, palette: Palette = PLAIN, *, named: bool = True) -> list[str]:
    """One attempt with its phases; ``named``: and what it is about."""
    moment, outcome, why = (
        clean(f"{attempt.time[:10]} {attempt.time[11:19]}"),
        clean(attempt.outcome),
        what(attempt),
    )
    head = f"{moment}  {palette.paint(outcome, style(attempt))} {why}".rstrip()
    if named:
        taken = columns(f"{moment}  {outcome} {why}  ")
        head += f"  {fit_middle(name(attempt), width - taken)}"
    facts = [Cell(fact) for fact in (*_facts(attempt), *phases(attempt))]
    return [head, *(f"    {line}" for line in flow(facts, width - 4, palette, WIDE_GAP))]


def _facts(attempt: Attempt) -> Iterator[str]:
    if attempt.attempt is None:
        return
    yield f"attempt {attempt.attempt}"
    if attempt.class_:
        yield clean(attempt.class_)
    yield "final" if attempt.final else "tried again"
    if attempt.ip:
        yield clean(attempt.ip)


def phases(attempt: Attempt) -> Iterator[str]:
    """How long each phase took, up to the one that it ended in."""
    if attempt.ms is None:
        return
    ends = [("name", attempt.dns_ms), ("connection", attempt.connect_ms)]
    if attempt.tls_ms is not None or (attempt.url or "").startswith("https:"):
        ends.append(("tls", attempt.tls_ms))
    ends.append(("first byte", attempt.ttfb_ms))
    # A phase that is not there before one that is was not needed (an address needs no name).
    reached = max((index for index, (_phase, end) in enumerate(ends) if end is not None), default=-1)
    before = 0.0
    for phase, end in ends[: reached + 1]:
        if end is not None:
            yield f"{phase} {milliseconds(max(0.0, end - before))}"
            before = max(before, end)
    left = milliseconds(max(0.0, attempt.ms - before))
    yield f"body {left}" if reached + 1 == len(ends) else f"no {ends[reached + 1][0]} after {left}"


def shown(attempts: Iterable[Attempt], width: int, palette: Palette = PLAIN) -> list[str]:
    """Attempts in columns under a head."""
    return [palette.paint(HEAD, Style.DIM), *(row(attempt, width, palette) for attempt in attempts)]
