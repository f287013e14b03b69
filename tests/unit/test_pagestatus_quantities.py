"""Quantities as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.quantities import parse_bytes, parse_seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30), ("30s", 30), ("5m", 300), ("1h", 3600), ("2d", 172_800), ("250ms", 0.25), ("1.5 s", 1.5),
        (" 10 S ", 10), ("0", 0), ("0.000000001", 1e-9), ("007", 7),
    ],
)  # fmt: skip
def test_seconds(text: str, seconds: float) -> None:
    assert parse_seconds(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4194304", 4 << 20), ("4 MiB", 4 << 20), ("10MB", 10_000_000), ("1kib", 1024), ("2 GiB", 2 << 30),
        ("1 TiB", 1 << 40),
        ("1.5KiB", 1536), ("0", 0), ("7b", 7), ("1kB", 1000), ("1GB", 10**9),
    ],
)  # fmt: skip
def test_bytes(text: str, size: int) -> None:
    assert parse_bytes(text) == size


NEITHER = [
    "", " ", "s", "-1", "+1", "1e3", "nan", "inf", "0x10", "1_000", "1,5", "1.", ".5", "1 2", "5 parsecs",
    "٣", "1\x00", "9" * 17, "9" * 100_000, "1.0000000001",
]  # fmt: skip


@pytest.mark.parametrize("text", NEITHER, ids=lambda text: ascii(text)[:20])
def test_what_is_no_quantity_says_what_would_be(text: str) -> None:
    with pytest.raises(ValueError, match=r'^expected seconds, such as 30, "30s", "5m" or "1h"$'):
        parse_seconds(text)
    with pytest.raises(ValueError, match=r'^expected bytes, such as 4194304 or "4 MiB"$'):
        parse_bytes(text)


@given(st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_value_error(text: str) -> None:
    try:
        assert parse_seconds(text) >= 0
    except ValueError:
        return


@given(st.integers(0, 10**16 - 1))
def test_a_bare_number_is_itself(number: int) -> None:
    assert parse_bytes(str(number)) == number


def test_the_largest_size_may_be_text_as_well() -> None:
    assert parse_bytes(str(1 << 50)) == 1 << 50
