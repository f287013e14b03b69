"""The name of a file that an answer's Content-Disposition gives (RFC 6266, RFC 8187).

Servers write it in many wrong ways. What browsers read, this reads too; what nobody can read gives no name.
Every pattern is linear in the header, which a stranger wrote. The name is as the server meant it: ``names``
makes it safe.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from urllib.parse import unquote_to_bytes

# What stands between two semicolons; one in a quoted string separates nothing.
_PART = re.compile(
    r"""
    ([^=;"]*+)
    (?:
        =\s*+
        (?:
            "(?P<quoted> [^"\\]*+ (?:\\.[^"\\]*+)*+ )"?     # the closing quote may be missing
            # A token may not hold spaces, brackets and the like, and everybody takes them.
            | (?P<token>[^;]*+)
        )
        | "[^"\\]*+ (?:\\.[^"\\]*+)*+ "?
    )?+
    [^;]*+ (?:;|\Z)
    """,
    re.DOTALL | re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
# Percent signs that stand for nothing spoil the whole.
_PERCENT_ENCODED = re.compile(r"[^%]*+(?:%[0-9A-Fa-f]{2}[^%]*+)*+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
# RFC 2047: =?charset?B?base64?= or =?charset?Q?quoted-printable?=; between two of them space means nothing.
_WORD = re.compile(r"=\?([A-Za-z0-9_-]++)(?:\*[A-Za-z-]*+)?\?([BbQq])\?([^? ]*+)\?=")
_BETWEEN_WORDS = re.compile(r"(?<=\?=)[ \t]++(?==\?)")
# Those that were in use while encoded words were: some of what Python knows besides is no charset.
_CHARSETS = frozenset({
    "us-ascii", "utf-8", "iso-8859-1", "iso-8859-2", "iso-8859-15", "windows-1250", "windows-1251",
    "windows-1252", "koi8-r", "iso-2022-jp", "shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030",
    "big5",
})  # fmt: skip


def filename_of(header: str) -> str:
    """The name that ``header`` gives, "" where it gives none; never raises.

    ``header`` is what came, each byte as one letter (ISO-8859-1); if it is UTF-8, it is read as that.

    ``filename*`` beats ``filename``, and of two the first one counts (RFC 6266 section 4.3).
    """
    found: dict[str, str] = {}
    for name, value in _parameters(_as_meant(header)):
        found.setdefault(name, value)
    return _extended(found.get("filename*", "")) or _decoded(found.get("filename", ""))


def _as_meant(header: str) -> str:
    try:
        return header.encode("latin-1").decode()
    except UnicodeError:
        return header


def _parameters(header: str) -> Iterator[tuple[str, str]]:
    """Names in lower case, and what they are set to."""
    for part in _PART.finditer(header):
        name = part[1].strip().lower()
        if part["quoted"] is not None:
            yield name, _ESCAPED.sub(r"\1", part["quoted"])
        elif part["token"] is not None:
            yield name, part["token"].strip()


def _extended(value: str) -> str:
    """``charset'language'percent-encoded`` (RFC 8187 section 3.2); "" where it is not that."""
    charset, _, rest = value.partition("'")
    _, quote, encoded = rest.partition("'")
    charset = charset.strip().lower()
    # Letters that are not encoded are wrong, and often written; in UTF-8 it is clear what they mean.
    readable = charset == "utf-8" or (charset == "iso-8859-1" and encoded.isascii())
    if not (quote and readable and _PERCENT_ENCODED.fullmatch(encoded)):
        return ""
    try:
        name = unquote_to_bytes(encoded).decode(charset)
    except UnicodeError:
        return ""
    # Control characters: UTF-8 that was said to be ISO-8859-1.
    return "" if _CONTROL.search(name) else name


def _decoded(value: str) -> str:
    """``value`` with its encoded words in plain letters. RFC 6266 does not know them, browsers do."""
    return _WORD.sub(_word, _BETWEEN_WORDS.sub("", value)) if "=?" in value else value


def _word(word: re.Match[str]) -> str:
    """What an encoded word says; the word itself where it cannot be read."""
    charset, encoding = word[1].lower(), word[2].lower()
    if charset not in _CHARSETS:
        return word[0]
    try:
        text = word[3].encode("ascii")
        # "_" is a space (RFC 2047 section 4.2).
        content = binascii.a2b_base64(text) if encoding == "b" else binascii.a2b_qp(text, header=True)
        return content.decode(charset)
    except ValueError:
        # UnicodeError and binascii.Error are kinds of it.
        return word[0]
