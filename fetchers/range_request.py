"""What is sent with the request of a range, and to whom. Pure."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator

from pagestatus.headers import is_ours, line_of
from pagestatus.messages import RangeTask

# Written into a file as it comes: no encoding (RFC 9110 section 12.5.3), which ranges would count too.
_IDENTITY = b"Accept-Encoding: identity"


def asked_range(task: RangeTask) -> str | None:
    """As it stands after ``bytes=``; None: the whole is asked for (RFC 9110 section 14.2)."""
    if not task.file:
        # The first byte alone: that is how a server is asked whether it honours ranges.
        return "0-0"
    return f"{task.start}-{task.stop - 1}" if task.stop else None


def header_lines(task: RangeTask, *, is_origin: bool) -> list[bytes]:
    """The lines beside libcurl's own; raises BadHeader.

    What the task brings along goes to the origin of its URL alone, and nothing of it replaces what is ours.
    """
    lines = [_IDENTITY]
    if is_origin:
        lines.extend(_given(task))
    return lines


def _given(task: RangeTask) -> Iterator[bytes]:
    if task.credentials:
        # RFC 7617.
        yield b"Authorization: Basic " + b64encode(task.credentials.encode())
    for name, value in task.headers:
        line = line_of(name, value)
        is_second = bool(task.credentials) and name.lower() == "authorization"
        if not is_ours(name) and not is_second:
            yield line
