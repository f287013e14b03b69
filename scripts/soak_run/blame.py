"""No ``fail`` that is our own fault: each lies in a time in which a fault makes failures of its kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from scripts.soak_run.fault import Struck
from scripts.soak_run.log import Line

FAIL = "fail"
# What met a site just when it began to behave again.
MARGIN_US = 500_000


def findings(lines: Iterable[Line], struck: Sequence[Struck]) -> Iterator[str]:
    """One line for each failure of which no fault was the cause."""
    spoiling = [strike for strike in struck if strike.fault.spoils]
    for line in lines:
        if line.outcome == FAIL and not any(_explains(strike, line) for strike in spoiling):
            yield f"no fault explains {line}"


def _explains(strike: Struck, line: Line) -> bool:
    until_us = strike.ended_us + MARGIN_US + round(strike.fault.lingers_s * 1_000_000)
    began_us = strike.began_us - MARGIN_US
    is_its_kind = line.reason in strike.fault.spoils and strike.fault.whose(line.url)
    return is_its_kind and line.start_us <= until_us and began_us <= line.end_us
