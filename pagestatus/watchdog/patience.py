"""Who has been silent for too long.

Pure. Only who was asked can be silent. That is counted in heartbeats of the watchdog's own, one a second:
while it stands still itself, or the whole machine does, nothing is counted against anybody. One that hangs
again and again is given more and more time: it may be slow, and being started again would not make it faster.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

# Beats without an answer: a list of a million targets keeps a scheduler busy for some seconds.
SILENT = 30
# Times that, until the first answer: it has to read that list, or a log.
STARTING = 4
# Beats after a first answer. Who lived as long has not failed to start.
WELL = 60
# Times the usual patience, at most.
MOST_PATIENT = 16


@dataclass(slots=True)
class Watched:
    """One name, and the process that has it now."""

    pid: int = 0
    # It was asked, and has not answered yet.
    is_asked: bool = False
    # Beats since it was asked.
    silent: int = 0
    # Beats since its first answer, and how many of them had passed at the last one.
    age: int = 0
    lived: int = 0
    # How many in a row hung before they had lived for ``WELL``.
    hung: int = 0

    def begin(self, pid: int) -> None:
        """Another process has the name."""
        self.pid, self.is_asked, self.silent, self.age, self.lived = pid, False, 0, 0, 0

    def ask(self) -> None:
        """It is asked, if it is not yet."""
        if not self.is_asked:
            self.is_asked, self.silent = True, 0

    def beat(self) -> None:
        """A second has passed."""
        self.silent += self.is_asked
        self.age += self.lived > 0

    def hear(self) -> None:
        """It has answered."""
        self.is_asked, self.silent = False, 0
        self.lived = max(self.age, 1)
        if self.lived > WELL:
            self.hung = 0

    def bound(self, patience: int) -> int:
        """Beats that an answer may take."""
        # The first one may be an accident.
        longer = min(1 << max(0, self.hung - 1), MOST_PATIENT)
        return patience * longer * (1 if self.lived else STARTING)


class Patience:
    """How long each is waited for."""

    def __init__(self, silent: int = SILENT) -> None:
        """``silent``: beats that the answer of one that has answered before may take."""
        self.watched: dict[str, Watched] = {}
        self._silent = silent

    def beat(self) -> None:
        """A second has passed in which we were awake."""
        for watched in self.watched.values():
            watched.beat()

    def look(self, processes: Mapping[str, int]) -> list[str]:
        """Those of ``processes``, ids by name, that hang. All others are asked from now on."""
        hanging = []
        for name, pid in processes.items():
            watched = self.watched.setdefault(name, Watched())
            if watched.pid != pid:
                watched.begin(pid)
            if watched.silent >= self.bound(name):
                hanging.append(name)
            else:
                watched.ask()
        return hanging

    def bound(self, name: str) -> int:
        """Beats that an answer of ``name`` may take."""
        return self.watched[name].bound(self._silent)

    def hear(self, name: str, pid: int) -> None:
        """``pid`` has answered in the name of ``name``; one that is not the process now is not heard."""
        watched = self.watched.get(name)
        if watched is not None and watched.pid == pid:
            watched.hear()

    def end(self, name: str) -> None:
        """The process of that name hung, and was ended."""
        watched = self.watched[name]
        watched.hung += 1
        watched.begin(0)

    def forgive(self) -> None:
        """We stood still for long: whatever others have missed, they could not help it."""
        for watched in self.watched.values():
            watched.silent = 0
