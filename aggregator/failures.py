"""The last failures, in a ring of their own, which successes cannot push them out of."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import msgspec

KEPT = 1000


Failure = dict[str, Any]


class Failures:
    """Lines of failed attempts (``fail`` and ``internal``), kept as they are in the log."""

    def __init__(self, kept: int = KEPT) -> None:
        self._lines: deque[bytes] = deque(maxlen=kept)

    def add(self, line: bytes) -> None:
        """The latest failure."""
        self._lines.append(line)

    def latest(self, most: int, url: str | None = None) -> list[Failure]:
        """At most ``most``, latest first; with ``url`` only those of the target with this URL or name."""
        found: list[Failure] = []
        for failure in self._matching(url):
            if len(found) >= most:
                break
            found.append(failure)
        return found

    def _matching(self, url: str | None) -> Iterator[Failure]:
        for raw in reversed(self._lines):
            failure = msgspec.json.decode(raw, type=Failure)
            if url is None or url in {failure.get("url"), failure.get("target")}:
                yield failure

    def __len__(self) -> int:
        return len(self._lines)
