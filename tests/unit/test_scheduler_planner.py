"""The planner: tables of moments. No clock, no socket; time is a number."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import msgspec
import pytest

from pagestatus.messages import Check, Class, Commit, FetcherState, Missed, Outcome, Reason
from pagestatus.targets import Target
from pagestatus.urls import host_of
from pagestatus.verdict import GOOD, Verdict
from scheduler.catalog import LONGEST_SLOT_US, Catalog, State
from scheduler.following import Following
from scheduler.planner import LEASE_MARGIN_US, Planner, Policy
from scheduler.slots import Stage, longest

SECOND = 1_000_000
START = 1_000_000 * SECOND
TIMEOUT = 2 * SECOND

RESET = Verdict(Outcome.FAIL, Reason.RESET, Class.TRANSIENT, final=True, retry_after_us=0)
RETRIED = RESET._replace(final=False)
GONE = RESET._replace(reason=Reason.HTTP_STATUS, class_=Class.PERMANENT)
TIMED_OUT = RESET._replace(reason=Reason.TIMEOUT)


class Stand:
    """A planner, and the moments it is told of."""

    def __init__(self, *targets: Target, per_host: int = 0, backoff_max: int = 4, retries: int = 2) -> None:
        self.now = START
        policy = Policy(SECOND, backoff_max, per_host)
        self.planner = Planner(Catalog(targets, TIMEOUT, retries), policy, START, Random(1))  # noqa: S311
        self.planner.begin(START)

    def fetcher(self, epoch: int = 1, slots: int = 10, index: int = 1, in_flight: int = 0) -> None:
        self.planner.on_state(FetcherState(epoch, index, slots, in_flight), self.now)

    def at(self, seconds: float) -> tuple[list[Check], list[Missed]]:
        """Let the time come, heard from everybody; what was given out, and what was missed."""
        self.now = START + round(seconds * SECOND)
        self.planner.on_aggregator(self.now)
        for fetcher in list(self.planner.dispatcher.fetchers.values()):
            fetcher.heard_us = self.now
        self.planner.second(self.now)
        self.planner.tick(self.now)
        return self.taken()

    def taken(self) -> tuple[list[Check], list[Missed]]:
        checks = [check for checks in self.planner.checks.values() for check in checks]
        missed = list(self.planner.missed)
        self.planner.checks.clear()
        self.planner.missed.clear()
        self.balanced()
        return checks, missed

    def commit(self, check: Check, verdict: Verdict = GOOD) -> tuple[list[Check], list[Missed]]:
        outcome, reason, class_, final, retry_after_us = verdict
        commit = Commit(
            check.target, check.due_us, check.attempt, outcome, reason, class_, final,
            check.first_started_us or self.now, self.now, retry_after_us,
        )  # fmt: skip
        self.planner.on_commit(commit, self.now)
        self.planner.pump(self.now)
        return self.taken()

    def commit_missed(self, missed: Missed) -> None:
        self.planner.on_commit(
            Commit(
                missed.target, missed.due_us, 0, Outcome.MISSED, missed.reason, Class.NONE,
                final=True, count=missed.count,
            ),
            self.now,
        )  # fmt: skip
        self.balanced()

    def balanced(self) -> None:
        books = self.planner.accounts
        assert books.due == books.checked + books.missed.total() + books.in_flight


def target(phase_s: float = 1, interval_s: int = 10, host: str = "host", **more: object) -> Target:
    """A target due ``phase_s`` after START, and then every ``interval_s``."""
    phase_ms = (START // 1000 + round(phase_s * 1000)) % (interval_s * 1000)
    return Target(phase_ms, f"http://{host}/{phase_ms}", interval_s * SECOND, **more)  # type: ignore[arg-type]


def test_a_due_target_is_given_out_once_and_settled_by_its_commit() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    assert stand.at(0.9) == ([], [])
    (check,), missed = stand.at(1)
    assert check.due_us == START + SECOND
    assert (check.attempt, missed) == (1, [])
    assert stand.at(1.5) == ([], [])
    stand.commit(check)
    assert stand.planner.accounts.checked == 1
    assert stand.planner.catalog.states[0] == State.UP
    (again,), _ = stand.at(11)
    assert again.due_us == check.due_us + 10 * SECOND


def test_a_commit_that_comes_twice_counts_once() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    (check,), _ = stand.at(1)
    stand.commit(check)
    stand.commit(check)
    assert stand.planner.accounts.checked == 1
    assert stand.planner.dispatcher.fetchers[1].leases == 0


def test_a_slot_that_comes_due_while_the_one_before_is_in_flight_is_an_overrun() -> None:
    stand = Stand(target(1, interval_s=2))
    stand.fetcher()
    (check,), _ = stand.at(1)
    checks, (missed,) = stand.at(3)
    assert (checks, missed.reason, missed.due_us) == ([], Reason.OVERRUN, START + 3 * SECOND)
    stand.commit_missed(missed)
    stand.commit(check)
    assert stand.planner.accounts.missed == {Reason.OVERRUN: 1}


def test_a_transient_failure_is_retried_inside_the_slot_with_a_wait_that_doubles() -> None:
    stand = Stand(target(1, interval_s=60))
    stand.fetcher()
    (first,), _ = stand.at(1)
    # Tried again if the wait of at most 1 s and another timeout still fit before the next slot.
    assert first.retry_by_us == START + (1 + 60 - 1) * SECOND - TIMEOUT
    assert stand.commit(first, RETRIED) == ([], [])
    assert stand.at(1.4) == ([], []), "never sooner than half the wait"
    (second,), _ = stand.at(2)
    assert (second.attempt, second.due_us) == (2, first.due_us)
    assert second.first_started_us == START + SECOND
    stand.commit(second, RETRIED)
    assert stand.at(2.9) == ([], []), "the second wait is twice as long"
    (third,), _ = stand.at(4)
    assert (third.attempt, third.retry_by_us) == (3, 0), "its failure would be final"
    stand.commit(third, RESET)
    assert stand.planner.catalog.states[0] == State.DOWN
    assert stand.planner.accounts.checked == 1


def test_no_retry_is_promised_that_can_not_end_before_the_next_slot() -> None:
    stand = Stand(target(1, interval_s=2))
    stand.fetcher()
    (check,), _ = stand.at(1)
    assert check.retry_by_us <= check.due_us, "an attempt can not end before its slot begins"


@pytest.mark.parametrize("backoff_max", [1, 2, 4, 8])
def test_a_target_that_fails_for_good_is_looked_at_less_often(backoff_max: int) -> None:
    stand = Stand(target(1), backoff_max=backoff_max)
    stand.fetcher()
    checked, skipped = [], []
    for slot in range(30):
        checks, missed = stand.at(1 + 10 * slot)
        checked += [slot] * len(checks)
        skipped += [slot] * len(missed)
        for check in checks:
            stand.commit(check, GONE)
        for record in missed:
            assert record.reason is Reason.BACKOFF
            stand.commit_missed(record)
    assert sorted(checked + skipped) == list(range(30))
    assert checked[:5] == [0, 1, 2, 3, 4]
    gaps = [after - before for before, after in pairwise(checked[4:])]
    assert gaps[:3] == [min(2, backoff_max), min(4, backoff_max), min(8, backoff_max)]
    assert set(gaps[3:]) == {backoff_max}


def test_the_first_success_brings_a_target_back_to_every_slot() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    outcomes = []
    for slot in range(12):
        checks, missed = stand.at(1 + 10 * slot)
        outcomes.append(len(checks))
        for check in checks:
            stand.commit(check, GONE if slot < 6 else GOOD)
        for record in missed:
            stand.commit_missed(record)
    assert outcomes == [1, 1, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1]


def test_retry_after_is_honoured_by_skipping_slots() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    (check,), _ = stand.at(1)
    until = START + 25 * SECOND
    stand.commit(check, TIMED_OUT._replace(reason=Reason.HTTP_STATUS, retry_after_us=until))
    for moment in (11, 21):
        checks, (missed,) = stand.at(moment)
        assert (checks, missed.reason) == ([], Reason.RETRY_AFTER)
        stand.commit_missed(missed)
    checks, _ = stand.at(31)
    assert len(checks) == 1


def test_without_credit_a_slot_waits_and_is_missed_when_the_next_one_comes() -> None:
    stand = Stand(target(1), target(2))
    stand.fetcher(slots=1)
    (check,), _ = stand.at(1)
    assert stand.at(2) == ([], [])
    checks, missed = stand.at(12)
    assert checks == []
    assert sorted((record.reason, record.due_us - START) for record in missed) == [
        (Reason.OVERRUN, 11 * SECOND),
        (Reason.NO_CAPACITY, 2 * SECOND),
    ]
    (served,), _ = stand.commit(check)
    assert served.due_us == START + 12 * SECOND, "the new slot took the place in the queue"


def test_a_host_never_has_more_in_flight_than_its_cap_and_the_rest_waits_without_credit() -> None:
    stand = Stand(*(target(1 + 0.001 * n) for n in range(5)), target(1.5, host="other"), per_host=2)
    stand.fetcher(slots=3)
    checks, _ = stand.at(2)
    assert [check.url.split("/")[2] for check in checks] == ["host", "host", "other"]
    (third,), _ = stand.commit(checks[0])
    assert third.url.startswith("http://host/")
    stand.commit(checks[2])
    assert stand.taken() == ([], []), "the host is full, whatever credit there is"


def test_what_waits_for_its_host_is_served_even_if_who_was_let_through_is_paused() -> None:
    stand = Stand(*(target(1 + 0.001 * n) for n in range(3)), per_host=1)
    stand.fetcher(slots=1)
    (first,), _ = stand.at(2)
    stand.planner.pause(1)
    (third,), (missed,) = stand.commit(first)
    assert missed.reason is Reason.PAUSED
    assert third.due_us == START + 1_002_000


def test_slow_targets_use_at_most_half_of_the_credit() -> None:
    stand = Stand(*(target(1 + 0.001 * n) for n in range(8)), retries=0)
    stand.fetcher(slots=8)
    checks, _ = stand.at(2)
    assert len(checks) == 8
    for check in checks[:6]:
        stand.commit(check, TIMED_OUT)
    for check in checks[6:]:
        stand.commit(check)
    again, _ = stand.at(12)
    slow = {check.target for check in checks[:6]}
    assert len(again) == 6
    assert sum(check.target in slow for check in again) == 4


def test_a_fetcher_that_is_gone_loses_nothing() -> None:
    stand = Stand(target(1))
    stand.fetcher(epoch=1)
    (check,), _ = stand.at(1)
    stand.planner.on_gone(1, stand.now)
    assert stand.taken() == ([], [])
    stand.fetcher(epoch=2)
    (again,), _ = stand.at(2)
    assert (again.due_us, again.attempt) == (check.due_us, 1)
    stand.commit(check)
    assert stand.planner.accounts.checked == 1, "the first one's result had been on its way"
    stand.commit(again)
    assert stand.planner.accounts.checked == 1
    assert stand.planner.dispatcher.fetchers[2].leases == 0


def test_who_was_paused_is_not_visited_again_by_another_fetcher() -> None:
    stand = Stand(target(1))
    stand.fetcher(epoch=1)
    stand.at(1)
    stand.fetcher(epoch=2, index=2)
    stand.planner.pause(0)
    stand.planner.on_gone(1, stand.now)
    stand.planner.pump(stand.now)
    checks, (missed,) = stand.taken()
    assert (checks, missed.reason) == ([], Reason.LEASE)


def test_a_fetcher_that_drained_has_its_results_on_the_way() -> None:
    stand = Stand(target(1, interval_s=60))
    stand.fetcher(epoch=1)
    (check,), _ = stand.at(1)
    stand.fetcher(epoch=2, index=2)
    stand.planner.on_state(FetcherState(1, 1, 0, 1, draining=True), stand.now)
    stand.planner.on_gone(1, stand.now)
    assert [stand.at(second)[0] for second in (2, 3, 4)] == [[], [], []], "no site is visited twice for that"
    assert stand.at(4.1)[0] == [check], "unless they were lost"


def test_a_lease_that_runs_out_is_given_again_while_its_slot_lasts_and_missed_after() -> None:
    stand = Stand(target(1, interval_s=12))
    stand.fetcher()
    (check,), _ = stand.at(1)
    assert stand.planner.slots[check.target].lease_until_us == stand.now + TIMEOUT + LEASE_MARGIN_US
    assert [stand.at(second) for second in (3, 5, 7, 8)] == [([], [])] * 4
    (again,), _ = stand.at(8.1)
    assert again == check
    stand.at(11)
    _, (overrun,) = stand.at(13)
    assert overrun.reason is Reason.OVERRUN
    _, (missed,) = stand.at(15.2)
    assert (missed.reason, missed.due_us) == (Reason.LEASE, check.due_us)


def test_while_the_aggregator_is_silent_leases_hold_and_what_is_missed_is_one_record() -> None:
    stand = Stand(target(1, interval_s=10))
    stand.fetcher()
    (check,), _ = stand.at(1)
    for second in range(2, 100):
        stand.now = START + second * SECOND
        stand.planner.second(stand.now)
        stand.planner.tick(stand.now)
    assert stand.taken() == ([], [])
    assert len(stand.planner.book) == 1
    _, (missed,) = stand.at(100)
    assert (missed.count, missed.reason, missed.due_us) == (9, Reason.OVERRUN, START + 11 * SECOND)
    stand.commit_missed(missed)
    stand.commit(check)
    assert stand.planner.accounts.in_flight == 0
    assert stand.planner.settled_us == stand.planner.swept_us


def test_a_missed_record_that_was_lost_is_sent_again() -> None:
    stand = Stand(target(1, interval_s=2))
    stand.fetcher()
    stand.at(1)
    _, (missed,) = stand.at(3)
    _, again = stand.at(9)
    assert missed in again


def test_a_missed_record_that_waits_behind_others_is_not_sent_again() -> None:
    stand = Stand(target(1, interval_s=2), target(2, interval_s=2))
    stand.fetcher()
    stand.at(1)
    first, second, *_ = [record for moment in (3, 4, 5) for record in stand.at(moment)[1]]
    stand.at(7)
    stand.commit_missed(first)
    _, again = stand.at(11)
    assert second not in again


def test_a_missed_slot_whose_result_came_first_counts_as_checked() -> None:
    stand = Stand(target(1, interval_s=2), retries=0)
    stand.fetcher()
    (check,), _ = stand.at(1)
    stand.planner.on_gone(1, stand.now + 3 * SECOND)
    _, missed = stand.at(4.1)
    record = next(record for record in missed if record.reason is Reason.LEASE)
    stand.planner.on_commit(
        Commit(check.target, record.due_us, 0, Outcome.OK, Reason.NONE, Class.NONE, final=True), stand.now
    )
    assert stand.planner.accounts.checked == 1


def test_a_missed_slot_that_a_fetcher_had_is_a_record_of_its_own() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    stand.at(1)
    stand.planner.on_gone(1, stand.now)
    for second in (11, 21, 31):
        stand.planner.tick(START + second * SECOND)
    _, missed = stand.at(32)
    # Its result may be on the disk, and one commit can not say that of one of several slots.
    assert [((record.due_us - START) // SECOND, record.count) for record in missed] == [(1, 1), (11, 2)]


def test_late_by_several_intervals_checks_each_target_once_and_counts_the_rest() -> None:
    stand = Stand(target(1, interval_s=2), target(1.5, interval_s=2))
    stand.fetcher()
    checks, missed = stand.at(21.7)
    assert [check.due_us - START for check in checks] == [21 * SECOND, 21_500_000]
    assert [(record.reason, record.count) for record in missed] == [(Reason.LATE, 10), (Reason.LATE, 10)]


def test_a_drain_settles_everything_and_gives_nothing_more_out() -> None:
    stand = Stand(target(1), target(2), target(3), retries=1)
    stand.fetcher(slots=1)
    (check,), _ = stand.at(1)
    stand.at(3)
    stand.planner.drain(stand.now)
    checks, missed = stand.taken()
    assert checks == []
    assert [record.reason for record in missed] == [Reason.DRAIN, Reason.DRAIN]
    assert not stand.planner.drained()
    for record in missed:
        stand.commit_missed(record)
    _, (retry,) = stand.commit(check, RETRIED)
    assert retry.reason is Reason.DRAIN
    stand.commit_missed(retry)
    assert stand.planner.drained()
    assert stand.at(60) == ([], [])


def test_a_slot_that_falls_due_after_a_reload_is_measured_by_the_new_entry() -> None:
    """Also where the one before waits for a fetcher."""
    stand = Stand(target(1, interval_s=2))
    assert stand.at(1) == ([], [])
    changed = msgspec.structs.replace(target(1, interval_s=2), url="http://new/", expect=(404,))
    stand.planner.reload(Following(Catalog([changed], TIMEOUT, 2), stand.planner.catalog))
    _, (missed,) = stand.at(3)
    assert (missed.url, missed.reason, missed.count) == (target(1).url, Reason.NO_CAPACITY, 1)
    stand.fetcher()
    ((check,), _) = stand.at(3.1)
    assert (check.url, check.expect, check.due_us) == ("http://new/", (404,), START + 3 * SECOND)
    stand.commit_missed(missed)
    stand.commit(check)
    assert stand.planner.accounts.in_flight == 0


def test_what_is_known_to_be_missed_of_fewer_slots_is_not_the_answer() -> None:
    stand = Stand(target(1, interval_s=10))
    stand.fetcher()
    stand.at(1)
    stand.now = START + 40 * SECOND
    stand.planner.tick(stand.now)
    _, (missed, _overrun) = stand.at(40)
    assert (missed.reason, missed.count) == (Reason.LATE, 2)
    stand.commit_missed(msgspec.structs.replace(missed, count=1))
    assert missed in stand.at(46)[1]


def test_a_reload_keeps_what_stays_and_settles_what_goes() -> None:
    stays, goes, new = target(1), target(2), target(3)
    stand = Stand(stays, goes)
    stand.fetcher(slots=1)
    (check,), _ = stand.at(1)
    stand.at(2)
    stand.planner.reload(Following(Catalog([new, stays], TIMEOUT, 2), stand.planner.catalog))
    stand.planner.pump(stand.now)
    _, (missed,) = stand.taken()
    assert (missed.reason, missed.target) == (Reason.REMOVED, goes.id)
    stand.commit(check)
    catalog = stand.planner.catalog
    assert catalog.states[catalog.find(stays.id)] == State.UP
    checks, _ = stand.at(3)
    assert [check.target for check in checks] == [new.id]


def test_what_fails_when_its_target_is_gone_or_paused_is_not_tried_again() -> None:
    stays, goes = target(1), target(2)
    stand = Stand(stays, goes)
    stand.fetcher()
    checks, _ = stand.at(2)
    stand.planner.reload(Following(Catalog([stays], TIMEOUT, 2), stand.planner.catalog))
    stand.planner.pause(0)
    missed = [stand.commit(check, RETRIED)[1] for check in checks]
    assert [[record.reason for record in records] for records in missed] == [
        [Reason.PAUSED],
        [Reason.REMOVED],
    ]
    assert not stand.planner.slots


def test_leases_of_a_scheduler_before_us_count_against_the_credit() -> None:
    stand = Stand(target(1), target(2))
    stand.fetcher(slots=2, in_flight=1)
    checks, _ = stand.at(2)
    assert len(checks) == 1
    stand.fetcher(slots=2, in_flight=1)
    assert stand.at(3)[0] == [], "it still has the foreign one, or ours: no more is known"
    stand.fetcher(slots=2, in_flight=0)
    assert len(stand.at(4)[0]) == 1


def test_leases_of_a_scheduler_before_us_end_even_at_a_fetcher_that_is_always_busy() -> None:
    stand = Stand(target(1))
    for _second in range(31):
        stand.fetcher(slots=2, in_flight=1)
        stand.now += SECOND
    assert stand.planner.dispatcher.fetchers[1].credit == 2


def test_a_settled_slot_in_the_queue_is_passed_over() -> None:
    stand = Stand(target(1), target(2))
    stand.fetcher(slots=1)
    (check,), _ = stand.at(1)
    stand.at(2)
    waiting = next(slot for slot in stand.planner.slots.values() if slot.stage is Stage.WAITING)
    stand.planner.pause(stand.planner.catalog.find(waiting.target))
    checks, (missed,) = stand.commit(check)
    assert (checks, missed.reason) == ([], Reason.PAUSED)


def test_nothing_is_open_before_the_first_slot_however_long_its_minute_had_begun() -> None:
    stand = Stand(target(1), target(2))
    stand.fetcher()
    (check,), _ = stand.at(1)
    assert START % (60 * SECOND), "the minute of the start began before it"
    assert stand.planner.settled_us == check.due_us
    stand.at(2)
    assert stand.planner.settled_us == check.due_us


def test_without_commits_nothing_is_given_again_and_nothing_grows_with_time() -> None:
    """A disk that is full for ten minutes: as long as it takes nothing, the aggregator counts as silent."""
    stand = Stand(*(target(0.1 * n, interval_s=10) for n in range(50)))
    stand.fetcher(slots=20)
    given = sum(len(stand.at(second)[0]) for second in range(1, 3))
    for second in range(3, 600):
        stand.now = START + second * SECOND
        stand.planner.dispatcher.fetchers[1].heard_us = stand.now
        stand.planner.second(stand.now)
        stand.planner.tick(stand.now)
        checks, missed = stand.taken()
        given += len(checks)
        assert missed == [] or second < 6
    assert given <= 20, "credit is used up once"
    assert len(stand.planner.book) <= 2 * 50, "missed slots are held per target and reason"


def test_a_slot_is_given_up_after_ten_minutes_however_far_the_next_one_is() -> None:
    """All minutes wait for the slots that fell due in them."""
    stand = Stand(target(1, interval_s=86_400), target(2, interval_s=86_400), retries=20)
    stand.fetcher(slots=1)
    (check,), _ = stand.at(1)
    assert check.retry_by_us <= check.due_us + LONGEST_SLOT_US - TIMEOUT
    missed = []
    for second in range(2, 605):
        missed += stand.at(second)[1]
        for lost in stand.planner.slots.values():
            lost.lease_until_us = stand.now + 2 * SECOND
    assert [(record.reason, record.due_us) for record in missed] == [(Reason.NO_CAPACITY, START + 2 * SECOND)]


def test_the_last_words_of_a_fetcher_that_is_gone_do_not_bring_it_back() -> None:
    stand = Stand(target(1))
    stand.fetcher(epoch=1)
    stand.planner.on_gone(1, stand.now)
    stand.fetcher(epoch=1)
    assert stand.at(1) == ([], [])
    assert stand.planner.dispatcher.fetchers == {}


def test_a_fetcher_that_was_only_silent_comes_back() -> None:
    stand = Stand(target(1))
    stand.fetcher(epoch=1)
    stand.planner.on_lost(1, stand.now)
    stand.fetcher(epoch=1)
    assert len(stand.at(1)[0]) == 1


def test_a_drain_that_takes_too_long_records_what_it_leaves() -> None:
    stand = Stand(target(1))
    stand.fetcher()
    stand.at(1)
    stand.planner.drain(stand.now)
    stand.planner.abandon()
    stand.planner.pump(stand.now)
    _, (missed,) = stand.taken()
    assert missed.reason is Reason.DRAIN
    stand.commit_missed(missed)
    assert stand.planner.drained()


def test_a_drain_that_takes_too_long_also_records_what_nobody_had_yet() -> None:
    stand = Stand(target(1, interval_s=60), target(2))
    stand.fetcher(slots=1)
    stand.at(1)
    stand.planner.draining = True
    stand.planner.adopt(0, START, 1, stand.now)
    stand.planner.abandon()
    stand.planner.pump(stand.now)
    _, missed = stand.taken()
    assert {record.reason for record in missed} == {Reason.DRAIN}
    for record in missed:
        stand.commit_missed(record)
    assert stand.planner.drained()


def test_a_name_that_nobody_answers_for_makes_a_target_slow() -> None:
    stand = Stand(target(1), retries=0)
    stand.fetcher()
    (check,), _ = stand.at(1)
    stand.commit(check, TIMED_OUT._replace(reason=Reason.DNS))
    assert stand.planner.catalog.slow[0]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://Host/path", "http://host"),
        ("http://host?a=1", "http://host"),
        ("http://host#a", "http://host"),
        ("http://host:80/", "http://host"),
        ("https://host:443/", "https://host"),
        ("https://host:80/", "https://host:80"),
        ("http://host:8080", "http://host:8080"),
        ("http://[::1]:80/", "http://[::1]"),
    ],
)
def test_the_cap_counts_by_host_and_port(url: str, host: str) -> None:
    assert host_of(url) == host


def test_who_waits_for_credit_goes_before_who_falls_due_later() -> None:
    stand = Stand(target(1), target(2), target(3))
    stand.fetcher(slots=1)
    (first,), _ = stand.at(1)
    assert stand.at(2) == ([], [])
    stand.planner.on_commit(
        Commit(
            first.target, first.due_us, 1, Outcome.OK, Reason.NONE, Class.NONE, True, stand.now, stand.now
        ),
        stand.now,
    )
    (second,), _ = stand.at(3)
    assert second.due_us == START + 2 * SECOND


def test_the_longest_running_are_told_in_order_however_many_there_are() -> None:
    stand = Stand(*(target(1 + number / 10) for number in range(40)))
    stand.fetcher(slots=40)
    for tenth in range(50):
        stand.at(1 + tenth / 10)
    assert [slot.due_us for slot in longest(stand.planner.slots.values(), 3)] == [
        START + SECOND + number * SECOND // 10 for number in range(3)
    ]
    assert len(longest(stand.planner.slots.values(), 100)) == 40


def test_a_backlog_is_not_looked_through_each_second(monkeypatch: pytest.MonkeyPatch) -> None:
    """That would take the time in which it could be worked off."""
    monkeypatch.setattr("scheduler.planner._REST_A_SLOT_US", SECOND)
    stand = Stand(*(target(phase_s, 600, f"host{phase_s}") for phase_s in (0.8, 0.9, 1)))
    stand.fetcher()
    assert len(stand.at(1)[0]) == 3
    # Never silent for so long that leases would hold for that.
    for seconds in (3.5, 6, 7.9):
        assert stand.at(seconds) == ([], [])
    # Their leases are over, but three were looked at a moment ago.
    assert stand.at(8.1) == ([], [])
    assert stand.at(10) == ([], [])
    checks, missed = stand.at(11)
    assert (len(checks), missed) == (3, [])


def test_the_longest_running_are_sought_among_the_oldest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scheduler.slots._OLDEST", 2)
    stand = Stand(*(target(number, 600, f"host{number}") for number in (1, 2, 3)))
    stand.fetcher()
    for number in (1, 2, 3):
        stand.at(number)
    assert [slot.due_us for slot in longest(stand.planner.slots.values(), 3)] == [
        START + SECOND,
        START + 2 * SECOND,
    ]
