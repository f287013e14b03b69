"""After a start: read back what the log and the minutes say, as far back as a slot can be open.

The last line of ``minutes.log`` tells what is closed; what it and those before it say of downloads is known
again, too. Every file of the log that was written to since then is read whole, so that the last failures are
known again as well. A line that is none of ours is skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from aggregator.downloads import KEPT
from aggregator.ledger import Ledger
from aggregator.lines import moment_us, parse
from aggregator.minutes import Figures
from pagestatus.clock import MINUTE_US
from pagestatus.config import MINUTES_LOG, RESULTS_LOG
from pagestatus.targets import id_of_name

log = logging.getLogger(__name__)

_COMPRESSED = frozenset({".gz", ".bz2", ".xz", ".zst"})
_TAIL = 256 << 10
# Enough to find one that is not of a straggler.
_LAST_LINES = 500


def recover(data_dir: Path, ledger: Ledger) -> None:
    """Bring ``ledger`` to where the files in ``data_dir`` are; raises OSError."""
    minutes = last_minutes(data_dir, KEPT)
    watermark_us = moment_us(minutes[-1]["minute"]) + MINUTE_US if minutes else 0
    ledger.restore_closed(watermark_us, minutes)
    files = written_since(data_dir, RESULTS_LOG, watermark_us)
    taken = skipped = 0
    for path in files:
        with path.open("rb") as lines:
            for line in lines:
                try:
                    ledger.restore(parse(line), line, id_of_name)
                    taken += 1
                except ValueError:
                    skipped += 1
    if skipped:
        log.warning("skipped %d lines of %s that are none of ours", skipped, data_dir / RESULTS_LOG)
    if taken:
        log.info("read back %d lines of %d files", taken, len(files))


def written_since(data_dir: Path, name: str, moment_us: int) -> list[Path]:
    """The file ``name`` and what it was rotated to, oldest first, if written to at or after ``moment_us``."""
    found = [
        (stat.st_mtime_ns, path)
        for path in data_dir.glob(f"{name}*")
        if path.is_file() and path.suffix not in _COMPRESSED and (stat := path.stat()).st_size
    ]
    return [
        path
        for mtime_ns, path in sorted(found)
        # A clock that was set back meanwhile made the file look old: then its lines tell.
        if mtime_ns // 1000 >= moment_us or any(due_us >= moment_us for due_us in _last_dues(path))
    ]


def _last_dues(path: Path) -> Iterator[int]:
    """When the slots of the last lines were due."""
    for raw in islice(_backwards(path), _LAST_LINES):
        try:
            line = parse(raw)
            yield moment_us(line.until or line.due)
        except ValueError:
            continue


def last_minutes(data_dir: Path, most: int) -> list[Figures]:
    """The last lines of ``minutes.log``, oldest first; of its predecessors where it has too few."""
    found: list[Figures] = []
    for path in (data_dir / MINUTES_LOG, *_predecessors(data_dir / MINUTES_LOG)):
        if len(found) < most and path.is_file():
            found = [*_figures(path, most - len(found)), *found]
    return found


def _predecessors(path: Path) -> list[Path]:
    """What ``path`` was rotated to, newest first; a crash may have left a gap in the numbers."""
    rotated = [older for older in path.parent.glob(f"{path.name}.*") if older.suffix[1:].isdecimal()]
    return sorted(rotated, key=lambda older: int(older.suffix[1:]))


def _figures(path: Path, most: int) -> list[Figures]:
    """At most the last ``most`` lines that can be read."""
    found: list[Figures] = []
    for line in _backwards(path):
        if len(found) >= most:
            break
        try:
            figures = msgspec.json.decode(line, type=Figures)
            moment_us(str(figures.get("minute")))
        except (msgspec.DecodeError, ValueError):
            continue
        found.append(figures)
    return found[::-1]


def _backwards(path: Path) -> Iterator[bytes]:
    """The whole lines of ``path``, last first."""
    with path.open("rb") as file:
        start = file.seek(0, 2)
        rest = b""
        while start > 0:
            length = min(_TAIL, start)
            start -= length
            file.seek(start)
            rest, *lines = (file.read(length) + rest).split(b"\n")
            yield from reversed(lines)
        yield rest
