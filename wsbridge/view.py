"""How downloads look to clients: JSON whose pieces are kept for as long as their download does not change.

So a list of thousands in which one moves costs one new piece and a join.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

from wsbridge.download import Download
from wsbridge.entry import Status, Trouble

# Of an error, in letters: a path may be long.
LONGEST_MESSAGE = 300
_MOVING = frozenset({Status.CHECKING, Status.DOWNLOADING})


def shown(download: Download, now: float) -> dict[str, object]:
    """One download, as clients and operators see it."""
    entry, completed = download.entry, download.completed
    speed = round(download.speed.per_second(now)) if entry.status in _MOVING else 0
    is_there = download.is_there
    return {
        "id": entry.id,
        "url": entry.url,
        "process_status": entry.status.value,
        "path_to_file": f"{entry.folder}/{quote(entry.name)}" if is_there else None,
        "size": entry.total if entry.total >= 0 else None,
        "completed": completed,
        "progress": _progress(completed, entry.total, is_there=is_there),
        "threads": len(download.in_flight),
        "speed": speed,
        "eta": -(-(entry.total - completed) // speed) if speed and entry.total >= 0 else None,
        "ranges": entry.ranges,
        "error": _error(entry.trouble),
    }


def _progress(completed: int, total: int, *, is_there: bool) -> float | None:
    """0 to 1; 1 is said of what has its final name alone."""
    if is_there:
        return 1.0
    if total < 0:
        return None
    return min(round(completed / total, 3), 0.999) if total else 0.0


def _error(trouble: Trouble | None) -> dict[str, str] | None:
    return None if trouble is None else {"code": trouble.code, "message": trouble.message[:LONGEST_MESSAGE]}


class View:
    """The list as one message."""

    def __init__(self) -> None:
        # Grows whenever the list looks different, or something has happened that leaves it as it is.
        self.version = 0
        self._pieces: dict[str, str] = {}

    def refresh(self, downloads: Mapping[str, Download], now: float) -> None:
        """Look at what has changed since the last time."""
        gone = self._pieces.keys() - downloads.keys()
        for id_ in gone:
            del self._pieces[id_]
        moved = [download for download in downloads.values() if download.changed or _is_moving(download)]
        has_changed = bool(gone)
        for download in moved:
            piece = json.dumps(shown(download, now))
            # Also of what failed again as before: whoever asked for a retry waits for a word.
            has_changed |= download.changed or self._pieces.get(download.entry.id) != piece
            download.changed = False
            self._pieces[download.entry.id] = piece
        self.version += has_changed

    def message(self) -> str:
        """The whole list, as it was at the last ``refresh``."""
        return f'{{"data": [{", ".join(self._pieces.values())}]}}'


def _is_moving(download: Download) -> bool:
    """Its speed changes even when nothing happens."""
    return download.entry.status in _MOVING
