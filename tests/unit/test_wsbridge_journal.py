"""The journal on a real disk: whole transactions, also when the disk or a person interferes."""

from __future__ import annotations

import errno
import resource
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from range_records import entry
from wsbridge.digests import Digest
from wsbridge.entry import Entry, Status, Trouble
from wsbridge.journal import FILE, Journal, Unwritable, row_of
from wsbridge.minutes import Figures

FULL = entry(
    credentials="me:pass",
    headers=(("Cookie", "ä"),),
    sha256="f" * 64,
    filename="größe",
    threads=3,
    status=Status.PAUSED,
    trouble=Trouble("disk_full", "no room"),
    restarts=2,
    location="http://mirror.example/x",
    ranges=True,
    total=1 << 60,
    etag='W/"a"',
    last_modified="Mon",
    digest=Digest("md5", "0" * 32),
    name="größe (2)",
    inode=(1 << 63) - 1,
    done=((0, 5), (7, 1 << 59)),
    folder="file:///old",
    title="another",
    given_up=True,
)


@contextmanager
def opened(folder: Path) -> Iterator[Journal]:
    with closing(Journal(folder)) as journal:
        yield journal


def save(
    journal: Journal,
    entries: Iterable[Entry] = (),
    removed: Iterable[str] = (),
    minutes: Mapping[int, Figures | None] | None = None,
) -> None:
    journal.save([row_of(one) for one in entries], removed, minutes or {})


def known(folder: Path) -> list[str]:
    """The ids that a successor finds."""
    with opened(folder) as journal:
        return [one.id for one in journal.entries()]


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size``."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_all_of_a_download_comes_back(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        assert (journal.entries(), journal.minutes()) == ([], {})
        save(journal, [FULL, entry("bb", 2)])
    with opened(tmp_path) as journal:
        assert journal.entries() == [FULL, entry("bb", 2)]


def test_downloads_come_in_the_order_of_the_list(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry("cc", 3), entry("aa", 10), entry("bb", 2)])
        assert [one.id for one in journal.entries()] == ["bb", "cc", "aa"]


def test_the_last_word_on_a_download_counts_and_what_was_removed_is_gone(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry("aa"), entry("bb")])
        save(journal, [entry("aa", total=7)], ["bb", "zz"])
        assert journal.entries() == [entry("aa", total=7)]


def test_a_new_download_may_have_the_id_of_one_that_was_removed(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry("aa", 1)])
        save(journal, [entry("aa", 9)], ["aa"])
        assert journal.entries() == [entry("aa", 9)]


def test_open_minutes_come_back_until_they_are_answered(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, minutes={60: Figures(1, 2, 3, 4), 120: Figures(bytes=1 << 60)})
        save(journal, minutes={60: None, 180: None})
    with opened(tmp_path) as journal:
        assert journal.minutes() == {120: Figures(bytes=1 << 60)}


def test_nobody_else_can_read_it(tmp_path: Path) -> None:
    """Links and headers may hold secrets."""
    with opened(tmp_path) as journal:
        save(journal, [FULL])
        modes = {path.name: path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert modes[FILE] == 0o600
    assert set(modes.values()) == {0o600}, "nor the files of SQLite beside it"


def test_a_download_of_an_older_journal_is_read_and_a_newer_ones_key_is_ignored(tmp_path: Path) -> None:
    raw = b'{"id": "aa", "position": 1, "added_us": 2, "url": "http://a/", "colour": "red"}'
    with opened(tmp_path) as journal:
        journal._db.execute("INSERT INTO downloads VALUES ('aa', 1, ?)", (raw,))
        assert journal.entries() == [Entry(id="aa", position=1, added_us=2, url="http://a/")]


@pytest.mark.parametrize("raw", [b"{", b"\xff", b"{}", b'{"id": "bb", "position": 1, "status": "Odd"}'])
def test_a_download_that_cannot_be_read_is_told_and_left_where_it_is(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, raw: bytes
) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")])
        journal._db.execute("INSERT INTO downloads VALUES ('bb', 1, ?)", (raw,))
        assert [one.id for one in journal.entries()] == ["aa"]
        assert "download bb cannot be read" in caplog.text
        save(journal, [entry("aa", total=1)])
        assert journal._db.execute("SELECT entry FROM downloads WHERE id = 'bb'").fetchone() == (raw,)


@pytest.mark.parametrize("raw", [b"{", b"\xff", b'{"bytes": "many"}', b"[]"])
def test_a_minute_that_cannot_be_read_is_told_and_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, raw: bytes
) -> None:
    with opened(tmp_path) as journal:
        save(journal, minutes={60: Figures(bytes=1)})
        journal._db.execute("INSERT INTO minutes VALUES (120, ?)", (raw,))
        assert journal.minutes() == {60: Figures(bytes=1)}
        assert "minute 120 cannot be read" in caplog.text


# --- incarnations -----------------------------------------------------------------------------------------


def test_each_incarnation_is_later_than_the_last_whatever_the_clock_says(tmp_path: Path) -> None:
    epochs = []
    for now_us in (5000, 5000, 1000, 9000, 1):
        with opened(tmp_path) as journal:
            epochs.append(journal.next_epoch(now_us))
    assert epochs == [5000, 5001, 5002, 9000, 9001]
    with opened(tmp_path) as journal:
        assert journal._rows("SELECT epoch FROM incarnations") == [(9001,)], "one is enough"


def test_an_epoch_that_can_not_be_noted_does_not_end_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(tmp_path) as journal:
        journal.next_epoch(5000)
        journal._db.execute("PRAGMA query_only = 1")
        assert journal.next_epoch(1000) == 5001
        assert journal.next_epoch(7000) == 7000
    assert "the epoch is not noted" in caplog.text


# --- when the disk or a person interferes -----------------------------------------------------------------


def test_what_was_saved_survives_whoever_is_killed(tmp_path: Path) -> None:
    """A copy of the files, as they lie there in the middle of it, is what a crash leaves."""
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")])
        journal._db.execute("BEGIN IMMEDIATE")
        journal._db.execute("DELETE FROM downloads")
        for path in tmp_path.glob(f"{FILE}*"):
            (crashed / path.name).write_bytes(path.read_bytes())
        journal._db.execute("ROLLBACK")
    assert known(crashed) == ["aa"]


@pytest.mark.parametrize("left", [1, 100, 1000])
def test_a_torn_end_takes_the_last_transaction_and_nothing_else(tmp_path: Path, left: int) -> None:
    crashed = tmp_path / "crashed"
    crashed.mkdir()
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")])
        whole = (tmp_path / f"{FILE}-wal").stat().st_size
        save(journal, [entry("bb", 2)])
        (crashed / FILE).write_bytes((tmp_path / FILE).read_bytes())
        log = (tmp_path / f"{FILE}-wal").read_bytes()
        assert len(log) > whole + left
        (crashed / f"{FILE}-wal").write_bytes(log[: whole + left])
    assert known(crashed) == ["aa"]


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000], ids=["text", "torn"]
)
def test_a_file_that_is_no_journal_stops_the_start_and_is_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(OSError, match="the journal cannot be used"):
        Journal(tmp_path)
    assert (tmp_path / FILE).read_bytes() == content


def test_a_page_that_is_damaged_stops_the_start(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry(f"id{n}", n, filename="x" * 900) for n in range(100)])
    raw = bytearray((tmp_path / FILE).read_bytes())
    for start in range(4096, len(raw), 4096):
        raw[start : start + 4096] = b"\xff" * 4096
    (tmp_path / FILE).write_bytes(raw)
    with pytest.raises(OSError, match="the journal cannot be used"), opened(tmp_path) as journal:
        journal.entries()


def test_a_folder_in_its_place_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(OSError, match="the journal cannot be used"):
        Journal(tmp_path)


def test_a_full_disk_at_the_start_is_told_from_a_file_that_is_none_of_ours(tmp_path: Path) -> None:
    with room_for(0), pytest.raises(OSError, match="the journal cannot be used: disk I/O error") as full:
        Journal(tmp_path)
    assert full.value.errno == errno.EIO
    (tmp_path / FILE).write_bytes(b"something else " * 100)
    with pytest.raises(OSError, match="the journal cannot be used: file is not a database") as broken:
        Journal(tmp_path)
    assert broken.value.errno == 0


def test_a_place_that_is_not_there_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Journal(tmp_path / "nowhere")


def test_a_journal_that_may_only_be_read_says_so_and_holds_what_it_had(tmp_path: Path) -> None:
    """Permissions do not hold back root: SQLite itself is told not to write."""
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")])
        journal._db.execute("PRAGMA query_only = 1")
        with pytest.raises(Unwritable, match="readonly"):
            save(journal, [entry("bb")], ["aa"])
        assert [one.id for one in journal.entries()] == ["aa"]
        journal._db.execute("PRAGMA query_only = 0")
        save(journal, [entry("bb")], ["aa"])
    assert known(tmp_path) == ["bb"]


def test_a_disk_that_is_full_takes_no_part_of_a_transaction_and_all_of_the_next(tmp_path: Path) -> None:
    big = [entry(f"big{n}", n, filename="x" * 1000) for n in range(200)]
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")], minutes={60: Figures(completed=1)})
        with room_for((tmp_path / f"{FILE}-wal").stat().st_size + 10_000):
            for _ in range(2):
                with pytest.raises(Unwritable):
                    save(journal, big, ["aa"], {60: None})
                assert [one.id for one in journal.entries()] == ["aa"]
                assert journal.minutes() == {60: Figures(completed=1)}
        save(journal, big, ["aa"], {60: None})
    assert len(known(tmp_path)) == 200


def test_a_transaction_that_fails_half_way_leaves_no_part_of_it(tmp_path: Path) -> None:
    with opened(tmp_path) as journal:
        save(journal, [entry("aa")])
        journal._db.execute("DROP TABLE minutes")
        with pytest.raises(Unwritable, match="no such table"):
            save(journal, [entry("bb")], ["aa"], {60: Figures()})
        assert [one.id for one in journal.entries()] == ["aa"]
        save(journal, [entry("cc")])
    assert known(tmp_path) == ["aa", "cc"]


def test_somebody_else_at_work_in_it_is_no_end(tmp_path: Path) -> None:
    with opened(tmp_path) as journal, closing(sqlite3.connect(tmp_path / FILE)) as other:
        save(journal, [entry("aa")])
        journal._db.execute("PRAGMA busy_timeout = 0")
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unwritable, match="locked"):
            save(journal, [entry("bb")])
        other.rollback()
        save(journal, [entry("bb")])
    assert known(tmp_path) == ["aa", "bb"]
