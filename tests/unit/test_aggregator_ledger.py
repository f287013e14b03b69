"""What the ledger takes, what it calls a duplicate, and what it answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aggregator.failures import Failures
from aggregator.ledger import SLOTS_A_RECAP, SLOTS_A_ROUND, Ledger
from aggregator.lines import NotALine, parse
from aggregator.modes import keeps_of
from aggregator.plausible import AHEAD_US, MOST_MISSED
from pagestatus.identity import id_word
from pagestatus.messages import Class, Commit, Down, Leave, Message, Outcome, Reason, Recap, Started
from pagestatus.targets import id_of_name
from records import MINUTE, NOON, SECOND, missed, result, sweep, timeout

LATER = NOON + 10 * MINUTE


class Desk:
    """A ledger whose batches always reach the disk."""

    def __init__(self, mode: str = "all") -> None:
        self.ledger = Ledger(Failures(), keeps_of(mode))
        self.raw: list[bytes] = []

    def take(self, *records: Message, now_us: int = LATER) -> list[Commit]:
        """The commits of these records."""
        self.ledger.take(records, now_us)
        batch = self.ledger.collect()
        self.raw += batch.lines
        return batch.commits

    @property
    def lines(self) -> list[dict[str, Any]]:
        """The log."""
        return [json.loads(line) for line in self.raw]

    def recap(self, epoch: int, now_us: int = LATER) -> list[Recap]:
        """The answer to a scheduler that starts."""
        self.take(Started(epoch), now_us=now_us)
        return list(self.ledger.recap())

    def reborn(self, watermark_us: int = 0) -> Desk:
        """Another ledger, which reads this one's log."""
        desk = Desk()
        desk.ledger.restore_closed(watermark_us)
        for raw in self.raw:
            desk.ledger.restore(parse(raw), raw, id_of_name)
        desk.raw = list(self.raw)
        return desk


def seen(commit: Commit) -> tuple[Outcome, Reason, bool]:
    return commit.outcome, commit.reason, commit.final


OK = (Outcome.OK, Reason.NONE, True)
TRIED = (Outcome.FAIL, Reason.TIMEOUT, False)
OVERRUN = (Outcome.MISSED, Reason.OVERRUN, True)
LATE = (Outcome.MISSED, Reason.LATE, True)
DOWN = (Outcome.MISSED, Reason.DOWN, True)


def test_a_result_becomes_a_line_and_a_commit() -> None:
    desk = Desk()
    (commit,) = desk.take(result(target=9, status=503, retry_after_s=60, first_started_us=NOON + 7))
    assert commit == Commit(
        9,
        NOON,
        1,
        Outcome.FAIL,
        Reason.HTTP_STATUS,
        Class.TRANSIENT,
        final=True,
        first_started_us=NOON + 7,
        ended_us=NOON + 21_000,
        retry_after_us=NOON + 21_000 + 60 * SECOND,
        count=1,
        status=503,
    )
    assert [line["final"] for line in desk.lines] == [True]


@pytest.mark.parametrize(
    ("records", "answers", "lines"),
    [
        ("a good attempt twice", [OK, OK], 1),
        ("a transient failure twice", [TRIED, TRIED], 1),
        ("two attempts in order", [TRIED, OK], 2),
        ("two attempts, the final one first", [OK, OK], 1),
        ("another answer for an attempt that is settled", [OK, OK], 1),
        ("another answer for an attempt that is not", [TRIED, TRIED], 1),
        ("missed after it was settled", [OK, OK], 1),
        ("settled after it was missed", [OVERRUN, OVERRUN], 1),
        ("missed after an attempt", [TRIED, OVERRUN], 2),
        ("missed twice, with two reasons", [OVERRUN, OVERRUN], 1),
        ("two targets at one moment", [OK, OK], 2),
        ("one target at two moments", [OK, OK], 2),
    ],
)
def test_a_slot_is_settled_once_and_duplicates_hear_what_the_log_says(
    records: str, answers: list[tuple[Outcome, Reason, bool]], lines: int
) -> None:
    sent: dict[str, list[Message]] = {
        "a good attempt twice": [result(), result()],
        "a transient failure twice": [timeout(), timeout()],
        "two attempts in order": [timeout(), result(attempt=2)],
        "two attempts, the final one first": [result(attempt=2), timeout()],
        "another answer for an attempt that is settled": [result(), result(status=404)],
        "another answer for an attempt that is not": [timeout(), result()],
        "missed after it was settled": [result(), missed()],
        "settled after it was missed": [missed(), result()],
        "missed after an attempt": [timeout(), missed()],
        "missed twice, with two reasons": [missed(), missed(reason=Reason.LEASE)],
        "two targets at one moment": [result(1), result(2)],
        "one target at two moments": [result(1), result(1, NOON + SECOND)],
    }
    desk = Desk()
    assert [seen(commit) for commit in desk.take(*sent[records])] == answers
    assert len(desk.lines) == lines
    # And with a restart before each of them.
    commits, desk = [], Desk()
    for record in sent[records]:
        desk = desk.reborn()
        commits += desk.take(record)
    assert [seen(commit) for commit in commits] == answers
    assert len(desk.lines) == lines


def test_a_run_of_missed_slots_is_a_line_each_and_one_commit() -> None:
    desk = Desk()
    desk.take(result(due_us=NOON + SECOND))
    (commit,) = desk.take(missed(count=4))
    assert (commit.due_us, commit.count, commit.attempt, seen(commit)) == (NOON, 4, 0, OVERRUN)
    assert [line["due"][17:19] for line in desk.lines] == ["01", "00", "02", "03"]


def test_what_is_too_much_at_once_is_left_for_the_next_round() -> None:
    ledger, half = Ledger(Failures()), SLOTS_A_ROUND // 2
    records: list[Message] = [*(missed(target, count=half, interval_us=1) for target in (1, 2, 3)), result(4)]
    rest = ledger.take(records, LATER)
    assert rest == records[2:]
    assert len(ledger.collect().lines) == SLOTS_A_ROUND
    assert ledger.take(rest, LATER) == []
    assert len(ledger.collect().lines) == half + 1


def test_what_the_log_tells_was_however_far_back_the_clock_is_set() -> None:
    before = Desk()
    before.take(result(due_us=LATER))
    reborn, days_ago_us = before.reborn(), LATER - 10 * AHEAD_US
    (commit,) = reborn.take(result(due_us=LATER + SECOND), now_us=days_ago_us)
    assert seen(commit) == OK
    assert reborn.take(result(due_us=LATER + 2 * AHEAD_US), now_us=days_ago_us) == []
    assert reborn.ledger.counts["bad"] == 1


def test_a_scheduler_that_is_far_ahead_takes_nobody_with_it() -> None:
    desk = Desk()
    for second in range(3):
        desk.take(sweep(LATER + 100 * AHEAD_US), now_us=LATER + second * SECOND)
    assert desk.take(result(due_us=LATER + AHEAD_US + MINUTE), now_us=LATER) == []
    assert desk.ledger.counts["bad"] == 1


def test_a_scheduler_that_goes_on_by_the_time_of_before_is_believed_for_as_long_as_it_lives() -> None:
    before = Desk()
    before.take(result(due_us=LATER))
    reborn = before.reborn()
    for hours in range(0, 72, 12):
        passed_us = hours * 60 * MINUTE
        now_us = LATER - 10 * AHEAD_US + passed_us
        (commit,) = reborn.take(result(due_us=LATER + SECOND + passed_us), now_us=now_us)
        assert seen(commit) == OK
        reborn.take(sweep(LATER + SECOND + passed_us), now_us=now_us)


@pytest.mark.parametrize(
    "record",
    [
        result(due_us=0),
        result(due_us=-1),
        result(due_us=LATER + AHEAD_US + 1),
        result(started_us=1 << 63),
        result(first_started_us=-1),
        result(duration_us=-1),
        result(attempt=0),
        result(attempt=1 << 40),
        result(status=5000),
        result(target=-1),
        missed(count=0),
        missed(count=MOST_MISSED + 1),
        missed(count=2, interval_us=-1),
        missed(count=MOST_MISSED, interval_us=1 << 62),
        missed(due_us=-5),
        missed(reason=Reason.TIMEOUT),
        Down(1, NOON, NOON, 1),
        Down(1, NOON, NOON + 1, -1),
        Down(1, NOON, 1 << 62, 1),
        Leave(1),
    ],
)
def test_records_that_can_not_be_are_counted_and_dropped(record: Message) -> None:
    desk = Desk()
    assert desk.take(record) == []
    assert desk.lines == []
    assert desk.ledger.counts["bad"] == 1


def test_a_minute_closes_with_the_sweep_and_what_comes_after_is_late() -> None:
    desk = Desk()
    desk.take(result(), timeout(2), missed(3), sweep(NOON + MINUTE, NOON + MINUTE - 1, in_flight=3))
    assert desk.ledger.close_minutes() == []
    desk.take(result(2, attempt=2), sweep(NOON + 2 * MINUTE, NOON + MINUTE))
    (figures,) = desk.ledger.close_minutes()
    assert (figures["due"], figures["ok"], figures["missed"]) == (3, 2, {"overrun": 1})
    assert [seen(commit) for commit in desk.take(result(), missed(), result(4))] == [LATE, OVERRUN, LATE]
    assert len(desk.lines) == 4
    assert desk.ledger.counts["late"] == 3


def test_in_flight_is_that_of_the_last_sweep_in_the_minute() -> None:
    desk = Desk()
    for second, in_flight in ((0, 5), (59, 6), (60, 7)):
        desk.take(sweep(NOON + second * SECOND, NOON, in_flight=in_flight))
    desk.take(sweep(NOON + 3 * MINUTE))
    assert [figures["in_flight"] for figures in desk.ledger.close_minutes()] == [6, 7, 0]


def test_lines_that_a_mode_leaves_out_are_counted_and_committed() -> None:
    desk = Desk("failures")
    assert [seen(commit) for commit in desk.take(result(), result(), timeout(2))] == [OK, OK, TRIED]
    assert [line["outcome"] for line in desk.lines] == ["fail"]
    desk.take(sweep(NOON + MINUTE))
    assert desk.ledger.close_minutes()[0]["ok"] == 1


def test_without_history_a_scheduler_hears_so() -> None:
    assert Desk().recap(5) == [Recap(5, settled_us=0, since_us=0)]


def test_a_recap_tells_every_open_slot() -> None:
    desk = Desk()
    desk.take(result(1), timeout(2, NOON + 1), timeout(2, NOON + 1, 2), timeout(3), missed(3))
    (recap,) = desk.recap(5)
    assert (recap.settled_us, recap.since_us, recap.last) == (NOON, NOON + 1, True)
    assert sorted(recap.slots) == [(1, NOON, 1, True), (2, NOON + 1, 2, False), (3, NOON, 1, True)]
    assert sorted(desk.reborn().recap(6)[0].slots) == sorted(recap.slots)


def test_a_recap_leaves_out_what_is_settled_for_all() -> None:
    desk = Desk()
    desk.take(result(1), result(2, NOON + SECOND), sweep(NOON + 5 * SECOND, NOON + SECOND))
    (recap,) = desk.recap(5)
    assert (recap.settled_us, recap.since_us) == (NOON + SECOND, NOON + 5 * SECOND)
    assert recap.slots == ((2, NOON + SECOND, 1, True),)


def test_a_long_recap_comes_in_parts() -> None:
    desk = Desk()
    desk.take(*(result(target) for target in range(2 * SLOTS_A_RECAP + 1)))
    parts = desk.recap(5)
    assert [(len(part.slots), part.last) for part in parts] == [
        (SLOTS_A_RECAP, False),
        (SLOTS_A_RECAP, False),
        (1, True),
    ]
    assert len({slot for part in parts for slot in part.slots}) == 2 * SLOTS_A_RECAP + 1


def test_everything_before_a_closed_minute_is_known_even_if_the_log_is_gone() -> None:
    desk = Desk()
    desk.ledger.restore_closed(NOON)
    (recap,) = desk.recap(5)
    assert (recap.settled_us, recap.since_us) == (NOON, NOON - 1)


def test_between_recap_and_down_nothing_newer_is_taken() -> None:
    desk = Desk()
    desk.take(result(1), sweep(NOON + SECOND, NOON))
    (recap,) = desk.recap(5)
    assert recap.since_us == NOON + SECOND
    old: list[Message] = [result(2, NOON + SECOND), result(3, NOON + SECOND + 1), missed(4, NOON, count=3)]
    assert [commit.target for commit in desk.take(*old)] == [2]
    assert len(desk.lines) == 4
    assert desk.recap(5)[0].since_us == NOON + SECOND
    (commit,) = desk.take(Down(5, NOON + SECOND, NOON + 9 * SECOND, 40))
    assert (commit.target, commit.due_us, commit.count, seen(commit)) == (0, NOON + 9 * SECOND, 40, DOWN)
    assert desk.lines[-1]["slots"] == 40
    assert [seen(commit) for commit in desk.take(result(3, NOON + 2 * SECOND))] == [DOWN]
    assert [seen(commit) for commit in desk.take(result(3, NOON + 10 * SECOND))] == [OK]


def test_the_account_of_a_down_time_is_taken_once() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    down = Down(5, NOON, NOON + SECOND, 4)
    assert desk.take(down, down) == desk.take(down)[:1] * 2
    assert desk.reborn().take(down) == desk.take(down)
    assert len(desk.lines) == 2
    desk.take(sweep(NOON + MINUTE, epoch=5))
    assert desk.ledger.close_minutes()[0]["missed"] == {"down": 4}
    assert len(desk.take(down)) == 1
    assert len(desk.lines) == 2


def test_the_first_start_ever_is_a_line_that_stands_for_no_slot() -> None:
    desk = Desk()
    desk.recap(5)
    until_us = NOON + 90 * SECOND
    (commit,) = desk.take(Down(5, 0, until_us, 0))
    assert (commit.due_us, commit.count, seen(commit)) == (until_us, 0, DOWN)
    (line,) = desk.lines
    assert (line["since"][14:], line["until"][14:], line["slots"]) == ("01:29.999999Z", "01:30.000Z", 0)
    # What died unseen in the first minute can still be told from what was never due.
    desk.take(result(2, until_us + SECOND))
    (recap,) = desk.reborn().recap(6)
    assert (recap.settled_us, recap.since_us) == (until_us - 1, until_us + SECOND)
    assert recap.downs == ((until_us - 1, until_us),)
    desk.take(sweep(NOON + 2 * MINUTE, epoch=5))
    (minute,) = desk.ledger.close_minutes()
    assert (minute["minute"][14:16], minute["due"], minute["missed"]) == ("01", 1, {})


def test_a_recap_tells_the_down_times_of_open_minutes() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    desk.take(Down(5, NOON, NOON + SECOND, 4))
    (recap,) = desk.recap(6)
    assert (recap.since_us, recap.downs) == (NOON + SECOND, ((NOON, NOON + SECOND),))


def test_slots_that_passed_a_lost_fence_are_not_counted_twice() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    desk = desk.reborn()
    desk.take(result(1, NOON + SECOND), timeout(2, NOON + SECOND))
    # What it has counted as down is not all of that: it asks again.
    assert desk.take(Down(5, NOON, NOON + 2 * SECOND, 4)) == []
    assert list(desk.ledger.recap()) == [Recap(5, 0, 0, again=True)]
    (recap,) = desk.recap(6)
    assert recap.slots[1:] == ((1, NOON + SECOND, 1, True), (2, NOON + SECOND, 1, False))


def test_an_account_by_an_answer_from_before_our_restart_is_not_taken() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    desk = desk.reborn()
    desk.take(result(1, NOON + SECOND))
    desk.recap(5)
    assert desk.take(Down(5, NOON, NOON + 2 * SECOND, 4)) == []
    assert list(desk.ledger.recap()) == [Recap(5, 0, 0, again=True)]


def test_slots_in_a_row_that_the_fence_keeps_out_in_part_are_told_again() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    record = missed(2, count=3)
    assert desk.take(record) == []
    desk.take(Down(5, NOON, NOON + 1, 0))
    (commit,) = desk.take(record)
    assert (commit.due_us, commit.count) == (NOON, 3)
    dues = [line["due"] for line in desk.lines if line.get("target") == id_word(2)]
    assert len(dues) == len(set(dues)) == 3


def test_an_account_that_was_known_before_its_question_came_again_lowers_the_fence() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    down = Down(5, NOON, NOON + SECOND, 4)
    desk.take(down)
    desk = desk.reborn()
    desk.recap(5)
    assert desk.take(result(1, NOON + 2 * SECOND)) == []
    desk.take(down)
    assert [seen(commit) for commit in desk.take(result(1, NOON + 2 * SECOND))] == [OK]


def test_the_down_time_of_a_scheduler_that_another_has_asked_after_is_not_taken_however_often_it_comes() -> (
    None
):
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    down = Down(6, NOON, NOON + SECOND, 4)
    for _ in range(2):
        assert desk.take(down) == []
        assert list(desk.ledger.recap()) == [Recap(6, 0, 0, again=True)]
    assert [seen(commit) for commit in desk.take(Down(5, NOON, NOON + 2 * SECOND, 4))] == [DOWN]
    assert len([line for line in desk.lines if line.get("since")]) == 1


def test_a_scheduler_that_was_succeeded_is_heard_no_more_and_one_that_lives_asks_as_another() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    assert [part.epoch for part in desk.recap(6)] == [6]
    # It comes late: the one with epoch 6 has been told what was known.
    assert desk.recap(5) == [Recap(5, 0, 0, again=True)]
    assert desk.take(Down(5, NOON, NOON + SECOND, 4)) == []
    (told,) = desk.ledger.recap()
    assert told.again
    (recap,) = desk.recap(7)
    assert (recap.epoch, recap.again, recap.since_us) == (7, False, NOON)


def test_the_sweep_of_a_scheduler_that_was_succeeded_does_not_count() -> None:
    desk = Desk()
    desk.take(result(1))
    desk.recap(5)
    desk.take(sweep(NOON + MINUTE, epoch=4))
    assert desk.ledger.close_minutes() == []
    desk.take(Down(5, NOON, NOON + SECOND, 0))
    desk.take(sweep(NOON + MINUTE, epoch=4))
    assert desk.ledger.close_minutes() == []
    desk.take(sweep(NOON + MINUTE, epoch=5))
    assert len(desk.ledger.close_minutes()) == 1


def test_reading_back_gives_the_same_minute() -> None:
    desk = Desk()
    desk.take(
        result(1, bytes=100, name="one"),
        result(2, status=404, started_us=NOON + 5000, duration_us=1_234_567),
        timeout(3),
        timeout(3, attempt=2, first_started_us=NOON + 9000, started_us=NOON + 40 * SECOND),
        result(4, reason=Reason.STALLED, status=0, bytes=-1),
        missed(5, count=3),
        Started(1),
        Down(1, NOON - 5, NOON + 100, 7),
    )
    again = desk.reborn()
    for each in (desk, again):
        each.take(sweep(NOON + MINUTE))
    assert again.ledger.close_minutes() == desk.ledger.close_minutes()
    assert again.ledger.failures.latest(99) == desk.ledger.failures.latest(99)


def test_reading_back_leaves_out_closed_minutes() -> None:
    desk = Desk()
    desk.take(result(1), timeout(2), result(3, NOON + MINUTE), Started(1), Down(1, NOON, NOON + 5, 1))
    (recap,) = desk.reborn(NOON + MINUTE).recap(5)
    assert (recap.slots, recap.downs) == (((3, NOON + MINUTE, 1, True),), ())


def test_a_line_without_a_moment_is_told() -> None:
    raw = b'{"time":"","url":null,"bytes":null,"outcome":"ok","due":"soon"}'
    with pytest.raises(ValueError, match="soon"):
        Ledger(Failures()).restore(parse(raw), raw, id_of_name)
    with pytest.raises(NotALine):
        parse(b"{")
