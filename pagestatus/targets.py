"""The list of targets: a JSON array, read entry by entry, so that one bad entry does not cost the others.

A list may have a million entries. It is split into raw entries in one pass, and each is decoded only when it
is asked for: there are never a million objects at once.
"""

from __future__ import annotations

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Iterator
from hashlib import blake2b
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pagestatus.quantities import parse_seconds
from pagestatus.quoting import cut, quoted
from pagestatus.urls import BadUrl, wire_url

LARGEST_FILE = 2 << 30
LONGEST_INTERVAL_S = 366 * 86_400
LONGEST_TIMEOUT_S = 600
MOST_READS = 5
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_FIELD = re.compile(r"Object (?:contains )?(missing required|unknown) field `(.*)`", re.DOTALL)
_BYTE = re.compile(r" \(byte ([0-9]+)\)")
# Half a character, spelled "\\ud800": in the grammar of JSON, but msgspec gives up the whole list for it.
_HALF = re.compile(
    rb"(\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})|\\u[dD][89a-fA-F][0-9a-fA-F]{2}"
)

INTERVAL = f'expected whole seconds from 1 to {LONGEST_INTERVAL_S}, such as 60, "60s" or "1m"'
TIMEOUT = f'expected seconds above 0 and up to {LONGEST_TIMEOUT_S}, such as 3 or "3s"'


class BadList(ValueError):
    """The whole list cannot be used; the message is one line."""


class Target(Struct, frozen=True, gc=False):
    """One entry that is fit to run. Zero or empty: the configuration's default."""

    # 64 bits of a hash of the name, else of the URL, the interval and how many of the same came before.
    id: int
    url: str
    interval_us: int
    name: str = ""
    timeout_us: int = 0
    # None: the configuration's default.
    retries: int | None = None
    expect: tuple[int, ...] = ()
    max_bytes: int = 0


class _Entry(Struct, forbid_unknown_fields=True):
    url: str
    interval: int | float | str
    name: Annotated[str, Meta(min_length=1, max_length=200)] | None = None
    timeout: int | float | str | None = None
    retries: Annotated[int, Meta(ge=0, le=20)] | None = None
    expect: tuple[Annotated[int, Meta(ge=100, le=599)], ...] = ()
    # No larger than the configuration's: it travels in 64 bits.
    max_bytes: Annotated[int, Meta(ge=1, le=1 << 50)] | None = None


class _Mistake(ValueError):
    """What is wrong with one entry: where in it, the value, and what was expected instead."""

    def __init__(self, key: str, value: object, problem: str) -> None:
        where = f".{key}" if key and not key.startswith("[") else key
        super().__init__(f"{cut(where)}: {quoted(value)}: {problem}")


class TargetList:
    """A list that was read; iterating gives its good entries and gathers ``mistakes`` and ``notes``."""

    def __init__(self, path: Path) -> None:
        """Read the file; raises ``BadList`` when it is no list at all."""
        self.path = path
        # One line each, with the entry's index: skipped entries, and things worth knowing about good ones.
        self.mistakes: list[str] = []
        self.notes: list[str] = []
        self._entries = _split(path, _read_unchanged(path))

    def __len__(self) -> int:
        """Number of entries, good and bad."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Target]:
        """The good entries in order. The second pass starts the mistakes anew."""
        self.mistakes.clear()
        self.notes.clear()
        decode = msgspec.json.Decoder(_Entry).decode
        seen: set[int] = set()
        occurrences: Counter[int] = Counter()
        for index, raw in enumerate(self._entries):
            try:
                target = _target(raw, decode, seen)
            except _Mistake as mistake:
                self.mistakes.append(f"{self.path}: [{index}]{mistake}")
                continue
            if target.id in seen:
                occurrences[target.id] += 1
                target = _again(target, occurrences[target.id] + 1)
                self.notes.append(
                    f"{self.path}: [{index}].url: {quoted(target.url)}: the same target stands above: "
                    "it is checked once for each"
                )
            seen.add(target.id)
            yield target


def id_of_name(name: str) -> int:
    """The id of the target with this name."""
    return target_id(f"name\0{name}")


def target_id(identity: str) -> int:
    """64 bits that stay the same on every machine and in every version."""
    return int.from_bytes(blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _read_unchanged(path: Path) -> bytes:
    """The file's content as it was at one moment: read again while somebody writes it."""
    try:
        for _ in range(MOST_READS):
            before = path.stat()
            if not stat.S_ISREG(before.st_mode):
                # A pipe would hold us up for as long as nobody writes into it.
                raise BadList(f"{path}: not a file, expected a JSON array of targets")
            if before.st_size > LARGEST_FILE:
                raise BadList(f"{path}: {before.st_size} bytes: expected at most {LARGEST_FILE}")
            content = path.read_bytes()
            after = path.stat()
            if len(content) == after.st_size and _version(before) == _version(after):
                return content
    except OSError as mistake:
        raise BadList(f"{path}: {mistake.strerror}, expected a JSON array of targets") from mistake
    raise BadList(f"{path}: changes while it is read, expected a file that is complete (write, then rename)")


def _version(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


def _split(path: Path, content: bytes) -> list[msgspec.Raw]:
    content = content.removeprefix(BYTE_ORDER_MARK)
    if not content.strip():
        raise BadList(f"{path}: empty, expected a JSON array of targets")
    try:
        return _raw_entries(content)
    except msgspec.ValidationError as mistake:
        raise BadList(f"{path}: {_lowered(mistake)}, expected a JSON array of targets") from mistake
    except RecursionError as mistake:
        raise BadList(f"{path}: nested too deeply, expected a JSON array of targets") from mistake
    except (msgspec.DecodeError, UnicodeDecodeError) as mistake:
        raise BadList(f"{path}: {_located(content, mistake)}, expected a JSON array of targets") from mistake


def _raw_entries(content: bytes) -> list[msgspec.Raw]:
    decode = msgspec.json.Decoder(list[msgspec.Raw]).decode
    try:
        return decode(content)
    except msgspec.DecodeError:
        # A zero instead: it fits nowhere in an entry either, so that only the entry is bad.
        mended = _HALF.sub(lambda found: found[1] or rb"\u0000", content)
        if mended == content:
            raise
    return decode(mended)


def _located(content: bytes, mistake: Exception) -> str:
    """The message with a line number, which an editor knows better than a byte."""
    message = str(mistake)
    if byte := _BYTE.search(message):
        line = content.count(b"\n", 0, int(byte[1])) + 1
        return f"line {line}: {_BYTE.sub('', message)}"
    return message


def _target(raw: msgspec.Raw, decode: Callable[[msgspec.Raw], _Entry], seen: set[int]) -> Target:
    entry = _decode(raw, decode)
    try:
        wire_url(entry.url)
    except BadUrl as mistake:
        raise _Mistake("url", entry.url, str(mistake)) from mistake
    interval_us = _microseconds("interval", entry.interval, LONGEST_INTERVAL_S, INTERVAL)
    if interval_us % 1_000_000:
        raise _Mistake("interval", entry.interval, INTERVAL)
    timeout_us = 0
    if entry.timeout is not None:
        timeout_us = _microseconds("timeout", entry.timeout, LONGEST_TIMEOUT_S, TIMEOUT)
    if entry.name and not entry.name.isprintable():
        raise _Mistake("name", entry.name, "expected printable characters")
    id_ = id_of_name(entry.name) if entry.name else target_id(f"url\0{entry.url}\0{interval_us}")
    if entry.name and id_ in seen:
        raise _Mistake("name", entry.name, "expected a name that no other target has")
    return Target(
        id_,
        entry.url,
        interval_us,
        entry.name or "",
        timeout_us,
        entry.retries,
        entry.expect,
        entry.max_bytes or 0,
    )


def _decode(raw: msgspec.Raw, decode: Callable[[msgspec.Raw], _Entry]) -> _Entry:
    try:
        return decode(raw)
    except UnicodeDecodeError as mistake:
        raise _Mistake("", _value(raw, ""), "expected UTF-8") from mistake
    except (msgspec.DecodeError, RecursionError) as mistake:
        raise _explained(raw, str(mistake)) from mistake


def _explained(raw: msgspec.Raw, message: str) -> _Mistake:
    """A message of msgspec ("Expected `int`, got `str` - at `$.retries`") as one of ours."""
    problem, _, at = message.partition(" - at `$")
    key = at.rstrip("`").lstrip(".")
    if named := _FIELD.fullmatch(problem):
        what, field = named.groups()
        if what == "missing required":
            return _Mistake(field, None, "expected a value: every target has one")
        known = ", ".join(_Entry.__struct_fields__)
        problem = f"unknown key, expected one of {known}"
        if field.isascii() and field.isidentifier():
            return _Mistake(field, _value(raw, field), problem)
        return _Mistake("", field, problem)
    expected = {"interval": INTERVAL, "timeout": TIMEOUT}.get(key, _lowered(problem))
    return _Mistake(key, _value(raw, key), expected)


def _microseconds(key: str, value: float | str, most_s: float, expected: str) -> int:
    try:
        seconds = parse_seconds(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError) as mistake:
        raise _Mistake(key, value, expected) from mistake
    # Written so that NaN fails too.
    if not 0 < seconds <= most_s:
        raise _Mistake(key, value, expected)
    return max(1, round(seconds * 1_000_000))


def _again(target: Target, occurrence: int) -> Target:
    """The same unnamed target once more: a target of its own, with the number of its occurrence."""
    id_ = target_id(f"url\0{target.url}\0{target.interval_us}\0{occurrence}")
    return msgspec.structs.replace(target, id=id_)


def _value(raw: msgspec.Raw, key: str) -> object:
    """What stands at ``key`` of a bad entry, for the message alone."""
    try:
        value = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return bytes(raw).decode("utf-8", "replace")
    for part in key.replace("[", ".[").split(".") if key else ():
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.strip("[]").isdigit():
            value = value[int(part.strip("[]"))]
    return value


def _lowered(mistake: object) -> str:
    message = str(mistake).replace(" | null`", "`")
    return message[:1].lower() + message[1:]
