"""The files: whole lines only, rotation, and knowing again what is in them."""

from __future__ import annotations

import errno
import json
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aggregator.failures import Failures
from aggregator.ledger import Ledger
from aggregator.logfile import LogFile, Unwritable
from aggregator.recovery import last_minutes, recover
from aggregator.writer import Writer
from pagestatus.config import MINUTES_LOG, RESULTS_LOG
from pagestatus.messages import DownloadMinute, DownloadsCounted
from records import MINUTE, NOON, SECOND, result, sweep, timeout

ROOMY = 1 << 30


def opened(path: Path, *, max_bytes: int = ROOMY, keep: int = 3) -> LogFile:
    return LogFile(path, max_bytes=max_bytes, keep=keep, sync=True)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size``: a write that would is short, and the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.parametrize(
    ("found", "kept"),
    [
        (b"", b""),
        (b"torn", b""),
        (b"one\n", b"one\n"),
        (b"one\ntwo\n", b"one\ntwo\n"),
        (b"one\nto", b"one\n"),
        (b"one\n" + b"x" * 200_000, b"one\n"),
        (b"x" * 200_000 + b"\n" + b"y" * 100_000, b"x" * 200_000 + b"\n"),
    ],
    ids=["empty", "only torn", "whole", "two whole", "torn", "torn and long", "long and torn"],
)
def test_a_torn_last_line_is_cut_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, found: bytes, kept: bytes
) -> None:
    path = tmp_path / "log"
    path.write_bytes(found)
    log = opened(path)
    log.append(b"new\n")
    log.close()
    assert path.read_bytes() == kept + b"new\n"
    assert log.size == len(kept) + 4
    told = [record for record in caplog.records if "torn" in record.message]
    assert len(told) == (found != kept)


def test_a_short_write_is_cut_back_and_done_again_when_there_is_room(tmp_path: Path) -> None:
    log = opened(tmp_path / "log")
    log.append(b"one\n")
    with room_for(10):
        for _ in range(2):
            with pytest.raises(Unwritable, match="too large"):
                log.append(b"two is too long\n")
            assert log.path.read_bytes() == b"one\n"
        log.append(b"three\n")
    log.append(b"four\n")
    log.close()
    assert log.path.read_bytes() == b"one\nthree\nfour\n"


def test_a_full_file_goes_to_1_and_the_oldest_is_dropped(tmp_path: Path) -> None:
    log = opened(tmp_path / "log", max_bytes=10, keep=2)
    for number in range(8):
        log.append(b"line %d\n" % number)
    log.close()
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == {"log": "line 7\n", "log.1": "line 6\n", "log.2": "line 5\n"}


def test_a_piece_larger_than_the_limit_has_a_file_of_its_own(tmp_path: Path) -> None:
    log = opened(tmp_path / "log", max_bytes=10)
    for piece in (b"1\n", b"long " * 10 + b"\n", b"2\n"):
        log.append(piece)
    log.close()
    assert [len((tmp_path / name).read_bytes()) for name in ("log.2", "log.1", "log")] == [2, 51, 2]


def test_a_crash_within_a_rotation_leaves_a_gap_that_is_filled(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text("younger\n")
    (tmp_path / "log.3").write_text("oldest\n")
    log = opened(tmp_path / "log", max_bytes=5, keep=3)
    log.append(b"older\n")
    log.append(b"new\n")
    log.close()
    files = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert files == {"log": "new\n", "log.1": "older\n", "log.2": "younger\n", "log.3": "oldest\n"}


def test_keep_nothing(tmp_path: Path) -> None:
    log = opened(tmp_path / "log", max_bytes=5, keep=0)
    log.append(b"one\n")
    log.append(b"two\n")
    log.close()
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"log": "two\n"}


def test_what_hinders_a_rotation_hinders_no_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "log.1").mkdir()
    (tmp_path / "log.1" / "in the way").touch()
    log = opened(tmp_path / "log", max_bytes=5, keep=1)
    for piece in (b"one\n", b"two\n", b"three\n"):
        log.append(piece)
    log.close()
    assert log.path.read_bytes() == b"one\ntwo\nthree\n"
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_a_new_file_that_cannot_be_made_leaves_all_files_where_they_are(tmp_path: Path) -> None:
    (tmp_path / "log.1").write_text("older\n")
    (tmp_path / "log.new").mkdir()
    log = opened(tmp_path / "log", max_bytes=5, keep=2)
    for piece in (b"one\n", b"two\n", b"three\n"):
        log.append(piece)
    log.close()
    files = {path.name: path.read_text() for path in tmp_path.iterdir() if path.is_file()}
    assert files == {"log": "one\ntwo\nthree\n", "log.1": "older\n"}


def test_a_renamed_file_is_left_when_asked(tmp_path: Path) -> None:
    log = opened(tmp_path / "log")
    log.append(b"one\n")
    log.path.rename(tmp_path / "moved")
    log.append(b"two\n")
    log.reopen()
    log.append(b"three\n")
    log.close()
    assert (tmp_path / "moved").read_bytes() == b"one\ntwo\n"
    assert log.path.read_bytes() == b"three\n"


def test_a_file_with_a_torn_end_is_not_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = opened(tmp_path / "log")

    def broken(*_arguments: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as disk:
        disk.setattr(os, "fdatasync", broken)
        disk.setattr(os, "ftruncate", broken)
        with pytest.raises(Unwritable):
            log.append(b"one\n")
        (tmp_path / "log").rename(tmp_path / "old")
        with pytest.raises(OSError, match="Input/output"):
            log.reopen()
    log.reopen()
    log.append(b"one\n")
    assert ((tmp_path / "old").read_bytes(), (tmp_path / "log").read_bytes()) == (b"", b"one\n")
    log.close()


def test_the_last_minutes_are_found_over_a_rotation_and_rubbish(tmp_path: Path) -> None:
    def line(minute: int) -> str:
        return json.dumps({"minute": f"2026-01-31T12:{minute:02d}:00.000Z"}) + "\n"

    assert last_minutes(tmp_path, 3) == []
    (tmp_path / "minutes.log.1").write_text(line(1) + line(2) + line(3))
    assert [found["minute"][14:16] for found in last_minutes(tmp_path, 2)] == ["02", "03"]
    (tmp_path / "minutes.log").write_text(line(4) + "\0\0\0\n" + '{"minute":"soon"}\n' + line(5) + '{"min')
    assert [found["minute"][14:16] for found in last_minutes(tmp_path, 3)] == ["03", "04", "05"]
    assert [found["minute"][14:16] for found in last_minutes(tmp_path, 1)] == ["05"]


def start(folder: Path, *, max_bytes: int = ROOMY, keep: int = 3) -> tuple[Ledger, Writer]:
    """What a process does when it starts."""
    sizes = {"max_bytes": max_bytes, "keep": keep}
    files = opened(folder / RESULTS_LOG, **sizes), opened(folder / MINUTES_LOG, **sizes)
    ledger = Ledger(Failures())
    recover(folder, ledger)
    return ledger, Writer(ledger, *files)


def test_rubbish_in_the_log_costs_only_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ledger, writer = start(tmp_path)
    ledger.take([result(1)], NOON)
    assert len(writer.flush().commits) == 1
    log = tmp_path / RESULTS_LOG
    log.write_bytes(
        b"\0\0\n\n{}\n[\xff]\n" + log.read_bytes() + b'{"time":"","url":"","bytes":1,"outcome":"ok"}\n'
    )
    writer.close()
    ledger, writer = start(tmp_path)
    assert [record.message.split(" ")[:2] for record in caplog.records] == [
        ["skipped", "5"],
        ["read", "back"],
    ]
    ledger.take([result(1)], NOON)
    writer.flush()
    writer.close()
    assert ledger.counts["duplicates"] == 1


def test_old_files_and_compressed_ones_are_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    ledger, writer = start(tmp_path)
    ledger.take([result(1), sweep(NOON + MINUTE)], NOON)
    assert len(writer.flush().minutes) == 1
    writer.close()
    log = tmp_path / RESULTS_LOG
    for name in ("url_status.log.1", "url_status.log-20260131", "url_status.log.2.gz"):
        (tmp_path / name).write_bytes(log.read_bytes())
    start(tmp_path)[1].close()
    assert caplog.messages == ["read back 3 lines of 3 files"]
    os.utime(tmp_path / "url_status.log.1", ns=(0, (NOON + MINUTE - 1) * 1000))
    start(tmp_path)[1].close()
    assert caplog.messages[-1] == "read back 2 lines of 2 files"


def test_a_file_that_looks_old_is_read_if_its_lines_are_not(tmp_path: Path) -> None:
    ledger, writer = start(tmp_path)
    ledger.take([result(1), sweep(NOON + MINUTE), result(2, NOON + MINUTE)], NOON)
    assert len(writer.flush().minutes) == 1
    writer.close()
    # The clock was set back by an hour before the last lines were written.
    before_ns = (NOON - 60 * MINUTE) * 1000
    os.utime(tmp_path / RESULTS_LOG, ns=(before_ns, before_ns))
    ledger, writer = start(tmp_path)
    ledger.take([result(2, NOON + MINUTE)], NOON)
    writer.close()
    assert ledger.counts["duplicates"] == 1


def test_nothing_is_true_as_long_as_the_disk_is_full(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    ledger, writer = start(tmp_path)
    ledger.take([result(1), timeout(2)], NOON)
    with room_for(400):
        for _ in range(2):
            assert writer.flush() == ([], [], [], [])
            assert not writer.writable
            assert not writer.idle
    ledger.take([result(3)], NOON)
    assert [commit.target for commit in writer.flush().commits] == [1, 2, 3]
    assert writer.writable
    assert writer.idle
    writer.close()
    assert [record.levelno for record in caplog.records] == [logging.ERROR, logging.WARNING]
    assert len((tmp_path / RESULTS_LOG).read_bytes().splitlines()) == 3


def test_a_minute_that_found_no_room_is_written_once_when_there_is(tmp_path: Path) -> None:
    ledger, writer = start(tmp_path)
    ledger.take([result(1)], NOON)
    writer.flush()
    ledger.take([sweep(NOON + 2 * MINUTE)], NOON)
    with room_for(400):
        assert writer.flush().minutes == []
    ledger.take([sweep(NOON + 3 * MINUTE), result(1, NOON + SECOND)], NOON)
    assert len(writer.flush().minutes) == 3
    assert writer.flush().minutes == []
    writer.close()
    assert [found["minute"][14:16] for found in last_minutes(tmp_path, 9)] == ["00", "01", "02"]


def test_what_lines_say_of_downloads_is_known_after_a_restart_over_all_rotated_files(tmp_path: Path) -> None:
    ledger, writer = start(tmp_path, max_bytes=500, keep=100)
    ledger.take([result(1)], NOON)
    for number in range(30):
        minute_us = NOON + number * MINUTE
        ledger.take([DownloadMinute(minute_us, 0, number, 1, 2), sweep(minute_us + MINUTE)], minute_us)
        assert writer.flush().counted == [DownloadsCounted(minute_us, number, 1, 2)]
    writer.close()
    assert len(list(tmp_path.glob(f"{MINUTES_LOG}.*"))) > 9
    ledger, writer = start(tmp_path)
    # The answers were lost, and meanwhile more was done.
    ledger.take([DownloadMinute(NOON + number * MINUTE, 0, 99, 99, 99) for number in range(30)], NOON)
    answers = writer.flush().counted
    writer.close()
    assert answers == [DownloadsCounted(NOON + number * MINUTE, number, 1, 2) for number in range(30)]


def test_downloads_are_answered_only_when_their_line_is_on_the_disk(tmp_path: Path) -> None:
    ledger, writer = start(tmp_path)
    ledger.take([result(1)], NOON)
    writer.flush()
    ledger.take([DownloadMinute(NOON, 0, 1, 0, 0), sweep(NOON + MINUTE)], NOON)
    with room_for(100):
        assert writer.flush().counted == []
        ledger.take([DownloadMinute(NOON, 0, 2, 0, 0)], NOON)
        assert writer.flush().counted == []
    assert writer.flush().counted == [DownloadsCounted(NOON, 1, 0, 0)]
    writer.close()
