"""What faults act on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

from scripts.soak_run.disk import Disk
from scripts.soak_run.network import Network
from scripts.soak_run.servant import Servant
from scripts.soak_run.site import Site
from scripts.soak_run.system import Supervised
from scripts.soak_run.targets import Target


@dataclass(frozen=True)
class World:
    """One system that runs, and what is around it."""

    system: Supervised
    site: Site
    names: Servant
    # Below the system's data_dir; None: it can not be filled here.
    disk: Disk | None
    # Of this process and all that it starts; None: it is that of the machine, and not ours to break.
    network: Network | None
    websocket_port: int
    # Where sites with TLS listen, one for each of ``encrypted.KINDS``.
    encrypted_ports: Sequence[int]
    urls: Path
    # The list that is watched.
    steady: list[Target]
    random: Random
