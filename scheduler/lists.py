"""The list on the disk and the targets in memory: reading, reading again, and what an operator paused.

A reload is read in a thread, so that a million entries do not hold up the schedule; the loop takes the new
catalog over between two rounds. A list that cannot be read leaves the running one as it is.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from collections.abc import Iterable

import msgspec

from pagestatus.config import Config
from pagestatus.identity import id_word
from pagestatus.loop import Loop
from pagestatus.messages import Missed
from pagestatus.targets import BadList, TargetList
from scheduler.catalog import Catalog
from scheduler.following import Following
from scheduler.former import Former, left_open
from scheduler.listed import Listed
from scheduler.planner import Planner

log = logging.getLogger(__name__)

# Lines about single entries in the log; check-config shows all.
MOST_LINES = 20


class Lists:
    """Where catalogs come from."""

    def __init__(self, config: Config) -> None:
        self._path = config.urls
        self._paused_path = config.data_dir / "paused.json"
        self._listed = Listed(config.data_dir / "listed.bin")
        self._timeout_us = round(config.check.timeout * 1_000_000)
        self._retries = config.check.retries
        self._reading: threading.Thread | None = None
        self._again = False
        self._bug: BaseException | None = None
        # Whether slots fall due by a list yet: until then there is nothing for another one to follow.
        self._in_force = False
        self._following: Following | None = None
        self._generation = 0
        self._added = self._removed = 0
        # What the last reading had to say: lines about entries, or why there is none.
        self._mistakes: list[str] = []
        self._problem = ""

    @property
    def had_one(self) -> bool:
        """Whether a scheduler before this one had a list."""
        return self._listed.exists

    def begin(self) -> tuple[Catalog, Former]:
        """The list to begin with, and what those before leave; ``take_effect`` says from when on it holds.

        Raises ``BadList``.
        """
        catalog = self.read()
        former = self._listed.restore(catalog)
        # Here, where nothing waits for it yet.
        self._listed.prepare(catalog)
        return catalog, former

    def take_effect(self, catalog: Catalog, at_us: int, left: Iterable[Missed]) -> None:
        """What is due after ``at_us`` is due by ``catalog``, the first of this scheduler.

        Of targets that it does not have, ``left`` are to be settled.
        """
        self._in_force = True
        catalog.list_since(catalog.fresh(), at_us)
        self._listed.take_effect(at_us, left)

    def read(self) -> Catalog:
        """The list as it is now; raises ``BadList``. Bad entries are told and left out."""
        listing = TargetList(self._path)
        catalog = Catalog(listing, self._timeout_us, self._retries)
        for line in listing.mistakes[:MOST_LINES]:
            log.warning("%s: skipped", line)
        if (more := len(listing.mistakes) - MOST_LINES) > 0:
            log.warning("%s: %d more mistakes: see pagestatus-ctl check-config", self._path, more)
        for line in listing.notes[:MOST_LINES]:
            log.info("%s", line)
        self._mistakes, self._problem = listing.mistakes, ""
        for target_id in self._paused_ids():
            if (index := catalog.find(target_id)) >= 0:
                catalog.paused[index] = 1
        log.info("%s: %d targets", self._path, len(catalog))
        return catalog

    def begin_reload(self, loop: Loop, planner: Planner) -> None:
        """Read the list again in a thread; ``adopt_reload`` takes it over."""
        self._loop = loop
        if self._reading is not None or not self._in_force:
            # What is being read may be older than what is asked for.
            self._again = True
            return
        self._reading = threading.Thread(
            target=self._read_in_thread, args=[planner.catalog], name="reload", daemon=True
        )
        self._reading.start()
        self._look()

    def _look(self) -> None:
        """Have the loop come round until the thread is done."""
        if self._reading is not None:
            self._loop.after(0.05, self._look)

    def _read_in_thread(self, old: Catalog) -> None:
        try:
            following = Following(self.read(), old)
            if following.differs or self._listed.is_lost:
                self._listed.prepare(following.catalog)
            self._following = following
        except BadList as mistake:
            self._problem = str(mistake)
            log.error("%s: the running list is kept, until a restart", mistake)  # noqa: TRY400 - one clear line
        except BaseException as bug:  # noqa: BLE001 - raised where it ends the process, as any other
            self._bug = bug

    def adopt_reload(self, planner: Planner) -> None:
        """Between two rounds: go on with the new list, if one has been read."""
        if self._reading is not None and not self._reading.is_alive():
            self._reading = None
            if self._bug is not None:
                raise self._bug
            self._generation += 1
            self._take_over(planner)
        if self._again and self._reading is None and self._in_force:
            self._again = False
            self.begin_reload(self._loop, planner)

    def _take_over(self, planner: Planner) -> None:
        if self._following is None:
            return
        following, self._following = self._following, None
        self._added, self._removed = following.added, following.removed
        planner.reload(following)
        self._listed.take_effect(planner.swept_us, left_open(planner))
        # As after a start (see the runner): the collector is not to look at all of it again and again.
        gc.freeze()
        log.info("%s: taken over: %d added, %d removed", self._path, self._added, self._removed)

    def state(self) -> dict[str, object]:
        """For an operator: how many readings were taken over or refused, and what the last one said."""
        return {
            "path": str(self._path),
            "generation": self._generation,
            "reading": self._reading is not None or self._again,
            "added": self._added,
            "removed": self._removed,
            "mistakes": len(self._mistakes),
            "first_mistakes": self._mistakes[:MOST_LINES],
            "problem": self._problem,
        }

    def save_paused(self, catalog: Catalog) -> None:
        """Remember what is paused: a restart must not undo what an operator said. Raises OSError."""
        ids = [catalog.ids[index] for index, paused in enumerate(catalog.paused) if paused]
        temporary = self._paused_path.with_suffix(".tmp")
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode([id_word(target_id) for target_id in ids]))
            file.flush()
            os.fdatasync(file.fileno())
        temporary.replace(self._paused_path)

    def _paused_ids(self) -> list[int]:
        path = self._paused_path
        try:
            return [int(text, 16) for text in msgspec.json.decode(path.read_bytes(), type=list[str])]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, msgspec.DecodeError) as mistake:
            log.warning("%s: %s: nothing is paused", path, mistake)
            return []
