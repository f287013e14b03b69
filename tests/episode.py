"""What the log says of a fault: from its beginning, while it lasts, and until all is well again."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from collections.abc import Collection

import msgspec
import pytest

from scripts.audit.log import Line
from system import System, eventually

# What the others show as well, more quickly.
long = pytest.mark.skipif(
    "PAGESTATUS_TEST_LONG" not in os.environ, reason="takes longer: PAGESTATUS_TEST_LONG=1"
)

_decode = msgspec.json.Decoder(Line).decode


class Episode:
    """Begins where it is made; what was in the log before does not count."""

    def __init__(self, system: System, targets: Collection[str]) -> None:
        """``targets``: the names of those that are healthy otherwise."""
        self._system = system
        self._targets = set(targets)
        self._log = system.data_dir / "url_status.log"
        self._from = self._log.stat().st_size if self._log.exists() else 0

    def lines(self) -> list[Line]:
        """Since it began; one that is being written is left for later."""
        if not self._log.exists():
            return []
        with self._log.open("rb") as file:
            # It may have begun in the middle of a line, which is not its own then.
            file.seek(max(self._from - 1, 0))
            if self._from:
                file.readline()
            whole, _end, _rest = file.read().rpartition(b"\n")
        return [_decode(line) for line in whole.splitlines()]

    def finals(self) -> Counter[tuple[str, str]]:
        """Slots of the healthy targets, by outcome and reason."""
        return Counter(
            (line.outcome, line.reason)
            for line in self.lines()
            if line.final and line.target in self._targets
        )

    def until(self, outcome: str, reason: str, slots: int, within_s: float = 20) -> None:
        """Wait until so many slots have ended so."""
        eventually(
            lambda: self.finals()[outcome, reason] >= slots, f"{slots} slots are {outcome} {reason}", within_s
        )

    def until_well(self, what: str, within_s: float = 20) -> float:
        """The fault is over: wait until each target's last slot is ok again; how long it took, in seconds."""
        began = time.monotonic()
        after = Episode(self._system, self._targets)
        eventually(after.is_well, f"all is well after {what}", within_s)
        took = time.monotonic() - began
        # For who wants to know, and reads it with pytest -rP.
        sys.stdout.write(f"{what}: well again after {took:.1f} s; meanwhile {dict(self.finals())}\n")
        return took

    def is_well(self) -> bool:
        """Whether each target has a slot, and the last one is ok."""
        last = {line.target: line.outcome for line in self.lines() if line.final}
        return all(last.get(target) == "ok" for target in self._targets)

    def outcomes(self) -> set[tuple[str, str]]:
        """How attempts at the healthy targets have ended, final or not."""
        return {(line.outcome, line.reason) for line in self.lines() if line.target in self._targets}
