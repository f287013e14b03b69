"""What this machine has for the system: cores, and room on the disk."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from pagestatus.capacity import Machine
from pagestatus.config import RESULTS_LOG, Config


def cores() -> int:
    """That processes of ours may run on."""
    return len(os.sched_getaffinity(0))


def machine(config: Config) -> Machine:
    """As it is now, with what is configured."""
    return Machine(
        cores(),
        config.fetchers,
        config.slots,
        max(0, config.log.fsync_ms),
        config.log.max_bytes * (config.log.keep + 1),
        _disk_bytes(config.data_dir),
    )


def _disk_bytes(folder: Path) -> int:
    """Free for us (statvfs(3)), and what the log that is there takes, which will make room for itself."""
    free = 0
    for path in (folder, *folder.parents):
        # It may not have been made yet: then its disk is that of the folder that it will be in.
        with suppress(OSError):
            found = os.statvfs(path)
            free = found.f_bavail * found.f_frsize
            break
    return free + sum(map(_size, folder.glob(f"{RESULTS_LOG}*")))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        # It was rotated away.
        return 0
