"""One soak: everything is started, struck again and again, drained, and judged."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from scripts.nginx import NotEnough
from scripts.soak_run import encrypted, targets
from scripts.soak_run.disk import mounted
from scripts.soak_run.downloader import Downloader
from scripts.soak_run.fault import Fault, NotHealed
from scripts.soak_run.faults.table import faults
from scripts.soak_run.files import Offered, offered
from scripts.soak_run.judgement import Judgement, judge
from scripts.soak_run.manners import MOST_BYTES
from scripts.soak_run.network import Network
from scripts.soak_run.ports import datagram_port, held_port
from scripts.soak_run.servant import Servant
from scripts.soak_run.site import Site
from scripts.soak_run.striker import Striker
from scripts.soak_run.system import FETCHERS, Supervised
from scripts.soak_run.watcher import Watcher
from scripts.soak_run.world import World
from scripts.trial_run.system import configure


@dataclass(frozen=True)
class Plan:
    """What is to be done."""

    seconds: float
    rate: int
    seed: int
    every_s: float
    # Only faults with one of these words in their names; none: all.
    only: Sequence[str] = ()
    # In a network of its own, which is broken as well.
    has_network: bool = False


def soak(plan: Plan, keep: Path | None) -> Judgement:
    """Do it; ``keep``: what it leaves is copied there. Raises ``NotEnough``."""
    # All that follows is in it.
    network = Network() if plan.has_network else None
    with TemporaryDirectory(prefix="pagestatus-soak-") as name, ExitStack() as stack:
        scratch = Path(name)
        random = Random(plan.seed)  # noqa: S311 - a history that can be had again, not a secret
        world = _world(scratch, plan, random, network, stack)
        files = stack.enter_context(offered(scratch / "files", random))
        try:
            judgement = _run(world, plan, files)
        finally:
            if keep is not None:
                _copy(scratch, keep)
        return judgement


def _world(scratch: Path, plan: Plan, random: Random, network: Network | None, stack: ExitStack) -> World:
    """Everything but the system's processes."""
    for name in ("run", "data"):
        (scratch / name).mkdir(mode=0o700)
    disk = stack.enter_context(mounted(scratch / "data"))
    if disk is None:
        print("soak: without a disk of its own (which takes root), so none is ever full", file=sys.stderr)
    site = Site(scratch)
    stack.callback(site.close)
    names_port = datagram_port()
    names = Servant("scripts.soak_run.names", str(names_port))
    stack.callback(names.kill)
    # Nobody else is to have what they listen at.
    encrypted_ports = [stack.enter_context(held_port()).getsockname()[1] for _ in encrypted.KINDS]
    stack.callback(Servant("scripts.soak_run.encrypted", str(scratch), *map(str, encrypted_ports)).kill)
    # Nobody else is to have it while the bridge is away: each check takes a port.
    port = stack.enter_context(held_port()).getsockname()[1]
    configure(scratch, str(scratch / "run"), FETCHERS)
    os.environ |= {
        "PAGESTATUS_CHECK_NAME_SERVERS": f"127.0.0.1:{names_port}",
        "PAGESTATUS_CHECK_CA_FILE": str(scratch / encrypted.AUTHORITY),
        "PAGESTATUS_CHECK_MAX_BYTES": str(MOST_BYTES),
        "PAGESTATUS_WEBSOCKET_PORT": str(port),
        "PAGESTATUS_DOWNLOADS_ALLOW_PRIVATE": "true",
        # All of it is judged.
        "PAGESTATUS_LOG_KEEP": "1000",
    }
    world = World(
        Supervised(scratch / "root", scratch / "run", scratch / "data"),
        site,
        names,
        disk,
        network,
        port,
        encrypted_ports,
        scratch / "urls.json",
        targets.steady(plan.rate, site.port),
        random,
    )
    targets.write(world.urls, world.steady)
    return world


def _run(world: World, plan: Plan, files: Sequence[Offered]) -> Judgement:
    striker = Striker(world, _chosen(faults(world), plan.only), world.random)
    watcher = Watcher(world.system)
    downloader = Downloader(world.websocket_port, files, Random(plan.seed))  # noqa: S311 - as above
    with _running(world.system):
        try:
            striker.until_well()
        except NotHealed as trouble:
            raise NotEnough(f"the system does not start: {trouble}") from trouble
        with ThreadPoolExecutor() as threads:
            beside = [threads.submit(one.run) for one in (watcher, downloader)]
            try:
                striker.run(plan.seconds, plan.every_s)
            except KeyboardInterrupt:
                print("Ended early.", file=sys.stderr)
            except NotEnough as trouble:
                # What there is until then is judged all the same.
                striker.findings.append(f"the soak itself: {trouble}")
            finally:
                watcher.end()
                downloader.end()
        # A fault that was just struck heals first: a drain in the middle leaves slots to who comes next.
        striker.heal()
        striker.findings += [f"the soak itself: {one.exception()!r}" for one in beside if one.exception()]
        print("Draining ...", file=sys.stderr)
        striker.findings += [f"{name} did not drain" for name in world.system.drain()]
    print("Judging ...", file=sys.stderr)
    return judge(world, striker, watcher, downloader)


@contextmanager
def _running(system: Supervised) -> Iterator[None]:
    system.start()
    try:
        yield
    finally:
        # Nothing is left of it but after a mistake of ours.
        system.kill_all()


def _chosen(all_: Sequence[Fault], only: Sequence[str]) -> list[Fault]:
    found = [fault for fault in all_ if not only or any(word in fault.name for word in only)]
    if not found:
        raise NotEnough(f"no fault has one of {', '.join(only)} in its name")
    return found


def _copy(scratch: Path, keep: Path) -> None:
    for name in ("data", "root/var", "witness.log", "urls.json"):
        if (scratch / name).is_dir():
            shutil.copytree(
                scratch / name, keep / Path(name).name, ignore=shutil.ignore_patterns("downloads", "*.sock*")
            )
        else:
            shutil.copy(scratch / name, keep)
