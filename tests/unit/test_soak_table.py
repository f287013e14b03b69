"""The table of faults: each can be told from the others, and excuses no more than it causes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest

from scripts.soak_run.fault import Fault
from scripts.soak_run.faults.table import faults
from scripts.soak_run.world import World


@pytest.fixture(scope="module")
def table() -> dict[str, Fault]:
    """All of it, with a disk and a network that are never touched."""
    all_ = faults(cast("World", SimpleNamespace(disk=object(), network=SimpleNamespace(can_be_slow=True))))
    found = {fault.name: fault for fault in all_}
    assert len(found) == len(all_)
    return found


def test_only_sites_and_names_explain_failures(table: dict[str, Fault]) -> None:
    # One that is to have no memory has much to keep, which is the site's doing.
    spoiling = {name for name, fault in table.items() if fault.spoils and "memory" not in name}
    assert all(
        name.startswith(("site ", "sites ", "kill -9 site", "stop site", "name server ", "slow and lossy"))
        or "silent" in name
        for name in spoiling
    )


@pytest.mark.parametrize(
    "name",
    [
        "stop name server",
        "kill -9 name server",
        "name server silent",
        "name server refusing",
        "interface down",
        "no route",
        "no local ports",
        "stop everything",
        "busy processors",
        "no descriptors for all fetchers",
    ],
)
def test_our_own_trouble_explains_no_failure(table: dict[str, Fault], name: str) -> None:
    assert table[name].spoils == frozenset()


def test_silent_names_explain_no_failures_of_others(table: dict[str, Fault]) -> None:
    whose = table["1000 silent names"].whose
    assert (whose("http://n1.silent.test:80/t/1"), whose("http://n1.known.test:80/t/1")) == (True, False)


def test_sites_with_tls_explain_no_failures_of_others(table: dict[str, Fault]) -> None:
    bad, leaving = (table[f"sites {how}"].whose for how in ("with bad certificates", "going away in HTTP/2"))
    urls = [f"https://127.0.0.1:443/t/{30_000_000 + kind}" for kind in range(4)] + ["http://127.1.0.1:80/t/1"]
    assert [bad(url) for url in urls] == [True, True, True, False, False]
    assert [leaving(url) for url in urls] == [False, False, False, True, False]


def test_what_pours_explains_no_failures_of_those_who_are_spared(table: dict[str, Fault]) -> None:
    whose = table["site with a bomb"].whose
    assert (whose("http://127.1.0.1:80/t/10"), whose("http://127.1.0.1:80/t/11")) == (True, False)


def test_only_what_ends_processes_loses_results(table: dict[str, Fault]) -> None:
    losing = {name for name, fault in table.items() if fault.loses}
    assert all(
        name.startswith(("kill -9 ", "aggregator dies", "no memory", "no descriptors"))
        or name.endswith("for good")
        for name in losing
    )
    assert not losing & {"kill -9 site", "kill -9 name server", "reload another list", "drain and start"}
