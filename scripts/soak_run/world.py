"""What faults act on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

from scripts.soak_run.disk import Disk
from scripts.soak_run.site import Site
from scripts.soak_run.system import Supervised
from scripts.soak_run.targets import Target


@dataclass(frozen=True)
class World:
    """One system that runs, and what is around it."""

    system: Supervised
    site: Site
    # Below the system's data_dir; None: it can not be filled here.
    disk: Disk | None
    # Of the name server.
    names_pid: int
    websocket_port: int
    urls: Path
    # The list that is watched, and what joins it for a while.
    steady: list[Target]
    guests: list[Target]
    random: Random
