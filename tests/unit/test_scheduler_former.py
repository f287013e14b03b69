"""Slots that are open when their target leaves the list: the next scheduler settles them as well."""

from __future__ import annotations

import logging
from pathlib import Path
from random import Random

import pytest

from pagestatus.messages import Class, Commit, FetcherState, Missed, Outcome, Reason, Recap
from pagestatus.targets import Target
from scheduler.catalog import Catalog
from scheduler.following import Following
from scheduler.former import Former, left_open
from scheduler.handover import Handover
from scheduler.listed import Listed
from scheduler.planner import Planner, Policy

SECOND = 1_000_000
# Whole minutes, at which all of these targets are due.
START = 1_000_020 * SECOND
MINUTE = 60 * SECOND
POLICY = Policy(SECOND, 4, 0)
EPOCH = 7
STAYS, GOES = 60_000, 120_000


def target_of(id_: int, interval_us: int = MINUTE, name: str = "") -> Target:
    return Target(id_, f"http://host/{id_}", interval_us, name)


def catalog_of(*targets: Target) -> Catalog:
    return Catalog(targets, SECOND, 2)


class Life:
    """One scheduler's, without its process; the file goes from one to the next."""

    def __init__(self, path: Path, *targets: Target) -> None:
        self._listed = Listed(path)
        catalog = catalog_of(*targets)
        self._former = self._listed.restore(catalog)
        self._listed.prepare(catalog)
        self.planner = Planner(catalog, POLICY, START, Random(1))  # noqa: S311 - jitter

    def take_over(self, recap: Recap, now_us: int) -> Handover:
        """Up to the first slots of its own."""
        handover, planner = Handover(recap.epoch, self._former), self.planner
        assert handover.on_recap(recap, planner.catalog, now_us)
        down = handover.down
        assert handover.on_commit(
            Commit(
                0, down.until_us, 0, Outcome.MISSED, Reason.DOWN, Class.NONE, final=True, count=down.slots
            ),
            planner,
            now_us,
        )
        planner.catalog.list_since(planner.catalog.fresh(), planner.swept_us)
        self._listed.take_effect(planner.swept_us, handover.left)
        planner.on_aggregator(now_us)
        planner.pump(now_us)
        return handover

    def lease(self, now_us: int) -> None:
        """There is a fetcher, and it gets all that is due."""
        self.planner.on_state(FetcherState(9, 1, slots=10, in_flight=0), now_us)
        self.planner.tick(now_us)

    def reload(self, *targets: Target) -> None:
        following = Following(catalog_of(*targets), self.planner.catalog)
        assert following.differs
        self._listed.prepare(following.catalog)
        self.planner.reload(following)
        self._listed.take_effect(self.planner.swept_us, left_open(self.planner))


def history(since_us: int, *slots: tuple[int, int, int, bool]) -> Recap:
    """What the aggregator knows: (target, due, attempts, settled)."""
    return Recap(EPOCH, min(START, since_us), since_us, slots)


def told(life: Life) -> set[tuple[int, int, int, Reason, str, str]]:
    return {
        (record.target, record.due_us, record.count, record.reason, record.url, record.name)
        for record in life.planner.missed
    }


def began(path: Path, *targets: Target) -> Life:
    """A scheduler, the first, with a slot of each target at a fetcher."""
    life = Life(path, *targets)
    life.take_over(Recap(EPOCH, 0, 0), START - 1)
    life.lease(START)
    assert len(life.planner.slots) == len(targets)
    return life


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "listed.bin"


def test_a_slot_that_was_open_when_its_target_was_removed_is_missed(path: Path) -> None:
    first = began(path, target_of(STAYS), target_of(GOES, name="goes"))
    first.reload(target_of(STAYS))
    # One attempt is on the disk of both.
    recap = history(START, (STAYS, START, 1, False), (GOES, START, 1, False))
    second = Life(path, target_of(STAYS))
    second.take_over(recap, START + SECOND)
    assert told(second) == {(GOES, START, 1, Reason.REMOVED, f"http://host/{GOES}", "goes")}
    assert set(second.planner.slots) == {STAYS}
    assert second.planner.accounts.in_flight == 2
    # Nor is it lost when that one dies before it is committed.
    third = Life(path, target_of(STAYS))
    third.take_over(recap, START + 2 * SECOND)
    assert told(third) == told(second)


def test_so_is_what_was_missed_and_not_committed_yet(path: Path) -> None:
    first = began(path, target_of(GOES))
    first.planner.tick(START + MINUTE)
    first.reload(target_of(STAYS))
    second = Life(path, target_of(STAYS))
    second.take_over(history(START + MINUTE + SECOND), START + MINUTE + 2 * SECOND)
    assert {(due, reason) for _, due, _, reason, _, _ in told(second)} == {
        (START, Reason.REMOVED),
        (START + MINUTE, Reason.OVERRUN),
    }


def test_what_was_settled_is_not_told_again(path: Path) -> None:
    began(path, target_of(GOES)).reload(target_of(STAYS))
    second = Life(path, target_of(STAYS))
    second.take_over(history(START, (GOES, START, 1, True)), START + SECOND)
    assert told(second) == set()
    assert second.planner.accounts.due == 0


def test_after_the_last_word_in_the_log_it_counts_as_down(path: Path) -> None:
    began(path, target_of(GOES)).reload(target_of(STAYS, name="stays"))
    second = Life(path, target_of(STAYS, name="stays"))
    handover = second.take_over(history(START - SECOND), START + SECOND)
    assert (handover.down.slots, told(second)) == (1, set())


def test_who_has_another_interval_has_lost_a_lease(path: Path) -> None:
    began(path, target_of(GOES)).reload(target_of(GOES, 2 * MINUTE))
    second = Life(path, target_of(GOES, 2 * MINUTE))
    second.take_over(history(START), START + SECOND)
    assert told(second) == {(GOES, START, 1, Reason.LEASE, f"http://host/{GOES}", "")}


@pytest.mark.parametrize("others", [0, 10_000, 25_000])
def test_a_list_that_changed_while_nobody_ran_tells_of_whom_it_had(path: Path, others: int) -> None:
    """Wherever in a file of many they stand."""
    # Those with a shorter interval stand before.
    crowd = [target_of(id_ * SECOND, SECOND) for id_ in range(1, others + 1)]
    first = Life(path, target_of(STAYS), target_of(GOES, name="goes"), *crowd)
    first.take_over(Recap(EPOCH, 0, 0), START - 1)
    catalog = catalog_of(target_of(STAYS))
    former = Listed(path).restore(catalog)
    found = former.open(
        START, START + MINUTE, lambda target, due_us: (target, due_us) == (GOES, START), catalog
    )
    assert list(found) == [
        Missed(GOES, START, 1, MINUTE, Reason.REMOVED, f"http://host/{GOES}", "goes"),
    ]


def test_what_the_list_in_force_tells_of_is_not_told_twice() -> None:
    """Who went and came back, and was missed in a row."""
    catalog = catalog_of(target_of(GOES))
    catalog.list_since([0], START)
    record = Missed(GOES, START, 2, MINUTE, Reason.LATE, "http://host/", "")
    found = Former([record]).open(START, START + MINUTE, lambda _target, _due_us: True, catalog)
    assert [(missed.due_us, missed.count) for missed in found] == [(START, 1)]


def test_of_those_nothing_is_known_that_fell_due_before_they_were_listed(path: Path) -> None:
    first = began(path, target_of(STAYS))
    first.reload(target_of(STAYS), target_of(GOES))
    second = Life(path, target_of(STAYS))
    second.take_over(history(START, (STAYS, START, 1, False)), START + SECOND)
    assert told(second) == set()


def test_another_url_of_the_same_target_is_known(path: Path) -> None:
    named = Target(GOES, "http://host/secret", MINUTE, "goes")
    first = began(path, named)
    first.reload(target_of(GOES, name="goes"))
    assert b"secret" not in path.read_bytes()
    # And so it is where that happens while nobody runs.
    Life(path, Target(GOES, "http://host/other", MINUTE, "goes")).take_over(history(START), START + SECOND)
    assert b"other" in path.read_bytes()


def test_slots_that_the_list_in_force_tells_of_are_not_counted_twice() -> None:
    catalog = catalog_of(target_of(GOES))
    catalog.list_since([0], START)
    record = Missed(GOES, START, 2, MINUTE, Reason.LATE, "http://host/", "")
    assert Former([record]).counted(0, START + MINUTE, catalog) == 1


def test_whose_url_can_not_be_read_is_gone_in_one_line(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    began(path, target_of(GOES))
    second = Life(path, target_of(STAYS))
    content = path.read_bytes()
    at = content.index(b"http://host")
    path.write_bytes(content[: at - 1] + b"\xc1" + content[at:])
    with caplog.at_level(logging.WARNING):
        second.take_over(history(START), START + SECOND)
    assert [f"{path}: " in record.message for record in caplog.records] == [True]
    assert told(second) == set()
