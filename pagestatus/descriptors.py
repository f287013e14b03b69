"""Descriptors: as many as may be, and how many checks and ranges at once they allow."""

from __future__ import annotations

import resource
from typing import NamedTuple

# Ranges of downloads at once, in one fetcher.
RANGE_SLOTS = 256
# Of the interpreter, the log, the loop, ZeroMQ, the control socket and its clients, c-ares.
OTHER_DESCRIPTORS = 256
# What "unlimited" means here: the kernel's own default limit (fs.nr_open).
MOST_DESCRIPTORS = 1 << 20


def descriptor_limit() -> int:
    """How many a process of ours may have, once it has raised its soft limit to the hard one."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one (setrlimit(2)); returns how many may be used."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return descriptor_limit()


class Slots(NamedTuple):
    """How much a fetcher can hold at once."""

    checks: int
    ranges: int


def slots_within(descriptors: int, wanted: int) -> Slots:
    """How many of ``wanted`` checks at once, and of RANGE_SLOTS ranges, ``descriptors`` allow.

    A check has one connection; the one before may still be closing (libcurl gives TLS two seconds for that).
    A range has a connection and a file; where descriptors are few, ranges get a quarter of them.
    """
    left = descriptors - OTHER_DESCRIPTORS
    ranges = max(1, min(RANGE_SLOTS, left // 8))
    return Slots(max(1, min(wanted, (left - 2 * ranges) // 2)), ranges)


def descriptors_for(checks: int) -> int:
    """The least that allow so many checks, beside all ranges."""
    return max(2 * checks + 2 * RANGE_SLOTS, 8 * RANGE_SLOTS) + OTHER_DESCRIPTORS
