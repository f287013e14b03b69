"""``reload`` waits for the list to be read, says so, and does not mind a scheduler that is busy with it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pagestatus.ctl import steer
from pagestatus.ctl.answers import ListState, Scheduler, Targets
from pagestatus.ctl.output import Refused
from pagestatus.ctl.place import DEGRADED, NOT_RUNNING, Place

READING = Scheduler("scheduler", "running", list=ListState(reading=True))
READ = Scheduler("scheduler", "running", targets=Targets(total=3), list=ListState(added=1))
BUSY = Refused("it does not answer", DEGRADED, nobody_answers=True)
GONE = Refused("it is not running", NOT_RUNNING, nobody_answers=True)


class FakePlace(Place):
    """Has one answer after the other."""

    def __init__(self, answers: Iterable[Scheduler | Refused]) -> None:
        super().__init__()
        self._answers = iter(answers)

    def ask(self, *_asked: object, **_params: object) -> Scheduler:  # type: ignore[override]
        answer = next(self._answers)
        if isinstance(answer, Refused):
            raise answer
        return answer


@pytest.fixture(autouse=True)
def _in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steer, "POLL_S", 0.001)
    monkeypatch.setattr(steer, "PATIENCE_S", 0.004)


@pytest.mark.parametrize("meanwhile", [READING, BUSY])
def test_while_a_list_is_read_that_is_said_once(
    meanwhile: Scheduler | Refused, capsys: pytest.CaptureFixture[str]
) -> None:
    assert steer._when_read(FakePlace([*[meanwhile] * 10, READ])) == (READ.list, 3)
    assert capsys.readouterr().err == "the list is being read; Ctrl-C ends the waiting alone\n"


def test_of_one_that_is_read_at_once_nothing_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert steer._when_read(FakePlace([READ])) == (READ.list, 3)
    assert not capsys.readouterr().err


def test_a_scheduler_that_is_gone_is_not_waited_for() -> None:
    with pytest.raises(Refused, match="not running"):
        steer._when_read(FakePlace([READING, GONE]))


def test_a_list_that_takes_too_long_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steer, "LONGEST_READING_S", 0.01)
    with pytest.raises(Refused, match="still being read"):
        steer._when_read(FakePlace([READING] * 100))
