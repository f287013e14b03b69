"""What a check's handle makes of libcurl's words."""

from __future__ import annotations

import pytest

from fetchers.check_handle import CheckHandle
from pagestatus.config import Check
from pagestatus.messages import Reason

WRITE_ERROR = 23


# Of a callback of ours.
FAILED = "Failure writing output to destination, passed 3 returned -1"


@pytest.mark.parametrize(
    ("received", "words", "reason"),
    [
        (0, FAILED, Reason.NO_MEMORY),
        (101, FAILED, Reason.TOO_LARGE),
        (100, "", Reason.PROTOCOL),
        (100, "Multi-member gzip response not supported", Reason.PROTOCOL),
    ],
)
def test_who_did_not_take_the_body(received: int, words: str, reason: Reason) -> None:
    handle = CheckHandle(Check())
    handle.aim("http://127.0.0.1/", "", 1000, 100)
    handle.received = received
    assert handle.reason_of(WRITE_ERROR, words, "127.0.0.1") is reason
    assert handle.could_not_decode(WRITE_ERROR, words) is (reason is Reason.PROTOCOL)
    handle.aim("http://127.0.0.1/", "", 1000, 100, decodes=False)
    assert not handle.could_not_decode(WRITE_ERROR, words)
