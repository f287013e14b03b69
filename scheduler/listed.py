"""Since when each target is on the list, on the disk: what the next scheduler may take for a slot.

What a scheduler that died has left open its successor finds by the list. Without this it would take a target
that has come since for one that was always there, and record slots that never fell due.
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Iterator
from pathlib import Path
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - it is no error of msgspec's

import msgspec

from scheduler.catalog import FRESH, Catalog

log = logging.getLogger(__name__)

# The end of the file: since when the fresh ones are on the list.
_SINCE = Layout("<q")


class _Columns(msgspec.Struct):
    """The file but for its end."""

    # Of each interval (microseconds) how many targets, as the catalog sorts them.
    groups: list[tuple[int, int]]
    # Native 64-bit numbers: the file is for the next process on this machine.
    ids: bytes
    listed_us: bytes


class Listed:
    """The file ``path``, and the one beside it that is to follow it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_suffix(".tmp")
        self._is_ready = False
        # The file says all that there is to say.
        self._is_right = False

    @property
    def exists(self) -> bool:
        """Whether a list was ever in force."""
        return self._path.exists()

    def restore(self, catalog: Catalog) -> None:
        """Fill in ``listed_us``: ``FRESH`` for who is new; 0, which is always, for all if nobody knows."""
        try:
            columns, since_us = _decode(self._path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, LayoutError, ValueError, msgspec.MsgspecError) as mistake:
            log.warning("%s: %s: all targets are taken for listed since long", self._path, mistake)
            return
        listed_us = array("q", columns.listed_us)
        listed_us = array("q", (since_us if at_us == FRESH else at_us for at_us in listed_us))
        self._is_right = columns.ids == catalog.ids.tobytes() and columns.groups == list(_groups(catalog))
        catalog.listed_us = listed_us if self._is_right else _matched(columns, listed_us, catalog)

    def prepare(self, catalog: Catalog) -> None:
        """Write the file for ``catalog``, all but its end: what takes time can be done beside the loop."""
        if self._is_right:
            self._is_right = False
            return
        columns = _Columns(list(_groups(catalog)), catalog.ids.tobytes(), catalog.listed_us.tobytes())
        try:
            with self._next.open("wb") as file:
                file.write(msgspec.msgpack.encode(columns))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as mistake:
            self._give_up(mistake)
        else:
            self._is_ready = True

    def take_effect(self, at_us: int) -> None:
        """From ``at_us`` on the prepared one holds."""
        if not self._is_ready:
            return
        self._is_ready = False
        try:
            with self._next.open("ab") as file:
                file.write(_SINCE.pack(at_us))
            self._next.replace(self._path)
        except OSError as mistake:
            self._give_up(mistake)

    def _give_up(self, mistake: OSError) -> None:
        """Better a slot too many than one that is lost: what another list said must not stay."""
        log.warning("%s: %s: a restart may record slots from before this list", self._path, mistake.strerror)
        try:
            self._path.unlink(missing_ok=True)
            self._next.unlink(missing_ok=True)
        except OSError as other:
            log.warning("%s: %s", self._path, other.strerror)


def _decode(data: bytes) -> tuple[_Columns, int]:
    """Raises ``LayoutError``, ``ValueError`` or msgspec's for what is no such file."""
    (since_us,) = _SINCE.unpack(data[-_SINCE.size :])
    columns = msgspec.msgpack.decode(data[: -_SINCE.size], type=_Columns)
    wide = array("q").itemsize * sum(count for _interval_us, count in columns.groups)
    if not len(columns.ids) == len(columns.listed_us) == wide:
        raise ValueError(f"columns of {wide} bytes expected")
    return columns, since_us


def _groups(catalog: Catalog) -> Iterator[tuple[int, int]]:
    return ((interval_us, stop - start) for interval_us, start, stop in catalog.groups())


def _matched(columns: _Columns, listed_us: array[int], catalog: Catalog) -> array[int]:
    """``listed_us`` in the order of ``catalog``. Who has another interval has other slots, and is new."""
    ids = array("Q", columns.ids)
    found: array[int] = array("q")
    known: dict[int, dict[int, int]] = {}
    start = 0
    for interval_us, count in columns.groups:
        known[interval_us] = dict(
            zip(ids[start : start + count], listed_us[start : start + count], strict=True)
        )
        start += count
    for interval_us, start, stop in catalog.groups():
        since = known.get(interval_us, {})
        found.extend(since.get(target, FRESH) for target in catalog.ids[start:stop])
    return found
