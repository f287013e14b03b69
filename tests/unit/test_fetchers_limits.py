"""How many checks and ranges the descriptors allow."""

from __future__ import annotations

import resource

import pytest

from fetchers.limits import why_no_socket
from pagestatus.descriptors import (
    MOST_DESCRIPTORS,
    OTHER_DESCRIPTORS,
    RANGE_SLOTS,
    Slots,
    descriptors_for,
    raise_descriptor_limit,
    slots_within,
)


@pytest.mark.parametrize(
    ("descriptors", "wanted", "expected"),
    [
        (1 << 20, 2000, Slots(2000, RANGE_SLOTS)),
        (1024, 2000, Slots(288, 96)),
        (OTHER_DESCRIPTORS + 4000 + 2 * RANGE_SLOTS, 2000, Slots(2000, RANGE_SLOTS)),
        (64, 2000, Slots(1, 1)),
    ],
)
def test_slots(descriptors: int, wanted: int, expected: Slots) -> None:
    assert slots_within(descriptors, wanted) == expected


@pytest.mark.parametrize("descriptors", [300, 1024, 4096, 65_536])
def test_all_slots_together_fit(descriptors: int) -> None:
    slots = slots_within(descriptors, 100_000)
    assert 2 * slots.checks + 2 * slots.ranges + OTHER_DESCRIPTORS <= descriptors


@pytest.mark.parametrize("checks", [1, 100, 2000, 100_000])
def test_what_so_many_checks_need_is_the_least(checks: int) -> None:
    needed = descriptors_for(checks)
    assert slots_within(needed, checks) == (checks, RANGE_SLOTS)
    assert slots_within(needed - 2, checks) != (checks, RANGE_SLOTS)


def test_a_socket_can_be_made() -> None:
    assert why_no_socket("127.0.0.1") == 0


def test_the_soft_limit_becomes_the_hard_one() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        assert raise_descriptor_limit() == min(before[1], MOST_DESCRIPTORS)
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (before[1], before[1])
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
