"""A log followed by its inode: across rotation (renamed away, made anew) and truncation."""

from __future__ import annotations

import os
from pathlib import Path

PIECE = 1 << 20
# A line longer than this is none of ours.
LONGEST_LINE = 1 << 20
# A first line is looked at so far.
_HEAD = 4096


class Follower:
    """Gives the whole lines that came since it was last asked; who asks does so on a deadline."""

    def __init__(self, path: Path) -> None:
        """Begin at the end of what is there; a file that is not there yet is read from its start."""
        self.path = path
        self._fd = -1
        # Where the first line begins that was not given out, and what was read of it.
        self._offset = 0
        self._rest = b""
        self._first_line = b""
        if self._open():
            self._offset = os.fstat(self._fd).st_size
            self._back_to_line_start()

    def poll(self) -> list[bytes]:
        """New lines; raises OSError when the file is there and cannot be read."""
        if self._fd < 0 and not self._open():
            return []
        # Asked before reading: what the writer put into the old file before it left it is read then.
        replaced = self._replaced()
        lines = self._read()
        if replaced:
            os.close(self._fd)
            self._fd = -1
            lines += self.poll()
        return lines

    def close(self) -> None:
        """Let go of the file."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _open(self) -> bool:
        try:
            self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        self._offset, self._rest, self._first_line = 0, b"", self._read_first_line()
        return True

    def _back_to_line_start(self) -> None:
        """The end of the file may be amid a line: that line is given out when it is whole."""
        start = max(0, self._offset - LONGEST_LINE)
        found = os.pread(self._fd, self._offset - start, start)
        self._offset = start + found.rfind(b"\n") + 1

    def _replaced(self) -> bool:
        ours = os.fstat(self._fd)
        try:
            theirs = self.path.stat()
        except FileNotFoundError:
            # Renamed away, and nothing made yet: the old one may still be written to.
            return False
        return (ours.st_dev, ours.st_ino) != (theirs.st_dev, theirs.st_ino)

    def _read(self) -> list[bytes]:
        self._look_at_size()
        lines: list[bytes] = []
        while piece := os.pread(self._fd, PIECE, self._offset + len(self._rest)):
            *whole, rest = (self._rest + piece).split(b"\n")
            self._offset += sum(map(len, whole)) + len(whole)
            if len(rest) > LONGEST_LINE:
                self._offset, rest = self._offset + len(rest), b""
            self._rest = rest
            lines += whole
        self._first_line = self._first_line or self._read_first_line()
        return [line for line in lines if line]

    def _look_at_size(self) -> None:
        """After a truncation: a writer that cut a torn line goes on there, anything else starts anew."""
        size = os.fstat(self._fd).st_size
        if size >= self._offset + len(self._rest):
            return
        self._rest = b""
        if size >= self._offset:
            return
        first_line = self._read_first_line()
        # Lines that could not be brought to the disk are taken back: the file is the same, only shorter.
        self._offset = size if first_line and first_line == self._first_line else 0
        self._first_line = first_line

    def _read_first_line(self) -> bytes:
        """What tells this file from another one; empty as long as it is not whole."""
        line, line_break, _rest = os.pread(self._fd, _HEAD, 0).partition(b"\n")
        return line if line_break else b""
