"""How much at once: threads of a download, ranges of a host, downloads in all; and the slow last range."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, downloading, spans_of
from page_site import Asked, Page, PageSite, part_of, slowly
from system import System

THREADS, PER_HOST, ACTIVE = 3, 5, 2
BYTES = 512 << 10
RATE = 4_000_000
# Six ranges of BYTES.
LARGE = CONTENT * 3
SLOW_RATE = 200_000


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    settings = {
        "downloads__bytes": BYTES,
        "downloads__threads": THREADS,
        "downloads__per_host": PER_HOST,
        "downloads__active": ACTIVE,
    }
    with downloading(tmp_path_factory.mktemp("limits"), **settings) as system:
        yield system


class Crowd:
    """How many answers are under way at a time."""

    def __init__(self) -> None:
        self.most = 0
        self._now = 0
        self._lock = threading.Lock()

    def enter(self) -> None:
        with self._lock:
            self._now += 1
            self.most = max(self.most, self._now)

    def leave(self) -> None:
        with self._lock:
            self._now -= 1


def counted(*crowds: Crowd) -> Page:
    """A file whose ranges take an eighth of a second each."""

    def page(asked: Asked) -> Iterator[bytes]:
        for crowd in crowds:
            crowd.enter()
        *pieces, last = slowly(part_of(LARGE, asked), RATE)
        yield from pieces
        # Whoever has the last piece may ask anew before we are told that it was sent.
        for crowd in crowds:
            crowd.leave()
        yield last

    return page


def test_no_limit_is_broken_and_each_is_used(pages: PageSite, client: BridgeClient) -> None:
    all_of_them = Crowd()
    crowds = [Crowd() for _ in range(3)]
    ids = [client.add(pages.add(counted(crowd, all_of_them))) for crowd in crowds]
    most_running, seen_queued = 0, False
    while {client.downloads[id_]["process_status"] for id_ in ids if id_ in client.downloads} != {
        "Downloaded"
    }:
        told = [one for one in client.next_list() if one["id"] in ids]
        running = [one for one in told if one["process_status"] not in {"Queued", "Downloaded"}]
        most_running = max(most_running, len(running))
        seen_queued |= any(one["process_status"] == "Queued" for one in told)
        assert all(one["threads"] <= THREADS for one in told)
    assert (most_running, seen_queued) == (ACTIVE, True)
    assert max(crowd.most for crowd in crowds) == THREADS
    assert all_of_them.most == PER_HOST
    assert [arrived(client.downloads[id_]) for id_ in ids] == [LARGE] * 3


@pytest.mark.parametrize("threads", [1, 2, 100])
def test_threads_that_were_asked_for(pages: PageSite, client: BridgeClient, threads: int) -> None:
    """Never more than are configured."""
    crowd = Crowd()
    id_ = client.add(pages.add(counted(crowd)), threads=threads)
    assert arrived(client.until(id_, "Downloaded", "Failed")) == LARGE
    assert crowd.most == min(threads, THREADS)


def test_a_slow_last_range_is_split(pages: PageSite, client: BridgeClient) -> None:
    """The connection that got it is slow; an idle thread takes a part of what is left."""
    last = len(LARGE) // BYTES * BYTES
    sent: list[int] = []

    def page(asked: Asked) -> Iterator[bytes]:
        right = part_of(LARGE, asked)
        if asked.span is None or asked.span[0] != last - BYTES:
            yield right
            return
        for piece in slowly(right, SLOW_RATE):
            sent.append(len(piece))
            yield piece

    url = pages.add(page)
    id_ = client.add(url)
    assert arrived(client.until(id_, "Downloaded", "Failed")) == LARGE
    inside = [span for span in spans_of(pages.asked(url)) if last - BYTES < span[0] < last]
    assert inside, "nobody took a part of it"
    assert sum(sent) < BYTES
