"""Limits of processes that run, lowered for a while (setrlimit(2)): of files, of descriptors, of memory."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from itertools import count
from pathlib import Path

from scripts.soak_run.fault import NotHealed
from scripts.soak_run.manners import SWELLING
from scripts.soak_run.site import Site
from scripts.soak_run.system import has_ended

# What is opened for an attempt is closed again by then, nearly always.
LASTING_S = 0.2
SPARE_BYTES = 1 << 20
# Until a process has found out that it can have no more memory.
DEAD_S = 30.0


@contextmanager
def no_larger_files(*pids: int, than: int) -> Iterator[None]:
    """No file of these processes may become larger than so many bytes."""
    with ExitStack() as stack:
        for pid in filter(None, pids):
            stack.enter_context(_limited(pid, resource.RLIMIT_FSIZE, than))
        yield


@contextmanager
def no_descriptors(*pids: int) -> Iterator[None]:
    """Nothing more can be opened in these processes."""
    before = {pid: _descriptors(pid) for pid in pids if pid}
    time.sleep(LASTING_S)
    with ExitStack() as stack:
        for pid, found in before.items():
            lasting = {number for number, _what in found & _descriptors(pid)}
            free = next(number for number in count() if number not in lasting)
            stack.enter_context(_limited(pid, resource.RLIMIT_NOFILE, free))
        yield


@contextmanager
def no_memory(pid: int, site: Site) -> Iterator[None]:
    """No more memory for this process, in which there is much to be kept; it is gone when this begins."""
    with _limited(pid, resource.RLIMIT_AS, _memory_bytes(pid) + SPARE_BYTES), site.behaving(SWELLING):
        if not has_ended(pid, DEAD_S):
            raise NotHealed(f"process {pid} gets no more memory, and has not ended after {DEAD_S:g} s")
    yield


@contextmanager
def _limited(pid: int, what: int, to: int) -> Iterator[None]:
    try:
        before = resource.prlimit(pid, what)
        resource.prlimit(pid, what, (to, before[1]))
    except ProcessLookupError:
        yield
        return
    try:
        yield
    finally:
        # It may have ended.
        with suppress(ProcessLookupError):
            resource.prlimit(pid, what, before)


def _descriptors(pid: int) -> set[tuple[int, str]]:
    """Their numbers, and what each leads to."""
    found = set()
    with suppress(OSError):
        for path in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                found.add((int(path.name), str(path.readlink())))
    return found


def _memory_bytes(pid: int) -> int:
    """Its address space (proc(5))."""
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[0])
    return pages * resource.getpagesize()
