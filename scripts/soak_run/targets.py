"""The lists that are watched: each target has a URL of its own, by which the witness knows it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from scripts.bench_run.name_server import KNOWN
from scripts.bench_run.site import address

Target = dict[str, object]

LONG_S, SHORT_S = 10, 1
# One in so many checks is of a target with the short interval.
SHORT_EVERY = 10
# One in so many targets is known by name.
NAMED_EVERY = 5
TIMEOUT_S = 3
# Those that come and go have numbers from here on.
GUESTS_FROM = 10_000_000
GUESTS = 20


def hosts(rate: int) -> Mapping[str, str]:
    """What the name server is to know: addresses by name."""
    return {_name(number): address(number) for number in range(_count(rate)) if _is_named(number)}


def steady(rate: int, port: int) -> list[Target]:
    """Targets that come to ``rate`` checks a second."""
    short = rate // SHORT_EVERY
    return [_target(number, port, SHORT_S if number < short else LONG_S) for number in range(_count(rate))]


def guests(port: int) -> list[Target]:
    """Some more."""
    return [_target(GUESTS_FROM + number, port, SHORT_S) for number in range(GUESTS)]


def write(urls: Path, targets: list[Target]) -> None:
    """Put the list there, whole."""
    partial = urls.with_suffix(".part")
    partial.write_text(json.dumps(targets), encoding="utf-8")
    partial.replace(urls)


def number_of(url: str) -> int:
    """Which target has this URL."""
    return int(url.rpartition("/")[2])


def _count(rate: int) -> int:
    short = rate // SHORT_EVERY
    return short + (rate - short) * LONG_S


def _target(number: int, port: int, interval_s: int) -> Target:
    host = _name(number) if _is_named(number) else address(number % GUESTS_FROM)
    return {"url": f"http://{host}:{port}/t/{number}", "interval": interval_s, "timeout": TIMEOUT_S}


def _is_named(number: int) -> bool:
    return number % NAMED_EVERY == 0 and number < GUESTS_FROM


def _name(number: int) -> str:
    return f"n{number}.{KNOWN}"
