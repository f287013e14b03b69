"""Whose trouble silence is."""

from __future__ import annotations

import pytest

from fetchers.silence import KEPT_S, PROMPT_S, Silence
from pagestatus.messages import Reason


def test_a_name_is_blamed_only_by_what_was_asked_later() -> None:
    silence = Silence()
    assert silence.is_open(10)
    assert silence.why(10, 11) is Reason.NAME_SERVER
    silence.answered(10, 10.01)
    # What was asked together with it may have been answered before the server fell silent.
    assert silence.why(10, 11) is Reason.NAME_SERVER
    silence.answered(10.1, 10.11)
    assert not silence.is_open(10)
    assert silence.why(10, 11) is Reason.DNS
    # One that is behind answers what was asked earlier.
    silence.answered(9, 10.2)
    assert silence.why(10, 11) is Reason.DNS
    assert silence.why(11, 12) is Reason.NAME_SERVER


@pytest.mark.parametrize(
    ("asked_at", "answered_at", "reason"),
    [
        (11.5, 11.51, Reason.DNS),
        # Too late for the name to be asked once more.
        (11.51, 11.52, Reason.NAME_SERVER),
        # Lost at first, as perhaps all that was asked then.
        (11.5, 11.5 + PROMPT_S + 0.01, Reason.NAME_SERVER),
    ],
)
def test_a_name_server_that_has_just_come_back_blames_nobody(
    asked_at: float, answered_at: float, reason: Reason
) -> None:
    silence = Silence()
    silence.answered(asked_at, answered_at)
    assert silence.why(10, 11.5) is reason


def test_what_is_long_ago_is_forgotten() -> None:
    silence = Silence()
    for number in range(100_000):
        silence.answered(number / 100, number / 100)
    assert len(silence._prompt) <= KEPT_S / 0.02 + 1
    assert silence.why(999.9, 1000) is Reason.DNS


def test_other_name_servers_say_nothing_about_those_before() -> None:
    silence = Silence()
    silence.others_are_asked(20)
    silence.answered(21, 21)
    assert silence.why(19, 22) is Reason.NAME_SERVER
    assert silence.why(20.5, 22) is Reason.DNS
