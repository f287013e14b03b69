"""Threads for what would hold the loop."""

from __future__ import annotations

import threading

from wsbridge.executors import executor


def test_all_threads_are_there_from_the_start_and_no_others_come() -> None:
    before = threading.active_count()
    with executor(3, "some") as threads:
        assert threading.active_count() == before + 3
        together = threading.Barrier(3)
        for _ in range(2):
            assert sorted(threads.map(lambda _: together.wait(10), range(3))) == [0, 1, 2]
        assert threading.active_count() == before + 3
    assert threading.active_count() == before
