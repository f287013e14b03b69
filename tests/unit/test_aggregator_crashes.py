"""The promise, held against chance: exactly one final line per slot, and minutes that add up to the log.

Random records come in any order, any number of times; the aggregator is killed at any byte of a write, and
of a minute's. A naive reading of the files and of what was committed says whether the promise was kept. What
the bridge counts of downloads is in exactly one minute, whatever of its dialogue is lost.
"""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aggregator.failures import Failures
from aggregator.ledger import Ledger
from aggregator.lines import moment_us, rendered
from aggregator.logfile import LogFile
from aggregator.recovery import recover
from aggregator.writer import Writer
from pagestatus.config import MINUTES_LOG, RESULTS_LOG
from pagestatus.messages import (
    Commit,
    Down,
    DownloadMinute,
    DownloadsCounted,
    Message,
    Missed,
    Reason,
    Result,
    Started,
)
from pagestatus.verdict import judge
from records import MINUTE, NOON, SECOND, missed, result, sweep, timeout

GRID = 20 * SECOND
TARGETS = range(1, 4)
Slot = tuple[int, int]


class Bridge:
    """What a bridge owes: it tells each minute until that is answered, and counts the rest in a later one."""

    def __init__(self) -> None:
        # All that ever happened, and of it what is in no line that we know of: by minute.
        self.done: Counter[str] = Counter()
        self.unanswered: dict[int, Counter[str]] = {}
        # Of this minute and those before there is no more to tell.
        self.answered_us = 0

    def count(self, now_us: int, figures: Counter[str]) -> None:
        """Count in the minute of now, or in the first one that is not answered."""
        minute_us = max(now_us // MINUTE * MINUTE, self.answered_us + MINUTE if self.answered_us else 0)
        self.unanswered.setdefault(minute_us, Counter()).update(figures)

    def work(self, now_us: int, figures: Counter[str]) -> None:
        """Downloads go on."""
        self.done.update(figures)
        self.count(now_us, figures)

    def tell(self) -> list[Message]:
        return [
            DownloadMinute(minute_us, 1, found["completed"], found["failed"], found["bytes"])
            for minute_us, found in self.unanswered.items()
        ]

    def hear(self, answer: DownloadsCounted, now_us: int) -> None:
        found = self.unanswered.pop(answer.minute_us, None)
        if found is None:
            return
        self.answered_us = max(self.answered_us, answer.minute_us)
        found.subtract({"completed": answer.completed, "failed": answer.failed, "bytes": answer.bytes})
        assert min(found.values(), default=0) >= 0
        if +found:
            self.count(now_us, +found)


class World:
    """One data folder, the aggregator that runs on it now, and what its peers know."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now_us = NOON
        self.epoch = 1
        self.sent: list[Message] = []
        # Slots that were given out, and those of them that a commit has settled.
        self.given: set[Slot] = set()
        self.settled: set[Slot] = set()
        self.bridge = Bridge()
        self.answers: list[DownloadsCounted] = []
        self.start()

    def start(self) -> None:
        files = {
            # Small enough to rotate now and then; nothing is ever dropped.
            name: LogFile(self.folder / name, max_bytes=3000, keep=1000, sync=False)
            for name in (RESULTS_LOG, MINUTES_LOG)
        }
        self.ledger = Ledger(Failures())
        recover(self.folder, self.ledger)
        self.writer = Writer(self.ledger, files[RESULTS_LOG], files[MINUTES_LOG])

    # --- what peers do ---

    def attempt(self, target: int, back: int, attempt: int, kind: str) -> None:
        """A fetcher reports on one of the last slots."""
        due_us = self.now_us // GRID * GRID - back * GRID
        makers = {
            "ok": lambda: result(target, due_us, attempt),
            "gone": lambda: result(target, due_us, attempt, status=404),
            "timeout": lambda: timeout(target, due_us, attempt),
            "late timeout": lambda: timeout(target, due_us, attempt, retry_by_us=0),
            "stalled": lambda: result(target, due_us, attempt, reason=Reason.STALLED, status=0, bytes=-1),
        }
        self.send(makers[kind]())

    def pass_over(self, target: int, back: int, count: int) -> None:
        """The scheduler gives up slots."""
        due_us = self.now_us // GRID * GRID - back * GRID
        self.send(missed(target, due_us, count=min(count, back + 1), interval_us=GRID))

    def again(self, index: int) -> None:
        """Something comes once more."""
        if self.sent:
            self.send(self.sent[index % len(self.sent)])

    def sweep(self, seconds: int) -> None:
        """Time passes; the scheduler says what it knows to be settled."""
        self.now_us += seconds * SECOND
        settled_us = min((due_us for _, due_us in self.given - self.settled), default=self.now_us)
        self.ledger.take([sweep(self.now_us, min(settled_us, self.now_us), epoch=self.epoch)], self.now_us)

    def restart_scheduler(self, seconds: int, slots: int, leftovers: int) -> None:
        """A new scheduler asks, gives up what died with the old one, and accounts for the rest."""
        self.epoch += 1
        self.ledger.take([Started(self.epoch)], self.now_us)
        recaps = self.writer.flush().recaps
        since_us = recaps[-1].since_us
        self.now_us = max(self.now_us, since_us) + seconds * SECOND
        died = {slot for slot in self.given if slot[1] > since_us}
        self.given -= died
        self.sent = [record for record in self.sent if not slots_of(record) & died]
        # What its predecessor's fetchers still had comes in between.
        late: list[Message] = [result(1, since_us + number * SECOND) for number in range(1, leftovers + 1)]
        self.ledger.take(late, self.now_us)
        self.ledger.take([Down(self.epoch, since_us, self.now_us, slots)], self.now_us)
        self.flush()
        # Its grid begins after the time that was accounted for.
        self.now_us += GRID * 4

    def send(self, record: Message) -> None:
        self.sent.append(record)
        self.given |= slots_of(record)
        self.ledger.take([record], self.now_us)

    def work(self, completed: int, failed: int, number: int) -> None:
        """Downloads go on."""
        self.bridge.work(self.now_us, Counter(completed=completed, failed=failed, bytes=number))

    def tell(self, lost: int) -> None:
        """The bridge tells all that is not answered; the first ``lost`` records do not arrive."""
        self.ledger.take(self.bridge.tell()[lost:], self.now_us)

    def hear(self, lost: int) -> None:
        """It is answered, but for the first ``lost`` answers."""
        for answer in self.answers[lost:]:
            self.bridge.hear(answer, self.now_us)
        self.answers.clear()

    # --- what befalls the aggregator ---

    def flush(self) -> None:
        """A batch reaches the disk; what is committed must be there."""
        written = self.writer.flush()
        self.answers += written.counted
        commits = written.commits
        on_disk = {slot_of(line) for line in self.lines() if line.get("final") and "due" in line}
        for commit in commits:
            if not commit.final:
                continue
            slots = slots_of_commit(commit)
            self.settled |= slots
            if commit.reason not in {Reason.LATE, Reason.DOWN} and commit.attempt:
                assert slots <= on_disk

    def crash(self, cut: int, *, in_minute: bool) -> None:
        """Killed in the middle of a write; everything that was not written is lost with it, and answers."""
        self.answers.clear()
        lines = b"".join(self.ledger.collect().lines)
        self.writer.close()
        if in_minute:
            minutes = b"".join(map(rendered, self.ledger.close_minutes()))
            self.tear(MINUTES_LOG, minutes[: cut % (len(minutes) + 1)])
            self.tear(RESULTS_LOG, lines)
        else:
            self.tear(RESULTS_LOG, lines[: cut % (len(lines) + 1)])
        self.start()

    def tear(self, name: str, written: bytes) -> None:
        with (self.folder / name).open("ab") as file:
            file.write(written)

    # --- the files, read naively ---

    def lines(self) -> list[dict[str, Any]]:
        return read(self.folder, RESULTS_LOG)

    def minutes(self) -> list[dict[str, Any]]:
        return read(self.folder, MINUTES_LOG)

    def settle_everything(self) -> None:
        """Whoever got no commit tries again, and the last minute closes."""
        self.flush()
        for target, due_us in sorted(self.given - self.settled):
            self.send(missed(target, due_us))
        self.flush()
        assert self.given <= self.settled
        self.sweep(120)
        self.flush()

    def settle_downloads(self) -> None:
        """Told as long as need be, everything is in a line."""
        for _ in range(4):
            self.tell(0)
            self.sweep(60)
            self.flush()
            self.hear(0)
        assert self.bridge.unanswered == {}


def read(folder: Path, name: str) -> list[dict[str, Any]]:
    """Every line, those of rotated files first."""
    older = sorted(folder.glob(f"{name}.*"), key=lambda path: -int(path.suffix[1:]))
    return [json.loads(line) for path in (*older, folder / name) for line in path.read_bytes().splitlines()]


def slots_of(record: Message) -> set[Slot]:
    if isinstance(record, Result):
        return {(record.target, record.due_us)}
    assert isinstance(record, Missed)
    return {(record.target, record.due_us + number * record.interval_us) for number in range(record.count)}


def slots_of_commit(commit: Commit) -> set[Slot]:
    return {(commit.target, commit.due_us + number * GRID) for number in range(commit.count)}


def slot_of(line: dict[str, Any]) -> Slot:
    return int(line["target"], 16), moment_us(line["due"])


def check_slots(lines: list[dict[str, Any]]) -> None:
    """One final line per slot and none after it; no attempt twice."""
    finals: set[Slot] = set()
    attempts: set[tuple[Slot, int]] = set()
    for line in lines:
        if "due" not in line:
            continue
        slot = slot_of(line)
        assert slot not in finals
        if line.get("final"):
            finals.add(slot)
        if "attempt" in line:
            assert (slot, line["attempt"]) not in attempts
            attempts.add((slot, line["attempt"]))


def check_minutes(lines: list[dict[str, Any]], minutes: list[dict[str, Any]]) -> None:
    """Each minute once, in order, and what it says is what the log says."""
    starts = [moment_us(minute["minute"]) for minute in minutes]
    assert starts == sorted(set(starts))
    counts: dict[int, Counter[str]] = {start: Counter() for start in starts}
    for line in lines:
        if not line.get("final"):
            continue
        counted = counts.get(moment_us(line.get("due") or line["until"]) // MINUTE * MINUTE)
        assert counted is not None, "a final line in a minute without a line"
        counted[line["outcome"]] += line.get("slots", 1)
        counted["bytes"] += line["bytes"] or 0
    for minute in minutes:
        counted = counts[moment_us(minute["minute"])]
        found = {word: minute[word] for word in ("ok", "fail", "internal", "bytes")}
        assert found | {"missed": sum(minute["missed"].values())} == {
            word: counted[word] for word in (*found, "missed")
        }
        assert minute["due"] == sum(counted[word] for word in ("ok", "fail", "internal", "missed"))


def check_downloads(done: Counter[str], minutes: list[dict[str, Any]]) -> None:
    """All minutes together have what was done, no more and no less."""
    counted: Counter[str] = Counter()
    for minute in minutes:
        assert min(minute["downloads"].values()) >= 0
        counted.update({word: minute["downloads"][word] for word in ("completed", "failed", "bytes")})
    assert +counted == +done


def check_downs(lines: list[dict[str, Any]]) -> None:
    """Nothing that was due while no scheduler ran is settled by a line of its own."""
    downs = [line for line in lines if "until" in line]
    for line in lines:
        if "due" in line and line.get("final"):
            due_us = slot_of(line)[1]
            assert not any(moment_us(down["since"]) < due_us <= moment_us(down["until"]) for down in downs)


def test_the_kinds_of_attempts_are_what_they_are_called() -> None:
    finals = [
        judge(record).final for record in (result(), timeout(), timeout(retry_by_us=0), result(status=404))
    ]
    assert finals == [True, False, True, True]


target = st.sampled_from(TARGETS)
back = st.integers(0, 3)
small = st.integers(0, 9)
step = st.one_of(
    st.tuples(
        st.just("attempt"), target, back, st.integers(1, 3),
        st.sampled_from(["ok", "gone", "timeout", "late timeout", "stalled"]),
    ),
    st.tuples(st.just("pass_over"), target, back, st.integers(1, 3)),
    st.tuples(st.just("again"), small),
    st.tuples(st.just("sweep"), st.integers(1, 45)),
    st.tuples(st.just("restart_scheduler"), st.integers(1, 150), small, st.integers(0, 1)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("crash in lines"), st.integers(0, 2000)),
    st.tuples(st.just("crash in minutes"), st.integers(0, 2000)),
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(step, max_size=40))
def test_whatever_happens_every_slot_has_one_final_line_and_the_minutes_add_up(
    steps: list[tuple[Any, ...]],
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        for name, *how in steps:
            if name == "crash in lines":
                world.crash(*how, in_minute=False)
            elif name == "crash in minutes":
                world.crash(*how, in_minute=True)
            else:
                getattr(world, name)(*how)
        world.settle_everything()
        world.writer.close()
        lines = world.lines()
        check_slots(lines)
        check_minutes(lines, world.minutes())
        check_downs(lines)


few = st.integers(0, 2)
download_step = st.one_of(
    st.tuples(st.just("work"), few, few, st.integers(0, 1 << 40)),
    st.tuples(st.just("tell"), few),
    st.tuples(st.just("hear"), st.integers(0, 9)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("sweep"), st.sampled_from([20, 70])),
    st.tuples(st.just("restart_scheduler"), st.integers(1, 150), small, st.just(0)),
    st.tuples(st.just("crash in lines"), st.integers(0, 2000)),
    st.tuples(st.just("crash in minutes"), st.integers(0, 2000)),
)


@settings(max_examples=200, deadline=None)
@given(st.lists(download_step, min_size=20, max_size=40))
def test_whatever_happens_every_download_is_counted_in_one_minute(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        # Something is there, so that no start is the very first.
        world.attempt(1, 0, 1, "ok")
        world.sweep(60)
        world.flush()
        for name, *how in steps:
            if name == "crash in lines":
                world.crash(*how, in_minute=False)
            elif name == "crash in minutes":
                world.crash(*how, in_minute=True)
            else:
                getattr(world, name)(*how)
        world.settle_everything()
        world.settle_downloads()
        world.writer.close()
        check_downloads(world.bridge.done, world.minutes())
        check_minutes(world.lines(), world.minutes())
