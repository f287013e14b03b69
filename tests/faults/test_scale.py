"""``pagestatus-ctl scale``: what a leaving fetcher has in flight is finished, not made again by another."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial

import pytest

from scripts.demo.site_server import SiteServer
from system import System, eventually

# So many that each of the fetchers is the one that some of them prefer.
SITES = 16


class CountingSite(SiteServer):
    """The demo site, counting its visitors."""

    visits = 0

    def process_request(self, request: object, client_address: object) -> None:
        self.visits += 1
        super().process_request(request, client_address)  # type: ignore[arg-type]


@pytest.fixture
def sites() -> Iterator[list[CountingSite]]:
    """Sites of one slow page each; every check of it is a connection of its own."""
    with ExitStack() as stack:
        sites = [stack.enter_context(CountingSite(0)) for _ in range(SITES)]
        for site in sites:
            thread = threading.Thread(target=site.serve_forever, kwargs={"poll_interval": 0.02})
            thread.start()
            stack.callback(thread.join)
            stack.callback(site.shutdown)
        yield sites


def test_scaling_down_and_up_loses_nothing(
    sites: list[CountingSite], make_system: Callable[..., System]
) -> None:
    targets = [{"url": f"http://127.0.0.1:{site.server_port}/slow", "interval": 2} for site in sites]
    system = make_system(targets, fetchers=2)
    system.start()
    for wanted in (2, 1, 3):
        assert wanted == 2 or system.ctl("scale", str(wanted)).returncode == 0
        eventually(partial(has_fetchers, system, wanted), f"{wanted} fetchers", within_s=20)
        system.until_checked(SITES)
    system.drain()
    assert list(system.findings()) == []
    lines = system.lines()
    assert {line.fetcher for line in lines if line.attempt} >= {1, 2}
    made = Counter(line.url for line in lines if line.attempt)
    assert made == {f"http://127.0.0.1:{site.server_port}/slow": site.visits for site in sites}


def has_fetchers(system: System, count: int) -> bool:
    return len(system.fetcher_pids()) == count
