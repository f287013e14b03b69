"""What ``status`` says of failures that are no site's: the cause, and what to do."""

from __future__ import annotations

import pytest

from pagestatus.control import Silent
from pagestatus.ctl.own_faults import WORDS, own_faults
from pagestatus.messages import Reason

SINCE = "2026-01-31T12:00:00.000Z"
EARLIER, LATER = "2026-01-31T11:59:59.999Z", "2026-01-31T12:00:00.001Z"


def failure(outcome: str, reason: str, time: str = LATER) -> dict[str, object]:
    return {"time": time, "url": "https://example.com/", "outcome": outcome, "reason": reason}


def test_each_reason_is_told_once_with_what_to_do() -> None:
    failures = [
        failure("internal", "no_route"),
        failure("fail", "timeout"),
        failure("internal", "no_fds"),
        failure("internal", "no_route"),
    ]
    first, second = own_faults(failures, SINCE).told()
    assert first == (
        "2 of the last 4 failures are our own, and no site's (no_route): there is no way from here to the "
        "sites: see ip link and ip route; does the gateway answer?"
    )
    assert second == (
        "1 of the last 4 failures are our own, and no site's (no_fds): a fetcher has no descriptor left: "
        "raise its limit (LimitNOFILE, ulimit -n), or lower slots."
    )


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([], id="none"),
        pytest.param([failure("fail", "timeout")], id="a site's"),
        pytest.param([failure("internal", "no_route", EARLIER)], id="long ago"),
        pytest.param(Silent("no answer"), id="nobody answers"),
        pytest.param([{"nothing": "we know"}], id="another version"),
    ],
)
def test_nothing_is_told(failures: object) -> None:
    assert list(own_faults(failures, SINCE).told()) == []


def test_a_reason_of_a_later_version_cannot_steer_a_terminal() -> None:
    (told,) = own_faults([failure("internal", "\x1b]0;x\x07")], SINCE).told()
    assert told.endswith("(\\x1b]0;x\\x07): no more is known of it.")


def test_every_reason_of_ours_has_words() -> None:
    ours = {reason.name.lower() for reason in Reason if Reason.STALLED <= reason < Reason.OVERRUN}
    assert set(WORDS) == ours
