"""``minutes.log`` read from its end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from pagestatus.ctl.answers import Minute
from pagestatus.ctl.backwards import Backwards


def last_minutes(path: Path, number: int) -> list[dict[str, Any]]:
    """The last ``number`` lines, newest last; none when there is no such file yet."""
    found: list[dict[str, Any]] = []
    try:
        for line in Backwards(path):
            try:
                found.append(msgspec.json.decode(line, type=dict[str, Any]))
            except (msgspec.DecodeError, UnicodeDecodeError):
                # Not ours: somebody's editor, or a disk that lost power.
                continue
            if len(found) == number:
                break
    except FileNotFoundError:
        return []
    return found[::-1]


def told(line: Mapping[str, Any]) -> Minute | None:
    """What a line says; None when it is empty, or not a minute as this version knows it."""
    try:
        return msgspec.convert(line, Minute) if line else None
    except msgspec.ValidationError:
        return None
