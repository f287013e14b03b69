"""The whole report: each part in turn, whatever becomes of the others."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from scripts.bench_run import report
from scripts.bench_run.recording import functions, libraries
from scripts.nginx import NotEnough


@dataclass
class Figures:
    """Of a part that measures nothing."""

    held: bool

    def as_json(self) -> dict[str, Any]:
        return {"held": self.held}

    def picture(self) -> str:
        return "<svg/>"


@dataclass
class Part:
    """Holds its claims, or does not, or lacks something."""

    held: bool | None

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--keep-alive", action="store_true")

    def measure(self, arguments: Namespace, folder: Path) -> Figures:
        (folder / "log").write_text(str(arguments.keep_alive), encoding="ascii")
        if self.held is None:
            raise NotEnough("no nginx")
        return Figures(self.held)


def run(monkeypatch: pytest.MonkeyPatch, folder: Path, held: dict[str, bool | None]) -> report.Report:
    monkeypatch.setattr(report, "PARTS", {name: Part(holds) for name, holds in held.items()})
    monkeypatch.setattr(report, "RUNS", [(name, name, ["--keep-alive"]) for name in held])
    return report.measure(Namespace(write=folder / "written", json=False, keep=False), folder)


def test_a_claim_that_fails_is_told_at_the_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = run(monkeypatch, tmp_path, {"cpu": True, "hung": False, "tls": True})
    assert not found.held
    assert str(found).splitlines() == [" ok  cpu", "NOT  hung", " ok  tls"]
    assert run(monkeypatch, tmp_path, {"cpu": True}).held


def test_what_could_not_be_measured_stops_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    found = run(monkeypatch, tmp_path, {"cpu": None, "tls": True})
    assert not found.held
    assert found.left_out == {"cpu": "no nginx"}
    assert found.as_json() == {"tls": {"held": True}, "left_out": {"cpu": "no nginx"}}


def test_figures_and_pictures_are_written(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    run(monkeypatch, tmp_path, {"cpu": False, "tls": None})
    written = tmp_path / "written"
    assert {path.name for path in written.iterdir()} == {"cpu.svg", "cpu.json", "tls.json"}
    assert json.loads((written / "cpu.json").read_text(encoding="utf-8")) == {"held": False}
    # Only what failed leaves something to look at.
    assert {path.name for path in tmp_path.iterdir()} == {"written", "tls"}
    assert (tmp_path / "tls" / "log").read_text(encoding="ascii") == "True"


def test_old_figures_are_not_those_of_a_part_that_failed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    written = tmp_path / "written"
    written.mkdir()
    for name in ("scale", "start", "latency"):
        (written / f"{name}.svg").write_text("<svg/>", encoding="utf-8")
    run(monkeypatch, tmp_path, {"scale": None})
    assert sorted(path.name for path in written.iterdir()) == ["latency.json", "scale.json", "start.json"]
    assert json.loads((written / "start.json").read_text(encoding="utf-8")) == {"left_out": "no nginx"}


def test_the_functions_on_top_of_the_stacks(tmp_path: Path) -> None:
    stacks = tmp_path / "scheduler.raw"
    stacks.write_text(
        "main (a.py);sweep (b.py) 6\nmain (a.py);send (c.py);sweep (b.py) 2\n"
        "main (a.py);0x7f01 (libc.so.6) 1\nmain (a.py);0x7f02 (libc.so.6) 1\n",
        encoding="utf-8",
    )
    assert functions(stacks) == [("sweep (b.py)", 0.8), ("nameless (libc.so.6)", 0.2)]


def test_a_process_that_was_not_recorded(tmp_path: Path) -> None:
    assert functions(tmp_path / "none.raw") == []
    assert libraries(tmp_path / "none.perf") == []
