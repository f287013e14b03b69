"""All parts that there are, and what every one of them has."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from scripts.bench_run import cpu, downloads, fetchers, growth, hung, latency, names, scale, start, tls


class Figures(Protocol):
    """As text they are tables and claims."""

    @property
    def held(self) -> bool:
        """Whether every claim holds."""

    def as_json(self) -> dict[str, Any]:
        """All figures."""


class Measured(Figures, Protocol):
    """The figures of one part."""

    def picture(self) -> str:
        """The ones that matter, as SVG."""


class Command(Protocol):
    """A module of this package that can be asked for by name."""

    __doc__: str | None

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Its options."""

    def measure(self, arguments: argparse.Namespace, folder: Path) -> Figures:
        """Measure in ``folder``, which is empty; raises ``NotEnough`` and ``Failed``."""


class Part(Command, Protocol):
    """One that measures something."""

    def measure(self, arguments: argparse.Namespace, folder: Path) -> Measured:
        """See ``Command``."""


PARTS: Mapping[str, Part] = {
    "cpu": cpu,
    "scale": scale,
    "start": start,
    "latency": latency,
    "growth": growth,
    "hung": hung,
    "names": names,
    "tls": tls,
    "fetchers": fetchers,
    "downloads": downloads,
}
