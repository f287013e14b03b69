"""The lists that are watched: each target has a URL of its own, by which the witness knows it."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from scripts.bench_run.name_server import KNOWN, SILENT
from scripts.bench_run.site import address
from scripts.soak_run.encrypted import HOST, KINDS

Target = dict[str, object]

LONG_S, SHORT_S = 10, 1
# One in so many checks is of a target with the short interval.
SHORT_EVERY = 10
# One in so many targets is known by name.
NAMED_EVERY = 5
TIMEOUT_S = 3
# The first numbers of those that come and go: any; with names that nobody answers for; with TLS.
GUESTS_FROM, SILENT_FROM, ENCRYPTED_FROM = 10_000_000, 20_000_000, 30_000_000
GUESTS = 20


def steady(rate: int, port: int) -> list[Target]:
    """Targets that come to ``rate`` checks a second."""
    short = rate // SHORT_EVERY
    count = short + (rate - short) * LONG_S
    return [_target(number, port, SHORT_S if number < short else LONG_S) for number in range(count)]


def guests(port: int) -> list[Target]:
    """Some more."""
    return [_target(GUESTS_FROM + number, port, SHORT_S) for number in range(GUESTS)]


def silent(count: int, port: int) -> list[Target]:
    """So many whose names are never answered for."""
    return [_target(SILENT_FROM + number, port, LONG_S) for number in range(count)]


def encrypted(kinds: Collection[str], ports: Sequence[int]) -> list[Target]:
    """Some with TLS of each of ``kinds``; ``ports``: of all of ``KINDS``, in this order."""
    return [
        {
            "url": f"https://{HOST}:{ports[number % len(KINDS)]}/t/{ENCRYPTED_FROM + number}",
            "interval": SHORT_S,
            "timeout": TIMEOUT_S,
        }
        for number in range(GUESTS)
        if KINDS[number % len(KINDS)] in kinds
    ]


def write(urls: Path, targets: list[Target]) -> None:
    """Put the list there, whole."""
    partial = urls.with_suffix(".part")
    partial.write_text(json.dumps(targets), encoding="utf-8")
    partial.replace(urls)


def number_of(url: str) -> int:
    """Which target has this URL."""
    return int(url.rpartition("/")[2])


def is_named(url: str) -> bool:
    """Whether its host has a name that is answered for."""
    return f".{KNOWN}:" in url


def is_silent(url: str) -> bool:
    """Whether its host has a name that nobody answers for."""
    return f".{SILENT}:" in url


def is_of(kinds: Collection[str]) -> Callable[[str], bool]:
    """Whether it is one with TLS of these kinds."""
    return lambda url: url.startswith("https:") and KINDS[number_of(url) % len(KINDS)] in kinds


def _target(number: int, port: int, interval_s: int) -> Target:
    return {"url": f"http://{_host(number)}:{port}/t/{number}", "interval": interval_s, "timeout": TIMEOUT_S}


def _host(number: int) -> str:
    if number >= SILENT_FROM:
        return f"n{number}.{SILENT}"
    if number >= GUESTS_FROM:
        return address(number - GUESTS_FROM)
    return f"n{number}.{KNOWN}" if number % NAMED_EVERY == 0 else address(number)
