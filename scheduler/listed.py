"""The list in force, on the disk: what the next scheduler may take for a slot, and has to settle.

What a scheduler that died has left open its successor finds by the list. Without this it would take a target
that has come since for one that was always there, and record slots that never fell due; and of one that has
gone since it would not know at all (``former.py``).

    columns │ labels, 10,000 targets each │ tail │ size of the tail
    ────────── prepare ─────────────────────────── take_effect ─────
"""

from __future__ import annotations

import logging
import os
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import groupby
from pathlib import Path
from struct import Struct as Layout
from struct import error as LayoutError  # noqa: N812 - it is no error of msgspec's
from typing import BinaryIO

import msgspec

from pagestatus.messages import Missed
from scheduler.catalog import FRESH, Catalog
from scheduler.former import Former, Gone

log = logging.getLogger(__name__)

_SIZE = Layout("<Q")
_TARGETS_A_CHUNK = 10_000
_MISTAKES = (OSError, LayoutError, ValueError, msgspec.MsgspecError)


class _Columns(msgspec.Struct):
    # Of each interval (microseconds) how many targets, as the catalog sorts them.
    groups: list[tuple[int, int]]
    # Native 64-bit numbers: the file is for the next process on this machine.
    ids: bytes
    listed_us: bytes


class _Labels(msgspec.Struct):
    """What a line about a target says beside its id; read only for those who are gone."""

    urls: list[str]
    # By their place in ``urls``.
    names: dict[int, str]


class _Tail(msgspec.Struct):
    # Since when the fresh ones are on the list.
    since_us: int
    # Where the columns end, and each chunk of labels; and what all labels hash to.
    ends: list[int]
    digest: bytes
    # Open then, of targets that are not in the columns.
    left: list[Missed]


class Listed:
    """The file ``path``, and the one beside it that is to follow it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._next = path.with_suffix(".tmp")
        # Of the next one: where its parts end (nothing: there is none), and what its labels hash to.
        self._ends: list[int] = []
        self._digest = b""
        # The file says all that there is to say.
        self._is_right = False
        # There was no room for it.
        self.is_lost = False
        self._problem: OSError | None = None

    @property
    def exists(self) -> bool:
        """Whether a list was ever in force."""
        return self._path.exists()

    def restore(self, catalog: Catalog) -> Former:
        """Fill in ``listed_us``: ``FRESH`` for who is new; 0, which is always, for all if nobody knows.

        What is returned reads the file when it is asked for slots: do so before another list takes effect.
        """
        try:
            with self._path.open("rb") as file:
                tail = _read_tail(file)
                columns = _read_columns(file, tail)
        except FileNotFoundError:
            return Former()
        except _MISTAKES as mistake:
            log.warning("%s: %s: all targets are taken for listed since long", self._path, mistake)
            return Former()
        listed_us = array("q", columns.listed_us)
        listed_us = array("q", (tail.since_us if at_us == FRESH else at_us for at_us in listed_us))
        if columns.ids == catalog.ids.tobytes() and columns.groups == list(_groups(catalog)):
            self._is_right = tail.digest == _digest(_label_parts(catalog))
            catalog.listed_us = listed_us
            return Former(tail.left)
        places = _places(columns)
        catalog.listed_us = _matched(places, listed_us, catalog)
        gone = _gone(places, listed_us, catalog)
        return Former(tail.left, gone, lambda positions: self._labels_of(tail, positions))

    def prepare(self, catalog: Catalog) -> None:
        """Write the file for ``catalog``, all but its end: what takes time can be done beside the loop."""
        if self._is_right:
            self._is_right = False
            return
        self._ends.clear()
        try:
            # URLs may hold secrets, and nobody else reads this.
            with os.fdopen(os.open(self._next, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                # One that was left by another version may be for others to read.
                os.fchmod(file.fileno(), 0o600)
                file.write(_columns(catalog))
                self._ends.append(file.tell())
                self._digest = _digest(self._written(file, _label_parts(catalog)))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as mistake:
            self._ends.clear()
            self._problem = mistake
            # The log needs the room, before this list can take effect.
            self._remove_next()

    def take_effect(self, at_us: int, left: Iterable[Missed] = ()) -> None:
        """From ``at_us`` on the prepared one holds; of targets that it has not, ``left`` are open."""
        if self._ends:
            tail = msgspec.msgpack.encode(_Tail(at_us, self._ends, self._digest, list(left)))
            try:
                with self._next.open("ab") as file:
                    file.write(tail + _SIZE.pack(len(tail)))
                self._next.replace(self._path)
                self.is_lost = False
            except OSError as mistake:
                self._problem = mistake
        if self._problem is not None:
            self._give_up(self._problem)
        self._ends, self._problem = [], None

    def _give_up(self, mistake: OSError) -> None:
        """Better a slot too many than one that is lost: what another list said must not stay."""
        log.warning(
            "%s: %s: a restart may record slots from before this list, and none of who has left it",
            self._path, mistake.strerror,
        )  # fmt: skip
        self.is_lost = True
        self._remove_next()
        try:
            # An empty one still says that there was a list.
            self._path.write_bytes(b"")
        except OSError as other:
            log.warning("%s: %s", self._path, other.strerror)

    def _remove_next(self) -> None:
        with suppress(OSError):
            self._next.unlink(missing_ok=True)

    def _written(self, file: BinaryIO, parts: Iterable[bytes]) -> Iterator[bytes]:
        """Write them, and pass them on."""
        for part in parts:
            file.write(part)
            self._ends.append(file.tell())
            yield part

    def _labels_of(self, tail: _Tail, positions: Sequence[int]) -> dict[int, tuple[str, str]]:
        """URL and name of the targets at ``positions``, which ascend; none if they can not be read."""
        try:
            with self._path.open("rb") as file:
                return dict(_read_labels(file, tail, positions))
        except (*_MISTAKES, IndexError) as mistake:
            if positions:
                log.warning(
                    "%s: %s: %d targets are gone without a trace", self._path, mistake, len(positions)
                )
            return {}


# --- the parts of the file --------------------------------------------------------------------------------


def _columns(catalog: Catalog) -> bytes:
    ids, listed_us = catalog.ids.tobytes(), catalog.listed_us.tobytes()
    return msgspec.msgpack.encode(_Columns(list(_groups(catalog)), ids, listed_us))


def _digest(parts: Iterable[bytes]) -> bytes:
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(part)
    return digest.digest()


def _label_parts(catalog: Catalog) -> Iterator[bytes]:
    for start in range(0, len(catalog), _TARGETS_A_CHUNK):
        urls = catalog.urls[start : start + _TARGETS_A_CHUNK]
        places = range(start, start + len(urls))
        names = {place - start: catalog.names[place] for place in places if place in catalog.names}
        yield msgspec.msgpack.encode(_Labels(urls, names))


def _read_tail(file: BinaryIO) -> _Tail:
    """Raises one of ``_MISTAKES`` for what is no such file."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - _SIZE.size))
    (size,) = _SIZE.unpack(file.read(_SIZE.size))
    if size > end - _SIZE.size:
        raise ValueError("cut off")
    file.seek(end - _SIZE.size - size)
    return msgspec.msgpack.decode(file.read(size), type=_Tail)


def _read_columns(file: BinaryIO, tail: _Tail) -> _Columns:
    file.seek(0)
    columns = msgspec.msgpack.decode(file.read(tail.ends[0] if tail.ends else 0), type=_Columns)
    wide = array("q").itemsize * sum(count for _interval_us, count in columns.groups)
    if not len(columns.ids) == len(columns.listed_us) == wide:
        raise ValueError(f"columns of {wide} bytes expected")
    return columns


def _read_labels(
    file: BinaryIO, tail: _Tail, positions: Iterable[int]
) -> Iterator[tuple[int, tuple[str, str]]]:
    for number, some in groupby(positions, lambda position: position // _TARGETS_A_CHUNK):
        start, stop = tail.ends[number], tail.ends[number + 1]
        file.seek(start)
        labels = msgspec.msgpack.decode(file.read(stop - start), type=_Labels)
        for position in some:
            place = position % _TARGETS_A_CHUNK
            yield position, (labels.urls[place], labels.names.get(place, ""))


# --- the list before, and the new one ---------------------------------------------------------------------

# By interval, then by id: where a target stood.
_Places = Mapping[int, Mapping[int, int]]


def _groups(catalog: Catalog) -> Iterator[tuple[int, int]]:
    return ((interval_us, stop - start) for interval_us, start, stop in catalog.groups())


def _places(columns: _Columns) -> _Places:
    ids = array("Q", columns.ids)
    known: dict[int, dict[int, int]] = {}
    start = 0
    for interval_us, count in columns.groups:
        places = range(start, start + count)
        known[interval_us] = dict(zip(ids[start : start + count], places, strict=True))
        start += count
    return known


def _matched(known: _Places, listed_us: array[int], catalog: Catalog) -> array[int]:
    """``listed_us`` in the order of ``catalog``. Who has another interval has other slots, and is new."""
    found: array[int] = array("q")
    for interval_us, start, stop in catalog.groups():
        group = known.get(interval_us, {})
        places = (group.get(target, -1) for target in catalog.ids[start:stop])
        found.extend(FRESH if place < 0 else listed_us[place] for place in places)
    return found


def _gone(known: _Places, listed_us: array[int], catalog: Catalog) -> list[Gone]:
    """Who was known, and is not on the list with this interval."""
    stay = {interval_us: catalog.ids[start:stop] for interval_us, start, stop in catalog.groups()}
    return [
        Gone(group[target], target, interval_us, listed_us[group[target]])
        for interval_us, group in known.items()
        for target in group.keys() - set(stay.get(interval_us, ()))
    ]
