"""How far downloads are: what a list begins with, and what can be done with one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pagestatus.ctl.answers import Download

_RANKS = {
    "Downloading": 0,
    "Verifying": 0,
    "Checking": 0,
    "Queued": 1,
    "Paused": 2,
    "Failed": 3,
    "Downloaded": 4,
    "Cancelled": 4,
}
_ENDED = 4
# What the bridge does each of these with.
PAUSABLE = frozenset({"Downloading", "Checking", "Queued"})
RETRIED = frozenset({"Failed", "Cancelled"})
RESUMABLE = RETRIED | {"Paused"}
CANCELLABLE = frozenset(state for state, rank in _RANKS.items() if rank < _ENDED)
ANY = frozenset(_RANKS)


def in_order(downloads: Iterable[Download]) -> list[Download]:
    """What runs, then what waits, is paused, has failed; then what has ended, the newest first.

    ``downloads`` are oldest first, as the bridge has them. A state of a newer version counts as running.
    """
    known = list(downloads)
    ended = [one for one in reversed(known) if _rank(one) == _ENDED]
    return [*sorted((one for one in known if _rank(one) < _ENDED), key=_rank), *ended]


def _rank(download: Download) -> int:
    return _RANKS.get(download.process_status, 0)
