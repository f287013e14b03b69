"""The log read from its end: newest line first, through the rotated files, up to a bound."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

BLOCK = 256 << 10
# Some 250,000 lines: found in well under a second.
MOST_BYTES = 64 << 20


class Backwards:
    """Whole lines of ``path``, ``path.1``, … from the newest on."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        self.path = path
        # The bound was met before everything was read.
        self.bounded = False
        self._left = most_bytes

    def __iter__(self) -> Iterator[bytes]:
        """Raises OSError when the newest file cannot be read."""
        seen: set[tuple[int, int]] = set()
        for index in range(1_000):
            path = self.path.with_name(f"{self.path.name}.{index}") if index else self.path
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                if index:
                    break
                raise
            try:
                found = os.fstat(fd)
                # A rotation while this runs brings a file that was read already under its next name.
                if (found.st_dev, found.st_ino) not in seen:
                    seen.add((found.st_dev, found.st_ino))
                    yield from self._lines(fd, found.st_size)
            finally:
                os.close(fd)
            if self._left <= 0:
                self.bounded = True
                return

    def _lines(self, fd: int, end: int) -> Iterator[bytes]:
        # The end of a line whose start is not read yet. None: no line break was met, and what follows the
        # last one is not whole.
        tail: bytes | None = None
        while end > 0 and self._left > 0:
            start = max(0, end - BLOCK)
            block = os.pread(fd, end - start, start)
            self._left -= end - start
            end = start
            if tail is None:
                block, line_break, _torn = block.rpartition(b"\n")
                if not line_break:
                    continue
            tail, *lines = (block + (tail or b"")).split(b"\n")
            yield from (line for line in reversed(lines) if line)
        if end == 0 and tail:
            yield tail
