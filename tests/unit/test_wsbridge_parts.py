"""The folder of downloads on a real disk: names that are taken, links, other people's files, and no room."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pagestatus.locks import Taken
from wsbridge.digests import Digest
from wsbridge.entry import Trouble
from wsbridge.jobs import Claims, PartError
from wsbridge.parts import RESERVE, Folder, mebibytes


def always() -> bool:
    return True


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with closing(Folder(tmp_path / "downloads")) as opened:
        yield opened


def made(folder: Folder, name: str, content: bytes = b"content") -> int:
    """The inode of a part file with this content."""
    inode = folder.make("id", name)
    (folder.path / f"{name}.part").write_bytes(content)
    return inode


def names(folder: Folder) -> list[str]:
    return sorted(path.name for path in folder.path.iterdir())


def trouble(caught: pytest.ExceptionInfo[PartError]) -> Trouble:
    return caught.value.trouble


# --- the folder -------------------------------------------------------------------------------------------


def test_it_is_made_with_all_above_it(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b"
    with closing(Folder(path)) as folder:
        assert path.is_dir()
        assert folder.path == path
        assert folder.uri == path.as_uri()


def test_a_file_in_its_place_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(FileExistsError):
        Folder(tmp_path / "a")


def test_it_may_be_a_link_that_nobody_can_turn_elsewhere_afterwards(tmp_path: Path) -> None:
    real, link, elsewhere = tmp_path / "real", tmp_path / "link", tmp_path / "elsewhere"
    real.mkdir()
    elsewhere.mkdir()
    link.symlink_to(real)
    with closing(Folder(link)) as folder:
        link.unlink()
        link.symlink_to(elsewhere)
        made(folder, "a")
        assert folder.path == real
    assert [path.name for path in real.iterdir()] == ["a.part"]
    assert list(elsewhere.iterdir()) == []


HOLD = """
import pathlib, sys, wsbridge.parts
folder = wsbridge.parts.Folder(pathlib.Path(sys.argv[1]))
print(flush=True)
input()
"""


def test_two_bridges_cannot_share_it(tmp_path: Path) -> None:
    """One may reach it by another name, and each would take the other's part files for its own."""
    link = tmp_path / "link"
    with closing(Folder(tmp_path / "real")):
        link.symlink_to(tmp_path / "real")
        with pytest.raises(Taken, match="link is held by another process"):
            Folder(link)
    Folder(link).close()


def test_a_folder_that_another_process_holds_is_free_when_that_has_ended(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(Taken):
            Folder(tmp_path)
        other.kill()
    Folder(tmp_path).close()


# --- names ------------------------------------------------------------------------------------------------


def test_a_name_that_nobody_has_is_taken_as_it_is(folder: Folder) -> None:
    assert folder.choose("id", "a.txt", 10, Claims()) == "a.txt"
    assert names(folder) == []


@pytest.mark.parametrize(
    "kind", ["file", "folder", "link", "link to nothing", "link to itself", "pipe", "part"]
)
def test_a_name_that_is_taken_gets_a_number(folder: Folder, kind: str) -> None:
    path = folder.path / "a.txt"
    match kind:
        case "file":
            path.write_text("theirs")
        case "folder":
            path.mkdir()
        case "link":
            path.symlink_to("/etc/passwd")
        case "link to nothing":
            path.symlink_to("nothing")
        case "link to itself":
            path.symlink_to("a.txt")
        case "pipe":
            os.mkfifo(path)
        case "part":
            (folder.path / "a.txt.part").write_text("theirs")
    assert folder.choose("id", "a.txt", 10, Claims()) == "a (2).txt"


def test_names_of_other_downloads_are_taken_whatever_their_capitals(folder: Folder) -> None:
    (folder.path / "a (3).txt").write_text("")
    assert folder.choose("id", "a.txt", 10, Claims(frozenset({"A.TXT", "a (2).txt"}))) == "a (4).txt"


def test_two_that_choose_before_either_is_made_get_two_names(folder: Folder) -> None:
    assert folder.choose("one", "a.txt", 10, Claims()) == "a.txt"
    assert folder.choose("other", "A.txt", 10, Claims()) == "A (2).txt", "whatever their capitals"
    assert folder.choose("third", "a.txt", 10, Claims()) == "a (3).txt"
    folder.make("one", "a.txt")
    assert names(folder) == ["a.txt.part"]
    assert folder.choose("fourth", "a.txt", 10, Claims()) == "a (4).txt", "two are not made yet"


def test_who_chooses_again_gives_back_what_it_had_chosen(folder: Folder) -> None:
    assert folder.choose("one", "a", 10, Claims()) == "a"
    assert folder.choose("one", "a", 10, Claims()) == "a", "its own is not in its way"
    assert folder.choose("one", "b", 10, Claims()) == "b"
    assert folder.choose("other", "a", 10, Claims()) == "a"


def test_what_is_made_is_in_the_way_for_as_long_as_it_is_there(folder: Folder) -> None:
    name = folder.choose("one", "a", 10, Claims())
    inode = folder.make("one", name)
    assert folder.choose("other", "a", 10, Claims()) == "a (2)"
    folder.discard(name, inode)
    assert folder.choose("other", "a", 10, Claims()) == "a"


def test_there_is_an_end_of_numbers(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsbridge.parts.MOST_NUMBERS", 3)
    assert folder.choose("id", "a", 10, Claims(frozenset({"a", "a (2)"}))) == "a (3)"
    with pytest.raises(PartError, match="too many files of this name"):
        folder.choose("id", "a", 10, Claims(frozenset({"a", "a (2)", "a (3)"})))


# --- room -------------------------------------------------------------------------------------------------


def test_what_does_not_fit_is_not_begun(folder: Folder) -> None:
    room = os.statvfs(folder.path)
    free = room.f_bavail * room.f_frsize
    with pytest.raises(PartError, match=f"{mebibytes(free * 2)} are needed, and") as caught:
        folder.choose("id", "a", free * 2, Claims())
    assert trouble(caught).code == "disk_full"
    with pytest.raises(PartError, match="MiB are needed") as caught:
        folder.choose("id", "a", free - RESERVE + (256 << 20), Claims())


def test_what_others_still_miss_is_no_room(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Folder, "room", lambda _folder: 10 << 20)
    for promised, size in ((0, 10 << 20), (4 << 20, 6 << 20), (10 << 20, 0)):
        assert folder.choose("id", "a", size, Claims(bytes=promised)) == "a", promised
    with pytest.raises(PartError) as caught:
        folder.choose("id", "a", (6 << 20) + 1, Claims(bytes=4 << 20))
    assert trouble(caught) == Trouble(
        "disk_full",
        f"{folder.path}: 6.0 MiB are needed, and 10.0 MiB are free, 4.0 MiB of them for other downloads, "
        "beside 64.0 MiB that are left for others",
    )


def test_the_reserve_is_not_counted_as_room(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    found = os.statvfs(folder.path)
    monkeypatch.setattr("wsbridge.parts.RESERVE", found.f_blocks * found.f_frsize)
    assert folder.room() <= 0
    with pytest.raises(PartError, match=r"are needed, and 0\.0 MiB are free, beside"):
        folder.choose("id", "a", 1, Claims())


def test_a_length_that_nobody_knows_needs_no_room(folder: Folder) -> None:
    assert folder.choose("id", "a", 0, Claims()) == "a"


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Folder]:
    """A disk of 64 KiB and eight files."""
    path = tmp_path / "small"
    path.mkdir()
    command = ["/usr/bin/env", "mount", "-t", "tmpfs", "-o", "size=64k,nr_inodes=8", "tmpfs", str(path)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk, and not everywhere")
    try:
        with closing(Folder(path)) as opened:
            yield opened
    finally:
        # Also of a test that failed and has left something open.
        subprocess.run(["/usr/bin/env", "umount", "--lazy", str(path)], check=True)


def test_a_full_disk_is_told_at_each_step_and_nothing_is_lost(small: Folder) -> None:
    inode = made(small, "a", b"x" * 1000)
    with pytest.raises(PartError, match=r"0\.0 MiB are free") as caught:
        small.choose("id", "b", 1, Claims())
    assert trouble(caught).code == "disk_full"
    for number in range(6):
        (small.path / f"filler{number}").touch()
    with pytest.raises(PartError, match="No space left") as caught:
        small.make("id", "b")
    assert trouble(caught).code == "disk_full"
    small.sync("a", inode)
    small.verify("a", inode, 1000, (), always)
    (small.path / "filler0").unlink()
    assert small.publish("a", inode, "a") == "a"
    small.make("id", "b")
    assert (small.path / "a").stat().st_size == 1000


# --- part files -------------------------------------------------------------------------------------------


def test_a_part_is_new_and_empty_and_takes_the_place_of_an_old_one(folder: Folder) -> None:
    inode = made(folder, "a")
    with (folder.path / "a.part").open("rb") as old:
        again = folder.make("id", "a")
        assert again != inode, "whoever still writes into the old one does no harm"
        assert old.read() == b"content"
    found = (folder.path / "a.part").stat()
    assert (found.st_ino, found.st_size, found.st_nlink) == (again, 0, 1)
    assert not found.st_mode & 0o133


def test_a_link_in_the_place_of_a_part_is_not_followed(folder: Folder, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("theirs")
    (folder.path / "a.part").symlink_to(theirs)
    inode = theirs.stat().st_ino
    for work in (
        lambda: folder.sync("a", inode),
        lambda: folder.verify("a", inode, 6, (), always),
        lambda: folder.publish("a", inode, "a"),
    ):
        with pytest.raises(PartError, match="symbolic links"):
            work()
    assert not folder.holds("a", inode, 0)
    folder.discard("a", 0)
    assert (folder.path / "a.part").is_symlink(), "it is not ours"
    made(folder, "a")
    assert theirs.read_text() == "theirs"
    assert names(folder) == ["a.part"]


def test_another_file_in_its_place_is_not_touched(folder: Folder) -> None:
    inode = made(folder, "a")
    (folder.path / "a.part").rename(folder.path / "ours")
    (folder.path / "a.part").write_text("theirs")
    for work in (
        lambda: folder.sync("a", inode),
        lambda: folder.verify("a", inode, 7, (), always),
        lambda: folder.publish("a", inode, "a"),
    ):
        with pytest.raises(PartError, match="another file stands in its place") as caught:
            work()
        assert trouble(caught).code == "disk"
    assert not folder.holds("a", inode, 0)
    assert names(folder) == ["a.part", "ours"]


def test_only_the_part_that_is_meant_is_removed(folder: Folder) -> None:
    inode = made(folder, "a")
    (folder.path / "a.part").rename(folder.path / "ours")
    (folder.path / "a.part").write_text("theirs")
    folder.discard("a", inode)
    assert names(folder) == ["a.part", "ours"]
    (folder.path / "ours").rename(folder.path / "a.part")
    folder.discard("a", inode)
    assert names(folder) == []


def test_a_path_of_odd_bytes_can_be_told(tmp_path: Path) -> None:
    with closing(Folder(tmp_path / os.fsdecode(b"\xff"))) as folder:
        with pytest.raises(PartError) as caught:
            folder.sync("a", 5)
        assert trouble(caught).message.encode().endswith(b"/\\xff/a.part: No such file or directory")


def test_a_folder_in_the_place_of_a_part_is_left_alone(folder: Folder) -> None:
    (folder.path / "a.part").mkdir()
    with pytest.raises(PartError):
        folder.make("id", "a")
    folder.discard("a", 0)
    assert names(folder) == ["a.part"]


def test_a_pipe_in_the_place_of_a_part_makes_nobody_wait(folder: Folder) -> None:
    os.mkfifo(folder.path / "a.part")
    with pytest.raises(PartError):
        folder.sync("a", (folder.path / "a.part").stat().st_ino + 1)
    assert not folder.holds("a", (folder.path / "a.part").stat().st_ino, 0)


def test_what_is_gone_is_told(folder: Folder) -> None:
    for work in (lambda: folder.sync("a", 5), lambda: folder.publish("a", 5, "a")):
        with pytest.raises(PartError, match=r"a\.part: No such file") as caught:
            work()
        assert trouble(caught).code == "disk"
    folder.discard("a", 0)
    assert not folder.holds("a", 5, 0)


def test_a_folder_that_was_removed_is_told(folder: Folder) -> None:
    folder.path.rmdir()
    with pytest.raises(PartError, match="No such file"):
        folder.make("id", "a")
    with pytest.raises(PartError, match="No such file"):
        folder.sync("a", 5)


@pytest.mark.parametrize(("length", "expected"), [(0, True), (7, True), (8, False)])
def test_a_part_may_be_longer_than_what_is_known_of_it(
    folder: Folder, length: int, *, expected: bool
) -> None:
    inode = made(folder, "a")
    assert folder.holds("a", inode, length) is expected
    assert not folder.holds("a", inode + 1, 0)


def test_trouble_of_our_own_passes(folder: Folder) -> None:
    inode = made(folder, "a")
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
    try:
        with pytest.raises(PartError, match="Too many open files") as caught:
            folder.sync("a", inode)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (trouble(caught).code, caught.value.is_passing) == ("no_fds", True)
    with pytest.raises(PartError) as caught:
        folder.sync("b", inode)
    assert not caught.value.is_passing


def test_no_descriptor_is_left_open(folder: Folder) -> None:
    inode = made(folder, "a")
    lowest = os.dup(0)
    os.close(lowest)
    for wrong in (inode + 1, inode):
        for work in (
            lambda wrong=wrong: folder.sync("a", wrong),
            lambda wrong=wrong: folder.verify("a", wrong, 1, (), always),
            lambda wrong=wrong: folder.publish("a", wrong, "a"),
        ):
            with suppress(PartError):
                work()
    assert os.dup(0) == lowest
    os.close(lowest)


@pytest.fixture
def told(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the system is told to do with the folder and what is in it, and does, in its order."""
    found: list[str] = []

    def watch(name: str) -> None:
        real = getattr(os, name)

        def call(*what: Any, **more: Any) -> None:  # noqa: ANN401
            of = "folder" if what[0] == folder._fd else "file"
            found.append(f"{name} {of}" if name.endswith("sync") else name)
            real(*what, **more)

        monkeypatch.setattr(os, name, call)

    for name in ("fsync", "fdatasync", "link", "unlink"):
        watch(name)
    return found


def test_each_step_is_on_the_disk_before_anybody_is_told(folder: Folder, told: list[str]) -> None:
    """A power cut can not be had here; the order of what the system is told can."""
    inode = made(folder, "a")
    assert told == ["unlink", "fsync folder"], "the part's name"
    told.clear()
    folder.sync("a", inode)
    assert told == ["fdatasync file"]
    told.clear()
    folder.verify("a", inode, 7, (), always)
    assert told == ["fsync file"], "before it gets its final name"
    told.clear()
    folder.publish("a", inode, "a")
    assert told == ["link", "unlink", "fsync folder"]


# --- what it should be ------------------------------------------------------------------------------------


def test_a_file_that_is_what_it_should_be(folder: Folder) -> None:
    content = bytes(range(256)) * 10_000
    inode = made(folder, "a", content)
    digests = [
        Digest("sha256", sha256(content).hexdigest()),
        Digest("md5", "0b1bf8e4ca8ba0bd6b8e41e2ff7b3b4a"),
    ]
    folder.verify("a", inode, len(content), digests[:1], always)
    with pytest.raises(PartError, match=r"md5 is [0-9a-f]{32}, expected 0b1bf8") as caught:
        folder.verify("a", inode, len(content), digests, always)
    assert trouble(caught).code == "digest"
    assert names(folder) == ["a.part"]


@pytest.mark.parametrize("size", [6, 8, 0])
def test_a_file_of_another_size(folder: Folder, size: int) -> None:
    inode = made(folder, "a")
    with pytest.raises(PartError, match=f"the file has 7 bytes, expected {size}") as caught:
        folder.verify("a", inode, size, (), always)
    assert trouble(caught).code == "size"


def test_reading_ends_early_once_it_is_not_wanted(folder: Folder) -> None:
    asked: list[None] = []

    def wanted() -> bool:
        asked.append(None)
        return len(asked) < 3

    size = 50 << 20
    inode = folder.make("id", "a")
    os.truncate(folder.path / "a.part", size)
    folder.verify("a", inode, size, [Digest("sha256", "0" * 64)], wanted)
    assert len(asked) < 6, "of fifty pieces"


# --- the final name ---------------------------------------------------------------------------------------


def test_the_part_gets_its_final_name_and_its_own_goes(folder: Folder) -> None:
    inode = made(folder, "a")
    assert folder.publish("a", inode, "a") == "a"
    assert names(folder) == ["a"]
    found = (folder.path / "a").stat()
    assert (found.st_ino, found.st_nlink) == (inode, 1)


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
def test_a_name_that_was_taken_meanwhile_is_left_alone(folder: Folder, tmp_path: Path, kind: str) -> None:
    inode = made(folder, "a.txt")
    path, theirs = folder.path / "a.txt", tmp_path / "theirs"
    match kind:
        case "file":
            path.write_text("theirs")
        case "folder":
            path.mkdir()
        case _:
            if kind == "link":
                theirs.write_text("theirs")
            path.symlink_to(theirs)
    before = path.lstat()
    (folder.path / "a (2).txt").write_text("theirs too")
    assert folder.publish("a.txt", inode, "a.txt") == "a (3).txt"
    assert path.lstat() == before
    assert (folder.path / "a (2).txt").read_text() == "theirs too"
    assert (folder.path / "a (3).txt").read_bytes() == b"content"
    assert theirs.exists() is (kind == "link")


def test_there_is_an_end_of_final_names(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsbridge.parts.MOST_NUMBERS", 2)
    inode = made(folder, "a")
    for name in ("a", "a (2)"):
        (folder.path / name).write_text("theirs")
    with pytest.raises(PartError, match="too many files of this name"):
        folder.publish("a", inode, "a")
    assert folder.holds("a", inode, 7)


@pytest.mark.parametrize("refusal", [errno.EPERM, errno.EOPNOTSUPP])
def test_without_hard_links_it_is_renamed_and_nothing_is_overwritten(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, refusal: int
) -> None:
    """No file system without them can be had here: link(2) is made to say what it says there."""

    def no_link(*_: object, **__: object) -> None:
        raise OSError(refusal, os.strerror(refusal))

    monkeypatch.setattr(os, "link", no_link)
    inode = made(folder, "a")
    (folder.path / "a").symlink_to("nothing")
    (folder.path / "a (2)").write_text("theirs")
    assert folder.publish("a", inode, "a") == "a (3)"
    assert names(folder) == ["a", "a (2)", "a (3)"]
    assert (folder.path / "a (3)").stat().st_ino == inode


# --- after a start ----------------------------------------------------------------------------------------


def test_a_file_that_has_its_final_name_is_known_again(folder: Folder) -> None:
    inode = made(folder, "a.txt")
    (folder.path / "a.txt").write_text("theirs")
    assert folder.published("a.txt", inode, "a.txt") == ""
    assert folder.holds("a.txt", inode, 7)
    folder.publish("a.txt", inode, "a.txt")
    assert folder.published("a.txt", inode, "a.txt") == "a (2).txt"


def test_of_two_names_the_parts_is_removed(folder: Folder) -> None:
    inode = made(folder, "a")
    (folder.path / "a").hardlink_to(folder.path / "a.part")
    assert folder.published("a", inode, "a") == "a"
    assert names(folder) == ["a"]


def test_a_link_to_our_file_is_not_its_final_name(folder: Folder) -> None:
    inode = made(folder, "a")
    (folder.path / "a").symlink_to("a.part")
    assert folder.published("a", inode, "a") == ""


def test_the_final_name_may_be_another_than_the_parts(folder: Folder) -> None:
    inode = made(folder, "a")
    (folder.path / "b.txt").write_text("theirs")
    assert folder.published("a", inode, "b.txt") == ""
    assert folder.publish("a", inode, "b.txt") == "b (2).txt"
    assert names(folder) == ["b (2).txt", "b.txt"]
    assert folder.published("a", inode, "b.txt") == "b (2).txt"
    assert folder.published("a", inode, "a") == ""


def test_another_part_of_that_name_stays_when_ours_was_published(folder: Folder) -> None:
    inode = made(folder, "a")
    folder.publish("a", inode, "a")
    (folder.path / "a.part").write_text("theirs")
    assert folder.published("a", inode, "a") == "a"
    assert names(folder) == ["a", "a.part"]
