"""Who did not answer on its control socket, although no fault kept it from that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from pagestatus.clock import iso
from scripts.bench_run.system import ACTORS
from scripts.soak_run.fault import Struck, kind_of
from scripts.soak_run.watcher import Unanswered

# A second after the end of a fault who was asked before it may still have to catch up.
MARGIN_US = 2_000_000


def findings(unanswered: Iterable[Unanswered], struck: Sequence[Struck]) -> Iterator[str]:
    """One line for each time that nothing excuses."""
    for one in unanswered:
        # A fetcher may have left between the look for it and the question.
        if (one.is_silent or one.name in ACTORS) and not _is_excused(one, struck):
            yield f"{iso(one.asked_us)} {one.name} did not answer within a second: {one.words}"


def _is_excused(one: Unanswered, struck: Iterable[Struck]) -> bool:
    return any(
        kind_of(one.name) in strike.fault.halts
        and strike.began_us - MARGIN_US <= one.asked_us <= strike.well_us + MARGIN_US
        for strike in struck
    )
