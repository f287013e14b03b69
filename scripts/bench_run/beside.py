"""Systems at work beside each other, measured in the same seconds.

How fast the machine is and what else it does changes from minute to minute, and is then the same for all: one
after the other the same system differs from itself by a fifth, beside itself by a hundredth.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

from scripts.audit import log
from scripts.bench_run.due import HEAD as DUE
from scripts.bench_run.due import Due, Window, due
from scripts.bench_run.moment import measuring
from scripts.bench_run.site import Pages
from scripts.bench_run.steered import Steered
from scripts.bench_run.system import System, running
from scripts.bench_run.use import SoFar, Use

HEAD = ("us a check", *DUE)
# Until the last slot is settled.
REST_S = 1


class Watched(NamedTuple):
    """What one of the systems watches."""

    urls: Sequence[str]
    interval_s: int


@dataclass(frozen=True)
class Run:
    """What one of the systems did, what it took, and the slots that fell due meanwhile."""

    use: Use
    due: Due

    @property
    def us_a_check(self) -> float:
        """CPU of all our processes, for each slot in ``due`` that was checked."""
        return self.use.ours_s / max(self.due.checked, 1) * 1e6

    def as_json(self) -> dict[str, Any]:
        return {"us_a_check": round(self.us_a_check, 2), "use": asdict(self.use), **self.due.as_json()}

    def cells(self) -> tuple[str, ...]:
        """For a table with the head HEAD."""
        return (f"{self.us_a_check:.1f}", *self.due.cells())


def beside(  # noqa: PLR0913 - all by name but two
    folder: Path,
    site: Pages,
    *,
    watched: Sequence[Watched],
    settings: Mapping[str, object],
    warm_s: float,
    seconds: float,
    wanted: Callable[[str], bool] = bool,
) -> list[Run]:
    """Run them for ``seconds`` after ``warm_s``; of ``due`` the targets whose URL is ``wanted``.

    Raises ``NotEnough``.
    """
    with ExitStack() as stack:
        systems = [
            stack.enter_context(_running(folder / f"system-{number}", one, settings))
            for number, one in enumerate(watched)
        ]
        for system, one in zip(systems, watched, strict=True):
            Steered(system).until_checked(round(len(one.urls) / one.interval_s * warm_s))
        before, began_s = [SoFar.of(system, site) for system in systems], time.time()
        with measuring():
            time.sleep(seconds)
        after, window = [SoFar.of(system, site) for system in systems], Window(began_s, time.time())
        time.sleep(REST_S)
    return [
        Run(end - start, due(log.lines(system.data_dir), {"": window}, wanted)[""])
        for system, start, end in zip(systems, before, after, strict=True)
    ]


@contextmanager
def _running(folder: Path, watched: Watched, settings: Mapping[str, object]) -> Iterator[System]:
    folder.mkdir()
    targets = [{"url": url, "interval": watched.interval_s} for url in watched.urls]
    with running(folder, targets, settings) as system:
        yield system
