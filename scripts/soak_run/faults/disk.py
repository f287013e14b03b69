"""A disk that takes no more: the full one is ``Disk.full``, here are files that may not grow."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def no_larger_files(*pids: int, than: int) -> Iterator[None]:
    """No file of these processes may become larger than so many bytes (RLIMIT_FSIZE, setrlimit(2))."""
    before = {pid: resource.prlimit(pid, resource.RLIMIT_FSIZE) for pid in pids if pid}
    for pid, (_soft, hard) in before.items():
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (than, hard))
    try:
        yield
    finally:
        for pid, limits in before.items():
            with suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, limits)
