"""The real aggregator: records in, lines on the disk, commits out, whatever happens to it."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq

from pagestatus.addresses import Addresses
from pagestatus.codec import decode, encode
from pagestatus.control import ControlError, NoAnswer, ask
from pagestatus.messages import (
    Commit,
    Down,
    DownloadMinute,
    DownloadsCounted,
    Message,
    Outcome,
    Pulse,
    Reason,
    Recap,
    Started,
)
from records import MINUTE, SECOND, missed, result, sweep, timeout
from system import environment, eventually

ROOT = Path(__file__).parents[2]
Start = Callable[..., "Bench"]


class Bench:
    """One aggregator process, and the sockets of a scheduler, a fetcher and, where it is there, a bridge."""

    def __init__(self, folder: Path, run_dir: Path, **settings: object) -> None:
        self.data_dir = folder / "var"
        self.addresses = Addresses(run_dir)
        self.settings: dict[str, object] = {"log__fsync_ms": 5} | settings
        self.heard: list[Message] = []
        self.frames_with_commits = 0
        self._context = zmq.Context()
        self._inbox = self._context.socket(zmq.PULL)
        run_dir.mkdir(mode=0o700, exist_ok=True)
        self._inbox.bind(f"ipc://{self.addresses.scheduler}")
        self._outbox = self._context.socket(zmq.PUSH)
        self._outbox.connect(f"ipc://{self.addresses.aggregator}")
        self.processes: list[subprocess.Popen[bytes]] = []
        # The minute before this one: its slots may be anything, and it can close at once.
        self.minute_us = time.time_ns() // 1000 // MINUTE * MINUTE - MINUTE
        self.start()

    def spawn(self) -> subprocess.Popen[bytes]:
        """An aggregator with this bench's places."""
        named = {key.replace("__", "."): value for key, value in self.settings.items()}
        places = {"data_dir": self.data_dir, "run_dir": self.addresses.run_dir}
        process = subprocess.Popen(
            [sys.executable, "-m", "aggregator"],
            env=environment(**(places | named)),
            cwd=ROOT,
            stderr=subprocess.PIPE,
        )
        self.processes.append(process)
        return process

    def start(self) -> None:
        """The aggregator that everything is sent to."""
        self.process = self.spawn()
        eventually(lambda: self.ask("status"), "the aggregator answers")

    def kill(self) -> None:
        """SIGKILL, and all traces that a dead process leaves."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> str:
        """Drain it; returns what it said."""
        self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=30)
        assert self.process.returncode == 0, said
        return said.decode()

    def ask(self, command: str, **params: object) -> Any:  # noqa: ANN401
        """The control socket's answer; None when there is none."""
        try:
            return ask(self.addresses.control("aggregator"), command, params)
        except NoAnswer:
            return None

    def send(self, *records: Message) -> None:
        """One frame."""
        self._outbox.send(encode(records))

    def send_bytes(self, frame: bytes) -> None:
        """Anything."""
        self._outbox.send(frame)

    def hear(self) -> list[Message]:
        """Everything that came so far."""
        while self._inbox.poll(0):
            records = decode(self._inbox.recv())
            self.heard += records
            self.frames_with_commits += any(isinstance(record, Commit) for record in records)
        return self.heard

    def commits(self, count: int) -> list[Commit]:
        """Wait for so many in all."""

        def so_far() -> list[Commit]:
            return [record for record in self.hear() if isinstance(record, Commit)]

        eventually(lambda: len(so_far()) >= count, f"{count} commits")
        return so_far()

    def lines(self, name: str = "url_status.log") -> list[dict[str, Any]]:
        """Every whole line of a file."""
        text = (self.data_dir / name).read_bytes()
        return [json.loads(line) for line in text[: text.rfind(b"\n") + 1].splitlines()]

    def bridge(self) -> zmq.Socket[bytes]:
        """Where a bridge listens."""
        bridge = self._context.socket(zmq.PULL)
        bridge.bind(f"ipc://{self.addresses.wsbridge}")
        return bridge

    def close(self) -> None:
        """End everything."""
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
            if process.stderr is not None:
                process.stderr.close()
        self._context.destroy(linger=0)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A maker of benches, in folders that they share."""
    made: list[Bench] = []
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as run_dir:

        def make(**settings: object) -> Bench:
            made.append(Bench(tmp_path, Path(run_dir), **settings))
            return made[-1]

        yield make
        for bench in made:
            bench.close()


def test_a_result_comes_back_as_a_commit_with_its_line_on_the_disk(start: Start) -> None:
    bench = start()
    due_us = bench.minute_us
    bench.send(result(1, due_us), timeout(2, due_us), missed(3, due_us, count=2), result(1, due_us))
    found = [(commit.target, commit.outcome, commit.final) for commit in bench.commits(4)]
    assert found == [
        (1, Outcome.OK, True),
        (2, Outcome.FAIL, False),
        (3, Outcome.MISSED, True),
        (1, Outcome.OK, True),
    ]
    assert [line["target"][-1] for line in bench.lines()] == ["1", "2", "3", "3"]


@pytest.mark.parametrize("fsync_ms", [-1, 0, 200])
def test_however_batches_are_made_everything_is_committed(start: Start, fsync_ms: int) -> None:
    bench = start(log__fsync_ms=fsync_ms)
    for number in range(50):
        bench.send(*(result(target, bench.minute_us + number) for target in range(20)))
    assert len(bench.commits(1000)) == 1000
    assert len(bench.lines()) == 1000


def test_a_drain_takes_what_is_on_its_way_and_commits_it(start: Start) -> None:
    bench = start(log__fsync_ms=60_000)
    bench.send(*(result(target, bench.minute_us) for target in range(64)))
    eventually(lambda: bench.ask("status")["records"]["results"], "the results are there")
    assert bench.lines() == []
    bench.stop()
    assert len(bench.commits(64)) == 64
    assert len(bench.lines()) == 64


def test_killed_again_and_again_it_has_one_final_line_per_slot(start: Start) -> None:
    bench = start()
    slots = [(target, bench.minute_us + number) for number in range(40) for target in range(25)]
    for part in range(1, 4):
        before = len(bench.commits(0))
        for first in range(0, part * 300, 50):
            bench.send(*(result(*slot) for slot in slots[first : first + 50]))
        bench.commits(before + 1)
        bench.kill()
        with (bench.data_dir / "url_status.log").open("ab") as log:
            log.write(b'{"time":"2026-01-31T12:00:00.0')
        bench.start()

    def all_settled() -> bool:
        settled = {(commit.target, commit.due_us) for commit in bench.commits(0)}
        bench.send(*(result(*slot) for slot in slots if slot not in settled))
        return settled == set(slots)

    eventually(all_settled, "every slot is committed")
    bench.send(sweep(bench.minute_us + MINUTE))
    eventually(lambda: bench.lines("minutes.log"), "the minute closes")
    bench.stop()
    assert len({(line["target"], line["due"]) for line in bench.lines()}) == len(bench.lines()) == len(slots)
    assert [minute["ok"] for minute in bench.lines("minutes.log")] == [len(slots)]


def test_a_minute_is_closed_once_however_often_it_is_killed(start: Start) -> None:
    bench = start()
    for number in range(3):
        bench.send(result(1, bench.minute_us), result(2, bench.minute_us + number * SECOND))
        bench.send(sweep(bench.minute_us + MINUTE))
        bench.commits(2 * number + 2)
        eventually(lambda: bench.lines("minutes.log"), "the minute closes")
        with (bench.data_dir / "minutes.log").open("ab") as log:
            log.write(b'{"minute":"')
        bench.kill()
        bench.start()
    said = bench.stop()
    assert [minute["due"] for minute in bench.lines("minutes.log")] == [2]
    assert "torn" in said


def test_a_new_scheduler_hears_what_is_settled_and_accounts_for_the_rest(start: Start) -> None:
    bench = start()
    due_us, until_us = bench.minute_us, bench.minute_us + 30 * SECOND
    bench.send(result(1, due_us), timeout(2, due_us))
    bench.commits(2)
    bench.kill()
    bench.start()
    bench.send(Started(9))
    (recap,) = eventually(
        lambda: [record for record in bench.hear() if isinstance(record, Recap)], "a recap comes"
    )
    assert (recap.epoch, recap.since_us) == (9, due_us)
    assert sorted(recap.slots) == [(1, due_us, 1, True), (2, due_us, 1, False)]
    bench.send(result(3, due_us + 1), Down(9, due_us, until_us, 12), missed(2, due_us, reason=Reason.LEASE))
    down, lease = bench.commits(4)[2:]
    assert (down.target, down.due_us, down.count) == (0, until_us, 12)
    assert lease.reason is Reason.LEASE
    bench.send(sweep(bench.minute_us + MINUTE, epoch=9))
    (minute,) = eventually(lambda: bench.lines("minutes.log"), "the minute closes")
    assert (minute["due"], minute["ok"], minute["missed"]) == (14, 1, {"down": 12, "lease": 1})


def test_a_log_that_was_renamed_is_left_on_usr2(start: Start) -> None:
    bench = start()
    log, moved = bench.data_dir / "url_status.log", bench.data_dir / "url_status.log-20260131"
    bench.send(result(1, bench.minute_us))
    bench.commits(1)
    log.rename(moved)
    bench.process.send_signal(signal.SIGUSR2)
    eventually(log.exists, "a new log")
    bench.send(result(2, bench.minute_us))
    bench.commits(2)
    assert [line["target"][-1] for line in bench.lines()] == ["2"]
    # After a restart both are known.
    bench.kill()
    bench.start()
    bench.send(result(1, bench.minute_us), result(2, bench.minute_us))
    bench.commits(4)
    assert len(bench.lines()) == len(bench.lines(moved.name)) == 1


def test_a_full_log_is_rotated_and_still_known_after_a_restart(start: Start) -> None:
    bench = start(log__max_bytes=2000, log__keep=50)
    sent = [result(target, bench.minute_us) for target in range(30)]
    for number, record in enumerate(sent):
        bench.send(record)
        bench.commits(number + 1)
    bench.kill()
    bench.start()
    bench.send(*sent)
    bench.commits(60)
    files = sorted(bench.data_dir.glob("url_status.log*"))
    assert len(files) > 3
    assert all(path.stat().st_size <= 2000 for path in files)
    assert sum(len(bench.lines(path.name)) for path in files) == 30


def test_a_full_disk_stops_the_commits_and_nothing_is_lost(start: Start) -> None:
    bench = start()
    pid = bench.process.pid
    roomy = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    bench.send(result(1, bench.minute_us))
    bench.commits(1)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1000, roomy[1]))
    bench.send(*(result(target, bench.minute_us) for target in range(2, 12)))
    eventually(lambda: Pulse in map(type, bench.hear()) and bench.heard, "a pulse")
    eventually(lambda: any(isinstance(r, Pulse) and not r.writable for r in bench.hear()), "it says so")
    assert bench.ask("status")["state"] == "blocked"
    assert len(bench.commits(1)) == 1
    assert len(bench.lines()) == 1
    # What comes meanwhile waits outside.
    bench.send(*(result(target, bench.minute_us) for target in range(12, 22)))
    resource.prlimit(pid, resource.RLIMIT_FSIZE, roomy)
    assert len(bench.commits(21)) == 21
    assert bench.ask("status")["writable"]
    assert len(bench.lines()) == 21
    said = bench.stop()
    assert said.count("no result is taken until there is room") == 1
    assert said.count("results reach the disk again") == 1


@pytest.mark.parametrize("shared", ["run_dir", "data_dir"])
def test_a_second_one_says_in_one_line_that_it_is_not_the_first(
    start: Start, tmp_path: Path, shared: str
) -> None:
    bench = start()
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as folder:
        other: dict[str, object] = (
            {"run_dir": folder} if shared == "data_dir" else {"data_dir": tmp_path / "2"}
        )
        bench.settings |= other
        second = bench.spawn()
        _, said = second.communicate(timeout=30)
    assert second.returncode == 1
    mistakes = [line for line in said.decode().splitlines() if " ERROR " in line]
    assert len(mistakes) == 1
    assert f"is held by process {bench.process.pid}" in mistakes[0]
    assert b"Traceback" not in said


def test_a_data_dir_that_can_not_be_is_one_line(start: Start, tmp_path: Path) -> None:
    bench = start()
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "url_status.log").mkdir()
    with tempfile.TemporaryDirectory(prefix="pagestatus-test-") as folder:
        bench.settings |= {"run_dir": folder, "data_dir": tmp_path / "other"}
        second = bench.spawn()
        _, said = second.communicate(timeout=30)
    assert second.returncode == 78
    assert "url_status.log: Is a directory" in said.decode().splitlines()[-1]


def test_bad_frames_are_counted_and_the_good_ones_between_are_taken(start: Start) -> None:
    bench = start()
    for frame in (b"", b"\xc1", b"\x91\x01", encode([result(1, bench.minute_us)])[:-3]):
        bench.send_bytes(frame)
    bench.send(result(1, bench.minute_us), result(2, -1))
    bench.commits(1)
    status = bench.ask("status")
    records = status["records"]
    assert (status["bad_frames"], records["bad"], records["results"]) == (4, 1, 1)


def test_what_an_operator_may_ask(start: Start) -> None:
    bench = start()
    bench.send(timeout(1, bench.minute_us, retry_by_us=0), result(2, bench.minute_us))
    bench.send(sweep(bench.minute_us + MINUTE))
    bench.commits(2)
    eventually(lambda: bench.lines("minutes.log"), "the minute closes")
    assert bench.ask("log_path") == str(bench.data_dir / "url_status.log")
    (failure,) = bench.ask("failures", n=10, url=None)
    assert (failure["target"], failure["reason"], failure["connect_ms"]) == (
        "0000000000000001",
        "timeout",
        0.3,
    )
    assert bench.ask("failures", url="http://127.0.0.1/2") == []
    assert bench.lines("minutes.log") == [bench.ask("status")["minute"]]
    for mistake in ({"n": 0}, {"n": "1"}, {"n": True}):
        with pytest.raises(ControlError, match="expected a number"):
            ask(bench.addresses.control("aggregator"), "failures", mistake)
    # The same, for people, is in its own log.
    assert "2 due, 1 ok" in bench.stop()


def test_only_failures_are_written_and_all_is_counted(start: Start) -> None:
    bench = start(log__mode="failures")
    bench.send(*(result(target, bench.minute_us) for target in range(9)), timeout(9, bench.minute_us))
    bench.commits(10)
    assert [line["outcome"] for line in bench.lines()] == ["fail"]
    bench.send(missed(9, bench.minute_us), sweep(bench.minute_us + MINUTE))
    (minute,) = eventually(lambda: bench.lines("minutes.log"), "the minute closes")
    assert (minute["ok"], minute["missed"]) == (9, {"overrun": 1})


def test_a_drain_amid_a_long_gap_takes_all_of_it_and_what_came_behind(start: Start) -> None:
    bench = start(log__mode="failures")
    bench.send(*(missed(target, bench.minute_us, count=10_000, interval_us=1000) for target in range(1, 101)))
    bench.send(timeout(1000, bench.minute_us))
    bench.commits(1)
    bench.stop()
    assert len(bench.commits(101)) == 101
    assert [line["reason"] for line in bench.lines() if line["outcome"] == "fail"] == ["timeout"]


def test_a_long_gap_is_taken_in_rounds(start: Start) -> None:
    """What is true of a part of it is told, and whoever asks is answered, before the rest."""
    bench = start(log__mode="failures")
    records = [missed(target, bench.minute_us, count=10_000, interval_us=1000) for target in range(1, 41)]
    bench.send(*records)
    assert [commit.count for commit in bench.commits(40)] == [10_000] * 40
    assert bench.frames_with_commits >= 10
    bench.stop()


def test_downloads_are_in_the_line_of_their_minute_and_the_bridge_hears_what_it_says(start: Start) -> None:
    bench = start()
    told = DownloadMinute(bench.minute_us, 1, 2, 3, 4 << 20)
    bench.send(result(1, bench.minute_us), told)
    bench.commits(1)
    bench.send(sweep(bench.minute_us + MINUTE))
    (minute,) = eventually(lambda: bench.lines("minutes.log"), "the minute closes")
    assert minute["downloads"] == {"active": 1, "completed": 2, "failed": 3, "bytes": 4 << 20}
    # The first answer is for a bridge that is not there; the next one may come after a restart.
    bench.kill()
    bench.start()
    # Left to the garbage collector it would not be closed, only warned of, and its context would wait for it.
    with bench.bridge() as bridge:
        bench.send(DownloadMinute(bench.minute_us, 0, 9, 9, 9))
        eventually(lambda: bridge.poll(0), "an answer comes")
        assert decode(bridge.recv()) == [DownloadsCounted(bench.minute_us, 2, 3, 4 << 20)]
    bench.stop()
