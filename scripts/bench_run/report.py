"""Every part in turn, in less than 20 minutes; ``scale`` measures ``start`` and ``latency``, too.

With --write the figures and their pictures go to where BENCHMARKS.md shows them.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from scripts.bench_run import scale
from scripts.bench_run.clients import Failed
from scripts.bench_run.parts import PARTS, Measured
from scripts.nginx import NotEnough

WRITTEN = Path(__file__).parents[2] / "docs" / "benchmarks"
# The name of the figures, the part, and its options.
RUNS: Sequence[tuple[str, str, Sequence[str]]] = (
    ("cpu", "cpu", ()),
    ("cpu-keep-alive", "cpu", ("--keep-alive",)),
    ("tls", "tls", ()),
    ("names", "names", ()),
    ("fetchers", "fetchers", ()),
    ("hung", "hung", ()),
    ("growth", "growth", ()),
    ("downloads", "downloads", ()),
    ("scale", "scale", ()),
)
# What is measured in the same run.
WITH: Mapping[str, Sequence[str]] = {"scale": ("start", "latency")}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--write",
        type=Path,
        nargs="?",
        const=WRITTEN,
        metavar="FOLDER",
        help=f"write figures and pictures; by default to {WRITTEN.relative_to(WRITTEN.parents[1])}",
    )


def measure(arguments: argparse.Namespace, folder: Path) -> Report:
    """Run them; one that fails does not keep the others from being run. Raises ``Failed``."""
    report = Report()
    if arguments.write is not None:
        _make(arguments.write)
    for name, part, options in RUNS:
        print(f"--- {name} ---", file=sys.stderr, flush=True)
        began = time.monotonic()
        try:
            measured = _one(part, options, folder / name)
        except (NotEnough, Failed) as mistake:
            report.left_out[name] = str(mistake)
            print(f"bench: {name}: {mistake}", file=sys.stderr, flush=True)
            if arguments.write is not None:
                _write_left_out(arguments.write, name, str(mistake))
            continue
        print(measured, end="\n\n", file=sys.stderr if arguments.json else None, flush=True)
        print(f"--- {name} took {time.monotonic() - began:.0f} s ---", file=sys.stderr, flush=True)
        for found, figures in _figures(name, measured):
            report.found[found] = figures
            if arguments.write is not None:
                _write(arguments.write, found, figures)
        if not arguments.keep:
            # A million lines a minute, for one.
            shutil.rmtree(folder / name)
    return report


def _one(part: str, options: Sequence[str], folder: Path) -> Measured:
    parser = argparse.ArgumentParser()
    PARTS[part].add_arguments(parser)
    folder.mkdir()
    return PARTS[part].measure(parser.parse_args(options), folder)


def _figures(name: str, measured: Measured) -> Iterator[tuple[str, Measured]]:
    """With those that were measured in the same run."""
    yield name, measured
    if isinstance(measured, scale.Measured):
        yield "start", measured.started
        yield "latency", measured.asked


def _make(folder: Path) -> None:
    """At once: not when there is something to write after many minutes."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as mistake:
        raise Failed(f"{folder}: {mistake.strerror}") from mistake


def _write_left_out(folder: Path, name: str, why: str) -> None:
    """In the place of figures, which would pass for those of this run."""
    for one in (name, *WITH.get(name, ())):
        (folder / f"{one}.svg").unlink(missing_ok=True)
        (folder / f"{one}.json").write_text(json.dumps({"left_out": why}, indent=1) + "\n", encoding="utf-8")


def _write(folder: Path, name: str, measured: Measured) -> None:
    (folder / f"{name}.svg").write_text(measured.picture(), encoding="utf-8")
    (folder / f"{name}.json").write_text(json.dumps(measured.as_json(), indent=1) + "\n", encoding="utf-8")


@dataclass
class Report:
    """What was measured, and why not what was not."""

    found: dict[str, Measured] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    @property
    def held(self) -> bool:
        return not self.left_out and all(measured.held for measured in self.found.values())

    def as_json(self) -> dict[str, Any]:
        found = {name: measured.as_json() for name, measured in self.found.items()}
        return {**found, "left_out": self.left_out}

    def __str__(self) -> str:
        lines = [f"{'ok' if measured.held else 'NOT':>3}  {name}" for name, measured in self.found.items()]
        return "\n".join([*lines, *(f"  -  {name}: {why}" for name, why in self.left_out.items())])
