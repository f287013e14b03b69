"""Servers that refuse, stall and break off, links that expire, disks that fill up: what is there is kept."""

from __future__ import annotations

import resource
import threading
from collections.abc import Iterator
from itertools import pairwise

import pytest

from bridge_client import BridgeClient
from downloads import (
    CONTENT,
    OTHER_CONTENT,
    RANGE_BYTES,
    RETRIES,
    STALL_S,
    arrived,
    downloading,
    fetched,
    spans_of,
    trouble_of,
)
from page_site import Asked, Closed, Page, PageSite, Reset, always, honest, part_of, slowly
from range_site import answer
from system import SLOWNESS, System

TOTAL = len(CONTENT)
RIGHT_SPANS = [(start, min(start + RANGE_BYTES, TOTAL)) for start in range(0, TOTAL, RANGE_BYTES)]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with downloading(tmp_path_factory.mktemp("trouble")) as system:
        yield system


# --- a server that has enough of us -------------------------------------------------------------------------


def crowded(status: int, most: int, *headers: str) -> tuple[Page, list[float]]:
    """A file of which ``most`` ranges are sent at a time, slowly; and when others were refused."""
    refused: list[float] = []
    places = threading.Semaphore(most)

    def page(asked: Asked) -> Iterator[bytes]:
        if places.acquire(blocking=False):
            try:
                yield from slowly(part_of(CONTENT, asked), 1_000_000)
            finally:
                places.release()
        else:
            refused.append(asked.at)
            yield answer(status, b"not so many", *headers)

    return page, refused


@pytest.mark.parametrize("status", [429, 503])
def test_a_server_that_refuses_gets_fewer_threads(pages: PageSite, client: BridgeClient, status: int) -> None:
    page, refused = crowded(status, 2)
    url = pages.add(page)
    told = fetched(client, url)
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    # Four at first; the two that were refused made it two, which are not refused.
    assert 1 <= len(refused) <= 3
    after = [asked for asked in pages.asked(url) if asked.at > max(refused)]
    assert len(after) >= 6


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_honoured(pages: PageSite, client: BridgeClient, status: int) -> None:
    page, refused = crowded(status, 2, "Retry-After: 1")
    url = pages.add(page)
    assert arrived(fetched(client, url)) == CONTENT
    # Those that were on their way by the time that the first answer came are forgiven.
    later = [asked.at for asked in pages.asked(url) if asked.at > refused[0] + 0.2]
    assert min(later) >= refused[0] + 1.0


def test_the_question_is_put_again_when_the_server_says(pages: PageSite, client: BridgeClient) -> None:
    busy = answer(503, b"busy", "Retry-After: 1")
    url = pages.add(lambda asked: [busy if asked.number == 1 else part_of(CONTENT, asked)])
    id_ = client.add(url)
    told = client.until_it(id_, lambda told: told["error"], "has a word to say")
    assert (told["process_status"], told["error"]["code"]) == ("Checking", "http_status")
    assert arrived(client.until(id_, "Downloaded")) == CONTENT
    first, second = pages.asked(url)[:2]
    assert second.at - first.at >= 1.0


def test_a_server_that_never_has_room_is_given_up(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(always(answer(503, b"never")))
    assert trouble_of(fetched(client, url)) == "http_status"
    moments = [asked.at for asked in pages.asked(url)]
    # The wait between two tries doubles, give or take a quarter of it.
    waits = [after - before for before, after in pairwise(moments)]
    assert len(waits) == RETRIES
    assert all(wait >= 0.75 * 0.05 * 2**tries for tries, wait in enumerate(waits)), waits


# --- connections that stall, or are slow ------------------------------------------------------------------


def test_what_stalls_is_given_up_and_its_rest_given_to_another(pages: PageSite, client: BridgeClient) -> None:
    """With one thread nobody else is idle, so that only the time-out can help."""
    over = threading.Event()
    at, some = 3 * RANGE_BYTES, 12_345

    def page(asked: Asked) -> Iterator[bytes]:
        right = part_of(CONTENT, asked)
        if asked.span is not None and asked.span[0] == at:
            yield right[: len(right) - RANGE_BYTES + some]
            over.wait(30 * SLOWNESS)
            raise Closed
        yield right

    url = pages.add(page)
    try:
        assert arrived(fetched(client, url, threads=1)) == CONTENT
    finally:
        over.set()
    assert sorted(spans_of(pages.asked(url))) == sorted([*RIGHT_SPANS, (at + some, at + RANGE_BYTES)])
    stalled, next_one = (
        next(asked.at for asked in pages.asked(url) if asked.span and asked.span[0] == start)
        for start in (at, at + some)
    )
    assert next_one - stalled >= STALL_S


def test_a_server_that_stalls_always_is_given_up(pages: PageSite, client: BridgeClient) -> None:
    over = threading.Event()

    def page(_asked: Asked) -> Iterator[bytes]:
        over.wait(30 * SLOWNESS)
        yield from ()
        raise Closed

    url = pages.add(page)
    try:
        assert trouble_of(fetched(client, url)) == "timeout"
    finally:
        over.set()
    assert len(pages.asked(url)) == 1 + RETRIES


# --- connections that break ---------------------------------------------------------------------------------


def test_connections_that_are_dropped_half_way(pages: PageSite, client: BridgeClient) -> None:
    """Every third; no byte that has come is fetched again."""

    def page(asked: Asked) -> Iterator[bytes]:
        right = part_of(CONTENT, asked)
        if asked.number % 3 == 0:
            yield right[: len(right) // 2]
            raise Closed
        yield right

    url = pages.add(page)
    assert arrived(fetched(client, url)) == CONTENT
    spans = sorted(spans_of(pages.asked(url)))
    assert len(spans) > len(RIGHT_SPANS)
    # Who ends where the next one begins, or in what was dropped: it is asked for from where it broke off.
    assert len({start for start, _stop in spans}) == len(spans)


@pytest.mark.parametrize("phase", ["before the head", "in the head", "after the head", "in the body"])
def test_resets_in_every_phase(pages: PageSite, client: BridgeClient, phase: str) -> None:
    """Of the question and of the second range."""

    def page(asked: Asked) -> Iterator[bytes]:
        right = part_of(CONTENT, asked)
        head, body = right.index(b"\r\n\r\n") + 4, len(right) - 1
        cuts = {"before the head": 0, "in the head": head // 2, "after the head": head, "in the body": body}
        if asked.number in {1, 4}:
            yield right[: cuts[phase]]
            raise Reset
        yield right

    told = fetched(client, pages.add(page))
    assert (arrived(told), told["ranges"]) == (CONTENT, True)


def test_nobody_is_there(client: BridgeClient, refusing: str) -> None:
    assert trouble_of(fetched(client, refusing)) == "connect"


def test_a_whole_that_breaks_off_is_fetched_from_the_beginning(pages: PageSite, client: BridgeClient) -> None:
    """Nothing of it can be asked for alone; and the old bytes are not in the new file."""

    def page(asked: Asked) -> Iterator[bytes]:
        if asked.number == 2:
            yield answer(200, OTHER_CONTENT)[:-1000]
            raise Closed
        yield answer(200, CONTENT)

    url = pages.add(page)
    told = fetched(client, url)
    assert (arrived(told), told["ranges"], len(pages.asked(url))) == (CONTENT, False, 3)


# --- links that expire --------------------------------------------------------------------------------------


def expiring(status: int) -> Page:
    """A link that is good for the question and four ranges."""
    return lambda asked: [
        part_of(CONTENT, asked, 'ETag: "one"') if asked.number <= 5 else answer(status, b"expired")
    ]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_link_that_expires_needs_another_and_goes_on_with_it(
    pages: PageSite, client: BridgeClient, system: System, status: int
) -> None:
    """One range after the other, so that none is on its way when the link expires."""
    url = pages.add(expiring(status), f"/expires-{status}.bin")
    id_ = client.add(url, threads=1)
    told = client.until(id_, "Failed", "Downloaded")
    assert trouble_of(told) == "needs_url"
    assert str(status) in told["error"]["message"]
    assert told["completed"] == 4 * RANGE_BYTES
    assert (system.downloads_dir / f"expires-{status}.bin.part").exists()
    fresh = pages.add(honest(CONTENT, 'ETag: "one"'))
    assert client.act("set_url", id_, url=fresh) == {"data": {"message": "URL has been set.", "id": id_}}
    told = client.until(id_, "Downloaded")
    assert (arrived(told), told["url"]) == (CONTENT, fresh)
    # Each range once, whichever link it came by.
    served = [asked for asked in pages.asked(url) if asked.number <= 5]
    assert sorted(spans_of(served) + spans_of(pages.asked(fresh))) == RIGHT_SPANS


def test_a_fresh_link_to_another_file_is_noticed(pages: PageSite, client: BridgeClient) -> None:
    id_ = client.add(pages.add(expiring(403)))
    client.until(id_, "Failed")
    fresh = pages.add(honest(OTHER_CONTENT, 'ETag: "two"'))
    client.act("set_url", id_, url=fresh)
    assert arrived(client.until(id_, "Downloaded")) == OTHER_CONTENT
    assert sorted(spans_of(pages.asked(fresh))) == RIGHT_SPANS


# --- a disk that is full ------------------------------------------------------------------------------------


def test_a_disk_that_is_full_pauses_the_download_until_there_is_room(
    pages: PageSite, client: BridgeClient, system: System
) -> None:
    """A limit on the size of files, laid on the fetchers while they run, is as good as a full disk."""
    fetchers = system.fetcher_pids().values()
    url = pages.add(honest(CONTENT), "/full.bin")
    room = 4 * RANGE_BYTES + 50_000
    for pid in fetchers:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
    try:
        # One range after the other, so that none is on its way when there is no room left.
        id_ = client.add(url, threads=1)
        told = client.until(id_, "Paused", "Failed", "Downloaded")
    finally:
        for pid in fetchers:
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert trouble_of(told, "Paused") == "disk_full"
    assert 0 < told["completed"] <= room
    part = system.downloads_dir / "full.bin.part"
    assert 0 < part.stat().st_size <= room
    before = len(pages.asked(url))
    client.act("resume", id_)
    assert arrived(client.until(id_, "Downloaded", "Failed")) == CONTENT
    again = spans_of(pages.asked(url)[before:])
    assert sum(stop - start for start, stop in again) == TOTAL - told["completed"]
