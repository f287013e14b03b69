"""Answers that do not fit: whatever a server makes of a range, the file is right at the end, or is none."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from bridge_client import BridgeClient
from downloads import (
    CONTENT,
    OTHER_CONTENT,
    RANGE_BYTES,
    RETRIES,
    arrived,
    downloading,
    fetched,
    spans_of,
    trouble_of,
)
from page_site import Asked, Closed, Page, PageSite, honest, part_of
from range_site import answer, partial
from system import SLOWNESS, System

TOTAL = len(CONTENT)
# Of a page's requests: the question and some ranges.
FIRST_FEW = 4


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with downloading(tmp_path_factory.mktemp("answers")) as system:
        yield system


def then(first: Page, later: Page) -> Page:
    """A page that changes after a few requests."""
    return lambda asked: (first if asked.number <= FIRST_FEW else later)(asked)


def once(odd: Callable[[int, int], bytes], at: int = 3 * RANGE_BYTES) -> Page:
    """A file in ranges; the first time that the one at ``at`` is asked for, the answer is ``odd``."""
    seen = threading.Event()

    def page(asked: Asked) -> Iterator[bytes]:
        if asked.span is not None and asked.span[0] == at and not seen.is_set():
            seen.set()
            yield odd(*asked.span)
            raise Closed
        yield part_of(CONTENT, asked)

    return page


# --- another file than before -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "after", "content"),
    [
        (('ETag: "one"',), ('ETag: "two"',), OTHER_CONTENT),
        (
            ("Last-Modified: Sat, 31 Jan 2026 12:00:00 GMT",),
            ("Last-Modified: Sat, 31 Jan 2026 12:00:01 GMT",),
            OTHER_CONTENT,
        ),
        ((), (), OTHER_CONTENT[:-1]),
        ((), (), OTHER_CONTENT * 2),
        ((), (), OTHER_CONTENT[: 2 * RANGE_BYTES]),
    ],
    ids=["entity tag", "last-modified", "one byte shorter", "longer", "much shorter"],
)
def test_a_file_that_changes_is_begun_again_and_that_is_told(
    pages: PageSite, client: BridgeClient, before: tuple[str, ...], after: tuple[str, ...], content: bytes
) -> None:
    was_told = threading.Event()

    def new_file(asked: Asked) -> Iterator[bytes]:
        if asked.span is None or asked.span[0] >= len(content):
            yield answer(416, b"", f"Content-Range: bytes */{len(content)}")
            return
        # The last byte of the new file waits until somebody has seen what is told.
        if asked.span[1] >= len(content):
            was_told.wait(10 * SLOWNESS)
        yield part_of(content, asked, *after)

    id_ = client.add(pages.add(then(honest(CONTENT, *before), new_file)))
    told = client.until_it(id_, lambda told: told["error"], "has a word to say")
    assert told["error"] == {
        "code": "changed",
        "message": "the file has changed on the server: started again from nothing",
    }
    was_told.set()
    assert arrived(client.until(id_, "Downloaded", "Failed")) == content


def test_a_file_that_never_stays_the_same_is_given_up(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(lambda asked: [part_of(CONTENT, asked, f'ETag: "{asked.number}"')])
    assert trouble_of(fetched(client, url)) == "changed"


@pytest.mark.parametrize(
    ("different", "code"),
    [
        (lambda start, stop: partial(CONTENT + b"x", start, stop), "changed"),
        (lambda start, stop: partial(CONTENT, start, stop, 'ETag: "two"'), "changed"),
        (lambda _start, _stop: answer(416, b"", f"Content-Range: bytes */{TOTAL}"), "http_status"),
    ],
    ids=["total", "entity tag", "416"],
)
def test_a_server_that_contradicts_itself_for_ever_is_given_up(
    pages: PageSite, client: BridgeClient, different: Callable[[int, int], bytes], code: str
) -> None:
    """The question gets one answer, each range another."""

    def page(asked: Asked) -> list[bytes]:
        if asked.span is None or asked.span == (0, 1):
            return [part_of(CONTENT, asked, 'ETag: "one"')]
        return [different(asked.span[0], min(asked.span[1], TOTAL))]

    url = pages.add(page)
    assert trouble_of(fetched(client, url)) == code
    # As many questions as tries, and at most four ranges after each.
    assert len(pages.asked(url)) <= 5 * (1 + RETRIES)


def test_a_whole_that_changes_after_the_question_is_taken_as_it_comes(
    pages: PageSite, client: BridgeClient
) -> None:
    """As pages are that are made when they are asked for: no two answers are the same."""

    def page(asked: Asked) -> list[bytes]:
        return [answer(200, CONTENT[: -asked.number], f'ETag: "{asked.number}"')]

    told = fetched(client, pages.add(page))
    assert (arrived(told), told["ranges"]) == (CONTENT[:-3], False)


# --- ranges that are none -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "odd",
    [
        lambda _start, _stop: answer(200, CONTENT),
        lambda start, stop: partial(CONTENT, start - 1, stop - 1),
        lambda start, stop: partial(CONTENT, start, stop + 1),
        lambda start, stop: answer(206, CONTENT[start:stop]),
        lambda start, stop: answer(206, CONTENT[start:stop], f"Content-Range: bytes {stop}-{start}/{TOTAL}"),
        lambda start, stop: answer(206, CONTENT[start:stop], f"Content-Range: bytes {start}-{'9' * 30}/*"),
        lambda start, stop: partial(CONTENT, start, stop, "Content-Type: multipart/byteranges; boundary=x"),
    ],
    ids=["200", "start", "end", "none", "reversed", "huge", "multipart"],
)
def test_ranges_that_stop_making_sense_give_way_to_one_plain_transfer(
    pages: PageSite, client: BridgeClient, odd: Callable[[int, int], bytes]
) -> None:
    url = pages.add(once(odd))
    told = fetched(client, url)
    assert (arrived(told), told["ranges"]) == (CONTENT, False)
    assert [asked.span for asked in pages.asked(url)].count(None) == 1


def test_a_server_that_gives_no_whole_either(pages: PageSite, client: BridgeClient) -> None:
    def page(asked: Asked) -> list[bytes]:
        return [partial(CONTENT, *(asked.span if asked.span == (0, 1) else (5, 10)))]

    assert trouble_of(fetched(client, pages.add(page))) == "no_range"


def test_a_total_that_is_not_told_again_is_no_contradiction(pages: PageSite, client: BridgeClient) -> None:
    def page(asked: Asked) -> list[bytes]:
        right = part_of(CONTENT, asked)
        return [right.replace(b"/%d\r\n" % TOTAL, b"/*\r\n") if asked.number > 1 else right]

    told = fetched(client, pages.add(page))
    assert (arrived(told), told["ranges"]) == (CONTENT, True)


# --- too few bytes, too many --------------------------------------------------------------------------------

START, STOP = 3 * RANGE_BYTES, 4 * RANGE_BYTES


@pytest.mark.parametrize(
    ("odd", "rest"),
    [
        (lambda start, stop: partial(CONTENT, start, stop)[:-40_000], STOP - 40_000),
        (lambda start, stop: partial(CONTENT, start, stop - 30_000), STOP - 30_000),
        (lambda start, stop: partial(CONTENT, start, stop)[: -RANGE_BYTES - 20], START),
    ],
    ids=["a body that breaks off", "a range that is shorter", "a head that breaks off"],
)
def test_only_what_is_missing_is_asked_for_again(
    pages: PageSite, client: BridgeClient, odd: Callable[[int, int], bytes], rest: int
) -> None:
    url = pages.add(once(odd, START))
    told = fetched(client, url)
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    right = [(start, min(start + RANGE_BYTES, TOTAL)) for start in range(0, TOTAL, RANGE_BYTES)]
    assert sorted(spans_of(pages.asked(url))) == sorted([*right, (rest, STOP)])


def too_long(start: int, stop: int) -> bytes:
    """The range, and bytes behind it that belong to nothing."""
    body = CONTENT[start:stop] + b"\0" * 5000
    lines = f"HTTP/1.1 206 X\r\nContent-Range: bytes {start}-{stop - 1}/{TOTAL}\r\nConnection: close\r\n\r\n"
    return lines.encode() + body


def test_a_body_that_is_too_long_is_fetched_again(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(once(too_long, START))
    told = fetched(client, url)
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    assert spans_of(pages.asked(url)).count((START, STOP)) == 2


def test_bodies_that_are_always_too_long_are_given_up(pages: PageSite, client: BridgeClient) -> None:
    def page(asked: Asked) -> Iterator[bytes]:
        if asked.span is None or asked.span == (0, 1):
            yield part_of(CONTENT, asked)
        else:
            yield too_long(asked.span[0], min(asked.span[1], TOTAL))
            raise Closed

    assert trouble_of(fetched(client, pages.add(page))) == "long"
