"""Tables: columns, cutting, wrapping, colour."""

from __future__ import annotations

from pagestatus.ctl.table import COLOUR, Cell, Column, Style, flow, prose, table


def test_columns_are_as_wide_as_they_need_and_lines_end_without_spaces() -> None:
    heads = [Column("NAME"), Column("N", right=True), Column("NOTE")]
    assert table(heads, [("a", "1,000", ""), ("longer", "2", "x")], 80) == [
        "NAME        N  NOTE",
        "a       1,000",
        "longer      2  x",
    ]


def test_a_flexible_column_is_cut_where_the_width_ends() -> None:
    heads = [Column("N", right=True), Column("URL", flexible=True)]
    lines = table(heads, [("1", "https://example.org/long/path"), ("22", "short")], 24)
    assert lines == [" N  URL", " 1  https://e…/long/path", "22  short"]
    assert max(map(len, lines)) == 24


def test_a_wrapping_column_goes_on_below() -> None:
    heads = [Column("WHY"), Column("WORDS", wraps=True)]
    assert table(heads, [("late", "too late for it, by far"), ("x", "y")], 20) == [
        "WHY   WORDS",
        "late  too late for",
        "      it, by far",
        "x     y",
    ]


def test_colour_changes_no_column() -> None:
    heads = [Column("A"), Column("B")]
    lines = table(heads, [(Cell("up", Style.GOOD), "x"), (Cell("down", Style.BAD), "y")], 80, COLOUR)
    assert lines == [
        "\x1b[2mA\x1b[0m     \x1b[2mB\x1b[0m",
        "\x1b[32mup\x1b[0m    x",
        "\x1b[31mdown\x1b[0m  y",
    ]


def test_parts_flow_and_none_is_broken() -> None:
    parts = [Cell("one two"), Cell("three"), Cell("four five six")]
    assert flow(parts, 16) == ["one two   three", "four five six"]
    assert flow(parts, 80, gap=" ") == ["one two three four five six"]
    assert flow([], 80) == []


def test_prose_is_never_narrower_than_it_can_be_read() -> None:
    assert prose("twelve chars", 3) == ["twelve chars"]
