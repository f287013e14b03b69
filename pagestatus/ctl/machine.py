"""What this machine has for the system: cores, and room on the disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from pagestatus.capacity import Machine
from pagestatus.config import RESULTS_LOG, Config
from pagestatus.descriptors import descriptor_limit, slots_within

_OWN_CGROUP = Path("/proc/self/cgroup")
_CGROUPS = Path("/sys/fs/cgroup")


def cores(own_cgroup: Path = _OWN_CGROUP, cgroups: Path = _CGROUPS) -> int:
    """That processes of ours may use: those they may run on, within the quota of a container; at least 1."""
    allowed = len(os.sched_getaffinity(0))
    return max(1, min([allowed, *map(int, _quotas(own_cgroup, cgroups))]))


def _quotas(own_cgroup: Path, cgroups: Path) -> Iterator[float]:
    """Cores that our control group, and each one above it, may use (cpu.max of cgroup v2)."""
    with suppress(OSError, ValueError):
        path = own_cgroup.read_text(encoding="utf-8").partition("0::/")[2].rstrip("\n")
        for folder in (cgroups / path, *(cgroups / path).parents):
            if not folder.is_relative_to(cgroups):
                return
            # The root has none.
            with suppress(OSError, ValueError):
                quota_us, period_us = map(int, (folder / "cpu.max").read_text(encoding="ascii").split())
                yield quota_us / period_us


def machine(config: Config) -> Machine:
    """As it is now, with what is configured."""
    descriptors = descriptor_limit()
    return Machine(
        cores(),
        config.fetchers,
        slots_within(descriptors, config.slots).checks,
        max(0, config.log.fsync_ms),
        config.log.max_bytes * (config.log.keep + 1),
        _disk_bytes(config.data_dir),
        config.check.per_host,
        descriptors,
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
