"""What can not be is not taken: a peer that sends it has a bug, which is not to spread to the log."""

from __future__ import annotations

from aggregator.facts import MOST_STATUS
from aggregator.lines import LAST_MOMENT_US
from pagestatus.clock import MINUTE_US
from pagestatus.messages import Down, DownloadMinute, Missed, Reason, Result

# Clocks of processes may differ by what the wall clock was set back since they started; a moment further
# ahead is a mistake.
AHEAD_US = 24 * 60 * MINUTE_US
MOST_ATTEMPTS = 1000
# Slots in one Missed: its lines are one batch.
MOST_MISSED = 100_000


def can_be_result(result: Result, latest_us: int) -> bool:
    """Whether it can be shown and counted."""
    return (
        0 < result.due_us <= latest_us
        and 0 < result.started_us <= latest_us
        and 0 <= result.first_started_us <= latest_us
        and 0 <= result.duration_us <= LAST_MOMENT_US
        and 0 < result.attempt <= MOST_ATTEMPTS
        and 0 <= result.status <= MOST_STATUS
        and result.target >= 0
    )


def can_be_missed(missed: Missed, latest_us: int) -> bool:
    """Whether its slots can be counted and have due times."""
    return (
        missed.target >= 0
        and Reason.OVERRUN <= missed.reason < Reason.CHANGED
        and 0 < missed.count <= MOST_MISSED
        and 0 <= missed.interval_us <= latest_us
        and missed.due_us > 0
        and missed.due_us + (missed.count - 1) * missed.interval_us <= latest_us
    )


def can_be_down(down: Down, latest_us: int) -> bool:
    """Whether it is a time, and not ahead."""
    return 0 <= down.since_us < down.until_us <= latest_us and down.slots >= 0


def can_be_download_minute(record: DownloadMinute, latest_us: int) -> bool:
    """Whether it is a minute, and has figures."""
    figures = (record.active, record.completed, record.failed, record.bytes)
    return 0 < record.minute_us <= latest_us and record.minute_us % MINUTE_US == 0 and min(figures) >= 0
