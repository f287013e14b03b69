"""The word for an id, and what looks like one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.identity import id_word, is_id_word


@given(st.integers(0, (1 << 64) - 1))
def test_the_word_of_every_id_looks_like_one(target: int) -> None:
    assert is_id_word(id_word(target))
    assert int(id_word(target), 16) == target


@pytest.mark.parametrize(
    "word", ["", "home page", "0" * 15, "0" * 17, "000000000000000A", "000000000000000g", "\u0660" * 16]
)
def test_a_name_does_not(word: str) -> None:
    assert not is_id_word(word)
