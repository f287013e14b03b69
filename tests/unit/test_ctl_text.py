"""Figures and words for people."""

from __future__ import annotations

import pytest

from pagestatus.ctl import text


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("https://example.org/?q=1", "https://example.org/?q=1"),
        ("bücher", "bücher"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\nb\rc\td", "a\\x0ab\\x0dc\\x09d"),
        ("\x9b2J \x7f", "\\x9b2J \\x7f"),
        ("\u202egnp.exe", "\\u202egnp.exe"),
        ("one\u2028two", "one\\u2028two"),
        ("lone \udcff", "lone \\udcff"),
        ("\U000e0001tag", "\\U000e0001tag"),
    ],
)
def test_nothing_that_steers_a_terminal_is_left(raw: str, shown: str) -> None:
    assert text.clean(raw) == shown


@pytest.mark.parametrize(
    ("ms", "shown"),
    [
        (None, "-"),
        (0, "0.00 ms"),
        (0.314, "0.31 ms"),
        (0.9996, "1.0 ms"),
        (3.14, "3.1 ms"),
        (9.96, "10 ms"),
        (31.4, "31 ms"),
        (999.4, "999 ms"),
        (999.6, "1.00 s"),
        (9_994, "9.99 s"),
        (9_996, "10.0 s"),
        (59_900, "59.9 s"),
        (59_960, "59s"),
        (125_000, "2m 05s"),
    ],
)
def test_a_duration_has_the_unit_that_suits_it(ms: float | None, shown: str) -> None:
    assert text.milliseconds(ms) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(None, "-"), (-3, "0s"), (59.9, "59s"), (125, "2m 05s"), (7_500, "2h 05m"), (273_600, "3d 04h")],
)
def test_a_long_time_has_two_units(seconds: float | None, shown: str) -> None:
    assert text.span(seconds) == shown


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (None, "-"),
        (0, "0 B"),
        (999, "999 B"),
        (1000, "0.98 KiB"),
        (1024, "1.00 KiB"),
        (12_600, "12.3 KiB"),
        (4 << 20, "4.00 MiB"),
        (5 << 60, "5120 PiB"),
    ],
)
def test_bytes_have_three_figures(number: int | None, shown: str) -> None:
    assert text.size(number) == shown


@pytest.mark.parametrize(
    ("per_second", "shown"),
    [(0, "0.0"), (0.018, "0.02"), (5.4, "5.40"), (83.41, "83.4"), (1234.5, "1,234")],
)
def test_a_rate_has_three_figures(per_second: float, shown: str) -> None:
    assert text.rate(per_second) == shown


@pytest.mark.parametrize(
    ("part", "shown"),
    [(0, "0 %"), (0.0001, "<0.1 %"), (0.004, "0.4 %"), (0.37, "37 %"), (1.5, "150 %")],
)
def test_a_share(part: float, shown: str) -> None:
    assert text.percent(part) == shown


@pytest.mark.parametrize(
    ("raw", "width", "shown"),
    [
        ("short", 5, "short"),
        ("longer", 5, "long…"),
        ("日本語", 6, "日本語"),
        ("日本語", 5, "日本…"),
        ("日本語", 4, "日…"),
        ("e\u0301tude", 5, "e\u0301tude"),
        ("x", 0, ""),
    ],
)
def test_what_is_too_wide_is_cut_with_an_ellipsis(raw: str, width: int, shown: str) -> None:
    assert text.fit(raw, width) == shown
    assert text.columns(shown) <= max(width, 0)


@pytest.mark.parametrize(
    ("raw", "width", "shown"),
    [
        ("http://127.0.0.1:46555/fast/9", 29, "http://127.0.0.1:46555/fast/9"),
        ("http://127.0.0.1:46555/fast/9", 20, "http://12…555/fast/9"),
        ("日本語日本語", 7, "日…本語"),
        ("xyz", 1, "…"),
        ("xyz", 0, ""),
    ],
)
def test_of_a_url_the_middle_is_cut_out(raw: str, width: int, shown: str) -> None:
    assert text.fit_middle(raw, width) == shown
    assert text.columns(shown) <= width
