"""What tests of downloads share: pages that misbehave, and a client of their module's ``system``."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge_client import BridgeClient
from page_site import PageSite
from system import System


@pytest.fixture(scope="module")
def pages() -> Iterator[PageSite]:
    """A site that has no pages yet."""
    with PageSite() as site:
        yield site


@pytest.fixture
def client(system: System) -> Iterator[BridgeClient]:
    """A websocket client of the bridge."""
    client = system.connect()
    yield client
    client.close()
