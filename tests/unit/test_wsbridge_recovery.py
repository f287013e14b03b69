"""What the journal says, held against what the folder has; and what an entry knows of its file."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from pagestatus.messages import Head, RangeDone, Reason
from range_records import entry
from wsbridge.digests import Digest
from wsbridge.entry import ENDED, Entry, Status, Trouble
from wsbridge.orders import Orders
from wsbridge.parts import Folder
from wsbridge.recovery import recovered


def on_disk(folder: Folder, size: int = 10, **more: Any) -> Entry:  # noqa: ANN401
    """An entry whose part file of ``size`` bytes is there."""
    inode = folder.make("3f9c", "a")
    (folder.path / "a.part").write_bytes(b"x" * size)
    fields: dict[str, Any] = {"name": "a", "inode": inode, "total": 10, "status": Status.DOWNLOADING}
    return entry(**(fields | more))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    with closing(Folder(tmp_path)) as opened:
        yield opened


def test_a_part_that_is_there_is_gone_on_with(folder: Folder) -> None:
    one = on_disk(folder, size=8, done=((0, 3), (5, 8)))
    inode = one.inode
    assert recovered([one], folder, Orders(1)) == [one]
    assert (one.inode, one.done, one.status) == (inode, ((0, 3), (5, 8)), Status.DOWNLOADING)


@pytest.mark.parametrize("how", ["gone", "shorter", "another", "a link", "a folder"])
def test_a_part_that_is_not_ours_any_more_is_begun_again(
    folder: Folder, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    one = on_disk(folder, size=8, done=((0, 8),))
    part = folder.path / "a.part"
    if how == "shorter":
        part.write_bytes(b"x" * 7)
    else:
        part.rename(folder.path / "elsewhere")
    if how == "another":
        part.write_bytes(b"x" * 8)
    elif how == "a link":
        part.symlink_to(folder.path / "elsewhere")
    elif how == "a folder":
        part.mkdir()
    recovered([one], folder, Orders(1))
    assert (one.inode, one.done, one.name) == (0, (), "a")
    assert f"a is not in {folder.uri}: begun again" in caplog.text


@pytest.mark.parametrize("status", [Status.VERIFYING, Status.PAUSED, Status.FAILED])
def test_whoever_was_killed_just_before_it_was_noted_has_it(folder: Folder, status: Status) -> None:
    one = on_disk(folder, done=((0, 10),), status=status, trouble=Trouble("disk", "x"))
    (folder.path / "a").write_bytes(b"of somebody else")
    assert folder.publish("a", one.inode, "a") == "a (2)"
    recovered([one], folder, Orders(1))
    assert (one.status, one.name, one.trouble) == (Status.DOWNLOADED, "a (2)", None)
    assert one.folder == folder.uri


def test_a_final_name_that_is_another_than_the_parts_is_known_again(folder: Folder) -> None:
    one = on_disk(folder, done=((0, 10),), title="b.txt")
    folder.publish("a", one.inode, "b.txt")
    recovered([one], folder, Orders(1))
    assert (one.status, one.name) == (Status.DOWNLOADED, "b.txt")


def test_what_lies_in_the_folder_of_before_stays_there(folder: Folder, tmp_path: Path) -> None:
    """``downloads.dir`` is another now: what is there keeps its place, what is not begins again here."""
    there, half = on_disk(folder, done=((0, 10),)), on_disk(folder, done=((0, 3),))
    there.status, there.folder, half.folder = Status.DOWNLOADED, folder.uri, folder.uri
    with closing(Folder(tmp_path / "new")) as new:
        recovered([there, half], new, Orders(1))
        assert list(new.path.iterdir()) == []
    assert (there.folder, there.name, there.status) == (folder.uri, "a", Status.DOWNLOADED)
    assert (half.inode, half.done) == (0, ())
    assert (folder.path / "a.part").exists(), "nobody touches it"


def test_whoever_was_killed_between_the_two_names_leaves_one(folder: Folder) -> None:
    one = on_disk(folder, done=((0, 10),))
    (folder.path / "a").hardlink_to(folder.path / "a.part")
    recovered([one], folder, Orders(1))
    assert (one.status, one.name) == (Status.DOWNLOADED, "a")
    assert [path.name for path in folder.path.iterdir()] == ["a"]


def test_a_part_that_is_not_complete_was_not_published_whatever_names_it_has(folder: Folder) -> None:
    one = on_disk(folder, size=10, done=((0, 2), (4, 10)))
    (folder.path / "a").hardlink_to(folder.path / "a.part")
    recovered([one], folder, Orders(1))
    assert (one.status, one.name) == (Status.DOWNLOADING, "a")


def test_an_empty_file_may_have_been_published(folder: Folder) -> None:
    one = on_disk(folder, size=0, total=0)
    folder.publish("a", one.inode, "a")
    recovered([one], folder, Orders(1))
    assert one.status is Status.DOWNLOADED


def test_what_was_given_up_is_removed_if_nobody_lived_to_do_that(folder: Folder) -> None:
    one = on_disk(folder, status=Status.CANCELLED, given_up=True)
    recovered([one], folder, Orders(1))
    assert (one.name, one.inode, one.given_up, list(folder.path.iterdir())) == ("", 0, False, [])


def test_another_file_in_the_place_of_what_was_given_up_stays(folder: Folder) -> None:
    one = on_disk(folder, status=Status.FAILED, given_up=True)
    (folder.path / "a.part").rename(folder.path / "elsewhere")
    (folder.path / "a.part").write_text("theirs")
    recovered([one], folder, Orders(1))
    assert (one.name, one.given_up) == ("", False)
    assert (folder.path / "a.part").read_text() == "theirs"


def test_what_has_failed_and_was_not_given_up_keeps_its_part(folder: Folder) -> None:
    one = on_disk(folder, status=Status.FAILED)
    recovered([one], folder, Orders(1))
    assert (one.name, (folder.path / "a.part").exists()) == ("a", True)


def test_what_can_not_be_removed_does_not_end_the_start(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Permissions do not hold back root: unlink(2) is made to say what it says there."""
    one, other = on_disk(folder, status=Status.CANCELLED, given_up=True), entry("other")

    def refuse(*_what: object, **_more: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    with monkeypatch.context() as patched:
        patched.setattr(os, "unlink", refuse)
        assert recovered([one, other], folder, Orders(1)) == [one, other]
    assert (one.name, one.given_up) == ("a", True), "the next start tries again"
    assert "download 3f9c" in caplog.text
    assert "not permitted" in caplog.text
    recovered([one], folder, Orders(1))
    assert (one.name, list(folder.path.iterdir())) == ("", [])


def test_what_is_found_complete_is_counted(folder: Folder) -> None:
    one, orders = on_disk(folder, size=0, total=0), Orders(1)
    folder.publish("a", one.inode, "a")
    recovered([one], folder, orders)
    assert orders.ended == [Status.DOWNLOADED]


@pytest.mark.parametrize(
    "one",
    [
        entry(),
        entry(name="a", status=Status.DOWNLOADING),
        entry(name="gone", inode=5, total=10, done=((0, 10),), status=Status.DOWNLOADED),
        entry(status=Status.CANCELLED),
    ],
    ids=["queued", "named", "there, whatever became of it", "cancelled"],
)
def test_what_has_no_part_is_left_as_it_is(folder: Folder, one: Entry) -> None:
    before = repr(one)
    recovered([one], folder, Orders(1))
    assert repr(one) == before


# --- what an entry knows of its file ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("known", "found", "expected", "why"),
    [
        ((10, '"a"', "Mon"), (10, '"a"', "Mon"), False, "the same"),
        ((10, '"a"', "Mon"), (11, '"a"', "Mon"), True, "of another length"),
        ((10, '"a"', "Mon"), (10, '"b"', "Mon"), True, "with another tag"),
        ((10, '"a"', "Mon"), (10, '"a"', "Tue"), True, "of another date"),
        ((10, '"a"', "Mon"), (-1, "", ""), False, "nothing is said"),
        ((-1, "", ""), (10, '"a"', "Mon"), False, "nothing was known"),
        ((0, "", ""), (10, "", ""), True, "it was empty"),
        ((10, "", ""), (0, "", ""), True, "it is empty now"),
    ],
)
def test_whether_a_file_is_another(
    known: tuple[int, str, str], found: tuple[int, str, str], *, expected: bool, why: str
) -> None:
    one = entry(total=known[0], etag=known[1], last_modified=known[2])
    assert one.is_other(found[0], Head(etag=found[1], last_modified=found[2])) is expected, why


def test_what_is_learnt_of_a_file_and_forgotten() -> None:
    md5 = Head(etag='"a"', last_modified="Mon", content_md5="AAAAAAAAAAAAAAAAAAAAAA==")
    one = entry(sha256="f" * 64)
    assert one.digests() == (Digest("sha256", "f" * 64),)
    one.learn(10, RangeDone(7, 1, 3, 10, Reason.NONE, 206, head=md5), ranges=True)
    assert (one.location, one.total, one.ranges, one.digest) == (one.url, 10, True, None)
    one.learn(10, RangeDone(7, 1, 3, 10, Reason.NONE, 200, url="http://b/", head=md5), ranges=False)
    assert (one.location, one.etag, one.last_modified) == ("http://b/", '"a"', "Mon")
    assert one.digests() == (Digest("sha256", "f" * 64), Digest("md5", "0" * 32))
    one.done, one.inode, one.name, one.title = ((0, 5),), 5, "a", "b"
    one.forget_file()
    assert (one.total, one.etag, one.last_modified, one.ranges, len(one.done)) == (-1, "", "", None, 0)
    assert one.digests() == (Digest("sha256", "f" * 64),)
    assert (one.inode, one.name, one.title) == (5, "a", ""), "the part file is still there"


def test_nothing_more_happens_to_what_has_ended() -> None:
    assert {status for status in Status if entry(status=status).has_ended} == ENDED
