"""Each byte is written, none is wrong, and the journal agrees with the disk.

Whatever order ranges finish, fail, split and repeat in, and whoever dies. One seed makes one history.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from random import Random

import pytest

from pagestatus.config import Downloads as Policy
from simulation.downloads import PASSING, World
from wsbridge.entry import Status

SEED = int(os.environ.get("PAGESTATUS_TEST_SEED", "1"))
STEPS = int(os.environ.get("PAGESTATUS_TEST_STEPS", "60000"))
STEPS_A_HISTORY = 400
# Rounds that are more than enough for what is left, when nothing goes wrong any more.
HEALTHY_ROUNDS = 5000


def _move(world: World) -> None:
    if transfers := world.transfers():
        fetcher, transfer = world.random.choice(transfers)
        fetcher.move(transfer, world.random.choice((1, 5_000, 200_000, 2_000_000)))


def _report(world: World) -> None:
    for fetcher, transfer in world.transfers():
        if world.random.random() < 0.7:
            fetcher.report(transfer)


def _deliver(world: World) -> None:
    fetchers = list(world.fetchers.values())
    if fetchers:
        for _ in range(3):
            world.deliver(world.random.choice(fetchers), twice=world.random.random() < 0.1)


def _break_off(world: World) -> None:
    if transfers := world.transfers():
        fetcher, transfer = world.random.choice(transfers)
        fetcher.end(transfer, world.random.choice(PASSING))


def _lose_fetcher(world: World) -> None:
    if world.fetchers:
        world.kill_fetcher()


def _start_fetcher(world: World) -> None:
    if len(world.fetchers) < 3:
        world.start_fetcher()


def _mood(world: World) -> None:
    world.server().mood = world.random.choice((0, 0, 0, 429, 503, 500))


def _change_file(world: World) -> None:
    if world.random.random() < 0.2:
        world.server().change()


def _change_ranges(world: World) -> None:
    world.server().honours_ranges = world.random.random() < 0.8


def _steer(world: World) -> None:
    download = world.download()
    world.random.choice((download.pause, download.resume, download.resume, download.retry, download.retry))()
    world.book.settle(download)


def _cancel(world: World) -> None:
    if world.random.random() < 0.1:
        download = world.download()
        download.cancel()
        world.book.settle(download)


def _fill_disk(world: World) -> None:
    world.disk.is_full = world.random.random() < 0.2


def _tick(world: World) -> None:
    world.tick(world.random.choice((0.1, 0.6, 1.5, 8.0)))


STEP: dict[Callable[[World], None], int] = {
    _move: 30,
    _report: 10,
    _deliver: 30,
    World.plan: 25,
    World.do_job: 15,
    World.save: 8,
    _tick: 12,
    _break_off: 6,
    _lose_fetcher: 1,
    _start_fetcher: 3,
    World.start_bridge: 1,
    _mood: 2,
    _change_file: 1,
    _change_ranges: 1,
    _steer: 2,
    _cancel: 1,
    _fill_disk: 1,
}


def _heal(world: World) -> None:
    for server in world.servers.values():
        server.mood = 0
    world.disk.is_full = False
    if not world.fetchers:
        world.start_fetcher()


def _finish(world: World) -> None:
    """Let everything go well until all downloads are there."""
    _heal(world)
    downloads = list(world.book.downloads.values())
    for _ in range(HEALTHY_ROUNDS):
        if all(download.entry.status is Status.DOWNLOADED for download in downloads):
            return
        for download in downloads:
            download.resume()
            download.retry()
            world.book.settle(download)
        world.plan()
        world.do_job()
        for fetcher, transfer in world.transfers():
            fetcher.move(transfer, 1_000_000)
        for fetcher in world.fetchers.values():
            while fetcher.outbox:
                world.deliver(fetcher)
        world.tick(1.0)
        assert not list(world.findings())
    pytest.fail(f"still not there: {[(download, download.entry.trouble) for download in downloads]}")


@pytest.mark.parametrize("history", range(max(1, STEPS // STEPS_A_HISTORY)))
def test_every_byte_is_right_and_the_journal_agrees(history: int) -> None:
    random = Random(f"{SEED}-{history}")  # noqa: S311 - a history, not a secret
    policy = Policy(threads=random.randint(1, 5), bytes=random.choice((70_000, 1 << 20)))
    size = random.choice((10, 300_000, 3_000_000))
    world = World(random, size=size, policy=policy, downloads=random.randint(1, 3))
    world.add_all()
    for step in random.choices(list(STEP), weights=list(STEP.values()), k=STEPS_A_HISTORY):
        step(world)
        assert not list(world.findings()), step
    _finish(world)
    # What was there is not fetched again after a start: all of it is in the file that has the final name.
    world.save()
    world.start_bridge()
    assert {one.entry.status for one in world.book.downloads.values()} == {Status.DOWNLOADED}


def test_a_slow_range_is_split() -> None:
    """The world splits, so that the histories above have splits in them."""
    world = World(Random(SEED), size=3_000_000, policy=Policy(threads=3, bytes=4 << 20))  # noqa: S311
    world.add_all()
    for _ in range(4):
        world.plan()
        world.do_job()
        for fetcher, transfer in world.transfers():
            if not transfer.task.file:
                fetcher.move(transfer, 1)
        for fetcher in world.fetchers.values():
            world.deliver(fetcher)
    (one,) = world.transfers()
    for _ in range(4):
        one[0].move(one[1], 50_000)
        one[0].report(one[1])
        world.deliver(one[0])
        world.tick(0.5)
    world.plan()
    assert len(world.transfers()) == 3
    assert one[1].stop < 3_000_000
