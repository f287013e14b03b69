"""The list of targets: what stands in it now, and what was in force when."""

from __future__ import annotations

from random import Random

from pagestatus.config import Config
from pagestatus.loop import Loop
from pagestatus.targets import Target, target_id
from scheduler.catalog import Catalog
from scheduler.following import Following
from scheduler.former import left_open
from scheduler.lists import Lists
from scheduler.planner import Planner
from simulation.history import Adoption, History
from simulation.network import SECOND_US

INTERVALS_S = (1, 2, 3, 5, 10, 20, 60)
HOSTS = 4


class Listing:
    """The file, which outlives every process; and which targets an operator has paused."""

    def __init__(self, random: Random) -> None:
        self.paused: set[int] = set()
        self._random = random
        self._made = 0
        self.targets: list[Target] = [self._new() for _ in range(random.choice([1, 3, 10, 30]))]

    def edit(self) -> None:
        """Somebody edits the list: some go, some come, some are looked at more or less often."""
        random = self._random
        self.targets = [target for target in self.targets if random.random() < 0.8]
        self.targets += [self._new() for _ in range(random.randint(0, 3))]
        if self.targets and random.random() < 0.5:
            at = random.randrange(len(self.targets))
            old = self.targets[at]
            if old.name:
                self.targets[at] = Target(old.id, old.url, self._interval_us(), old.name)
        random.shuffle(self.targets)

    def _new(self) -> Target:
        self._made += 1
        random = self._random
        name = f"n{self._made}" if random.random() < 0.5 else ""
        url = f"http://host{random.randrange(HOSTS)}/{self._made}"
        interval_us = self._interval_us()
        identity = f"name\0{name}" if name else f"url\0{url}\0{interval_us}"
        timeout_us = random.choice([0, SECOND_US // 2, 4 * SECOND_US])
        return Target(target_id(identity), url, interval_us, name, timeout_us, random.choice([None, 0, 3]))

    def _interval_us(self) -> int:
        return self._random.choice(INTERVALS_S) * SECOND_US


class HeldLists(Lists):
    """Reads the listing without a file and without a thread."""

    def __init__(self, config: Config, listing: Listing, history: History) -> None:
        super().__init__(config)
        self._listing = listing
        self._history = history
        self._config = config
        self._is_read = False

    def read(self) -> Catalog:
        targets = self._history.targets = self._listing.targets
        catalog = Catalog(targets, round(self._config.check.timeout * SECOND_US), self._config.check.retries)
        for index, id_ in enumerate(catalog.ids):
            catalog.paused[index] = id_ in self._listing.paused
        return catalog

    def begin_reload(self, loop: Loop, planner: Planner) -> None:
        del planner
        self._is_read = True
        loop.soon(lambda: None)

    def adopt_reload(self, planner: Planner) -> None:
        if self._is_read and self._in_force:
            self._is_read = False
            following = Following(self.read(), planner.catalog)
            if following.differs or self._listed.is_lost:
                self._listed.prepare(following.catalog)
            planner.reload(following)
            self._listed.take_effect(planner.swept_us, left_open(planner))
            self._history.adoptions.append(Adoption(planner.swept_us, self._history.targets))

    def save_paused(self, catalog: Catalog) -> None:
        self._listing.paused = {
            id_ for id_, paused in zip(catalog.ids, catalog.paused, strict=True) if paused
        }
