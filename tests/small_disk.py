"""Disks of a test's own, so small that they are soon full."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

_PIECE = bytes(1 << 20)
_MOUNT, _UMOUNT = shutil.which("mount"), shutil.which("umount")


class SmallDisk:
    """Mounted at ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def full(self) -> Iterator[None]:
        """Not a byte more fits in, for as long as this lasts."""
        ballast = self.folder / "ballast"
        try:
            with ballast.open("wb", buffering=0) as file, suppress(OSError):
                while True:
                    file.write(_PIECE)
            yield
        finally:
            ballast.unlink()


@contextmanager
def small_disk(folder: Path, size_mib: int) -> Iterator[SmallDisk]:
    """Mount a new one at ``folder``, for as long as this lasts. Skips where that can not be."""
    folder.mkdir()
    if os.geteuid() or _MOUNT is None or _UMOUNT is None:
        pytest.skip("a small disk needs root and mount(8)")
    options = f"size={size_mib}m,mode=0700"
    mount = [_MOUNT, "-t", "tmpfs", "-o", options, "pagestatus-test", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: whoever still has a file of it open keeps that one alone.
        subprocess.run([_UMOUNT, "--lazy", str(folder)], check=True)
