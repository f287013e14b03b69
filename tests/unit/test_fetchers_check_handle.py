"""What a check's handle makes of libcurl's words."""

from __future__ import annotations

import pytest

from fetchers.check_handle import CheckHandle
from pagestatus.config import Check
from pagestatus.messages import Reason

WRITE_ERROR = 23
RESET = 56
# Of a callback of ours.
FAILED = "Failure writing output to destination, passed 3 returned -1"


@pytest.mark.parametrize(("received", "reason"), [(0, Reason.NO_MEMORY), (101, Reason.TOO_LARGE)])
def test_a_callback_that_had_no_memory_is_no_body_that_is_too_large(received: int, reason: Reason) -> None:
    handle = CheckHandle(Check())
    handle.aim("http://127.0.0.1/", "", 1000, 100)
    handle.received = received
    assert handle.reason_of(WRITE_ERROR, FAILED, "127.0.0.1") is reason


@pytest.mark.parametrize(
    ("received", "code", "words", "could_not"),
    [
        (100, WRITE_ERROR, "", True),
        (100, WRITE_ERROR, "Multi-member gzip response not supported", True),
        (100, WRITE_ERROR, FAILED, False),
        (101, WRITE_ERROR, "", False),
        (100, RESET, "", False),
    ],
)
def test_what_could_not_be_decoded(received: int, code: int, words: str, *, could_not: bool) -> None:
    handle = CheckHandle(Check())
    handle.aim("http://127.0.0.1/", "", 1000, 100)
    handle.received = received
    assert handle.could_not_decode(code, words) is could_not
