"""What strangers wrote, in messages: one line, short, no password."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.quoting import LONGEST_QUOTE, cut, quoted, quoted_link


@pytest.mark.parametrize(
    ("why", "value", "shown"),
    [
        ("text as Python writes it", "a b", "'a b'"),
        ("a number", 3.5, "3.5"),
        ("control characters are spelled", "a\n\x1b[31m", r"'a\n\x1b[31m'"),
        ("a look-alike letter is seen", "ex\u0430mple", r"'ex\u0430mple'"),
        ("half a character", "\ud800", r"'\ud800'"),
        ("a password", "http://user:secret@host/", "'http://…@host/'"),
        ("a password with an @ in it", "http://user:sec@ret@host/", "'http://…@host/'"),
        ("a password with a quote in it", "http://user:sec'ret@host/", '"http://…@host/"'),
        ("the scheme was forgotten", "user:secret@host/x", "'…@host/x'"),
        ("other slashes", r"http:\\user:secret@host", "'…@host'"),
        ("a password inside an entry", {"url": "http://u:secret@h/"}, "{'url': 'http://…@h/'}"),
        ("an @ in a path is no user", "http://host/@me", "'http://host/@me'"),
        ("an @ in a name is no password", "me@home", "'me@home'"),
        ("very much, in a time that does not grow with its square", "x" * 1_000_000, f"'{'x' * 78}…"),
    ],
)
def test_quoted(why: str, value: object, shown: str) -> None:
    assert quoted(value) == shown, why


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/file", "'https://host/file'"),
        ("https://host/file?signature=secret&x=/y?z", "'https://host/file?...'"),
        ("https://user:secret@host/?", "'https://…@host/?...'"),
    ],
)
def test_a_link_is_shown_without_its_query(url: str, shown: str) -> None:
    assert quoted_link(url) == shown


@pytest.mark.parametrize(("length", "cut_at"), [(80, 80), (81, 80), (1_000_000, 80)])
def test_a_long_text_is_cut(length: int, cut_at: int) -> None:
    shown = cut("x" * length)
    assert len(shown) == cut_at
    assert shown.endswith("…") == (length > LONGEST_QUOTE)


@given(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5))
def test_whatever_it_is_it_stands_on_one_short_line(value: object) -> None:
    shown = quoted(value)
    assert len(shown) <= LONGEST_QUOTE
    assert shown.replace("…", "").isascii()
    assert shown.isprintable()
