"""A small disk of our own: a tmpfs, which is full when its limit is set to what is in it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ROOM = "size=50%"


class Disk:
    """Mounted at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        """Nothing more fits in, for as long as this lasts."""
        found = os.statvfs(self.folder)
        used = (found.f_blocks - found.f_bfree) * found.f_frsize
        # Its limit can not be less than what is in it, and 0 would mean that there is none.
        while not self._limit(f"size={max(used, found.f_frsize)}"):
            used += found.f_frsize << 8
        try:
            yield
        finally:
            self._limit(_ROOM)

    def _limit(self, size: str) -> bool:
        command = ["mount", "-o", f"remount,{size}", str(self.folder)]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


@contextmanager
def mounted(folder: Path) -> Iterator[Disk | None]:
    """A new one at ``folder``, which exists; None where the kernel does not let us."""
    mount = ["mount", "-t", "tmpfs", "-o", f"{_ROOM},mode=0700", "pagestatus-soak", str(folder)]
    if os.geteuid() or not shutil.which("mount") or subprocess.run(mount, check=False).returncode:
        yield None
        return
    try:
        yield Disk(folder)
    finally:
        # Lazily: whoever still has a file of it open keeps that one alone.
        subprocess.run(["umount", "-l", str(folder)], check=True)
