"""Asks the running system how it is, once a second, and does its books each time."""

from __future__ import annotations

import time
from typing import Any

from pagestatus.ctl.picture import look
from pagestatus.ctl.place import Place


class Watcher:
    """Asks what ``pagestatus-ctl status --json`` says, in this process, to leave the CPU to others."""

    def __init__(self) -> None:
        self.answers = 0
        self.wrong: list[dict[str, Any]] = []
        self.last_schedule: dict[str, Any] = {}
        self._place = Place()

    def look(self) -> dict[str, Any]:
        """One answer, with its books held against ``due = checked + missed + in flight``."""
        picture = look(self._place).as_json()
        schedule: dict[str, Any] = picture["schedule"]
        if schedule:
            self.answers += 1
            self.last_schedule = schedule
            if not balanced(schedule):
                self.wrong.append(schedule)
        return picture

    def until(self, state: str, within_s: float) -> float:
        """Seconds until the whole is in ``state``; infinite when it is not so ``within_s``."""
        began = time.monotonic()
        while self.look()["state"] != state:
            if time.monotonic() - began > within_s:
                return float("inf")
            time.sleep(0.02)
        return time.monotonic() - began


def balanced(schedule: dict[str, Any]) -> bool:
    settled = schedule["checked_total"] + sum(schedule["missed_total"].values())
    return bool(schedule["due_total"] == settled + schedule["in_flight"])
