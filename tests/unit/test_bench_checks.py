"""What the parts that check count, and what they claim."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from scripts.bench_run import cpu, tls
from scripts.bench_run.clients import Failed
from scripts.bench_run.reference import Reference, Round
from scripts.bench_run.site import MOST_HOSTS, address
from scripts.bench_run.use import SITE, SoFar, Use

PIDS = {"scheduler": 7, "fetcher-1": 8}


def use(us: float) -> Use:
    """A thousand checks, each of which took ``us``."""
    return Use(1.0, 1000, {"scheduler": us / 4e3, "fetcher-1": us * 3 / 4e3, SITE: 9.0})


def round_(ours_us: float, **theirs_us: float) -> Round:
    names = {"bare": cpu.BARE, "aiohttp": cpu.AIOHTTP, "blackbox": cpu.BLACKBOX}
    return Round(use(ours_us), {names[name]: Reference(us, 1.0) for name, us in theirs_us.items()})


def test_every_number_is_a_host_of_its_own() -> None:
    numbers = [0, 1, 254, 255, 256, 65_535, 65_536, MOST_HOSTS - 1]
    addresses = [ip_address(address(number)) for number in numbers]
    assert [int(one) - int(addresses[0]) for one in addresses] == numbers
    assert all(one.is_loopback for one in addresses)


def test_use_is_what_came_between_without_the_site() -> None:
    before = Use(10.0, 100, {"scheduler": 1.0, "fetcher-1": 2.0, SITE: 5.0}, missed=3)
    after = Use(12.0, 300, {"scheduler": 1.5, "fetcher-1": 2.5, SITE: 9.0}, missed=4)
    found = SoFar(PIDS, after) - SoFar(PIDS, before)
    assert (found.seconds, found.checks, found.missed) == (2.0, 200, 1)
    assert found.us_a_check == pytest.approx(5000)
    assert found.per_second == 100


@pytest.mark.parametrize(
    ("pids", "fetcher_s"),
    [
        # Another one under its name; one that is gone, and not yet replaced.
        ({"scheduler": 7, "fetcher-1": 9}, 3.0),
        ({"scheduler": 7}, 3.0),
        # One that has ended has no time at all.
        (PIDS, 0.0),
    ],
)
def test_a_process_that_ends_is_no_small_use(pids: dict[str, int], fetcher_s: float) -> None:
    before = SoFar(PIDS, Use(10.0, 100, {"scheduler": 1.0, "fetcher-1": 2.0, SITE: 5.0}))
    after = SoFar(pids, Use(12.0, 300, {"scheduler": 1.5, "fetcher-1": fetcher_s, SITE: 9.0}))
    with pytest.raises(Failed, match="has ended"):
        _ = after - before


@pytest.mark.parametrize(
    ("one", "holds"),
    [
        (round_(69, bare=56, aiohttp=350, blackbox=420), [True, True, True]),
        (round_(71, bare=56, aiohttp=350, blackbox=420), [False, False, False]),
        # Who is not there is claimed nothing against.
        (round_(69, bare=56), [True]),
    ],
)
def test_claims_of_cpu(one: Round, holds: list[bool]) -> None:
    found = cpu.Measured(keep_alive=False, rounds=[one])
    assert [claim.holds for claim in found.claims] == holds
    assert found.held == all(holds)


def test_with_connections_kept_only_the_bare_loop_counts() -> None:
    assert cpu.Measured(keep_alive=True, rounds=[round_(39, bare=20, aiohttp=40)]).held
    assert not cpu.Measured(keep_alive=True, rounds=[round_(41, bare=20, aiohttp=400)]).held


def test_a_ratio_is_of_one_round() -> None:
    """A machine that is twice as slow for a while is so for both."""
    rounds = [round_(110, bare=100), round_(220, bare=200), round_(105, bare=100)]
    assert tls.Measured(rounds).held
    assert not tls.Measured([round_(112, bare=100), *rounds[:1], round_(230, bare=200)]).held
