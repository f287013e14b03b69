"""How many ranges at once, and when: what failures and a busy server make of what is configured.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

from random import Random

LONGEST_WAIT_S = 60.0
# What a server may ask for with Retry-After, at most.
LONGEST_RETRY_AFTER_S = 3600.0
# After this long without a refusal, one thread more is tried.
RECOVER_S = 10.0
# Refusals that come together are one.
TOGETHER_S = 1.0


class Pace:
    """Of one download."""

    def __init__(self, *, threads: int, retries: int, retry_interval_s: float, random: Random) -> None:
        self.not_before = 0.0
        self._most = threads
        self._allowed = threads
        self._changed = 0.0
        self._retries = retries
        self._interval_s = retry_interval_s
        self._random = random
        # Failures in a row without a byte between them; those that come together count once.
        self._failures = 0
        # Answers that turned out to be wrong after bytes had come.
        self._lies = 0
        self._wait_s = 0.0
        self._together_until = 0.0
        # Troubles of our own in a row: they are waited for, and never the end.
        self._ours = 0
        self._ours_wait_s = 0.0
        self._ours_until = 0.0

    @property
    def is_exhausted(self) -> bool:
        """It has failed too often without bringing a byte, or brought too many wrong ones."""
        return self._failures > self._retries or self._lies > self._retries

    def threads(self, now: float) -> int:
        """How many ranges may be in flight now."""
        return self._allowed if now >= self.not_before else 0

    def moved(self, now: float) -> None:
        """Bytes came: whatever failed before is forgiven."""
        self._failures = self._ours = 0
        if self._allowed < self._most and now - self._changed >= RECOVER_S:
            self._allowed += 1
            self._changed = now

    def failed(self, now: float) -> float:
        """Something failed that may work later; returns how long to wait with it, seconds."""
        if now >= self._together_until:
            self._wait_s = self._doubled(self._failures)
            self._failures += 1
            self._together_until = now + self._wait_s
        return self._wait_s

    def ours(self, now: float) -> float:
        """Trouble of our own, which says nothing about the server; returns how long to wait, seconds."""
        if now >= self._ours_until:
            self._ours_wait_s = self._doubled(self._ours)
            self._ours += 1
            self._ours_until = now + self._ours_wait_s
        return self._ours_wait_s

    def lied(self, now: float) -> float:
        """Bytes came that cannot be trusted: that is never forgiven. Returns how long to wait, seconds."""
        self._lies += 1
        return self.failed(now)

    def refused(self, now: float, retry_after_s: int) -> float:
        """The server has enough of us (429, 503): fewer threads, and not before it says."""
        if now - self._changed >= TOGETHER_S:
            self._allowed = max(1, self._allowed // 2)
        self._changed = now
        wait_s = self.failed(now)
        if retry_after_s >= 0:
            wait_s = max(min(float(retry_after_s), LONGEST_RETRY_AFTER_S), min(wait_s, self._interval_s))
        self.not_before = max(self.not_before, now + wait_s)
        return wait_s

    def wait(self, now: float) -> None:
        """Nothing before the wait for a failure is over: for who has only one transfer."""
        self.not_before = max(self.not_before, now + self.failed(now))

    def _doubled(self, times: int) -> float:
        doubled = min(self._interval_s * 2 ** min(times, 16), LONGEST_WAIT_S)
        return float(doubled * self._random.uniform(0.75, 1.25))
