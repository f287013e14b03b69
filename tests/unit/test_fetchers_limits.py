"""How many checks the descriptors allow."""

from __future__ import annotations

import resource

import pytest

from fetchers.limits import (
    MOST_DESCRIPTORS,
    OTHER_DESCRIPTORS,
    raise_descriptor_limit,
    slots_within,
    why_no_socket,
)


@pytest.mark.parametrize(
    ("descriptors", "wanted", "expected"),
    [
        (1 << 20, 2000, 2000),
        (1024, 2000, 384),
        (OTHER_DESCRIPTORS + 4000, 2000, 2000),
        (64, 2000, 1),
    ],
)
def test_slots(descriptors: int, wanted: int, expected: int) -> None:
    assert slots_within(descriptors, wanted) == expected


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
