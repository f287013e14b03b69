"""The order of downloads in a list, and what can be done in which state."""

from __future__ import annotations

import pytest

from pagestatus.ctl.answers import Download
from pagestatus.ctl.stages import CANCELLABLE, PAUSABLE, RESUMABLE, in_order


def download(id_: str, state: str) -> Download:
    return Download(id=id_, url="https://example.org/", process_status=state)


def test_what_has_not_ended_comes_first_and_what_has_ended_newest_first() -> None:
    states = [
        *("Downloaded", "Cancelled", "Failed", "Paused", "Queued", "Verifying"),
        *("Downloaded", "Downloading", "Queued", "Checking", "Failed", "Cancelled", "of a newer version"),
    ]
    downloads = [download(f"{number:02}", state) for number, state in enumerate(states)]
    assert [(one.id, one.process_status) for one in in_order(downloads)] == [
        ("05", "Verifying"),
        ("07", "Downloading"),
        ("09", "Checking"),
        ("12", "of a newer version"),
        ("04", "Queued"),
        ("08", "Queued"),
        ("03", "Paused"),
        ("02", "Failed"),
        ("10", "Failed"),
        ("11", "Cancelled"),
        ("06", "Downloaded"),
        ("01", "Cancelled"),
        ("00", "Downloaded"),
    ]


@pytest.mark.parametrize(
    ("state", "can_pause", "can_resume", "can_cancel"),
    [
        ("Queued", True, False, True),
        ("Checking", True, False, True),
        ("Downloading", True, False, True),
        ("Paused", False, True, True),
        ("Verifying", False, False, True),
        ("Downloaded", False, False, False),
        ("Failed", False, True, True),
        ("Cancelled", False, True, False),
    ],
)
def test_what_can_be_done_in_a_state(
    state: str, *, can_pause: bool, can_resume: bool, can_cancel: bool
) -> None:
    assert [state in states for states in (PAUSABLE, RESUMABLE, CANCELLABLE)] == [
        can_pause,
        can_resume,
        can_cancel,
    ]
