"""One running system for all tests here that want one: a token is needed, and private addresses may be asked.

What a stranger can do to it without the token, and what of the secrets of one client another one sees, is
looked at from outside, in what it tells and writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import RANGE_BYTES, fetchers_known
from hostile import RESPONSE, TOKEN, with_token
from name_server import NameServer, Zone
from page_site import PageSite
from raw_site import RawSite, answering
from system import System, eventually


@pytest.fixture(scope="session")
def pages() -> Iterator[PageSite]:
    """A site that has no pages yet."""
    with PageSite() as site:
        yield site


@pytest.fixture(scope="session")
def names() -> Iterator[NameServer]:
    """Names that lead to this machine, for as long as a test does not say otherwise."""
    with NameServer({"turning.test": Zone(("127.0.0.1",), ttl=0)}) as names:
        yield names


@pytest.fixture(scope="session")
def hostile_url() -> Iterator[str]:
    """A page whose address and whose answer are full of what steers a terminal."""
    with RawSite(answering(RESPONSE)) as site:
        yield f"{site.url}\u202egnp.exe\u2066?\u2028=1"


@pytest.fixture(scope="session")
def system(tmp_path_factory: pytest.TempPathFactory, names: NameServer, hostile_url: str) -> Iterator[System]:
    """All processes."""
    token_file = tmp_path_factory.mktemp("token") / "token"
    token_file.write_text(f"{TOKEN}\n", encoding="utf-8")
    targets = [
        {"url": hostile_url, "interval": 1, "retries": 0},
        {"url": "http://127.0.0.1:1/", "interval": 1},
    ]
    system = System(
        tmp_path_factory.mktemp("system"),
        targets,
        websocket__token_file=token_file,
        check__name_servers=names.address,
        downloads__bytes=RANGE_BYTES,
        downloads__broadcast_interval=0.02,
        downloads__retries=1,
        downloads__retry_interval=0.05,
    )
    try:
        system.start()
        eventually(lambda: fetchers_known(system) == 1, "the bridge knows its fetcher", within_s=20)
        yield system
    finally:
        system.close()


@pytest.fixture
def client(system: System) -> Iterator[BridgeClient]:
    """A websocket client that knows the token."""
    with system.connect(**with_token(TOKEN)) as client:
        yield client


@pytest.fixture
def outside(system: System) -> Path:
    """Where nothing of a download is to be."""
    return system.data_dir.parent
