"""What the judges need of ``url_status.log``."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import msgspec

from scripts.audit.log import microseconds, rotated
from scripts.soak_run.targets import number_of

# A line tells when an attempt started rounded down to this. Microseconds.
ROUNDED_US = 1000


class Line(msgspec.Struct, gc=False, kw_only=True):
    """One line of an attempt."""

    time: datetime
    url: str
    outcome: str
    bytes: int | None = None
    status: int = 0
    reason: str = ""
    attempt: int = 0
    ms: float = 0.0

    @property
    def number(self) -> int:
        """Of the target."""
        return number_of(self.url)

    @property
    def start_us(self) -> int:
        """When the attempt started, at the earliest."""
        return microseconds(self.time)

    @property
    def end_us(self) -> int:
        """When it ended, at the latest."""
        return self.start_us + ROUNDED_US + round(self.ms * 1000)

    def __str__(self) -> str:
        when = f"{self.time.isoformat(timespec='milliseconds')}, {self.ms:g} ms"
        words = f"{self.url} {self.outcome} {self.reason} {self.status or ''} {self.bytes or ''}"
        return f"{when}: {' '.join(words.split())}"


class _Any(msgspec.Struct, gc=False):
    url: str | None
    attempt: int = 0


def attempts(data_dir: Path) -> Iterator[Line]:
    """The lines of attempts, in the order in which they were written."""
    is_attempt, decode = msgspec.json.Decoder(_Any).decode, msgspec.json.Decoder(Line).decode
    for path in rotated(data_dir / "url_status.log"):
        with path.open("rb") as file:
            yield from (decode(line) for line in file if is_attempt(line).attempt)
