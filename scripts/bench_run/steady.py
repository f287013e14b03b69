"""The system at work at a steady rate, for as long as it is measured, and at rest in between."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_run.clients import Failed
from scripts.bench_run.moment import measuring
from scripts.bench_run.site import MOST_HOSTS, Pages
from scripts.bench_run.steered import Steered
from scripts.bench_run.system import System, Target, running
from scripts.bench_run.use import SoFar, Use

INTERVAL_S = 10
MOST_RATE = MOST_HOSTS // INTERVAL_S
DAY_S = 86_400


@dataclass(frozen=True)
class Load:
    """How many checks a second, and of what."""

    # At most MOST_RATE: each target has a host of its own.
    rate: int
    one_host: bool = False
    # Before it is measured.
    warm_s: float = 3

    def targets(self, site: Pages) -> list[Target]:
        url = site.url_of_one_host if self.one_host else site.url
        return [{"url": url(number), "interval": INTERVAL_S} for number in range(self.rate * INTERVAL_S)]


class Steady:
    """A system that rests until it is measured."""

    def __init__(self, system: System, site: Pages, load: Load) -> None:
        self._system = system
        self._site = site
        self._load = load
        self._steered = Steered(system)

    def measure(self, seconds: float) -> Use:
        """Let it work, and rest again; what it used for ``seconds``.

        Raises ``NotEnough``, and ``Failed`` if a check did: that may be cheaper than one that succeeds.
        """
        self._steered.watch(self._load.targets(self._site))
        time.sleep(self._load.warm_s)
        before = SoFar.of(self._system, self._site)
        with measuring():
            time.sleep(seconds)
        use = SoFar.of(self._system, self._site) - before
        down = self._system.told("scheduler")["targets"]["down"]
        self._steered.watch(resting(self._site))
        if down:
            raise Failed(f"the checks of {down:,} targets failed; {self._system.data_dir} has the log")
        return use


@contextmanager
def steady(folder: Path, site: Pages, load: Load, settings: Mapping[str, object]) -> Iterator[Steady]:
    """Start one in ``folder``, which is made; raises ``NotEnough``."""
    folder.mkdir()
    with running(folder, resting(site), settings) as system:
        system.until_running(int(str(settings["fetchers"])), 0)
        yield Steady(system, site, load)


def resting(site: Pages) -> list[Target]:
    """A list that makes no work."""
    return [{"url": site.url(0), "interval": DAY_S}]
