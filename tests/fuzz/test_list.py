"""The list of targets: of whatever stands in the file, each entry is a target or one clear line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzzing import JSON, TEXT, fuzzed, is_one_line, mutated, outcome
from pagestatus.targets import LONGEST_INTERVAL_S, LONGEST_TIMEOUT_S, BadList, TargetList
from pagestatus.urls import wire_url

SECOND_US = 1_000_000
LIST = json.dumps(
    [
        {"url": "https://example.com/ü?a=b#c", "interval": 60, "name": "one", "timeout": "3s"},
        {"url": "http://[::1]:8080/", "interval": "1h", "expect": [200, 404], "retries": 0, "max_bytes": 9},
        {"url": "http://bücher.example/", "interval": 1.0},
        {"interval": None},
        7,
    ],
    ensure_ascii=False,
).encode()
ENTRIES = st.fixed_dictionaries(
    {},
    optional={
        "url": TEXT | st.builds("http://{}/{}".format, TEXT, TEXT),
        "interval": st.integers() | st.floats() | TEXT | st.sampled_from(["1s", "1e400s", "9h", "0x1"]),
        "name": TEXT,
        "timeout": st.integers() | st.floats() | TEXT,
        "retries": JSON,
        "expect": JSON | st.lists(st.integers(0, 700), max_size=3),
        "max_bytes": st.integers(),
        "other": JSON,
    },
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "urls.json"


def seen_to_be_right(file: Path, content: bytes) -> None:
    """Read ``content``, and hold what comes of it against what every list promises."""
    file.write_bytes(content)
    read = outcome(lambda: TargetList(file), BadList)
    if isinstance(read, BadList):
        assert is_one_line(str(read))
        return
    targets = list(read)
    assert len(targets) + len(read.mistakes) == len(read)
    assert len({target.id for target in targets}) == len(targets)
    for line in (*read.mistakes, *read.notes):
        assert is_one_line(line)
    for target in targets:
        assert wire_url(target.url).url.isascii()
        assert target.name.isprintable()
        assert target.interval_us % SECOND_US == 0
        assert SECOND_US <= target.interval_us <= LONGEST_INTERVAL_S * SECOND_US
        assert 0 <= target.timeout_us <= LONGEST_TIMEOUT_S * SECOND_US
        assert 0 <= target.id < 2**64


@fuzzed
@given(content=st.binary(max_size=300) | mutated([LIST]))
def test_any_bytes(file: Path, content: bytes) -> None:
    seen_to_be_right(file, content)


@fuzzed
@given(entries=st.lists(ENTRIES | JSON, max_size=5))
def test_any_entries(file: Path, entries: list[object]) -> None:
    seen_to_be_right(file, json.dumps(entries).encode())
