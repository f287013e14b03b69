"""Where the processes are, and how they are asked: the configuration is read when it is first needed."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from pagestatus.addresses import Addresses, default_run_dir
from pagestatus.config import RESULTS_LOG, Config, ConfigMistakes, load
from pagestatus.control import ControlError, NoAnswer, Silent, ask, ask_all
from pagestatus.ctl.output import Refused, note

CONFIGURATION = 78
NOT_RUNNING = 4
DEGRADED = 3

# An answer takes milliseconds; one that was not there after this will not come. With the time that Python
# takes to start, a command is to end within a second.
PATIENCE_S = 0.6
# For the path of the log alone nobody should wait long: the configuration says it as well.
SHORT_S = 0.2
# The same, for who has waited for another process in vain.
SHORTEST_S = 0.05

Shape = TypeVar("Shape")


class Place:
    """One running system, as the global options name it."""

    def __init__(self) -> None:
        self.flags: dict[str, Path | None] = {}
        # When somebody was waited for in vain.
        self._silence_at = -PATIENCE_S

    @cached_property
    def config(self) -> Config:
        """The configuration. One with mistakes must not blind who looks at what runs: they are told.

        Raises ``Refused`` for what was asked for here and now.
        """
        try:
            return load(self.flags)
        except ConfigMistakes as mistakes:
            for line in mistakes.lines:
                note(line)
            if self.flags.get("config") is not None or any(map(_is_of_command_line, mistakes.lines)):
                raise Refused("the configuration has mistakes", CONFIGURATION) from mistakes
            note("going on without what is wrong there")
            return mistakes.config

    @property
    def addresses(self) -> Addresses:
        """Where the control sockets are; raises ``Refused`` when they are somebody else's."""
        run_dir = self.config.run_dir
        if run_dir.is_dir() and not os.access(run_dir, os.X_OK):
            raise Refused(
                f"{run_dir}: permission denied: only the user whose processes they are may ask them"
            )
        _see_that_it_is_meant(run_dir)
        return Addresses(run_dir)

    def ask(self, name: str, command: str, shape: type[Shape], **params: object) -> Shape:
        """The answer of process ``name``; raises ``Refused``."""
        try:
            answer = ask(self.addresses.control(name), command, params, PATIENCE_S)
        except Silent as mistake:
            self._silence_at = time.monotonic()
            log = self.config.data_dir / f"{name}.log"
            message = f"the {name} process does not answer: see {log}"
            raise Refused(message, DEGRADED, nobody_answers=True) from mistake
        except NoAnswer as mistake:
            raise Refused(self._absent(name, mistake), NOT_RUNNING, nobody_answers=True) from mistake
        except ControlError as mistake:
            raise Refused(str(mistake)) from mistake
        return understood(name, answer, shape)

    def ask_all(self, commands: Mapping[str, tuple[str, str, Mapping[str, object]]]) -> dict[str, Any]:
        """Several (process, command, parameters) at once; an exception stands where no answer came."""
        requests = {
            key: (self.addresses.control(name), command, params)
            for key, (name, command, params) in commands.items()
        }
        answers = ask_all(requests, PATIENCE_S)
        if any(isinstance(answer, Silent) for answer in answers.values()):
            self._silence_at = time.monotonic()
        return answers

    def fetchers(self) -> list[str]:
        """The names of those that have a control socket; who left it behind answers nothing."""
        return sorted(
            path.stem for path in self.addresses.run_dir.glob(self.addresses.control("fetcher-*").name)
        )

    def log(self, file: str = RESULTS_LOG) -> Path:
        """The path of one of the aggregator's logs, whether it runs or not."""
        has_waited = time.monotonic() - self._silence_at < PATIENCE_S
        patience_s = SHORTEST_S if has_waited else SHORT_S
        try:
            answer = ask(self.addresses.control("aggregator"), "log_path", {}, patience_s)
        except (NoAnswer, ControlError) as mistake:
            answer = mistake
        return self.path_of(file, answer)

    def path_of(self, file: str, answer: object) -> Path:
        """The path of ``file``: the aggregator's ``log_path`` knows best, else the configuration says it."""
        if isinstance(answer, str):
            return Path(answer).with_name(file)
        return self.config.data_dir / file

    def _absent(self, name: str, mistake: NoAnswer) -> str:
        return (
            f"the {name} process is not running ({mistake}): "
            "start it with scripts/run, or name its run_dir with --run-dir"
        )


def _is_of_command_line(mistake: str) -> bool:
    return mistake.startswith("command line:")


def _see_that_it_is_meant(run_dir: Path) -> None:
    """Whoever has a folder hears what is said in it: root says it in others' folders, if it names them.

    The default one is in a place where everybody can be first. Raises ``Refused``.
    """
    us = os.geteuid()
    if us == 0 and run_dir != default_run_dir():
        return
    try:
        owners = {run_dir.stat().st_uid, run_dir.lstat().st_uid}
    except OSError:
        return
    if others := owners - {us, 0}:
        raise Refused(f"{run_dir} belongs to user {min(others)}, expected {us}: nothing is said to others")


def understood(name: str, answer: object, shape: type[Shape]) -> Shape:
    """``answer`` as ``shape``; raises ``Refused`` when the process speaks otherwise than this version."""
    try:
        return msgspec.convert(answer, shape)
    except msgspec.ValidationError as mistake:
        raise Refused(
            f"the {name} process answers in a way this version does not know: {mistake}"
        ) from mistake
