"""What the witness has written, read back: the requests for each target, in the order of their coming."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec


class Request(msgspec.Struct, gc=False):
    """One request that came."""

    # Microseconds since the epoch.
    at_us: int
    target: int
    manner: str
    # What was answered; 0: nothing.
    status: int
    # Of the body.
    bytes: int
    # The attempt that made it has a line in the log.
    is_known: bool = False


Requests = Mapping[int, Sequence[Request]]


def requests(record: Path) -> Requests:
    """By target."""
    found: defaultdict[int, list[Request]] = defaultdict(list)
    for request in _requests(record):
        found[request.target].append(request)
    return found


def _requests(record: Path) -> Iterator[Request]:
    manners: dict[str, str] = {}
    with record.open(encoding="ascii") as file:
        for line in file:
            at_us, target, manner, status, length = line.split("\t")
            # One text for all lines that have it.
            manner = manners.setdefault(manner, manner)
            yield Request(int(at_us), int(target), manner, int(status), int(length))
