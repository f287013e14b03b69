"""The slots that are not settled yet, and what a slot goes through.

    due ──▶ WAITING ──lease──▶ LEASED ──commit, final──▶ settled
               ▲                 │ │
               │     lease ran   │ │ commit, not final
               ├─────────────────┘ ▼
               └──────backoff── RETRY

A target has at most one slot here. One that can not be measured leaves as ``missed`` and is held until that,
too, is on the disk (``missed.py``).
"""

from __future__ import annotations

import re
from enum import IntEnum

from pagestatus.clock import MINUTE_US
from pagestatus.messages import Check, Reason
from scheduler.catalog import Catalog

# A slot is given up after this, however far the next one is: all minutes wait for the slots due in them.
LONGEST_SLOT_US = 10 * MINUTE_US
_DEFAULT_PORTS = {"http:": ":80", "https:": ":443"}
_AUTHORITY_ENDS = re.compile(r"[/?#]")


class Stage(IntEnum):
    """Where a slot stands; see the diagram above."""

    WAITING = 0
    LEASED = 1
    RETRY = 2
    SETTLED = 3


class Slot:
    """One due time of one target, from falling due to being settled."""

    __slots__ = (
        "attempt",
        "due_us",
        "expect",
        "fetcher",
        "first_started_us",
        "given_us",
        "host",
        "interval_us",
        "lease_until_us",
        "max_bytes",
        "name",
        "retries",
        "slow",
        "stage",
        "target",
        "timeout_us",
        "url",
        "waits_for",
    )

    def __init__(self, catalog: Catalog, index: int, due_us: int) -> None:
        """Everything that is needed later is copied: a reload may change the catalog meanwhile."""
        self.target = catalog.ids[index]
        self.url = catalog.urls[index]
        self.name = catalog.names.get(index, "")
        self.host = host_of(self.url)
        self.interval_us = catalog.interval_us(index)
        self.timeout_us, self.retries, self.expect, self.max_bytes = catalog.options(index)
        self.slow = bool(catalog.slow[index])
        self.begin(due_us)

    def begin(self, due_us: int) -> None:
        """Stand for the slot due at ``due_us``, from its first attempt."""
        self.due_us = due_us
        self.attempt = 1
        self.stage = Stage.WAITING
        self.first_started_us = 0
        # The epoch of the fetcher that has it.
        self.fetcher = 0
        # When its first attempt was given out; 0: it was not.
        self.given_us = 0
        self.lease_until_us = 0
        # What it is recorded as if it is never given out.
        self.waits_for = Reason.NO_CAPACITY

    @property
    def lasts_until_us(self) -> int:
        """When the slot is over: the next one begins, or it has taken too long."""
        return self.due_us + min(self.interval_us, LONGEST_SLOT_US)

    def check(self, retry_wait_us: int) -> Check:
        """The attempt to make next; ``retry_wait_us`` is the longest wait that would follow its failure."""
        retry_by_us = 0
        if self.attempt <= self.retries:
            retry_by_us = max(0, self.lasts_until_us - self.timeout_us - retry_wait_us)
        return Check(
            self.target,
            self.due_us,
            self.attempt,
            retry_by_us,
            self.first_started_us,
            self.timeout_us,
            self.url,
            self.name,
            self.expect,
            self.max_bytes,
        )


def host_of(url: str) -> str:
    """Scheme, host and port in lower case, without a port that the scheme implies: what the cap counts by."""
    end = _AUTHORITY_ENDS.search(url, 8)
    host = (url if end is None else url[: end.start()]).lower()
    return host.removesuffix(_DEFAULT_PORTS[host.partition("/")[0]])
