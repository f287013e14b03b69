"""The folder of a run: taken for as long as it lasts, and what the one before left in ours is removed."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DEFAULT = Path(__file__).parents[2] / "var" / "bench"
# Whose presence says that all in the folder is ours.
MARK = ".pagestatus-bench"


class Occupied(Exception):
    """The folder can not be had; the message says why, and what to do."""


@contextmanager
def taken(folder: Path, ours: Path = DEFAULT) -> Iterator[None]:
    """Make ``folder``, and empty it if it is ``ours``; raises ``Occupied``."""
    mark = folder / MARK
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()) and not (folder == ours and mark.exists()):
            raise Occupied(f"{folder} is not empty: remove it, or give another with --folder")
        file = mark.open("w", encoding="ascii")
    except OSError as mistake:
        raise Occupied(f"{folder}: {mistake.strerror}: give another with --folder") from mistake
    with file:
        try:
            # The kernel lets go of it when this process ends, however that comes about.
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Occupied(f"{folder} is in use by another run: give another with --folder") from None
        for left in folder.iterdir():
            _remove(left)
        yield


def _remove(left: Path) -> None:
    if left.is_dir() and not left.is_symlink():
        shutil.rmtree(left)
    elif left.name != MARK:
        left.unlink()
