"""A system that runs, given another list or another number of fetchers, as an operator would do it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence

from pagestatus.control import ControlError, NoAnswer, ask
from scripts.bench_run.system import System, Target
from scripts.nginx import NotEnough

LONGEST_S = 90
LOOK_S = 0.1


class Steered:
    """Each change has been made when its method returns; all raise ``NotEnough`` when it is not, for long."""

    def __init__(self, system: System) -> None:
        self._system = system

    def watch(self, targets: Sequence[Target]) -> None:
        """Go on with another list."""
        # Without an answer any list would be a new one.
        before = int(self._system.told("scheduler")["list"]["generation"])
        (self._system.data_dir.parent / "urls.json").write_text(json.dumps(targets), encoding="utf-8")
        self._order("scheduler", "reload", {})
        self._until(lambda: self._lists() > before, "the list is not read")

    def scale(self, fetchers: int) -> None:
        """Go on with so many fetchers."""
        self._order("fetchers", "scale", {"n": fetchers})
        self._until(lambda: self._states() == ["running"] * fetchers, f"there are never {fetchers} fetchers")

    def until_all_checked(self) -> None:
        """See that something is known of every target."""
        self._until(lambda: self._unknown() == 0, "some targets are never checked")

    def until_checked(self, slots: int) -> None:
        """See that so many slots have been checked."""
        self._until(lambda: self._checked() >= slots, f"{slots:,} slots are never checked")

    def _order(self, name: str, command: str, params: Mapping[str, object]) -> None:
        """Once, and with patience: it may be done although the answer is late."""
        try:
            ask(self._system.addresses.control(name), command, dict(params), LONGEST_S)
        except (NoAnswer, ControlError) as refused:
            raise NotEnough(f"{name} does not {command}: {refused}") from refused

    def _checked(self) -> int:
        return int(self._system.status("scheduler").get("schedule", {}).get("checked_total", 0))

    def _lists(self) -> int:
        return int(self._system.status("scheduler").get("list", {}).get("generation", 0))

    def _states(self) -> list[str]:
        return [fetcher["state"] for fetcher in self._system.status("fetchers").get("fetchers", [])]

    def _unknown(self) -> int | None:
        unknown: int | None = self._system.status("scheduler").get("targets", {}).get("unknown")
        return unknown

    def _until(self, holds: Callable[[], bool], otherwise: str) -> None:
        deadline = time.monotonic() + LONGEST_S
        while not holds():
            if time.monotonic() > deadline:
                raise NotEnough(f"{otherwise}; {self._system.data_dir.parent} has the logs")
            time.sleep(LOOK_S)
