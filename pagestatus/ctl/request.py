"""What is asked for with a download, as it is given on the command line, in a file, or on standard input.

What is wrong with a header or a URL is not repeated: it may be a password.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from pagestatus.headers import BadHeader, line_of

STANDARD_INPUT = "-"
_FILE = "@"
_COMMENT = "#"
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")


def digest(_context: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A SHA-256 in lower case; raises click.BadParameter."""
    if value is not None and not _SHA256.fullmatch(value):
        raise click.BadParameter("expected 64 hexadecimal digits")
    return value and value.lower()


def headers(context: click.Context, _param: click.Parameter, values: Sequence[str]) -> dict[str, str]:
    """Headers by name, from "Name: value" and "@FILE"; raises click.BadParameter."""
    found: dict[str, str] = {}
    if context.resilient_parsing:
        # A shell completes the line: a file may be a pipe, which waits and can be read once.
        return found
    for where, text in _headers_of(values):
        name, _, given = text.partition(":")
        value = given.strip(" \t")
        try:
            line_of(name, value)
        except BadHeader:
            raise click.BadParameter(f"{where}expected 'Name: value', in letters of Latin-1") from None
        if name.lower() in map(str.lower, found):
            raise click.BadParameter(f"{where}{name} is given twice")
        found[name] = value
    return found


def url_of(given: str) -> str:
    """The URL, which "-" reads from standard input; raises click.UsageError."""
    if given != STANDARD_INPUT:
        return given
    try:
        url = sys.stdin.readline().strip()
    except UnicodeDecodeError:
        raise click.UsageError("standard input: expected a URL in UTF-8") from None
    if not url:
        raise click.UsageError("standard input: expected a URL")
    return url


def _headers_of(values: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Where it stands, for a message, and "Name: value"."""
    for value in values:
        if value.startswith(_FILE):
            yield from _headers_in(value.removeprefix(_FILE))
        else:
            yield "", value


def _headers_in(path: str) -> Iterator[tuple[str, str]]:
    try:
        with Path(path).open(encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                text = line.strip()
                if text and not text.startswith(_COMMENT):
                    yield f"{path}:{number}: ", text
    except OSError as mistake:
        raise click.BadParameter(f"{path}: {mistake.strerror}") from mistake
    except UnicodeDecodeError:
        raise click.BadParameter(f"{path}: expected UTF-8") from None
