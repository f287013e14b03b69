"""When the watchdog loses its patience, and how it reads what supervisord writes. Time is in beats."""

from __future__ import annotations

import pytest

from pagestatus.control import parse
from pagestatus.watchdog.events import Events
from pagestatus.watchdog.patience import MOST_PATIENT, STARTING, WELL, Patience
from pagestatus.watchdog.question import who

SILENT = 10
TICK = 5


class Watch:
    """One scheduler, whose processes have the numbers 1, 2, …; a look every five beats, as in life."""

    def __init__(self) -> None:
        self.patience = Patience(SILENT)
        self.pid = 1
        self.look()

    def look(self) -> bool:
        """Whether it hangs; then it is ended, and the next one begins."""
        if not self.patience.look({"scheduler": self.pid}):
            return False
        self.patience.end("scheduler")
        self.pid += 1
        self.look()
        return True

    def ends_within(self, beats: int, *, answering: int = 0) -> int | None:
        """After how many beats it is ended, if it answers at each look of the first ``answering`` beats."""
        for beat in range(1, beats + 1):
            self.patience.beat()
            if beat % TICK:
                continue
            if self.look():
                return beat
            if beat <= answering:
                self.patience.hear("scheduler", self.pid)
        return None


def test_who_answers_is_left_alone() -> None:
    assert Watch().ends_within(10_000, answering=10_000) is None


def test_who_has_answered_and_goes_silent_is_ended_after_the_patience() -> None:
    # It is asked at the next tick.
    assert Watch().ends_within(1000, answering=200) == 200 + TICK + SILENT


def test_who_is_not_asked_is_not_silent() -> None:
    watch = Watch()
    watch.ends_within(100, answering=100)
    for _ in range(1000):
        watch.patience.beat()
    # Nobody has asked for so long; supervisord stood still.
    assert not watch.look()
    assert watch.ends_within(1000) == SILENT


def test_who_starts_has_more_time() -> None:
    watch = Watch()
    assert watch.ends_within(SILENT * STARTING - 1) is None
    assert watch.ends_within(TICK) is not None


def test_a_late_answer_is_one() -> None:
    watch = Watch()
    for _ in range(100):
        # Once in nearly the whole of its patience.
        assert watch.ends_within(SILENT - 1) is None
        watch.patience.hear("scheduler", watch.pid)


def test_what_another_process_answers_is_not_heard() -> None:
    watch = Watch()
    for _ in range(SILENT * STARTING):
        watch.patience.beat()
        watch.patience.hear("scheduler", 99)
        watch.patience.hear("stranger", 1)
    assert watch.look()


def test_who_stood_still_itself_counts_nothing_and_begins_anew() -> None:
    watch = Watch()
    watch.ends_within(100, answering=100)
    watch.ends_within(SILENT)
    watch.patience.forgive()
    assert watch.ends_within(SILENT - 1) is None
    assert watch.ends_within(TICK) is not None


def test_who_hangs_again_and_again_gets_more_and_more_time() -> None:
    watch = Watch()
    # Each answers once and hangs.
    lives = [watch.ends_within(10_000, answering=TICK) for _ in range(8)]
    longest = MOST_PATIENT * SILENT + 2 * TICK
    assert lives == [20, 20, 30, 50, 90, longest, longest, longest]
    # One that never answers waits four times as long.
    assert watch.ends_within(10_000) == MOST_PATIENT * SILENT * STARTING


def test_who_was_well_for_long_is_not_slow() -> None:
    watch = Watch()
    for _ in range(4):
        watch.ends_within(10_000, answering=TICK)
    well = (WELL // TICK + 2) * TICK
    assert watch.ends_within(10_000, answering=well) == well + TICK + SILENT


def test_who_is_not_to_run_is_not_looked_at() -> None:
    watch = Watch()
    for _ in range(1000):
        watch.patience.beat()
    assert watch.patience.look({}) == []


HEADER = "ver:3.0 server:supervisor serial:21 pool:watchdog poolserial:10 eventname:TICK_5 len:15\n"
EVENT = f"{HEADER}when:1201063880".encode()


@pytest.mark.parametrize("size", [1, 7, len(EVENT), 1000])
def test_events_come_in_pieces_of_any_size(size: int) -> None:
    stream, events = EVENT * 3, Events()
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert [name for piece in pieces for name in events.feed(piece)] == ["TICK_5"] * 3


def test_an_event_without_a_payload() -> None:
    assert Events().feed(b"eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0\n") == [
        "SUPERVISOR_STATE_CHANGE_RUNNING"
    ]


@pytest.mark.parametrize("line", [b"\n", b"len:x\n", b"len\n", b"\xff:1\n"])
def test_what_is_no_event(line: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        Events().feed(line)


@pytest.mark.parametrize(
    ("line", "pid"),
    [
        (b'{"ok":{"pid":7,"state":"running"}}\n', 7),
        (b'{"ok":{}}\n', 0),
        (b'{"ok":null}\n', 0),
        (b'{"error":"the disk is full"}\n', 0),
        (b"", None),
        (b'{"ok":{"pi', None),
        (b"[7]\n", None),
        (b"\xff\n", None),
    ],
)
def test_who_has_answered(line: bytes, pid: int | None) -> None:
    """Whose number is not told still goes round; what is no answer is silence."""
    assert who(parse(line)) == pid
