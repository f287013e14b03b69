"""Names that strangers propose, and the one safe component of a path that each becomes."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsbridge.names import LONGEST_NAME_BYTES, PART, clean, file_name, numbered

LONGEST = LONGEST_NAME_BYTES
# What a file system takes.
LONGEST_COMPONENT = 255


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("a.txt", "a.txt", "nothing to do"),
        ("Ä ö 日本 🙂.txt", "Ä ö 日本 🙂.txt", "letters of all kinds"),
        ("", "", "nothing"),
        ("/etc/passwd", "passwd", "an absolute path"),
        ("../../etc/passwd", "passwd", "a path that leads out"),
        (r"C:\Windows\system32\evil.dll", "evil.dll", "a path of Windows"),
        (r"a/b\c/d", "d", "both separators"),
        ("a/", "", "a folder"),
        (".", "", "this folder"),
        ("..", "", "the one above"),
        ("a/..", "", "the one above, behind a name"),
        ("...", "", "dots"),
        (" . . ", "", "dots and spaces"),
        (".bashrc", "bashrc", "a hidden file"),
        ("..a", "a", "two dots before it"),
        ("\u200b.bashrc", "bashrc", "a hidden file behind what cannot be seen"),
        (".\u200b.", "", "dots around what cannot be seen"),
        ("-rf", "_rf", "an option"),
        (" --help", "_-help", "an option behind a space"),
        ("a-b", "a-b", "a dash within"),
        ("a.txt. .", "a.txt", "dots and spaces at the end, which Windows drops"),
        ("a\0b\nc\x7fd\x85e", "abcde", "control characters"),
        ("a\u2028b\u2029c", "abc", "ends of lines and paragraphs"),
        ("gpj.\u202eexe.txt", "gpj.exe.txt", "bidi: shown as gpj.txt.exe"),
        ("a\u2066b\u2069\u200f\u061cc", "abc", "more bidi"),
        ("a\u200bb\u200d\ufeffc\u00ad", "abc", "zero-width"),
        ("a\u3164b\ufe0f\U000e0100c", "abc", "letters and marks that cannot be seen"),
        ("\u3164", "", "a letter that cannot be seen, alone"),
        ("a\ud800b\udfff", "ab", "halves of characters"),
        ("a\u00a0\u2003b\u3000", "a  b", "all spaces are one"),
        ("a\u0308.txt", "ä.txt", "composed"),
        ("a\u200b\u0308", "ä", "composed when nothing stands between any more"),
        ('<a>:"b|c?*.txt', "_a___b_c__.txt", "what Windows refuses"),
        ("CON", "_CON", "reserved"),
        ("con.txt", "_con.txt", "reserved with an extension"),
        ("Nul .tar.gz", "_Nul .tar.gz", "reserved, a space and extensions"),
        ("com1", "_com1", "reserved with a number"),
        ("LPT9.x", "_LPT9.x", "another"),
        ("com¹.txt", "_com¹.txt", "a number that Windows takes for one too"),
        ("CONIN$", "_CONIN$", "reserved with a sign"),
        ("com10", "com10", "not reserved"),
        ("console", "console", "begins like a reserved one"),
        (".con", "_con", "reserved without its dot"),
        ("a.part", "a_part", "like a part file"),
        ("a.PaRt", "a_PaRt", "like a part file, on file systems that do not know case"),
        ("a.part.", "a_part", "like a part file, with a dot"),
        ("a.part1.rar", "a.part1.rar", "not like a part file"),
        (".part", "part", "no part file without its dot"),
        ("a%2fb", "a%2fb", "only URLs are percent-encoded"),
        ("~root", "~root", "a tilde"),
    ],
)
def test_clean(name: str, expected: str, why: str) -> None:
    assert clean(name) == expected, why


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ("a" * LONGEST, "a" * LONGEST, "just fits"),
        ("a" * (LONGEST + 1), "a" * LONGEST, "a byte too long"),
        ("a" * 300 + ".txt", "a" * (LONGEST - 4) + ".txt", "the extension is kept"),
        ("a" * 300 + ".tar.gz", "a" * (LONGEST - 7) + ".tar.gz", "both extensions"),
        ("ä" * 300 + ".txt", "ä" * ((LONGEST - 4) // 2) + ".txt", "whole characters"),
        ("🙂" * 300 + ".x", "🙂" * 59 + ".x", "whole characters of four bytes"),
        ("a." + "b" * 300, "a." + "b" * (LONGEST - 2), "what is no extension is cut"),
        ("a" * 234 + " " * 10 + ".txt", "a" * 234 + ".txt", "no space before the extension"),
        ("a" * 235 + ".part" + "b" * 99, "a" * 235 + "_part", "cut to what looks like a part file"),
        ("con." + "b" * 300 + ".txt", "_con." + "b" * (LONGEST - 9) + ".txt", "reserved and long"),
        (" " * 5000 + "a.txt", "a.txt", "long because of what is dropped"),
        ("a" + "\u0301" * 9000 + ".txt", "á" + "\u0301" * 117 + ".txt", "very many accents"),
    ],
)
def test_long_names(name: str, expected: str, why: str) -> None:
    assert clean(name) == expected, why


def test_very_many_marks_take_no_longer_for_their_number() -> None:
    """Normalising sorts the marks of a letter by insertion: done with all, it would never end."""
    assert len(clean("a" + "\u0301\u0323" * 500_000).encode()) <= LONGEST


@pytest.mark.parametrize(
    ("requested", "disposition", "url", "expected", "why"),
    [
        ("a", "attachment; filename=b", "http://h/c", "a", "what was asked for"),
        ("", "attachment; filename=b", "http://h/c", "b", "what the server says"),
        ("..", "attachment; filename=b", "http://h/c", "b", "what was asked for leaves nothing"),
        ("", "attachment; filename*=UTF-8''%2e%2e%2f; filename=b", "http://h/c", "c", "both leave nothing"),
        ("", "attachment", "http://h/x/c.iso?d=e/f#g/h", "c.iso", "the URL"),
        ("", "", "http://h/%2e%2e", "download", "nothing"),
        ("", "", "http://h/", "download", "no path"),
        ("", "", "http://h", "download", "no path and no slash"),
        ("", "", "http://host.example?a=/b", "download", "no path and a query"),
        ("", "", "http://h/x/", "download", "a folder"),
        ("", "", "no URL", "download", "no URL"),
        ("", "", "https://h/a%20b%C3%A4.txt", "a bä.txt", "percent-encoded"),
        ("", "", "https://h/x%2F..%2Fpasswd", "passwd", "encoded separators"),
        ("", "", "https://h/x%5Cy", "y", "an encoded separator of Windows"),
        ("", "", r"https://h/x\y", "y", "a backslash, which browsers take for a slash"),
        ("", "", "https://h/a%00b%0A", "ab", "encoded control characters"),
        ("", "", "https://h/a%252Fb", "a%2Fb", "decoded only once"),
        ("", "", "https://h/caf%E9", "café", "not UTF-8"),
        ("", "", "https://h/100%", "100%", "a percent sign for itself"),
        ("", "", "https://h/\ud800a", "_a", "half a character"),
    ],
)  # fmt: skip
def test_file_name(requested: str, disposition: str, url: str, expected: str, why: str) -> None:
    assert file_name(requested=requested, disposition=disposition, url=url) == expected, why


@pytest.mark.parametrize(
    ("name", "number", "expected", "why"),
    [
        ("a.txt", 2, "a (2).txt", "before the extension"),
        ("a.tar.gz", 2, "a (2).tar.gz", "before both"),
        ("a.TAR.XZ", 3, "a (3).TAR.XZ", "in capitals"),
        ("tar.gz", 2, "tar (2).gz", "tar is the name"),
        ("a", 12, "a (12)", "no extension"),
        ("Mr. Smith", 2, "Mr. Smith (2)", "a dot that begins no extension"),
        ("a" * 240, 2, "a" * 240 + " (2)", "there is room for a number"),
        ("a" * 240, 123_456_789, "a" * 238 + " (123456789)", "and else the stem is cut"),
        ("a" * 234 + ".x.txt", 10**9, "a" * 233 + " (1000000000).txt", "and does not end in a dot"),
    ],
)
def test_numbered(name: str, number: int, expected: str, why: str) -> None:
    assert numbered(name, number) == expected, why


pieces = st.sampled_from(
    [
        ".",
        "..",
        "/",
        "\\",
        "-",
        " ",
        "con",
        ".part",
        ".tar.gz",
        "\u0308",
        "\u200b",
        "\u202e",
        "<",
        "a" * 120,
        "ä" * 60,
    ]
) | st.text(max_size=4)
names = st.text() | st.lists(pieces, max_size=8).map("".join)


@given(names)
def test_what_is_clean_is_one_visible_component_and_stays(name: str) -> None:
    found = clean(name)
    if not found:
        return
    assert PurePosixPath(found).parts == PureWindowsPath(found).parts == (found,)
    assert not PureWindowsPath(found).is_reserved()
    assert found not in {".", ".."}
    assert found[0] not in ".- "
    assert found[-1] not in ". "
    assert not found.lower().endswith(PART)
    assert len(found.encode()) <= LONGEST
    assert not {"Cc", "Cf", "Cs", "Zl", "Zp"}.intersection(map(unicodedata.category, found))
    assert unicodedata.is_normalized("NFC", found)
    assert clean(found) == found


@given(names, names, names)
def test_there_is_always_a_name(requested: str, disposition: str, path: str) -> None:
    found = file_name(requested=requested, disposition=disposition, url=f"http://h/{path}")
    assert found
    assert clean(found) == found


@given(names.filter(clean), st.integers(2, 10**9), st.integers(2, 10**9))
def test_numbers_tell_names_apart_and_fit(name: str, number: int, other: int) -> None:
    name = clean(name)
    found = numbered(name, number)
    assert len((found + PART).encode()) <= LONGEST_COMPONENT
    assert PurePosixPath(found).parts == PureWindowsPath(found).parts == (found,)
    assert not found.lower().endswith(PART)
    assert found != name
    assert (numbered(name, other) == found) is (other == number)
