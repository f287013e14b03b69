"""What is brought to the disk and when: real files and a real journal, and threads on a real asyncio loop."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from pagestatus.clock import Clock
from pagestatus.config import Downloads as Policy
from pagestatus.messages import FetcherState, RangeDone, RangeProgress, RangeTask, Reason
from range_records import BRIDGE, EvenRandom, done, first_byte
from records import NOON
from wsbridge.book import Book
from wsbridge.disk import Disk
from wsbridge.download import Download
from wsbridge.entry import Status, Trouble
from wsbridge.jobs import Choose, Claims, Done, Failed, Find, Job, Make
from wsbridge.journal import FILE, Journal
from wsbridge.keeper import UNWRITTEN, Keeper
from wsbridge.minutes import Figures, Minutes
from wsbridge.orders import Orders
from wsbridge.parts import Folder
from wsbridge.recovery import recovered
from wsbridge.requests import Add

SIZE = 100_000
# Seconds: longer than a test lasts, and hardly any.
NEVER_S, SOON_S = 1000.0, 0.001
# Whoever holds up a thread lets go of it then, also in a test that fails.
GATE_S = 10.0


class House:
    """A keeper with everything that it keeps; its fetcher is the test."""

    def __init__(self, folder: Path) -> None:
        self.orders = Orders(BRIDGE)
        ids = iter(f"id{number}" for number in range(100))
        self.book = Book(Policy(threads=2, bytes=SIZE), self.orders, EvenRandom(), ids.__next__)
        self.minutes = Minutes()
        self.folder = Folder(folder / "downloads")
        self.journal = Journal(folder)
        self.clock = Clock(lambda: NOON * 1000, lambda: 0)
        self.keeper = Keeper(self.book, self.orders, self.minutes, self.folder, self.journal, self.clock)
        self.disk = Disk(self.folder, self._is_wanted)
        self.book.on_state(FetcherState(1, 1, 1, 0, range_slots=9), 0.0)

    def _is_wanted(self, job: Job) -> bool:
        return self.book.downloads[job.id].waits_for(job)

    async def add(self) -> Download:
        """A download whose first range is with a fetcher."""
        download = self.book.add(Add("http://files.example/a"), 1)
        (question,) = self.tasks()
        self.book.on_done(done(question, head=first_byte(2 * SIZE)), 0.0)
        await self.work()
        return download

    async def work(self) -> None:
        """The disk does what there is to do."""
        while self.orders.jobs:
            job = self.orders.jobs.pop(0)
            self.book.on_answer(await self.disk.do(job, partial(self.book.downloads[job.id].on_delay, job)))

    def tasks(self) -> list[RangeTask]:
        self.book.plan(0.0)
        messages, self.orders.messages = self.orders.messages, []
        return [record for _, record in messages if isinstance(record, RangeTask)]

    def bring(self, task: RangeTask, size: int) -> None:
        """Bytes come, and are in the file."""
        with (self.folder.path / task.file).open("r+b") as part:
            part.seek(task.start)
            part.write(b"x" * size)
        self.book.on_progress(RangeProgress(BRIDGE, task.task, task.start + size), 0.0)

    def written(self) -> dict[str, tuple[str, tuple[tuple[int, int], ...]]]:
        """What a successor would find."""
        return {one.id: (one.status, one.done) for one in self.journal.entries()}

    def close(self) -> None:
        self.disk.close()
        self.keeper.close()
        self.folder.close()


def kept(folder: Path, work: Callable[[House], Awaitable[None]]) -> None:
    """Let ``work`` be done in a new house."""

    async def whole() -> None:
        house = House(folder)
        try:
            async with asyncio.timeout(20):
                await work(house)
        finally:
            house.close()

    asyncio.run(whole())


def _is_noted(house: House, pairs: tuple[tuple[int, int], ...]) -> bool:
    return house.written().get("id0") == (Status.DOWNLOADING, pairs)


async def until(holds: Callable[[], bool]) -> None:
    """Return when it does; ``kept`` ends those who wait in vain."""
    while not holds():  # noqa: ASYNC110 - nobody tells what has become of a file
        await asyncio.sleep(SOON_S)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond ``size``."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


class Syncs:
    """Data of part files reaches the disk, or does not, when a test says so."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self._go = threading.Event()
        self._errno = 0

    def end(self, number: int = 0) -> None:
        """From now on syncs end well, or with this error."""
        self._errno = number
        self._go.set()

    def __call__(self, _fd: int) -> None:
        self.begun.set()
        assert self._go.wait(GATE_S)
        if self._errno:
            raise OSError(self._errno, os.strerror(self._errno))


@pytest.fixture
def syncs(monkeypatch: pytest.MonkeyPatch) -> Syncs:
    """A disk that is broken can not be had here: fdatasync(2) is made to say what it says there."""
    made = Syncs()
    monkeypatch.setattr(os, "fdatasync", made)
    return made


async def rounds() -> None:
    """Let everybody have their turns who can go on."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_the_journal_calls_done_what_was_synced_before(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, second = house.tasks()
        house.bring(first, 300)
        house.bring(second, 50)
        await house.keeper._save()
        assert house.written()[download.entry.id] == (Status.DOWNLOADING, ())
        await house.keeper.sync()
        await house.keeper._save()
        assert house.written()[download.entry.id][1] == ((0, 300), (SIZE, SIZE + 50))
        assert house.journal.minutes() == {NOON: Figures(bytes=350)}

    kept(tmp_path, work)


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        await house.keeper._save()
        house.journal._db.execute("DELETE FROM downloads")
        assert await house.keeper._save()
        assert house.written() == {}
        download.pause()
        await house.keeper._save()
        assert house.written() == {"id0": (Status.PAUSED, ())}

    kept(tmp_path, work)


def test_who_waits_is_told_when_it_is_written_and_what_was_removed_is_gone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsbridge.keeper.INTERVAL_S", NEVER_S)

    async def work(house: House) -> None:
        download = await house.add()
        saving = asyncio.create_task(house.keeper.save_for_ever())
        await house.keeper.written()
        assert list(house.written()) == ["id0"]
        download.cancel()
        house.book.remove(download)
        house.keeper.forget("id0")
        await until(lambda: not house.written())
        await house.keeper.written()
        saving.cancel()

    kept(tmp_path, work)


def test_what_leaves_is_in_the_journal_until_its_part_is_gone(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        one = await house.add()
        await house.keeper._save()
        one.cancel()
        house.book.remove(one)
        house.keeper.leave(one.entry)
        with room_for((tmp_path / f"{FILE}-wal").stat().st_size):
            assert not await house.keeper._save()
        assert await house.keeper._save()
        (found,) = house.journal.entries()
        assert (found.status, found.given_up, found.removed) == (Status.CANCELLED, True, True)
        (gone,) = recovered([found], house.folder, Orders(BRIDGE))
        assert (gone.removed, gone.given_up) == (True, False)
        assert list(house.folder.path.iterdir()) == []
        house.keeper.leave(one.entry)
        house.keeper.forget(one.entry.id)
        assert await house.keeper._save()
        assert house.written() == {}

    kept(tmp_path, work)


def test_while_the_journal_can_not_be_written_nobody_is_told_and_nothing_is_lost(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def work(house: House) -> None:
        one = await house.add()
        await house.keeper._save()
        other = house.book.add(Add("http://files.example/b", filename="x" * 1000), 2)
        one.cancel()
        house.book.remove(one)
        house.keeper.forget("id0")
        house.orders.ended.append(Status.FAILED)
        told: list[Trouble] = []
        waiting = asyncio.create_task(house.keeper.written(told.append))
        await asyncio.sleep(0)
        with room_for((tmp_path / f"{FILE}-wal").stat().st_size):
            for _ in range(2):
                assert not await house.keeper._save()
                assert (house.keeper.writable, waiting.done()) == (False, False)
            await house.keeper.finish()
        assert "the next bridge does not know what was done lately" in caplog.text
        assert told == [UNWRITTEN] * 3
        assert caplog.text.count("nothing new is begun") == 1, "said once"
        assert list(house.written()) == ["id0"]
        assert await house.keeper._save()
        await waiting
        assert house.keeper.writable
        assert house.written() == {other.entry.id: (Status.QUEUED, ())}
        assert house.journal.minutes() == {NOON: Figures(failed=1)}
        assert "can be written again" in caplog.text

    kept(tmp_path, work)


def test_once_a_second_what_has_come_is_synced_and_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wsbridge.keeper.INTERVAL_S", SOON_S)

    async def work(house: House) -> None:
        await house.add()
        first, _ = house.tasks()
        keeping = [asyncio.create_task(house.keeper.save_for_ever())]
        keeping.append(asyncio.create_task(house.keeper.sync_for_ever()))
        for size in (300, 400):
            house.bring(first, size)
            await until(partial(_is_noted, house, ((0, size),)))
        for task in keeping:
            task.cancel()

    kept(tmp_path, work)


def test_who_has_stopped_waiting_is_no_trouble(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        waiting = asyncio.create_task(house.keeper.written())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.sleep(0)
        await house.add()
        assert await house.keeper._save()

    kept(tmp_path, work)


def test_a_part_that_can_not_be_synced_ends_its_download(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        house.bring(first, 300)
        part = house.folder.path / "a.part"
        part.rename(house.folder.path / "elsewhere")
        part.write_text("theirs")
        await house.keeper.sync()
        assert download.entry.status is Status.FAILED
        assert download.entry.trouble is not None
        assert download.entry.trouble.code == "disk"
        assert list(house.book.running) == [], "its place is free"
        assert download.entry.done == ()
        assert part.read_text() == "theirs"

    kept(tmp_path, work)


def test_what_was_given_up_does_not_fail_for_its_part(tmp_path: Path, syncs: Syncs) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        house.bring(first, 300)
        syncing = asyncio.create_task(house.keeper.sync())
        await until(syncs.begun.is_set)
        download.cancel()
        house.book.settle(download)
        syncs.end(errno.EIO)
        await syncing
        assert (download.entry.status, download.entry.trouble) == (Status.CANCELLED, None)
        await house.work()
        assert download.entry.name == ""

    kept(tmp_path, work)


@pytest.mark.parametrize(
    ("number", "status", "code"),
    [(errno.EIO, Status.FAILED, "disk"), (errno.ENOSPC, Status.PAUSED, "disk_full")],
)
def test_after_a_sync_that_failed_only_what_was_synced_before_counts(  # noqa: PLR0913, PLR0917 - a table
    tmp_path: Path, syncs: Syncs, caplog: pytest.LogCaptureFixture, number: int, status: Status, code: str
) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, second = house.tasks()
        house.bring(first, 300)
        syncs.end()
        await house.keeper.sync()
        house.bring(first, 400)
        house.bring(second, 100)
        syncs.end(number)
        await house.keeper.sync()
        assert download.entry.trouble is not None
        assert (download.entry.status, download.entry.trouble.code) == (status, code)
        assert (download.completed, download.entry.done) == (300, ((0, 300),))
        assert list(house.book.running) == [], "its place is free"
        assert "download id0" in caplog.text

    kept(tmp_path, work)


def test_a_sync_for_want_of_descriptors_is_done_later(tmp_path: Path, syncs: Syncs) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        house.bring(first, 300)
        syncs.end(errno.EMFILE)
        await house.keeper.sync()
        assert (download.entry.status, download.entry.done) == (Status.DOWNLOADING, ())
        syncs.end()
        await house.keeper.sync()
        assert download.entry.done == ((0, 300),)

    kept(tmp_path, work)


def test_who_wants_quiet_waits_for_what_is_being_synced(tmp_path: Path, syncs: Syncs) -> None:
    """Whoever syncs a file after it is not told of a write that failed: the kernel tells it once."""

    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        await house.keeper.quiet()
        house.bring(first, 300)
        syncing = asyncio.create_task(house.keeper.sync())
        await until(syncs.begun.is_set)
        quiet = asyncio.create_task(house.keeper.quiet())
        await rounds()
        assert not quiet.done()
        syncs.end(errno.EIO)
        await quiet
        assert download.entry.status is Status.FAILED, "it was told before"
        await syncing

    kept(tmp_path, work)


def test_of_two_saves_at_once_each_tells_those_whose_rows_it_wrote(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        await house.add()
        gate = threading.Event()
        house.keeper._thread.submit(gate.wait, GATE_S)
        saving = [asyncio.create_task(house.keeper._save())]
        await rounds()
        # Its row is being written; there is nothing else for the second save.
        waiting = asyncio.create_task(house.keeper.written())
        await rounds()
        saving.append(asyncio.create_task(house.keeper._save()))
        await rounds()
        assert (waiting.done(), house.written()) == (False, {})
        gate.set()
        await waiting
        assert list(house.written()) == ["id0"]
        await asyncio.gather(*saving)

    kept(tmp_path, work)


def test_what_runs_is_paused_before_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("wsbridge.keeper.LOOK_S", SOON_S)
    room = [1 << 40]
    looked: list[None] = []

    def look(_folder: Folder) -> int:
        looked.append(None)
        return room[0]

    monkeypatch.setattr(Folder, "room", look)

    async def work(house: House) -> None:
        running = await house.add()
        first, _ = house.tasks()
        house.bring(first, 300)
        queued = house.book.add(Add("http://files.example/b"), 2)
        looked.clear()
        watching = asyncio.create_task(house.keeper.watch_room_for_ever())
        await until(lambda: len(looked) > 2)
        assert running.entry.status is Status.DOWNLOADING
        monkeypatch.setattr(running.speed, "per_second", lambda _now: 1000)
        room[0] = 999
        await until(lambda: running.entry.status is Status.PAUSED)
        assert running.entry.trouble is not None
        assert (running.entry.trouble.code, running.completed) == ("disk_full", 300)
        assert (list(house.book.running), queued.entry.status) == ([], Status.QUEUED)
        await asyncio.sleep(10 * SOON_S)
        assert caplog.text.count("downloads are paused") == 1
        watching.cancel()

    kept(tmp_path, work)


def test_a_bridge_that_ends_notes_the_last_bytes(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        house.bring(first, 300)
        download.suspend()
        await house.keeper.finish()
        assert house.written() == {"id0": (Status.DOWNLOADING, ((0, 300),))}

    kept(tmp_path, work)


# --- jobs of the disk -------------------------------------------------------------------------------------


def test_a_file_from_its_first_byte_to_its_final_name(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        for task in house.tasks():
            house.bring(task, SIZE)
            house.book.on_done(done(task), 0.0)
        assert download.entry.status is Status.VERIFYING
        await house.work()
        assert (download.entry.status, download.entry.name) == (Status.DOWNLOADED, "a")
        assert download.entry.folder == (tmp_path / "downloads").as_uri()
        assert (house.folder.path / "a").read_bytes() == b"x" * 2 * SIZE

    kept(tmp_path, work)


def test_a_file_that_is_not_what_it_should_be_is_removed(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        for task in house.tasks():
            house.bring(task, SIZE - 1)
            house.book.on_done(done(task), 0.0)
        await house.work()
        assert download.entry.status is Status.FAILED
        assert download.entry.trouble is not None
        assert download.entry.trouble.code == "size"
        assert list(house.folder.path.iterdir()) == []

    kept(tmp_path, work)


def test_what_the_disk_can_not_do_is_an_answer(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        (house.folder.path / "b.part").mkdir()
        answer = await house.disk.do(Make(download.entry.id, 99, "b"))
        assert isinstance(answer, Failed)
        assert answer.trouble.code == "disk"
        # File systems differ in how long a name may be; whoever looks for one is told by an error.
        for job in (Find("id0", 99, "x" * 300, 5, 0), Choose("id0", 99, "x" * 300, 0, Claims())):
            answer = await house.disk.do(job)
            assert isinstance(answer, Failed)
            assert "File name too long" in answer.trouble.message

    kept(tmp_path, work)


def test_without_descriptors_a_job_is_done_later_if_it_is_still_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(house: House) -> None:
        monkeypatch.setattr("wsbridge.disk.AGAIN_S", 0.01)
        download = await house.add()
        wanted = Make("id0", download._part._serial, "b")
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        lowest = os.dup(0)
        os.close(lowest)
        # Its threads are running: they need no descriptor.
        await house.disk.do(Choose("id0", 0, "b", 0, Claims()))
        resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, before[1]))
        try:
            doing = asyncio.create_task(house.disk.do(wanted, partial(download.on_delay, wanted)))
            other = asyncio.create_task(house.disk.do(wanted._replace(serial=0, name="c")))
            refused = await other
            assert not doing.done()
            assert download.entry.trouble is not None
            assert download.entry.trouble.code == "no_fds"
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, before)
        assert isinstance(refused, Failed)
        assert refused.trouble.code == "no_fds"
        answer = await doing
        assert isinstance(answer, Done)
        assert not (house.folder.path / "c.part").exists()
        assert answer.inode == (house.folder.path / "b.part").stat().st_ino

    kept(tmp_path, work)


def test_what_a_fetcher_says_too_late_is_not_kept(tmp_path: Path) -> None:
    async def work(house: House) -> None:
        download = await house.add()
        first, _ = house.tasks()
        download.cancel()
        house.book.settle(download)
        house.book.on_done(RangeDone(BRIDGE, first.task, 1, SIZE, Reason.NONE, 206), 0.0)
        await house.keeper.sync()
        await house.keeper._save()
        assert house.written() == {"id0": (Status.CANCELLED, ())}

    kept(tmp_path, work)
