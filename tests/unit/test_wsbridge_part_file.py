"""A download and its part file: what the disk can not do, and what the journal is told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from pagestatus.messages import RangeTask, Reason
from range_records import (
    ETAG,
    LENGTH,
    MIB,
    Stand,
    answered,
    at_choosing,
    at_making,
    at_publishing,
    at_verifying,
    done,
    fetching,
    first_byte,
    trouble_code,
)
from wsbridge.course import Content, Written
from wsbridge.digests import Digest
from wsbridge.entry import Status, Trouble
from wsbridge.jobs import Choose, Discard, Done, Find, Make, Publish, Verify


def sync(stand: Stand) -> None:
    """What was written is on the disk."""
    written = stand.download.unsynced()
    assert written is not None
    stand.download.on_synced(written)


# --- the disk ---------------------------------------------------------------------------------------------


At = Callable[[], Stand]
STEPS: dict[type, At] = {Choose: at_choosing, Make: at_making, Verify: at_verifying, Publish: at_publishing}


@pytest.mark.parametrize("kind", STEPS)
def test_a_disk_that_is_full_pauses_at_any_step_and_goes_on_from_there(kind: type) -> None:
    stand = STEPS[kind]()
    job = stand.job()
    assert isinstance(job, kind)
    stand.fail(job, "disk_full")
    assert (stand.entry.status, trouble_code(stand)) == (Status.PAUSED, "disk_full")
    assert stand.jobs() == [], "what is there stays"
    assert stand.download.resume()
    stand.download.start()
    if (question := stand.give()) is not None:
        stand.end(question, head=first_byte(10))
        stand.work()
    stand.finish()
    stand.work()
    assert stand.entry.status is Status.DOWNLOADED


@pytest.mark.parametrize("kind", STEPS)
def test_a_disk_that_is_broken_ends_it_and_it_can_be_tried_again(kind: type) -> None:
    stand = STEPS[kind]()
    stand.fail(stand.job())
    assert (stand.entry.status, trouble_code(stand), stand.orders.ended) == (
        Status.FAILED,
        "disk",
        [Status.FAILED],
    )
    assert stand.download.retry()
    stand.download.start()
    if (question := stand.give()) is not None:
        stand.end(question, head=first_byte(10))
    stand.work()
    stand.finish()
    assert stand.entry.status is Status.DOWNLOADED


def test_a_disk_that_fills_up_under_a_range_pauses_it_and_keeps_the_part() -> None:
    stand = fetching()
    first, second, *_ = stand.give_all()
    stand.come(first, 70)
    stand.end(second, Reason.DISK_FULL, position=second.start + 30)
    assert (stand.entry.status, trouble_code(stand), stand.download.completed) == (
        Status.PAUSED,
        "disk_full",
        100,
    )
    assert not stand.download.in_flight
    assert stand.jobs() == []
    assert stand.orders.ended == [], "it has not failed"


@pytest.mark.parametrize("trouble", ["digest", "size"])
def test_a_file_that_is_not_what_it_should_be_is_not_kept(trouble: str) -> None:
    stand = at_verifying()
    verify = stand.job()
    stand.fail(verify, trouble)
    discard = stand.job()
    assert isinstance(discard, Discard)
    assert discard.name == stand.entry.name == "file.bin", "it is ours until it is gone"
    stand.fail(discard)
    assert stand.entry.name == "file.bin", "it could not be removed, which hinders nobody"
    stand.answer(Done(discard))
    assert (stand.entry.status, trouble_code(stand)) == (Status.FAILED, trouble)
    assert (stand.download.completed, stand.entry.name, stand.entry.inode) == (0, "", 0)
    assert stand.orders.bytes == 0
    stand.download.retry()
    stand.download.start()
    stand.asked(10)
    assert stand.give_one().start == 0


def test_the_file_is_held_against_what_was_asked_for_and_what_the_server_says() -> None:
    stand = Stand(sha256="a" * 64)
    digest = "sha-256=:" + "A" * 43 + "=:"
    stand.asked(10, repr_digest=digest)
    stand.end(stand.give_one())
    verify = stand.job()
    assert isinstance(verify, Verify)
    assert verify.digests == (Digest("sha256", "a" * 64), Digest("sha256", "0" * 64))


def test_a_part_that_somebody_has_taken_away_is_begun_anew_and_no_byte_of_it_counts() -> None:
    """Also bytes that the journal does not know of yet."""
    stand = fetching()
    first, *_ = stand.give_all()
    stand.end(first)
    sync(stand)
    stand.download.pause()
    stand.download.resume()
    stand.download.start()
    stand.end(stand.give_one(), head=first_byte(LENGTH))
    find = stand.job()
    assert find == Find("3f9c", find.serial, "file.bin", stand.entry.inode, MIB)
    stand.answer(Done(find, inode=0))
    assert stand.work() == [Make]
    assert (stand.download.completed, stand.entry.done) == (0, ())
    assert [task.start for task in stand.give_all()] == [0, MIB, 2 * MIB, 3 * MIB]


def test_a_download_that_is_all_there_is_verified_without_a_question() -> None:
    stand = Stand(total=10, inode=5, name="file.bin", done=((0, 10),), ranges=True)
    assert (stand.give(), stand.entry.status) == (None, Status.VERIFYING)
    assert stand.work() == [Find, Verify, Publish]
    assert stand.orders.bytes == 0, "they were counted before"


def test_nothing_is_asked_while_the_disk_looks_for_the_part() -> None:
    stand = Stand(total=LENGTH, inode=5, name="a", done=((MIB, 3 * MIB),), ranges=True)
    assert stand.download.completed == 2 * MIB
    stand.end(stand.give_one(), head=first_byte(LENGTH))
    assert stand.give() is None
    assert stand.work() == [Find]


def test_after_a_start_what_is_synced_is_not_fetched_again() -> None:
    stand = Stand(total=LENGTH, inode=5, name="a", done=((0, 3 * MIB),), ranges=True, etag=ETAG)
    assert stand.download.completed == 3 * MIB
    stand.asked()
    assert [task.start for task in stand.give_all()] == [k * MIB for k in range(3, 7)]


# --- the journal ------------------------------------------------------------------------------------------


def test_bytes_are_synced_before_they_are_noted() -> None:
    stand = fetching()
    first, *_ = stand.give_all()
    assert stand.download.unsynced() is None, "there are none"
    stand.come(first, 70)
    written = stand.download.unsynced()
    assert written == Written(stand.entry.inode, 0, ((0, 70),))
    stand.come(first, 90)
    stand.download.unsaved = False
    stand.download.on_synced(written)
    assert (stand.entry.done, stand.orders.bytes, stand.download.unsaved) == (written.pairs, 70, True)
    sync(stand)
    assert (stand.orders.bytes, stand.download.unsynced()) == (90, None)


def test_what_was_synced_of_another_part_is_not_noted() -> None:
    stand = fetching()
    stand.come(stand.give_one(), 70)
    stand.download.on_synced(Written(stand.entry.inode + 1, 0, ((0, 70),)))
    assert stand.entry.done == ()


def test_what_was_synced_and_is_not_there_any_more_is_not_noted() -> None:
    """A part before this one had the same inode, or the bytes are distrusted by now."""
    stand = fetching()
    task = stand.give_one()
    stand.come(task, 70)
    written = stand.download.unsynced()
    assert written is not None
    stand.end(task, Reason.LONG)
    stand.come(stand.give_one(), MIB + 5)
    stand.download.on_synced(written)
    assert stand.entry.done == ()


def test_what_was_distrusted_while_it_was_synced_is_not_noted_though_it_has_come_again() -> None:
    """The bytes that came again are written over those that were synced, and are on no disk."""
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    written = stand.download.unsynced()
    assert written is not None
    stand.end(task, Reason.LONG)
    stand.now += 1
    stand.come(stand.give_one(), 70)
    stand.download.on_synced(written)
    assert (stand.entry.done, stand.orders.bytes) == ((), 0)
    sync(stand)
    assert stand.download.unsynced() is None, "now they are noted"


def goes_on_at(stand: Stand) -> int:
    """Where a download that has stopped goes on when it may."""
    assert stand.download.resume() or stand.download.retry()
    stand.download.start()
    stand.asked(MIB)
    return stand.give_one().start


@pytest.mark.parametrize(("code", "status"), [("disk", Status.FAILED), ("disk_full", Status.PAUSED)])
def test_what_can_not_be_synced_is_fetched_again(code: str, status: Status) -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    sync(stand)
    stand.come(task, 90)
    written = stand.download.unsynced()
    assert written is not None
    stand.come(task, 95)
    stand.cuts()
    stand.download.on_sync_failed(written, Trouble(code, "x"))
    assert (stand.entry.status, trouble_code(stand), stand.cuts()) == (status, code, [(task.task, 0)])
    assert (stand.download.completed, stand.entry.done) == (70, ((0, 70),))
    assert goes_on_at(stand) == 70


@pytest.mark.parametrize(("code", "status"), [("disk", Status.FAILED), ("disk_full", Status.PAUSED)])
def test_what_can_not_be_synced_at_the_end_is_fetched_again(code: str, status: Status) -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    sync(stand)
    stand.end(task)
    stand.fail(stand.job(), code)
    assert (stand.entry.status, stand.download.completed, stand.entry.done) == (status, 70, ((0, 70),))
    assert stand.download.unsynced() is None, "a sync that goes well now says nothing of it"
    assert goes_on_at(stand) == 70


def test_a_sync_that_lasts_beyond_the_last_byte_is_noted() -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    written = stand.download.unsynced()
    assert written is not None
    stand.end(task)
    assert stand.entry.status is Status.VERIFYING
    stand.download.on_synced(written)
    stand.download.suspend()
    assert stand.entry.done == ((0, 70),)


def test_who_comes_late_with_nothing_does_not_concern_a_file_that_is_there() -> None:
    """It had been cut short before it began, and found no part file any more."""
    stand = fetching(total=MIB)
    task = stand.give_one()
    content = stand.download.content
    stand.end(task)
    stand.answer(answered(stand.job()))
    publish = stand.job()
    gone = done(task, Reason.DISK, position=0)
    for _ in range(2):
        stand.download.on_late(gone, task.start, task.stop, content)
        assert (stand.download.unsynced(), stand.entry.done) == (None, ((0, MIB),))
        stand.answer(answered(publish))
        assert stand.entry.status is Status.DOWNLOADED


def test_bytes_that_are_wrong_are_not_called_done_though_a_sync_fails_before_the_next_is_noted() -> None:
    stand = fetching(total=2 * MIB)
    first, second = stand.give_all()
    stand.come(first, 70)
    stand.come(second, MIB + 50)
    sync(stand)
    stand.end(first, Reason.LONG)
    assert stand.entry.done == ((MIB, MIB + 50),)


def test_a_bridge_that_ends_while_it_verifies_notes_nothing_more() -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    sync(stand)
    stand.end(task)
    stand.download.suspend()
    assert (stand.download.unsynced(), stand.entry.done) == (None, ((0, 70),))


@pytest.mark.parametrize("code", [Reason.DISK, Reason.DISK_FULL])
def test_what_a_file_system_loses_after_it_was_told_is_taken_back(code: Reason) -> None:
    stand = fetching(total=2 * MIB)
    first, second = stand.give_all()
    stand.come(first, 70)
    stand.come(second, MIB + 50)
    sync(stand)
    stand.end(second, code, position=MIB)
    assert (stand.entry.status, stand.download.completed) == (
        Status.PAUSED if code is Reason.DISK_FULL else Status.FAILED, 70,
    )  # fmt: skip
    late(stand, first, code, position=0)
    assert stand.download.completed == 0
    assert stand.entry.done == ()


def test_what_was_written_before_the_end_of_the_room_is_kept() -> None:
    stand = fetching(total=MIB)
    stand.end(stand.give_one(), Reason.DISK_FULL, position=70)
    assert (stand.entry.status, stand.download.completed) == (Status.PAUSED, 70)


def test_what_a_dropped_task_wrote_before_a_sync_failed_is_nothing() -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    before = stand.download.content
    written = stand.download.unsynced()
    assert written is not None
    stand.download.on_sync_failed(written, Trouble("disk_full", "x"))
    stand.download.resume()
    stand.download.start()
    stand.asked(MIB)
    assert (before.inode, stand.download.content.inode) == (task.inode, task.inode)
    stand.download.on_late(done(task, position=70), task.start, task.stop, before)
    assert stand.download.completed == 0


def test_a_part_that_is_gone_or_given_up_need_not_be_synced() -> None:
    ends: list[Callable[[Stand], object]] = [
        lambda stand: stand.finish([task]),
        lambda stand: stand.download.cancel(),
    ]
    for end in ends:
        stand = fetching(total=MIB)
        task = stand.give_one()
        stand.come(task, 70)
        written = stand.download.unsynced()
        assert written is not None
        end(stand)
        status = stand.entry.status
        stand.download.on_sync_failed(written, Trouble("disk", "x"))
        assert (stand.entry.status, stand.entry.trouble) == (status, None)
    stand = fetching(total=MIB)
    stand.come(stand.give_one(), 70)
    stand.download.on_sync_failed(Written(stand.entry.inode + 1, 0, ((0, 70),)), Trouble("disk", "x"))
    assert (stand.entry.status, stand.download.completed) == (Status.DOWNLOADING, 70)


# --- who comes too late -----------------------------------------------------------------------------------


def late(stand: Stand, task: RangeTask, reason: Reason = Reason.NONE, inode: int = 0, **more: int) -> None:
    """The fetcher of a task that was dropped speaks, as ``Book`` passes it on."""
    content = Content(inode or task.inode, 0)
    stand.download.on_late(done(task, reason, **more), task.start, task.stop, content)


def test_the_last_bytes_that_a_dropped_task_had_written_complete_the_file() -> None:
    stand = fetching(total=MIB)
    first = stand.give_one()
    stand.download.pause()
    stand.download.resume()
    stand.download.start()
    stand.asked(MIB)
    second = stand.give_one()
    stand.cuts()
    late(stand, first)
    assert (stand.entry.status, stand.cuts()) == (Status.VERIFYING, [(second.task, 0)])
    assert stand.work() == [Verify, Publish]


def test_the_last_bytes_of_what_is_paused_wait_until_it_goes_on() -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.download.pause()
    late(stand, task)
    assert (stand.entry.status, stand.download.completed, stand.jobs()) == (Status.PAUSED, MIB, [])
    stand.download.resume()
    stand.download.start()
    assert stand.work() == [Find, Verify, Publish]


def test_what_is_looked_at_is_looked_at_again_when_its_server_has_lied() -> None:
    stand = fetching(total=2 * MIB)
    first, second = stand.give_all()
    stand.come(second, MIB + 500)
    sync(stand)
    stand.come(first, MIB)
    stand.end(second)
    verify = stand.job()
    assert isinstance(verify, Verify)
    late(stand, first, Reason.LONG)
    # Nobody will hear whether its sync failed: what was not synced before is fetched again as well.
    assert (stand.entry.status, stand.download.completed) == (Status.DOWNLOADING, 500)
    stand.answer(answered(verify))
    assert stand.jobs() == [], "what it has found out is of no use any more"
    again, rest = stand.give_all()
    assert (again.start, rest.start) == (0, MIB + 500)
    stand.end(again)
    stand.end(rest)
    assert stand.work() == [Verify, Publish]


def test_a_dropped_task_whose_server_lied_takes_its_bytes_back() -> None:
    stand = fetching(total=2 * MIB)
    first, second = stand.give_all()
    stand.come(first, 70)
    stand.come(second, MIB + 50)
    stand.download.pause()
    written = stand.download.unsynced()
    assert written is not None
    late(stand, first, Reason.LONG)
    assert stand.download.completed == 50
    stand.download.on_synced(written)
    assert not stand.entry.done, "nor are they noted"
    sync(stand)
    assert stand.entry.done == ((MIB, MIB + 50),)


def test_what_a_dropped_task_wrote_into_another_part_is_nothing() -> None:
    stand = fetching(total=MIB)
    task = stand.give_one()
    stand.come(task, 70)
    stand.download.pause()
    for reason in (Reason.NONE, Reason.LONG):
        late(stand, task, reason, inode=task.inode + 1)
        assert stand.download.completed == 70
    stand.download.on_late(done(task), 0, MIB, Content(0, 0))
    stand.download.cancel()
    late(stand, task)
    assert stand.download.completed == 0
