"""Pictures of figures: well-formed, to scale, and legible in the light and in the dark."""

from __future__ import annotations

import math
from xml.etree import ElementTree as ET

import pytest

from scripts.bench_run.picture import Bar, bars, groups, shown


def marks(picture: str, kind: str) -> list[ET.Element]:
    svg = ET.fromstring(picture)  # noqa: S314 - we have made it ourselves
    return svg.findall(f"{{http://www.w3.org/2000/svg}}{kind}")


def lengths(picture: str) -> list[float]:
    _paper, *found = marks(picture, "rect")
    return [float(mark.attrib["width"]) for mark in found]


def words(picture: str) -> list[str]:
    return [mark.text or "" for mark in marks(picture, "text")]


def test_bars_are_as_long_as_their_values() -> None:
    ours, theirs = lengths(bars("CPU", "µs", [("ours", 25, True), ("theirs", 100, False)]))
    assert ours / theirs == pytest.approx(0.25, abs=0.001)


def test_a_limit_has_its_place_and_its_figure() -> None:
    picture = bars("CPU", "µs", [("ours", 50, True)], limit=100)
    (line,), (_paper, bar) = marks(picture, "line"), marks(picture, "rect")
    left, length = float(bar.attrib["x"]), float(bar.attrib["width"])
    assert float(line.attrib["x1"]) == pytest.approx(left + 2 * length, abs=0.2)
    assert "at most 100 µs" in words(picture)


def test_each_group_has_its_own_scale() -> None:
    picture = groups("Time", "s", [("fast", [Bar("a", 0.2, True)]), ("slow", [Bar("a", 200, True)])])
    assert lengths(picture)[0] == lengths(picture)[1]
    assert [word for word in words(picture) if word in {"fast", "slow"}] == ["fast", "slow"]


def test_what_is_only_known_to_be_more_says_so() -> None:
    assert "> 2.50 s" in words(groups("Time", "s", [("case", [Bar("curl", 2.5, False, or_more=True)])]))


@pytest.mark.parametrize(
    "values", [[], [("none", 0, True)], [("never", float("inf"), True), ("some", 3, True)]]
)
def test_odd_values_make_a_picture_too(values: list[tuple[str, float, bool]]) -> None:
    found = lengths(bars("Lag", "ms", values))
    assert len(found) == len(values)
    assert all(map(math.isfinite, found))


def test_words_are_escaped() -> None:
    picture = bars('a "title" & <more>', "µs", [("a < b & c", 1, True)])
    assert 'a "title" & <more>' in words(picture)
    assert "a < b & c" in words(picture)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.256, "0.26"), (12.34, "12.3"), (1234567, "1,234,567"), (float("inf"), "∞")]
)
def test_figures_have_the_digits_that_count(value: float, expected: str) -> None:
    assert shown(value) == expected


def test_it_follows_the_reader_into_the_dark() -> None:
    assert "prefers-color-scheme: dark" in bars("CPU", "µs", [("ours", 1, True)])
