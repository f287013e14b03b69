"""Threads for what would hold the loop."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier


def executor(threads: int, name: str) -> ThreadPoolExecutor:
    """One whose threads are all there from the start: what grows later is a leak."""
    made = ThreadPoolExecutor(threads, name)
    # Each is kept until the last one is there; who is idle would be given the next job instead.
    together = Barrier(threads)
    for _ in range(threads):
        made.submit(together.wait)
    return made
