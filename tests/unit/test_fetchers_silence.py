"""Whose trouble silence is."""

from __future__ import annotations

from fetchers.silence import Silence
from pagestatus.messages import Reason


def test_a_name_is_blamed_only_by_what_was_asked_later() -> None:
    silence = Silence()
    assert silence.is_open(10)
    assert silence.why(10) is Reason.NAME_SERVER
    silence.answered(10)
    # What was asked together with it may have been answered before the server fell silent.
    assert silence.why(10) is Reason.NAME_SERVER
    silence.answered(10.1)
    assert not silence.is_open(10)
    assert silence.why(10) is Reason.DNS
    # One that is behind answers what was asked earlier.
    silence.answered(9)
    assert silence.why(10) is Reason.DNS
    assert silence.why(11) is Reason.NAME_SERVER


def test_other_name_servers_say_nothing_about_those_before() -> None:
    silence = Silence()
    silence.others_are_asked(20)
    silence.answered(21)
    assert silence.why(19) is Reason.NAME_SERVER
    assert silence.why(20.5) is Reason.DNS
