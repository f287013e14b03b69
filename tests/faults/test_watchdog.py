"""The watchdog, a supervisord that ticks when the test tells it to, and a scheduler that may hang."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pagestatus.addresses import Addresses
from pagestatus.control_server import ControlServer
from pagestatus.loop import Loop
from pagestatus.watchdog.actor import SUPERVISORD_SILENT, Watchdog
from pagestatus.watchdog.events import OK, READY
from pagestatus.watchdog.patience import STARTING, Patience
from pagestatus.watchdog.supervisord import IsStopping, NoSupervisord, Supervisord
from system import short_folder

SILENT = 10
TICK = 5
EVENT = b"ver:3.0 eventname:TICK_5 len:9\nwhen:1234"


class Fake(Supervisord):
    """Has a scheduler and something else, and notes whom it is to kill."""

    def __init__(self) -> None:
        super().__init__("unix:///nowhere")
        self.pids = {"scheduler": 1, "something else": 7}
        self.killed: list[int] = []
        self.trouble: NoSupervisord | None = None

    def processes(self) -> dict[str, int]:
        if self.trouble is not None:
            raise self.trouble
        return dict(self.pids)

    def kill(self, name: str) -> None:
        self.killed.append(self.pids[name])
        self.pids[name] += 1


class Kennel:
    """The watchdog, and what it hears."""

    def __init__(self, run_dir: Path) -> None:
        self.loop = Loop()
        self.supervisord = Fake()
        events, self.to_watchdog = os.pipe()
        self.from_watchdog, answers = os.pipe()
        self.fds = [events, self.to_watchdog, self.from_watchdog, answers]
        self.watchdog = Watchdog(self.supervisord, Patience(SILENT), events, answers)
        self.addresses = Addresses(run_dir)
        self.drains = 0
        runner: Any = SimpleNamespace(loop=self.loop, addresses=self.addresses, drain=self.drain)
        self.watchdog.start(runner)
        assert os.read(self.from_watchdog, 100) == READY

    def drain(self) -> None:
        self.drains += 1

    def tick(self, times: int = 1) -> None:
        """Supervisord ticks, and whoever is asked has time to answer."""
        os.write(self.to_watchdog, EVENT * times)
        self.loop.round(1)
        assert os.read(self.from_watchdog, 10_000) == (OK + READY) * times
        self.rounds()

    def rounds(self) -> None:
        """The loop goes round until nothing comes any more."""
        for _ in range(5):
            self.loop.round(0)

    def beats(self, beats: int, *, ticking: bool = True) -> None:
        """Seconds pass."""
        for beat in range(1, beats + 1):
            self.watchdog.second()
            if ticking and beat % TICK == 0:
                self.tick()

    def scheduler(self, pid: int, *, failing: bool = False) -> ControlServer:
        """A scheduler that answers when the loop goes round."""

        def status(_params: object) -> dict[str, int]:
            if failing:
                raise OSError("the disk is full")
            return {"pid": pid}

        return ControlServer(self.loop, self.addresses.control("scheduler"), {"status": status})

    def close(self) -> None:
        self.watchdog.close()
        for fd in self.fds:
            os.close(fd)
        self.loop.close()


@pytest.fixture
def kennel(caplog: pytest.LogCaptureFixture) -> Iterator[Kennel]:
    caplog.set_level(logging.INFO)
    folder = short_folder()
    with closing(Kennel(folder)) as kennel:
        yield kennel
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


def test_who_answers_lives_and_a_stranger_is_not_asked(kennel: Kennel) -> None:
    with closing(kennel.scheduler(1)):
        kennel.beats(1000)
    assert kennel.supervisord.killed == []


def test_an_answer_that_tells_of_trouble_is_one(kennel: Kennel) -> None:
    with closing(kennel.scheduler(1, failing=True)):
        kennel.beats(1000)
    assert kennel.supervisord.killed == []


def test_who_is_silent_is_killed_and_that_is_one_clear_line(
    kennel: Kennel, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(kennel.scheduler(1)):
        kennel.beats(TICK)
    kennel.beats(TICK + SILENT)
    assert kennel.supervisord.killed == [1]
    assert caplog.messages == [f"scheduler (pid 1) hangs: silent for {SILENT} s: killed"]
    (told,) = kennel.watchdog.commands()["status"]({})["watched"]  # type: ignore[index]
    assert (told["name"], told["killed"]) == ("scheduler", 1)


def test_one_that_hangs_for_ever_is_killed_less_and_less_often(
    kennel: Kennel, caplog: pytest.LogCaptureFixture
) -> None:
    kennel.beats(1000)
    waits = [message.partition("silent for ")[2] for message in caplog.messages]
    assert waits == [
        "40 s: killed",
        "40 s: killed, the 2. time in a row",
        "80 s: killed, the 3. time in a row",
        "160 s: killed, the 4. time in a row",
        "320 s: killed, the 5. time in a row",
    ]
    assert len(kennel.supervisord.killed) == len(waits)


def test_the_answer_of_another_process_is_none(kennel: Kennel) -> None:
    """That of one whose place the new one waits for."""
    with closing(kennel.scheduler(99)):
        kennel.beats(SILENT * STARTING + TICK)
    assert kennel.supervisord.killed == [1]


def test_a_late_answer_is_one(kennel: Kennel) -> None:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(str(kennel.addresses.control("scheduler")))
        listening.listen()
        for _ in range(20):
            kennel.tick()
            peer, _ = listening.accept()
            with closing(peer):
                assert peer.recv(100) == b'{"command":"status"}\n'
                kennel.beats(SILENT - 1)
                peer.send(b'{"ok":{"pid":1}}\n')
                kennel.rounds()
    assert kennel.supervisord.killed == []


def test_it_kills_nothing_while_supervisord_stands_still(
    kennel: Kennel, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(kennel.scheduler(1)):
        kennel.tick()
        kennel.beats(1000, ticking=False)
        (told,) = caplog.messages
        assert f"supervisord (pid {os.getppid()}) hangs: silent for {SUPERVISORD_SILENT} s" in told
        kennel.tick()
    assert caplog.messages[1].startswith("supervisord goes on after 1000 s")
    assert kennel.supervisord.killed == []


def test_ticks_that_have_gathered_while_it_stood_still_are_no_time(kennel: Kennel) -> None:
    kennel.tick()
    kennel.tick(times=100)
    assert kennel.supervisord.killed == []


def test_after_a_suspension_everybody_is_waited_for_anew(kennel: Kennel) -> None:
    kennel.tick()
    kennel.beats(SILENT * STARTING - 1)
    kennel.loop.tell_stall(120)
    kennel.beats(SILENT * STARTING - 1)
    assert kennel.supervisord.killed == []
    kennel.loop.tell_stall(1.5)
    kennel.beats(TICK)
    assert kennel.supervisord.killed == [1]


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        (
            NoSupervisord("timed out"),
            ["supervisord: timed out: nothing that hangs is killed until it answers"],
        ),
        (IsStopping("it stops"), []),
    ],
    ids=["silent", "stopping"],
)
def test_a_supervisord_that_does_not_tell_is_told_of_once(
    kennel: Kennel, caplog: pytest.LogCaptureFixture, trouble: NoSupervisord, said: list[str]
) -> None:
    kennel.supervisord.trouble = trouble
    for _ in range(3):
        kennel.tick()
    assert caplog.messages == said
    kennel.supervisord.trouble = None
    kennel.tick()
    kennel.supervisord.trouble = trouble
    kennel.tick()
    assert caplog.messages == 2 * said


def test_it_leaves_with_its_supervisord(kennel: Kennel) -> None:
    # Its last tick can not be answered any more.
    os.write(kennel.to_watchdog, EVENT)
    for fd in (kennel.to_watchdog, kennel.from_watchdog):
        os.close(fd)
        kennel.fds.remove(fd)
    kennel.rounds()
    assert kennel.drains == 1
    assert kennel.watchdog.drained()


def test_a_socket_where_nobody_is() -> None:
    with pytest.raises(NoSupervisord, match=r"getAllProcessInfo: .*No such file"):
        Supervisord("unix:///no/such/socket").processes()
    with pytest.raises(ValueError, match="expected unix:// and a path"):
        Supervisord("http://127.0.0.1:9001")
