"""The processes' own logs: one record cannot pass for another, and a rotation loses none."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from pagestatus import logs
from scripts.soak_run.faults.limits import no_larger_files

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z (INFO |WARNING|ERROR) +scheduler: (.*)")

log = logging.getLogger("somewhere")


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    for handler in root.handlers:
        if handler not in handlers:
            handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "var" / "scheduler.log"
    logs.configure("scheduler", path)
    return path


def test_a_record_is_a_line_with_time_level_and_process(path: Path) -> None:
    log.info("%d targets", 3)
    log.warning("silent")
    log.debug("not for operators")
    found = [LINE.fullmatch(line) for line in path.read_text().splitlines()]
    assert [(line[1].strip(), line[2]) for line in found if line] == [
        ("INFO", "3 targets"),
        ("WARNING", "silent"),
    ]
    assert len(found) == 2


def test_without_a_path_it_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure("scheduler")
    log.error("here")
    out, err = capsys.readouterr()
    assert (out, LINE.sub(r"\2", err)) == ("", "here\n")


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("a\r\x1b[31mred\x00", r"a\x0d\x1b[31mred\x00"),
        ("\x7f\x85\x9b", r"\x7f\x85\x9b"),
        ("tab\t", r"tab\x09"),
        ("é♥", "é♥"),
        ("half \ud800", r"half \ud800"),
        ("bytes \udcff", r"bytes \udcff"),
    ],
)
def test_what_a_stranger_wrote_steers_no_terminal_and_is_not_lost(
    path: Path, said: str, written: str
) -> None:
    log.info("%s", said)
    (line,) = path.read_text().splitlines()
    assert line.endswith(f"scheduler: {written}")


def test_what_a_stranger_wrote_can_not_pass_for_a_record(path: Path) -> None:
    forged = "x\n2026-01-31T12:00:00.000Z INFO    scheduler: all is well"
    log.info("%s", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("a bug")
    records = [line for line in path.read_text().splitlines() if LINE.match(line)]
    assert len(records) == 2


def test_several_lines_stay_several_lines(path: Path) -> None:
    log.info("a table:\n1 2\n3 4")
    assert path.read_text().splitlines()[1:] == ["  1 2", "  3 4"]


def test_reopening_after_a_rename_goes_on_in_a_new_file(path: Path) -> None:
    log.info("before")
    old = path.rename(path.with_suffix(".old"))
    logs.reopen()
    assert path.exists()
    log.info("after")
    assert [LINE.sub(r"\2", file.read_text()) for file in (old, path)] == ["before\n", "after\n"]


def test_what_a_full_disk_does_not_take_is_said_elsewhere_and_comes_later(
    path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with no_larger_files(os.getpid(), than=0):
        log.error("no room")
    assert LINE.sub(r"\2", capsys.readouterr().err) == "no room\n"
    log.info("room again")
    assert LINE.sub(r"\2", path.read_text()) == "no room\nroom again\n"


def test_reopening_standard_error_is_nothing() -> None:
    logs.configure("scheduler")
    logs.reopen()


def test_a_place_that_can_not_be_written_is_an_oserror(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        logs.configure("scheduler", tmp_path / "file" / "scheduler.log")


def test_strangers_fill_no_disk() -> None:
    sparing = logs.Sparing(2)

    def passes(second: int) -> str | None:
        record = logging.LogRecord("news", logging.INFO, "", 0, "a %s of it", ("line",), None)
        record.created = float(second)
        return record.getMessage() if sparing.filter(record) else None

    line = "a line of it"
    assert [passes(1) for _ in range(5)] == [line, line, None, None, None]
    assert [passes(2) for _ in range(2)] == [f"{line} (before that: 3 lines more)", line]
    assert passes(9) == line
