"""What a check's handle makes of libcurl's words."""

from __future__ import annotations

import pytest

from fetchers.check_handle import CheckHandle
from pagestatus.config import Check
from pagestatus.messages import Reason

WRITE_ERROR = 23


@pytest.mark.parametrize(("received", "reason"), [(0, Reason.NO_MEMORY), (101, Reason.TOO_LARGE)])
def test_a_callback_that_had_no_memory_is_no_body_that_is_too_large(received: int, reason: Reason) -> None:
    handle = CheckHandle(Check())
    handle.aim("http://127.0.0.1/", "", 1000, 100)
    handle.received = received
    assert handle.reason_of(WRITE_ERROR, "Failed writing received data", "127.0.0.1") is reason
