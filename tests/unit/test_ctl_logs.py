"""The log read backwards, and followed."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pagestatus.ctl import backwards, follow
from pagestatus.ctl.backwards import Backwards
from pagestatus.ctl.follow import Follower
from pagestatus.ctl.minutes import last_minutes


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "url_status.log"


def append(path: Path, content: bytes) -> None:
    with path.open("ab") as file:
        file.write(content)


@given(
    lines=st.lists(st.binary(min_size=1, max_size=30).filter(lambda line: b"\n" not in line), max_size=20),
    torn=st.sampled_from([b"", b"torn"]),
    block=st.integers(1, 40),
)
def test_backwards_gives_the_whole_lines_in_reverse(
    tmp_path_factory: pytest.TempPathFactory, lines: list[bytes], torn: bytes, block: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "log"
    path.write_bytes(b"".join(line + b"\n" for line in lines) + torn)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backwards, "BLOCK", block)
        reader = Backwards(path)
        assert list(reader) == lines[::-1]
    assert not reader.bounded


def test_backwards_goes_on_in_the_rotated_files(log: Path) -> None:
    log.write_bytes(b"5\n6\n")
    log.with_name("url_status.log.1").write_bytes(b"3\n4\n")
    log.with_name("url_status.log.2").write_bytes(b"1\n2\n")
    assert list(Backwards(log)) == [b"6", b"5", b"4", b"3", b"2", b"1"]


def test_backwards_sees_no_file_twice_when_it_is_rotated_meanwhile(log: Path) -> None:
    log.write_bytes(b"1\n2\n")
    reader = iter(Backwards(log))
    assert next(reader) == b"2"
    log.rename(log.with_name("url_status.log.1"))
    assert list(reader) == [b"1"]


def test_backwards_reads_no_more_than_it_may(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backwards, "BLOCK", 10)
    log.write_bytes(b"".join(b"%04d\n" % number for number in range(100)))
    reader = Backwards(log, most_bytes=20)
    assert list(reader) == [b"0099", b"0098", b"0097"]
    assert reader.bounded


def test_backwards_raises_when_there_is_no_log(log: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Backwards(log))


def test_the_last_minutes_skip_what_is_no_line(tmp_path: Path) -> None:
    path = tmp_path / "minutes.log"
    assert last_minutes(path, 3) == []
    path.write_bytes(b'{"minute": "1"}\nnot json\n[]\n{"minute": "2"}\n{"minute": "3"}\n{"torn')
    assert last_minutes(path, 2) == [{"minute": "2"}, {"minute": "3"}]


def test_following_starts_at_the_end(log: Path) -> None:
    log.write_bytes(b"old\n")
    follower = Follower(log)
    assert follower.poll() == []
    append(log, b"new\nnewer\n")
    assert follower.poll() == [b"new", b"newer"]
    assert follower.poll() == []
    follower.close()


def test_a_line_is_given_out_when_it_is_whole(log: Path) -> None:
    log.write_bytes(b"old\nbeg")
    follower = Follower(log)
    assert follower.poll() == []
    append(log, b"un\nhal")
    assert follower.poll() == [b"begun"]
    append(log, b"f\n")
    assert follower.poll() == [b"half"]
    follower.close()


def test_a_log_that_is_not_there_yet_is_read_from_its_start(log: Path) -> None:
    follower = Follower(log)
    assert follower.poll() == []
    log.write_bytes(b"first\n")
    assert follower.poll() == [b"first"]
    follower.close()


def test_rotation_loses_nothing(log: Path) -> None:
    log.write_bytes(b"")
    follower = Follower(log)
    append(log, b"before\n")
    rotated = log.rename(log.with_name("url_status.log.1"))
    assert follower.poll() == [b"before"]
    append(rotated, b"late\n")
    log.write_bytes(b"after\n")
    assert follower.poll() == [b"late", b"after"]
    append(log, b"more\n")
    assert follower.poll() == [b"more"]
    follower.close()


def test_a_torn_line_that_its_writer_cuts_off_is_forgotten(log: Path) -> None:
    log.write_bytes(b"one\n")
    follower = Follower(log)
    append(log, b"two\ntorn")
    assert follower.poll() == [b"two"]
    with log.open("rb+") as file:
        file.truncate(8)
    assert follower.poll() == []
    append(log, b"three\n")
    assert follower.poll() == [b"three"]
    follower.close()


def test_whole_lines_that_their_writer_takes_back_do_not_bring_the_file_again(log: Path) -> None:
    log.write_bytes(b"one\n")
    follower = Follower(log)
    append(log, b"two\nthree\n")
    assert follower.poll() == [b"two", b"three"]
    with log.open("rb+") as file:
        file.truncate(8)
    append(log, b"3\n")
    assert follower.poll() == []
    append(log, b"four\n")
    assert follower.poll() == [b"four"]
    follower.close()


def test_after_a_truncation_to_nothing_it_starts_anew(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    follower = Follower(log)
    log.write_bytes(b"")
    assert follower.poll() == []
    append(log, b"new\n")
    assert follower.poll() == [b"new"]
    follower.close()


def test_a_file_overwritten_by_a_shorter_one_starts_anew(log: Path) -> None:
    log.write_bytes(b"one\ntwo\n")
    follower = Follower(log)
    log.write_bytes(b"other\n")
    assert follower.poll() == [b"other"]
    follower.close()


def test_an_endless_line_fills_no_memory(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "LONGEST_LINE", 8)
    log.write_bytes(b"")
    follower = Follower(log)
    append(log, b"x" * 20)
    assert follower.poll() == []
    append(log, b"y\nnext\n")
    assert follower.poll()[-1] == b"next"
    follower.close()


def test_the_newest_first_stops_when_it_has_enough(log: Path) -> None:
    log.write_bytes(b"1\n2\n3\n")
    assert list(islice(Backwards(log), 2)) == [b"3", b"2"]
