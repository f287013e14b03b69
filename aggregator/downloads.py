"""The figures of downloads that the bridge tells minute by minute, and what of them is in minutes' lines.

The bridge repeats the figures of a minute until it is answered, and counts in a later minute what its line
does not have. So everything is in exactly one line, whatever is lost, late or repeated on the way and whoever
is killed, as long as an answer says what the line says, and only once that is on the disk: the caller owes
that. A minute that never gets a line, since no scheduler ran in it, has counted nothing.

Nothing here opens a minute: what is told waits beside the minutes until they close.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import msgspec

from pagestatus.messages import DownloadMinute, DownloadsCounted

# A day of minutes, and an hour.
KEPT = 1500


class Counted(NamedTuple):
    """What the line of a minute says; in bytes, where it is no count."""

    completed: int = 0
    failed: int = 0
    bytes: int = 0


class _InLine(msgspec.Struct):
    """``downloads`` of a line in ``minutes.log``."""

    completed: int = 0
    failed: int = 0
    bytes: int = 0


class Downloads:
    """What was told and is not answered, and what the lines of the last minutes say."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept = kept
        # The last record of each minute: figures are absolute, a repetition counts nothing twice.
        self._told: dict[int, DownloadMinute] = {}
        # Ascending.
        self._lines: dict[int, Counted] = {}
        # What the lines of earlier minutes say is not known any more.
        self._known_from_us = 0

    def take(self, record: DownloadMinute) -> None:
        """The figures of a minute, open or closed."""
        self._told[record.minute_us] = record
        if len(self._told) > self._kept:
            # The latest comes again, and if its minute closes before that, it counts in a later one.
            del self._told[max(self._told)]

    def close(self, minute_us: int) -> dict[str, int]:
        """The minute gets its line: what that says."""
        told = self._told.get(minute_us) or DownloadMinute(minute_us, 0, 0, 0, 0)
        counted = Counted(told.completed, told.failed, told.bytes)
        self._remember(minute_us, counted)
        return {"active": told.active, **counted._asdict()}

    def counted(self, closed_us: int) -> Iterator[DownloadsCounted]:
        """The answers for minutes before ``closed_us``, each given once: who needs it again asks again."""
        for minute_us in [minute_us for minute_us in self._told if minute_us < closed_us]:
            told = self._told.pop(minute_us)
            counted = self._lines.get(minute_us, Counted())
            if minute_us < self._known_from_us:
                # Nobody can tell what its line says. The bridge is to let go of it.
                counted = Counted(told.completed, told.failed, told.bytes)
            yield DownloadsCounted(minute_us, *counted)

    def restore(self, lines: Mapping[int, object]) -> None:
        """Know the last lines again: ``downloads`` by minute, ascending, as far back as there are any."""
        for minute_us, found in lines.items():
            try:
                line = msgspec.convert(found, _InLine)
            except msgspec.ValidationError:
                # Nobody's figures, or none: a line of an older version.
                line = _InLine()
            self._remember(minute_us, Counted(line.completed, line.failed, line.bytes))
        # Else they are all that there ever were: an earlier minute has no line.
        if len(lines) >= self._kept:
            self._known_from_us = max(self._known_from_us, min(lines))

    def _remember(self, minute_us: int, counted: Counted) -> None:
        self._lines[minute_us] = counted
        if len(self._lines) > self._kept:
            oldest_us = next(iter(self._lines))
            del self._lines[oldest_us]
            self._known_from_us = oldest_us + 1

    def __repr__(self) -> str:
        return f"<Downloads of {len(self._told)} minutes told, of {len(self._lines)} known>"
