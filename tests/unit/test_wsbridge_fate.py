"""What an answer means: to the question whether ranges are honoured, and at the end of a task."""

from __future__ import annotations

import pytest

from pagestatus.messages import Head, RangeDone, Reason
from wsbridge.fate import Fate, fate_of, trouble_of
from wsbridge.question import Found, Kind, judge

MISSED = range(Reason.OVERRUN, Reason.CHANGED)


def ended(reason: Reason, status: int = 0, words: str = "", head: Head | None = None) -> RangeDone:
    return RangeDone(7, 1, 3, 0, reason, status, words=words, head=head or Head())


# --- the question -----------------------------------------------------------------------------------------

RANGED = Head(start=0, stop=1, total=100, length=1)
SIZED = Head(length=100)
NOT = Found(Kind.NOT)
WHOLE = Found(Kind.WHOLE)


@pytest.mark.parametrize(
    ("status", "head", "expected", "why"),
    [
        (206, RANGED, Found(Kind.RANGES, 100), "as it should be"),
        (206, Head(start=0, stop=1, total=1, length=1), Found(Kind.RANGES, 1), "a file of one byte"),
        (206, Head(start=0, stop=1, length=1), WHOLE, "of how many it does not say"),
        (206, Head(start=0, stop=100, total=100), WHOLE, "more than was asked for"),
        (206, Head(start=1, stop=2, total=100), WHOLE, "another byte"),
        (206, Head(length=1), WHOLE, "without Content-Range, or several ranges"),
        (206, Head(start=0, stop=1, total=0), WHOLE, "a byte of nothing"),
        (200, SIZED, Found(Kind.WHOLE, 100), "it does not honour ranges"),
        (200, Head(), WHOLE, "and does not say how long the file is"),
        (200, Head(length=0), Found(Kind.EMPTY, 0), "nothing to fetch"),
        (416, Head(total=0, length=30), Found(Kind.EMPTY, 0), "nothing to fetch: bytes */0"),
        (416, Head(total=100), WHOLE, "it dislikes the range"),
        (202, Head(length=0), Found(Kind.WHOLE, 0), "accepted, and not there yet: no empty file"),
        (299, SIZED, Found(Kind.WHOLE, 100), "good, whatever it is"),
        (300, SIZED, NOT, "one of several"),
        (400, SIZED, WHOLE, "it takes the header for a mistake"),
        (405, SIZED, WHOLE, "not allowed"),
        (412, SIZED, WHOLE, "a condition that nobody made"),
        (501, SIZED, WHOLE, "not implemented"),
        (403, SIZED, WHOLE, "forbidden, perhaps only for ranges"),
        (401, SIZED, NOT, "who are you"),
        (404, SIZED, NOT, "not found"),
        (410, SIZED, NOT, "gone"),
        (429, SIZED, NOT, "too many"),
        (500, SIZED, NOT, "it is ill"),
        (503, SIZED, NOT, "busy"),
        (304, Head(), NOT, "not modified since nobody knows when"),
    ],
)
def test_what_the_answer_to_the_question_means(status: int, head: Head, expected: Found, why: str) -> None:
    assert judge(ended(Reason.NONE, status, head=head), has_bytes=False) == expected, why


@pytest.mark.parametrize("status", [400, 403, 405, 412, 416, 501])
def test_a_server_that_gave_ranges_before_is_not_asked_without(status: int) -> None:
    """What has come would be lost for it."""
    assert judge(ended(Reason.NONE, status), has_bytes=True) == NOT


def test_no_answer_is_no_answer_whatever_its_head_says() -> None:
    for reason in (Reason.TIMEOUT, Reason.SHORT, Reason.STALLED, Reason.ADDRESS):
        assert judge(ended(reason, 206, head=RANGED), has_bytes=False) == NOT


# --- the end of a task ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reasons", "expected"),
    [
        ({Reason.NONE}, Fate.GOOD),
        (
            {
                Reason.TIMEOUT, Reason.DNS, Reason.NO_SUCH_NAME, Reason.CONNECT, Reason.TLS, Reason.RESET,
                Reason.PROTOCOL, Reason.SHORT, Reason.LONG,
            },
            Fate.AGAIN,
        ),
        (
            {
                Reason.STALLED, Reason.NO_FDS, Reason.NO_PORTS, Reason.NO_ROUTE, Reason.NO_MEMORY,
                Reason.NAME_SERVER, Reason.BUG, Reason.DRAIN, Reason.NO_CAPACITY, Reason.LEASE,
            },
            Fate.OURS,
        ),
        ({Reason.CHANGED}, Fate.CHANGED),
        ({Reason.NO_RANGE}, Fate.UNRANGED),
        ({Reason.DISK_FULL}, Fate.DISK_FULL),
        (
            {Reason.DISK, Reason.ADDRESS, Reason.BAD_URL, Reason.CERTIFICATE, Reason.REDIRECTS},
            Fate.HOPELESS,
        ),
    ],
)  # fmt: skip
def test_what_a_reason_means(reasons: set[Reason], expected: Fate) -> None:
    assert {fate_of(ended(reason)) for reason in reasons} == {expected}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({401, 403, 404, 410}, Fate.EXPIRED),
        ({429, 503}, Fate.BUSY),
        ({408, 425, 500, 501, 502, 504, 599}, Fate.AGAIN),
        ({416}, Fate.CHANGED),
        ({204, 304, 400, 402, 405, 406, 412, 451}, Fate.HOPELESS),
    ],
)
def test_what_a_status_means(statuses: set[int], expected: Fate) -> None:
    assert {fate_of(ended(Reason.HTTP_STATUS, status)) for status in statuses} == {expected}


def test_every_reason_that_a_range_can_end_with_has_words() -> None:
    theirs = [reason for reason in Reason if reason not in MISSED and reason is not Reason.NONE]
    ours = [Reason.LEASE, Reason.DRAIN, Reason.NO_CAPACITY]
    without = {Reason.HTTP_STATUS, Reason.TOO_LARGE, Reason.BUG}
    for reason in {*theirs, *ours} - without:
        trouble = trouble_of(ended(reason, words="details"))
        assert trouble.message.endswith(": details"), reason
        assert not trouble.message.startswith("it failed"), reason


@pytest.mark.parametrize(
    ("done", "code", "message"),
    [
        (ended(Reason.HTTP_STATUS, 418), "http_status", "the server answered 418"),
        (ended(Reason.NONE, 500), "http_status", "the server answered 500"),
        (ended(Reason.NO_SUCH_NAME), "dns", "there is no host of that name"),
        (ended(Reason.CERTIFICATE), "tls", "the server's certificate is wrong"),
        (ended(Reason.RESET, 206, "by peer"), "reset", "the server broke off: by peer"),
        (ended(Reason.BUG), "bug", "it failed"),
    ],
)
def test_trouble_in_words(done: RangeDone, code: str, message: str) -> None:
    trouble = trouble_of(done)
    assert (trouble.code, trouble.message) == (code, message)
