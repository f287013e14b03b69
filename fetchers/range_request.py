"""What is sent with the request of a range, and to whom. Pure."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator

from pagestatus.messages import RangeTask
from pagestatus.urls import WireUrl

# Written into a file as it comes: no encoding (RFC 9110 section 12.5.3), which ranges would count too.
_IDENTITY = b"Accept-Encoding: identity"
# What is said here already, and what belongs to the connection: whoever asks for a download has no say in it.
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
# RFC 9110 sections 5.6.2 and 5.5.
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class BadHeader(ValueError):
    """A header of the task can not be sent; the message is one line and does not show its value."""


def asked_range(task: RangeTask) -> str | None:
    """As it stands after ``bytes=``; None: the whole is asked for (RFC 9110 section 14.2)."""
    if not task.file:
        # The first byte alone: that is how a server is asked whether it honours ranges.
        return "0-0"
    return f"{task.start}-{task.stop - 1}" if task.stop else None


def header_lines(task: RangeTask, *, is_origin: bool) -> list[bytes]:
    """The lines beside libcurl's own; raises BadHeader.

    What the task brings along goes to the origin of its URL alone.
    """
    lines = [_IDENTITY]
    if is_origin:
        lines.extend(_given(task))
    return lines


def same_origin(one: WireUrl, other: WireUrl) -> bool:
    """Whether scheme, host and port are the same (RFC 6454 section 5)."""
    return (_scheme(one), one.host, one.port) == (_scheme(other), other.host, other.port)


def _given(task: RangeTask) -> Iterator[bytes]:
    taken = set(_OURS)
    if task.credentials:
        # RFC 7617.
        yield b"Authorization: Basic " + b64encode(task.credentials.encode())
        taken.add("authorization")
    for name, value in task.headers:
        if not _NAME.fullmatch(name) or _CONTROL.search(value):
            raise BadHeader(f"the header {name[:40]!a} can not be sent")
        if name.lower() not in taken:
            # libcurl takes "name:" for "leave it out", and "name;" for an empty value.
            yield (f"{name}: {value}" if value.strip() else f"{name};").encode()


def _scheme(wire: WireUrl) -> str:
    return wire.url.partition(":")[0]
