"""Locks: who was first, told to who came second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pagestatus.locks import Lock, Taken
from scripts.soak_run.faults.limits import no_larger_files


def test_the_second_is_told_who_was_first(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    first = Lock(path)
    try:
        with pytest.raises(Taken) as taken:
            Lock(path)
        assert str(taken.value) == f"{path} is held by process {os.getpid()}: it is running already"
    finally:
        first.release()


def test_what_was_given_back_can_be_taken(tmp_path: Path) -> None:
    for _ in range(3):
        Lock(tmp_path / "a.lock").release()
    assert (tmp_path / "a.lock").read_text() == f"{os.getpid()}\n"


def test_the_trace_of_an_earlier_holder_is_no_lock(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.write_text("99999999999 and whatever else a broken file may say\n" * 10)
    Lock(path).release()
    assert path.read_text() == f"{os.getpid()}\n"


@pytest.mark.parametrize(("said", "shown"), [(b"", "unknown"), (b"\xff\n", "\ufffd"), (b"1\n", "1")])
def test_a_holder_that_says_no_name(tmp_path: Path, said: bytes, shown: str) -> None:
    path = tmp_path / "a.lock"
    first = Lock(path)
    try:
        path.write_bytes(said)
        with pytest.raises(Taken, match=f"is held by process {shown}: "):
            Lock(path)
    finally:
        first.release()


def test_it_ends_with_its_holder_however_that_ends(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    dies = "import os, pathlib, sys, pagestatus.locks as l; l.Lock(pathlib.Path(sys.argv[1])); os.abort()"
    assert subprocess.run([sys.executable, "-c", dies, str(path)], check=False).returncode < 0
    assert path.read_text()
    Lock(path).release()


def test_a_full_disk_keeps_nobody_from_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    with no_larger_files(os.getpid(), than=0):
        first = Lock(path)
    try:
        with pytest.raises(Taken, match="is held by process unknown: "):
            Lock(path)
    finally:
        first.release()


def test_a_child_does_not_keep_it(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    lock = Lock(path)
    with subprocess.Popen(
        ["/bin/cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, close_fds=False
    ) as child:
        assert child.stdin
        assert child.stdout
        # Until it answers it may be half a copy of ourselves.
        child.stdin.write(b"x")
        assert child.stdout.read(1) == b"x"
        lock.release()
        Lock(path).release()


def test_a_file_that_can_not_be_made_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file or directory"):
        Lock(tmp_path / "no" / "such.lock")
