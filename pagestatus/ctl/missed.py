"""Why slots are missed, in words that say what to do about it."""

from __future__ import annotations

# By reason; at most two lines each beside the figures, on 80 columns.
WORDS = {
    "overrun": "the slot before was still open: longer interval, or lower timeout and retries "
    "(or the disk was full)",
    "no_capacity": "no fetcher had room: pagestatus-ctl scale N, or raise slots",
    "per_host": "its host had check.per_host attempts in flight: raise that if the host can bear it",
    "lease": "a fetcher took it and was not heard of again: see fetchers.log and aggregator.log",
    "late": "the scheduler came too late for it: is this machine overloaded, or did its clock jump?",
    "retry_after": "the server asked to be left alone for a while (Retry-After): nothing to do",
    "backoff": "it fails for good, so it is checked less often: mend the target or take it off the list",
    "down": "the scheduler was not running",
    "paused": "paused by an operator: pagestatus-ctl resume TARGET",
    "drain": "the system was being stopped",
    "removed": "its target was taken off the list",
}


def words(reason: str) -> str:
    """What ``reason`` means and what helps."""
    return WORDS.get(reason, "no more is known of it")
