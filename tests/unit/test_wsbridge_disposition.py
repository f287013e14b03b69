"""Names in Content-Disposition: the classic cases, the common mistakes, and anything at all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsbridge.disposition import filename_of

DATE = '"Wed, 12 Feb 1997 16:29:51 -0500"'

# By the names under which they are known (greenbytes.de/tech/tc2231), with what browsers make of them.
CLASSIC: list[tuple[str, str, str]] = [
    ("inlonly", "inline", ""),
    ("inlonlyquoted", '"inline"', ""),
    ("inlwithasciifilename", 'inline; filename="foo.html"', "foo.html"),
    ("inlwithfnattach", 'inline; filename="Not an attachment!"', "Not an attachment!"),
    ("inlwithasciifilenamepdf", 'inline; filename="foo.pdf"', "foo.pdf"),
    ("attonly", "attachment", ""),
    ("attonlyquoted", '"attachment"', ""),
    ("attonlyucase", "ATTACHMENT", ""),
    ("attwithasciifilename", 'attachment; filename="foo.html"', "foo.html"),
    ("attwithasciifilename25", 'attachment; filename="0000000000111111111122222"',
     "0000000000111111111122222"),
    ("attwithasciifilename35", 'attachment; filename="00000000001111111111222222222233333"',
     "00000000001111111111222222222233333"),
    ("attwithasciifnescapedchar", r'attachment; filename="f\oo.html"', "foo.html"),
    ("attwithasciifnescapedquote", r'attachment; filename="\"quoting\" tested.html"',
     '"quoting" tested.html'),
    ("attwithquotedsemicolon", 'attachment; filename="Here\'s a semicolon;.html"',
     "Here's a semicolon;.html"),
    ("attwithfilenameandextparam", 'attachment; foo="bar"; filename="foo.html"', "foo.html"),
    ("attwithfilenameandextparamescaped", r'attachment; foo="\"\\";filename="foo.html"', "foo.html"),
    ("attwithasciifilenameucase", 'attachment; FILENAME="foo.html"', "foo.html"),
    ("attwithasciifilenamenq", "attachment; filename=foo.html", "foo.html"),
    ("attwithtokfncommanq", "attachment; filename=foo,bar.html", "foo,bar.html"),
    ("attwithasciifilenamenqs", "attachment; filename=foo.html ;", "foo.html"),
    ("attemptyparam", "attachment; ;filename=foo", "foo"),
    ("attwithasciifilenamenqws", "attachment; filename=foo bar.html", "foo bar.html"),
    ("attwithfntokensq", "attachment; filename='foo.bar'", "'foo.bar'"),
    ("attwithisofnplain", 'attachment; filename="foo-ä.html"', "foo-ä.html"),
    ("attwithutf8fnplain", 'attachment; filename="foo-€.html"', "foo-€.html"),
    ("attwithfnrawpctenca", 'attachment; filename="foo-%41.html"', "foo-%41.html"),
    ("attwithfnusingpct", 'attachment; filename="50%.html"', "50%.html"),
    ("attwithfnrawpctencaq", r'attachment; filename="foo-%\41.html"', "foo-%41.html"),
    ("attwithnamepct", 'attachment; name="foo-%41.html"', ""),
    ("attwithfilenamepctandiso", 'attachment; filename="ä-%41.html"', "ä-%41.html"),
    ("attwithfnrawpctenclong", 'attachment; filename="foo-%c3%a4-%e2%82%ac.html"',
     "foo-%c3%a4-%e2%82%ac.html"),
    ("attwithasciifilenamews1", 'attachment; filename ="foo.html"', "foo.html"),
    ("attwith2filenames", 'attachment; filename="foo.html"; filename="bar.html"', "foo.html"),
    ("attfnbrokentoken", "attachment; filename=foo[1](2).html", "foo[1](2).html"),
    ("attfnbrokentokeniso", "attachment; filename=foo-ä.html", "foo-ä.html"),
    ("attfnbrokentokenutf", "attachment; filename=foo-€.html", "foo-€.html"),
    ("attmissingdisposition", "filename=foo.html", "foo.html"),
    ("attmissingdisposition2", "filename=x=y; filename=foo.html", "x=y"),
    ("attmissingdisposition3", '"foo; filename=bar;baz"; filename=qux', "qux"),
    ("attmissingdisposition4", "filename=foo.html, filename=bar.html", "foo.html, filename=bar.html"),
    ("emptydisposition", "; filename=foo.html", "foo.html"),
    ("doublecolon", ": inline; attachment; filename=foo.html", "foo.html"),
    ("attandinline", "inline; attachment; filename=foo.html", "foo.html"),
    ("attandinline2", "attachment; inline; filename=foo.html", "foo.html"),
    ("attbrokenquotedfn", 'attachment; filename="foo.html".txt', "foo.html"),
    ("attbrokenquotedfn2", 'attachment; filename="bar', "bar"),
    ("attbrokenquotedfn3", 'attachment; filename=foo"bar;baz"qux', 'foo"bar'),
    ("attmultinstances", "attachment; filename=foo.html, attachment; filename=bar.html",
     "foo.html, attachment"),
    ("attmissingdelim", "attachment; foo=foo filename=bar", ""),
    ("attmissingdelim2", "attachment; filename=bar foo=foo ", "bar foo=foo"),
    ("attmissingdelim3", "attachment filename=bar", ""),
    ("attreversed", "filename=foo.html; attachment", "foo.html"),
    ("attconfusedparam", "attachment; xfilename=foo.html", ""),
    ("attabspath", 'attachment; filename="/foo.html"', "/foo.html"),
    ("attabspathwin", r'attachment; filename="\\foo.html"', r"\foo.html"),
    ("attcdate", f"attachment; creation-date={DATE}", ""),
    ("attreaddate", f"attachment; read-date={DATE}", ""),
    ("attmdate", f"attachment; modification-date={DATE}", ""),
    ("dispext", "foobar", ""),
    ("dispextbadfn", 'attachment; example="filename=example.txt"', ""),
    ("attwithisofn2231iso", "attachment; filename*=iso-8859-1''foo-%E4.html", "foo-ä.html"),
    ("attwithfn2231utf8", "attachment; filename*=UTF-8''foo-%c3%a4-%e2%82%ac.html", "foo-ä-€.html"),
    ("attwithfn2231noc", "attachment; filename*=''foo-%c3%a4-%e2%82%ac.html", ""),
    ("attwithfn2231utf8comp", "attachment; filename*=UTF-8''foo-a%cc%88.html", "foo-a\u0308.html"),
    ("attwithfn2231utf8-bad", "attachment; filename*=iso-8859-1''foo-%c3%a4-%e2%82%ac.html", ""),
    ("attwithfn2231iso-bad", "attachment; filename*=utf-8''foo-%E4.html", ""),
    ("attwithfn2231ws1", "attachment; filename *=UTF-8''foo-%c3%a4.html", ""),
    ("attwithfn2231ws2", "attachment; filename*= UTF-8''foo-%c3%a4.html", "foo-ä.html"),
    ("attwithfn2231ws3", "attachment; filename* =UTF-8''foo-%c3%a4.html", "foo-ä.html"),
    ("attwithfn2231quot", "attachment; filename*=\"UTF-8''foo-%c3%a4.html\"", "foo-ä.html"),
    ("attwithfn2231quot2", 'attachment; filename*="foo%20bar.html"', ""),
    ("attwithfn2231singleqmissing", "attachment; filename*=UTF-8'foo-%c3%a4.html", ""),
    ("attwithfn2231nbadpct1", "attachment; filename*=UTF-8''foo%", ""),
    ("attwithfn2231nbadpct2", "attachment; filename*=UTF-8''f%oo.html", ""),
    ("attwithfn2231dpct", "attachment; filename*=UTF-8''A-%2541.html", "A-%41.html"),
    ("attwithfn2231abspathdisguised", "attachment; filename*=UTF-8''%5cfoo.html", r"\foo.html"),
    # Continuations (RFC 2231) are for mail; RFC 6266 has left them out.
    ("attfncont", 'attachment; filename*0="foo."; filename*1="html"', ""),
    ("attfncontqs", r'attachment; filename*0="foo"; filename*1="\b\a\r.html"', ""),
    ("attfncontenc", "attachment; filename*0*=UTF-8''foo-%c3%a4; filename*1=\".html\"", ""),
    ("attfncontlz", 'attachment; filename*0="foo"; filename*01="bar"', ""),
    ("attfncontnc", 'attachment; filename*0="foo"; filename*2="bar"', ""),
    ("attfnconts1", 'attachment; filename*1="foo."; filename*2="html"', ""),
    ("attfncontord", 'attachment; filename*1="bar"; filename*0="foo"', ""),
    ("attfnboth", "attachment; filename=\"foo-ae.html\"; filename*=UTF-8''foo-%c3%a4.html", "foo-ä.html"),
    ("attfnboth2", "attachment; filename*=UTF-8''foo-%c3%a4.html; filename=\"foo-ae.html\"", "foo-ä.html"),
    ("attfnboth3", "a; filename*0*=ISO-8859-15''euro-sign%3d%a4; filename*=ISO-8859-1''currency-sign%3d%a4",
     "currency-sign=¤"),
    ("attnewandfn", 'attachment; foobar=x; filename="foo.html"', "foo.html"),
    ("attrfc2047token", "attachment; filename==?ISO-8859-1?Q?foo-=E4.html?=", "foo-ä.html"),
    ("attrfc2047quoted", 'attachment; filename="=?ISO-8859-1?Q?foo-=E4.html?="', "foo-ä.html"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "expected"), [row[1:] for row in CLASSIC], ids=[row[0] for row in CLASSIC]
)
def test_a_classic(header: str, expected: str) -> None:
    assert filename_of(header) == expected


@pytest.mark.parametrize(
    ("header", "expected", "why"),
    [
        ("", "", "nothing"),
        (" ;;; ", "", "nothing between semicolons"),
        ("attachment; filename=", "", "an empty token"),
        ('attachment; filename=""', "", "an empty string"),
        ('attachment;filename="a.txt"', "a.txt", "no space"),
        ("attachment\t;\tfilename\t=\ta.txt\t", "a.txt", "tabs"),
        ('attachment; filename="a\\', "a", "an escape of nothing"),
        (r'attachment; filename="a\\"', "a\\", "an escaped escape ends no string"),
        ('attachment; filename="a.txt; size=3', "a.txt; size=3", "a quote that is never closed"),
        ("attachment; filename*=UTF-8''%; filename=a.txt", "a.txt", "what cannot be read gives way"),
        ("attachment; filename*=UTF-16''%00a; filename=a.txt", "a.txt", "a charset that RFC 8187 has not"),
        ("attachment; filename*=UTF-8''; filename=a.txt", "a.txt", "an empty one gives way"),
        ("attachment; filename*=utf-8'en-GB'a%20b", "a b", "a language"),
        ("attachment; filename*=UTF-8''a'b", "a'b", "a third quote is part of the name"),
        ("attachment; filename*=UTF-8''ä b.txt", "ä b.txt", "letters that are not encoded"),
        ("attachment; filename*=iso-8859-1''é.txt", "", "the same where it is not clear what they mean"),
        ("attachment; filename*=UTF-8''a%00b%0d%0a", "", "control characters"),
        ("attachment; filename*=UTF-8''\ud800.txt; filename=a", "a", "half a character"),
        ("attachment; filename*=UTF-8''%ed%a0%80; filename=a", "a", "half a character, encoded"),
        ("attachment; filename*=UTF-8''a; filename*=UTF-8''b", "a", "the first of two"),
        ('attachment; filename="=?UTF-8?B?w6Q=?= =?utf-8?q?=C3=B6_x?="', "äö x", "two encoded words"),
        ('attachment; filename="a =?UTF-8?B?w6Q=?= b"', "a ä b", "an encoded word among plain ones"),
        ('attachment; filename="=?UTF-8*de?B?w6Q=?="', "ä", "an encoded word with a language (RFC 2231)"),
        ('attachment; filename="=?Shift_JIS?B?k/qWew==?="', "日本", "another charset"),
        ('attachment; filename="=?rot13?Q?nop?="', "=?rot13?Q?nop?=", "what is no charset"),
        ('attachment; filename="=?UTF-8?B?a?="', "=?UTF-8?B?a?=", "base64 that cannot be read"),
        ('attachment; filename="=?UTF-8?Q?=E4?="', "=?UTF-8?Q?=E4?=", "UTF-8 that cannot be read"),
        ('attachment; filename="=?UTF-8?Q?ä?="', "=?UTF-8?Q?ä?=", "letters in an encoded word"),
        ('attachment; filename="=?UTF-8?X?a?="', "=?UTF-8?X?a?=", "an encoding that is none"),
        ('attachment; filename="a?= =?b"', "a?==?b", "what only looks like encoded words"),
    ],
)  # fmt: skip
def test_a_name(header: str, expected: str, why: str) -> None:
    assert filename_of(header) == expected, why


pieces = st.sampled_from(
    [
        "filename",
        "*",
        "=",
        ";",
        '"',
        "\\",
        "'",
        "UTF-8''",
        "%",
        "%41",
        "%ff",
        "=?UTF-8?Q?",
        "?=",
        " ",
        "é",
        "\0",
    ]
) | st.text(max_size=3)


@given(st.text() | st.lists(pieces, max_size=30).map("".join))
def test_anything_can_be_read(header: str) -> None:
    assert isinstance(filename_of(header), str)
    assert isinstance(filename_of(f"attachment; filename*={header}; filename={header}"), str)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1))
def test_what_is_written_by_the_rules_is_read_back(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    encoded = "".join(f"%{byte:02x}" for byte in name.encode())
    assert filename_of(f"attachment; filename*=UTF-8''{encoded}; filename=other") == name
    if "=?" not in name:
        # Each byte of UTF-8 as one letter, as it comes from the wire.
        raw = quoted.encode().decode("latin-1")
        assert filename_of(f'attachment; filename="{raw}"; size=3') == name


@pytest.mark.parametrize(
    "piece",
    [
        " ", ";", '"', "\\", "=", "%", "'", "=?", "?= ", "=?a?q?", "=?a?q?b?= ", 'a="', 'a="\\', "filename=",
        'filename="\\"', "filename*=UTF-8''%", "=?UTF-8?B?=?",
    ],
)  # fmt: skip
def test_a_long_header_takes_no_longer_for_its_length(piece: str) -> None:
    """Two million characters are read in a moment; were it quadratic, the test would never end."""
    long = piece * (2_000_000 // len(piece))
    assert isinstance(filename_of(long), str)
    assert isinstance(filename_of(f'attachment; filename="{long}'), str)
    assert isinstance(filename_of(f"attachment; filename={long}"), str)
