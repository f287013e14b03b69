"""The bytes of a range on their way into a file, what their end means, and which files are written at all."""

from __future__ import annotations

import errno
import os
import random
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fetchers.gathered import TOGETHER_BYTES
from fetchers.part_file import DiskTrouble, PartFile
from fetchers.range_body import End, RangeBody
from pagestatus.messages import RangeTask, Reason

RESET = 56
PARTIAL = 18
WRITE_ERROR = 23

Make = Callable[..., RangeBody]


def task(start: int = 10, stop: int = 20, **different: Any) -> RangeTask:  # noqa: ANN401
    return RangeTask(1, 1, "http://example.com/", start, stop, **({"file": "a.part"} | different))


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "a.part"
    path.touch()
    return path


@pytest.fixture
def make(part: Path) -> Iterator[Make]:
    made: list[RangeBody] = []

    def make_one(start: int = 10, stop: int = 20, promised: int = -2) -> RangeBody:
        asked = task(start, stop)
        body = RangeBody(asked, PartFile(part.parent, asked))
        body.promise(stop if promised == -2 else promised)
        made.append(body)
        return body

    yield make_one
    for body in made:
        body.close()


def take(body: RangeBody, piece: bytes) -> bool:
    return body.take(memoryview(piece))


def test_bytes_go_where_they_belong(make: Make, part: Path) -> None:
    body = make()
    assert take(body, b"abcdef")
    assert (body.reached, body.position) == (16, 10)
    assert body.flush()
    assert (body.reached, body.position) == (16, 16)
    assert take(body, b"ghij")
    assert body.end(0, Reason.NONE, "") == End(Reason.NONE)
    assert part.read_bytes() == bytes(10) + b"abcdefghij"


@pytest.mark.parametrize("code", [0, PARTIAL])
def test_too_few(make: Make, code: int) -> None:
    body = make()
    take(body, b"abc")
    assert body.end(code, Reason.RESET, "closed") == End(
        Reason.SHORT, "the server sent the bytes up to 13 of 20"
    )
    assert body.position == 13


def test_a_range_that_is_shorter_than_asked_for(make: Make) -> None:
    body = make(promised=15)
    assert take(body, b"abcde")
    assert body.end(0, Reason.NONE, "").reason is Reason.SHORT
    assert body.position == 15


def test_too_many(make: Make, part: Path) -> None:
    for promised in (20, 15):
        body = make(promised=promised)
        assert take(body, b"abcde")
        assert not take(body, b"fghijk")
        assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "").reason is Reason.LONG
        assert (body.reached, body.position) == (10, 10)
        assert part.stat().st_size == 0


def test_an_error_after_good_bytes(make: Make) -> None:
    body = make()
    take(body, b"abc")
    assert body.end(RESET, Reason.RESET, "reset") == End(Reason.RESET, "reset")
    assert body.position == 13


def test_an_error_after_all_bytes_is_none(make: Make) -> None:
    body = make()
    take(body, b"abcdefghij")
    assert body.end(RESET, Reason.RESET, "reset") == End(Reason.NONE)


def test_a_cut_ahead(make: Make, part: Path) -> None:
    body = make()
    take(body, b"abc")
    assert not body.cut(15)
    assert not take(body, b"defgh")
    assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "") == End(Reason.NONE)
    assert (body.position, part.stat().st_size) == (15, 15)


def test_a_cut_that_is_reached_with_the_last_byte_of_a_piece_ends_at_once(make: Make) -> None:
    body = make()
    assert not body.cut(13)
    assert not take(body, b"abc")
    assert body.reached == 13


@pytest.mark.parametrize("stop", [0, 5, 12, 13])
def test_a_cut_behind_ends_it(make: Make, stop: int) -> None:
    body = make()
    take(body, b"abc")
    assert body.cut(stop)
    assert body.end(-1, Reason.RESET, "") == End(Reason.NONE)
    assert body.position == 13


def test_cuts_only_shorten(make: Make) -> None:
    body = make()
    assert not body.cut(15)
    assert not body.cut(18)
    assert not take(body, b"abcdefgh")
    assert body.reached == 15


@pytest.mark.parametrize("stop", [20, 25])
def test_a_cut_at_the_end_or_beyond_is_none(make: Make, stop: int) -> None:
    body = make()
    assert not body.cut(stop)
    assert take(body, b"abcdefghij")
    assert not take(body, b"k")
    assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "").reason is Reason.LONG


def test_a_cut_does_not_make_a_short_range_longer(make: Make) -> None:
    body = make(promised=13)
    assert not body.cut(15)
    assert take(body, b"abc")
    assert not take(body, b"d")
    assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "").reason is Reason.LONG


def test_a_whole_without_a_length_ends_when_the_server_says_so(make: Make) -> None:
    body = make(0, 0, promised=-1)
    assert take(body, b"abc")
    assert body.end(0, Reason.NONE, "") == End(Reason.NONE)
    assert body.end(RESET, Reason.RESET, "reset") == End(Reason.RESET, "reset")
    assert body.end(PARTIAL, Reason.RESET, "").reason is Reason.SHORT


def test_a_whole_with_a_length(make: Make) -> None:
    body = make(0, 0, promised=5)
    assert take(body, b"abc")
    assert body.end(0, Reason.NONE, "").reason is Reason.SHORT
    assert take(body, b"de")
    assert body.end(RESET, Reason.RESET, "") == End(Reason.NONE)


def test_a_file_that_may_not_grow(make: Make, part: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (16, before[1]))
    try:
        body = make()
        assert take(body, b"abcdefgh")
        assert not body.flush()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "") == End(
        Reason.DISK_FULL, "the part file: File too large"
    )
    assert body.position == 10
    assert part.read_bytes() == bytes(10) + b"abcdef"


def test_a_device_that_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetchers.part_file._see_that_it_is_ours", lambda _found, _asked: None)
    asked = task(file="full")
    body = RangeBody(asked, PartFile(Path("/dev"), asked))
    assert take(body, b"abc")
    assert body.end(0, Reason.NONE, "").reason is Reason.DISK_FULL
    body.close()


def test_a_file_system_that_says_at_the_end_that_it_had_no_room(make: Make) -> None:
    body = make()
    assert take(body, b"abcdef")
    assert body.flush()
    assert body.position == 16
    # What close(2) says is all that is known of it then.
    os.close(body._gathered._part._fd)
    assert body.close() == End(Reason.DISK, "the part file: Bad file descriptor")
    assert body.position == 10
    assert body.close() is None, "it is closed once"


@pytest.mark.parametrize("size", [1, 1000, 16 << 10, TOGETHER_BYTES - 1, TOGETHER_BYTES, TOGETHER_BYTES + 1])
def test_pieces_of_any_size_are_gathered_and_none_is_lost(make: Make, part: Path, size: int) -> None:
    content = random.Random(size).randbytes(5 * size)  # noqa: S311 - bytes, not secrets
    body = make(10, 10 + len(content))
    for start in range(0, len(content), size):
        take(body, content[start : start + size])
    assert body.end(0, Reason.NONE, "") == End(Reason.NONE)
    assert part.read_bytes() == bytes(10) + content


def test_a_disk_that_fills_up_between_two_writes_ends_it(make: Make) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (TOGETHER_BYTES + 20, before[1]))
    try:
        body = make(10, 1 << 20)
        assert take(body, bytes(TOGETHER_BYTES))
        assert take(body, bytes(TOGETHER_BYTES))
        assert not take(body, bytes(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert body.end(WRITE_ERROR, Reason.TOO_LARGE, "").reason is Reason.DISK_FULL
    assert body.position == 10 + TOGETHER_BYTES


@pytest.mark.parametrize("name", ["..", ".", "/etc/passwd", "../a.part", "sub/a.part", "a.part/", "a\0b"])
def test_names_that_are_none(part: Path, name: str) -> None:
    with pytest.raises(DiskTrouble, match="is not the name of a file") as trouble:
        PartFile(part.parent, task(file=name))
    assert trouble.value.reason is Reason.DISK


def test_what_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(DiskTrouble, match="No such file"):
        PartFile(tmp_path, task())
    with pytest.raises(DiskTrouble, match="No such file"):
        PartFile(tmp_path / "nowhere", task())
    assert list(tmp_path.iterdir()) == []


def test_a_process_without_descriptors_says_nothing_of_the_disk(part: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    # One below the first that is free.
    free = os.open("/dev/null", os.O_RDONLY)
    os.close(free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (free, before[1]))
    try:
        with pytest.raises(DiskTrouble, match="Too many open files") as trouble:
            PartFile(part.parent, task())
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert trouble.value.reason is Reason.NO_FDS


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENFILE, Reason.NO_FDS),
        (errno.ENOMEM, Reason.NO_MEMORY),
        (errno.EDQUOT, Reason.DISK_FULL),
        (errno.EIO, Reason.DISK),
    ],
)
def test_what_the_kernel_says(part: Path, monkeypatch: pytest.MonkeyPatch, code: int, reason: Reason) -> None:
    def refuse(*_arguments: object, **_options: object) -> int:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr("fetchers.part_file.os.open", refuse)
    with pytest.raises(DiskTrouble, match=os.strerror(code)) as trouble:
        PartFile(part.parent, task())
    assert trouble.value.reason is reason


def test_links_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "target").touch()
    (tmp_path / "a.part").symlink_to("target")
    with pytest.raises(DiskTrouble, match="symbolic link"):
        PartFile(tmp_path, task())


def test_a_second_name(tmp_path: Path) -> None:
    (tmp_path / "a.part").touch()
    (tmp_path / "other").hardlink_to(tmp_path / "a.part")
    with pytest.raises(DiskTrouble, match="second name"):
        PartFile(tmp_path, task())


def test_pipes_and_folders(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    for name in ("pipe", "folder"):
        with pytest.raises(DiskTrouble, match="the part file"):
            PartFile(tmp_path, task(file=name))
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with pytest.raises(DiskTrouble, match="is not a file"):
        PartFile(tmp_path, task(file="pipe"))
    os.close(reader)


def test_another_file_of_that_name(part: Path) -> None:
    inode = part.stat().st_ino
    PartFile(part.parent, task(inode=inode)).close()
    with pytest.raises(DiskTrouble, match="another one"):
        PartFile(part.parent, task(inode=inode + 1))


def test_no_descriptor_is_left_behind(part: Path) -> None:
    before = len(list(Path("/proc/self/fd").iterdir()))
    for inode in (0, 1):
        try:
            PartFile(part.parent, task(inode=inode)).close()
        except DiskTrouble:
            assert inode
    assert len(list(Path("/proc/self/fd").iterdir())) == before
