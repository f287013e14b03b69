"""Lists of targets: what is good runs, and what is not gets exactly one clear line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.targets import (
    INTERVAL,
    LARGEST_FILE,
    LONGEST_INTERVAL_S,
    MOST_READS,
    TIMEOUT,
    BadList,
    Target,
    TargetList,
    target_id,
)

GOOD = {"url": "http://good/", "interval": 60}
KEYS = "url, interval, name, timeout, retries, expect, max_bytes"
ARRAY = "expected a JSON array of targets"

Write = Callable[[bytes | list[Any]], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(content: bytes | list[Any]) -> Path:
        path = tmp_path / "urls.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return path

    return written


def read(path: Path) -> tuple[list[Target], list[str], list[str]]:
    """Good targets, mistakes and notes, without the file's name, which begins each line."""
    targets = TargetList(path)
    good = list(targets)
    lines = [*targets.mistakes, *targets.notes]
    assert all(line.startswith(f"{path}: ") and line.isprintable() and len(line) < 400 for line in lines)
    shorten = len(f"{path}: ")
    return good, [line[shorten:] for line in targets.mistakes], [line[shorten:] for line in targets.notes]


# --- good entries ----------------------------------------------------------------------------------------


def test_an_entry_with_everything(write: Write) -> None:
    entry = {
        "url": "https://example.com/health", "interval": "10s", "name": "health", "timeout": "250ms",
        "retries": 0, "expect": [200, 404], "max_bytes": 1000,
    }  # fmt: skip
    good, mistakes, notes = read(write([entry]))
    assert good == [
        Target(
            target_id("name\0health"), "https://example.com/health", 10_000_000, "health", 250_000, 0,
            (200, 404), 1000,
        )
    ]  # fmt: skip
    assert (mistakes, notes) == ([], [])


def test_an_entry_with_the_least_leaves_the_rest_to_the_configuration(write: Write) -> None:
    (target,), _, _ = read(write([GOOD]))
    assert (target.name, target.timeout_us, target.retries, target.expect, target.max_bytes) == (
        "", 0, None, (), 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("interval", "seconds"),
    [
        (1, 1), (60, 60), (60.0, 60), ("30s", 30), ("5m", 300), ("1h", 3600), ("90", 90), ("2000ms", 2),
        (LONGEST_INTERVAL_S, LONGEST_INTERVAL_S), ("366d", LONGEST_INTERVAL_S),
    ],
)  # fmt: skip
def test_intervals(write: Write, interval: object, seconds: int) -> None:
    (target,), mistakes, _ = read(write([{**GOOD, "interval": interval}]))
    assert (target.interval_us, mistakes) == (seconds * 1_000_000, [])


# A target keeps its phase and its history as long as its id stays the same: these never change.
GOLDEN_IDS = [
    ({"url": "https://example.com/", "interval": 60}, 0xB619E30E0ED42D24),
    ({"url": "https://example.com/", "interval": "1m"}, 0xB619E30E0ED42D24),
    ({"url": "https://example.com/", "interval": 61}, 0xC10ABD311E5357EA),
    ({"url": "https://example.com/", "interval": 60, "name": "home"}, 0x3A312580F0CF7521),
    ({"url": "http://b\u00fccher.example/\u2665", "interval": 1}, 0x4D2CDAC88D495AEE),
]


@pytest.mark.parametrize(("entry", "id_"), GOLDEN_IDS)
def test_golden_ids(write: Write, entry: dict[str, object], id_: int) -> None:
    (target,), _, _ = read(write([entry]))
    assert target.id == id_


def test_a_name_is_the_identity_whatever_else_changes(write: Write) -> None:
    entries = [{**GOOD, "name": "a"}, {"url": "http://moved/", "interval": 5, "name": "a", "timeout": 1}]
    ids = [read(write([entry]))[0][0].id for entry in entries]
    assert ids[0] == ids[1]


def test_one_url_twice_is_two_targets_with_a_note(write: Write) -> None:
    good, mistakes, notes = read(
        write([GOOD, GOOD, {**GOOD, "interval": 61}, GOOD, {**GOOD, "name": "good"}])
    )
    assert len({target.id for target in good}) == 5
    assert mistakes == []
    assert notes == [
        f"[{index}].url: 'http://good/': the same target stands above: it is checked once for each"
        for index in (1, 3)
    ]


def test_the_ids_of_the_same_target_twice_do_not_depend_on_what_stands_between(write: Write) -> None:
    other = {"url": "http://other/", "interval": 1}
    alone = [target.id for target in read(write([GOOD, GOOD, GOOD]))[0]]
    # Golden too.
    assert alone[1:] == [0x3B93106B7386AC86, 0x21549B1719E5921D]
    between = [target.id for target in read(write([other, GOOD, other, GOOD, GOOD]))[0]]
    assert [between[1], between[3], between[4]] == alone


def test_the_work_for_the_same_target_many_times_does_not_grow_with_the_square(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def counting(identity: str) -> int:
        hashed.append(identity)
        return target_id(identity)

    monkeypatch.setattr("pagestatus.targets.target_id", counting)
    good, _, _ = read(write([GOOD] * 1000))
    assert len({target.id for target in good}) == 1000
    assert len(hashed) < 2 * 1000


def test_a_second_pass_gives_the_same_once_more(write: Write) -> None:
    targets = TargetList(write([GOOD, 3, GOOD]))
    first = (list(targets), list(targets.mistakes), list(targets.notes))
    assert (list(targets), targets.mistakes, targets.notes) == first
    assert len(targets) == 3


# --- bad entries -----------------------------------------------------------------------------------------

# Raw JSON of an entry, and the line that it gets after its index.
WRONG_ENTRIES: list[tuple[str, str]] = [
    ("3", ": 3: expected `object`, got `int`"),
    ("null", ": None: expected `object`, got `null`"),
    ('"http://a/"', ": 'http://a/': expected `object`, got `str`"),
    ("[]", ": []: expected `object`, got `array`"),
    ("{}", ".url: None: expected a value: every target has one"),
    ('{"url": "http://a/"}', ".interval: None: expected a value: every target has one"),
    ('{"interval": 60}', ".url: None: expected a value: every target has one"),
    ('{"url": 3, "interval": 60}', ".url: 3: expected `str`, got `int`"),
    ('{"url": null, "interval": 60}', ".url: None: expected `str`, got `null`"),
]

# Raw JSON of a value of a key of an entry that is good apart from it, and the line.
WRONG_VALUES: list[tuple[str, str, str]] = [
    *(
        ("interval", raw, f".interval: {shown}: {INTERVAL}")
        for raw, shown in [
            ("-1", "-1"),
            ("0", "0"),
            ("-0.0", "-0.0"),
            ("0.5", "0.5"),
            ("1.5", "1.5"),
            ("31622401", "31622401"),
            ('"367d"', "'367d'"),
            ('"0s"', "'0s'"),
            ('"1500ms"', "'1500ms'"),
            ('"1x"', "'1x'"),
            ('""', "''"),
            ('"nan"', "'nan'"),
            ("true", "True"),
            ("null", "None"),
            ("[60]", "[60]"),
            ("{}", "{}"),
            ("1e300", "1e+300"),
            ("9" * 70, "9" * 70),
            ("9" * 400, "9" * 79 + "…"),
        ]
    ),
    *(
        ("timeout", raw, f".timeout: {shown}: {TIMEOUT}")
        for raw, shown in [
            ("0", "0"),
            ("-1", "-1"),
            ("601", "601"),
            ('"11m"', "'11m'"),
            ("true", "True"),
            ("[]", "[]"),
            ('"soon"', "'soon'"),
            ("9" * 70, "9" * 70),
        ]
    ),
    ("name", '""', ".name: '': expected `str` of length >= 1"),
    ("name", f'"{"n" * 201}"', f".name: '{'n' * 78}…: expected `str` of length <= 200"),
    ("name", "3", ".name: 3: expected `str`, got `int`"),
    ("name", '"a\\nb"', r".name: 'a\nb': expected printable characters"),
    ("name", '"\\u001b[31m"', r".name: '\x1b[31m': expected printable characters"),
    ("retries", "-1", ".retries: -1: expected `int` >= 0"),
    ("retries", "21", ".retries: 21: expected `int` <= 20"),
    ("retries", "1.5", ".retries: 1.5: expected `int`, got `float`"),
    ("expect", "200", ".expect: 200: expected `array`, got `int`"),
    ("expect", "[200, 99]", ".expect[1]: 99: expected `int` >= 100"),
    ("expect", "[600]", ".expect[0]: 600: expected `int` <= 599"),
    ("expect", '["2xx"]', ".expect[0]: '2xx': expected `int`, got `str`"),
    ("max_bytes", "0", ".max_bytes: 0: expected `int` >= 1"),
    # It travels to the fetcher in 64 bits.
    ("max_bytes", "9" * 30, f".max_bytes: {'9' * 30}: expected `int` <= {1 << 50}"),
    ("intervall", "60", f".intervall: 60: unknown key, expected one of {KEYS}"),
    ("", "60", f": '': unknown key, expected one of {KEYS}"),
    ("a.b", "60", f": 'a.b': unknown key, expected one of {KEYS}"),
    ("a\\nb\\u001b[31m", "60", rf": 'a\nb\x1b[31m': unknown key, expected one of {KEYS}"),
    ("k" * 500, "60", f".{'k' * 78}…: 60: unknown key, expected one of {KEYS}"),
    ("deep", "[" * 500 + "]" * 500, f".deep: {'[' * 79}…: unknown key, expected one of {KEYS}"),
]

# URLs as they come out of JSON, and what is said of them.
WRONG_URLS: list[tuple[str, str, str]] = [
    ("example.com/", "'example.com/'", "the URL has no scheme, expected http:// or https://"),
    ("localhost:8080/", "'localhost:8080/'", "the URL has no scheme, expected http:// or https://"),
    ("ftp://a/", "'ftp://a/'", "the scheme 'ftp' is not known, expected http:// or https://"),
    (
        "file:///etc/passwd",
        "'file:///etc/passwd'",
        "the scheme 'file' is not known, expected http:// or https://",
    ),
    ("http://a/\0", r"'http://a/\x00'", "the URL has a control character at position 9"),
    ("http://a/\r\nHost: b", r"'http://a/\r\nHost: b'", "the URL has a control character at position 9"),
    ("http://user@a/", "'http://…@a/'", "the URL has a user name"),
    ("http://user:secret@a/", "'http://…@a/'", "the URL has a user name"),
    (f"http://a/{'x' * 8184}", f"'http://a/{'x' * 69}…", "the URL is longer than 8192 bytes"),
    ("http://", "'http://'", "the URL has no host"),
    ("", "''", "the URL has no scheme, expected http:// or https://"),
    ("http://a:65536/", "'http://a:65536/'", "the port '65536' is not a number from 1 to 65535"),
]


def check_one_line(path: Path, expected: str) -> None:
    good, mistakes, notes = read(path)
    assert mistakes == [f"[1]{expected}"]
    assert [target.url for target in good] == [GOOD["url"], "http://after/"]
    assert notes == []


def between_good_ones(raw: str) -> bytes:
    return f'[{json.dumps(GOOD)}, {raw}, {{"url": "http://after/", "interval": 1}}]'.encode()


@pytest.mark.parametrize(("raw", "line"), WRONG_ENTRIES)
def test_a_wrong_entry_gets_one_line_and_the_good_ones_run(write: Write, raw: str, line: str) -> None:
    check_one_line(write(between_good_ones(raw)), line)


@pytest.mark.parametrize(("key", "raw", "line"), WRONG_VALUES)
def test_a_wrong_value_gets_one_line_and_the_good_ones_run(
    write: Write, key: str, raw: str, line: str
) -> None:
    others = "".join(f', "{name}": {json.dumps(value)}' for name, value in GOOD.items() if name != key)
    check_one_line(write(between_good_ones(f'{{"{key}": {raw}{others}}}')), line)


@pytest.mark.parametrize(("url", "shown", "problem"), WRONG_URLS)
def test_a_wrong_url_gets_one_line_and_the_good_ones_run(
    write: Write, url: str, shown: str, problem: str
) -> None:
    raw = json.dumps({"url": url, "interval": 60})
    check_one_line(write(between_good_ones(raw)), f".url: {shown}: {problem}")


def test_a_name_that_another_has_is_a_mistake_of_the_second(write: Write) -> None:
    entries = [{**GOOD, "name": "a"}, {"url": "http://b/", "interval": 1, "name": "a"}]
    good, mistakes, _ = read(write(entries))
    assert [target.url for target in good] == ["http://good/"]
    assert mistakes == ["[1].name: 'a': expected a name that no other target has"]


@pytest.mark.parametrize(
    ("why", "raw", "line"),
    [
        ("in a name", r'{"url": "http://a/", "interval": 1, "name": "a\ud800"}',
         r".name: 'a\x00': expected printable characters"),
        ("in a URL", r'{"url": "http://a/\udfff", "interval": 1}',
         r".url: 'http://a/\x00': the URL has a control character at position 9"),
        ("in the wrong order", r'{"url": "http://\udc00\ud800/", "interval": 1}',
         r".url: 'http://\x00\x00/': the URL has a control character at position 7"),
    ],
)  # fmt: skip
def test_half_a_character_costs_its_entry_alone(write: Write, why: str, raw: str, line: str) -> None:
    # JSON's grammar lets it pass, RFC 8259 section 8.2; msgspec gives up the whole list for it.
    assert why
    check_one_line(write(between_good_ones(raw)), line)


def test_whole_characters_and_backslashes_beside_half_a_one_are_left_alone(write: Write) -> None:
    whole, half = (
        rb'{"url": "http://a/\ud83d\ude00", "interval": 1, "name": "\\ud800"}',
        rb'{"url": "\ud800"}',
    )
    (target,), mistakes, _ = read(write(b"[" + whole + b"," + half + b"]"))
    assert (target.url, target.name) == ("http://a/\U0001f600", r"\ud800")
    assert len(mistakes) == 1


def test_bytes_that_are_not_utf8_cost_their_entry_alone(write: Write) -> None:
    path = write(b'[{"url": "http://a/\xff", "interval": 1}, {"url": "http://b/", "interval": 1}]')
    good, mistakes, _ = read(path)
    assert [target.url for target in good] == ["http://b/"]
    assert mistakes == [r"""[0]: '{"url": "http://a/\ufffd", "interval": 1}': expected UTF-8"""]


# --- lists that are none ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("why", "content", "problem"),
    [
        ("empty", b"", "empty"),
        ("blank", b" \n\t", "empty"),
        ("only a byte order mark", b"\xef\xbb\xbf", "empty"),
        ("an object", b"{}", "expected `array`, got `object`"),
        ("a text", b'"http://a/"', "expected `array`, got `str`"),
        ("null", b"null", "expected `array`, got `null`"),
        ("truncated in an entry", b'[{"url": "http://a/", "inter', "Input data was truncated"),
        ("truncated between two", b'[{"url": "http://a/", "interval": 1},', "Input data was truncated"),
        ("two lists", b"[]\n[]", "line 2: JSON is malformed: trailing characters"),
        ("a comma too many", b"[\n1,\n2,\n]", "line 4: JSON is malformed: trailing comma in array"),
        ("lines of JSON", b'{"url": "x"}\n{"url": "y"}', "expected `array`, got `object`"),
        ("a comment", b"// mine\n[]", "line 1: JSON is malformed: invalid character"),
        ("NaN", b'[{"url": "http://a/",\n"interval": NaN}]', "line 2: JSON is malformed: invalid character"),
        ("another encoding", "[]".encode("utf-16"), "line 1: JSON is malformed: invalid character"),
        ("a bomb", b"[" * 1_000_000, "nested too deeply"),
        ("a bomb in an entry", b"[" + b'{"a":' * 1_000_000, "nested too deeply"),
        ("noise", bytes(range(256)), "line 1: JSON is malformed: invalid character"),
    ],
)
def test_what_is_no_list_at_all_gets_one_line(write: Write, why: str, content: bytes, problem: str) -> None:
    path = write(content)
    with pytest.raises(BadList) as mistake:
        TargetList(path)
    assert str(mistake.value) == f"{path}: {problem}, {ARRAY}", why


@pytest.mark.parametrize("content", [b"[]", b" [ ] \n", b"\xef\xbb\xbf[]"])
def test_an_empty_list_is_a_list(write: Write, content: bytes) -> None:
    assert read(write(content)) == ([], [], [])


def test_a_byte_order_mark_is_no_mistake(write: Write) -> None:
    good, mistakes, _ = read(write(b"\xef\xbb\xbf" + json.dumps([GOOD]).encode()))
    assert (len(good), mistakes) == (1, [])


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadList, match=f"No such file or directory, {ARRAY}$"):
        TargetList(tmp_path / "urls.json")


def test_a_folder_is_no_list(tmp_path: Path) -> None:
    with pytest.raises(BadList, match=f": not a file, {ARRAY}$"):
        TargetList(tmp_path)


def test_a_pipe_that_nobody_writes_to_does_not_hold_us_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(BadList, match=f": not a file, {ARRAY}$"):
        TargetList(tmp_path / "pipe")


def test_a_huge_file_is_not_even_read(tmp_path: Path) -> None:
    path = tmp_path / "urls.json"
    with path.open("wb") as file:
        # Sparse: it takes no room.
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(BadList, match=f"{LARGEST_FILE + 1} bytes: expected at most {LARGEST_FILE}$"):
        TargetList(path)


# --- a list that changes while it is read ----------------------------------------------------------------


class Changing(type(Path())):  # type: ignore[misc]
    """A path whose file is written to, ``changes`` times, right before its content is read."""

    changes: list[bytes]
    reads = 0

    def read_bytes(self) -> bytes:
        self.reads += 1
        if self.changes:
            Path(self).write_bytes(self.changes.pop(0))
        return bytes(Path(self).read_bytes())


def changing(path: Path, *contents: bytes) -> Changing:
    changes = Changing(path)
    changes.changes = list(contents)
    return changes


def test_a_list_that_changes_while_it_is_read_is_read_again(write: Write) -> None:
    path = changing(write([GOOD]), b'[{"url": "http://half', json.dumps([GOOD, GOOD]).encode())
    good, mistakes, _ = read(path)
    assert (len(good), mistakes, path.reads) == (2, [], 3)


def test_a_list_that_never_comes_to_rest_is_refused(write: Write) -> None:
    path = changing(write([GOOD]), *(b"[" * number for number in range(1, MOST_READS + 2)))
    with pytest.raises(BadList) as mistake:
        TargetList(path)
    assert str(mistake.value) == (
        f"{path}: changes while it is read, expected a file that is complete (write, then rename)"
    )


# --- whatever it is --------------------------------------------------------------------------------------

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ENTRY = st.fixed_dictionaries(
    {},
    optional={
        "url": st.just("http://a/") | JSON, "interval": st.just(1) | JSON, "name": JSON, "timeout": JSON,
        "retries": JSON, "expect": JSON, "max_bytes": JSON,
    },
)  # fmt: skip


@given(st.lists(ENTRY | JSON, max_size=5))
def test_every_entry_is_a_target_or_a_mistake(
    tmp_path_factory: pytest.TempPathFactory, entries: object
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_text(json.dumps(entries))
    try:
        good, mistakes, _ = read(path)
    except BadList:
        return
    assert len(good) + len(mistakes) == len(TargetList(path))


@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_a_bad_list(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "any.json"
    path.write_bytes(content)
    try:
        good, mistakes, _ = read(path)
    except BadList:
        return
    assert len(good) + len(mistakes) == len(TargetList(path))
