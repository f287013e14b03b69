"""Fixtures that several kinds of test share."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.demo.site_server import SiteServer
from system import System


@pytest.fixture(scope="session")
def httpserver_listen_address() -> tuple[str, int]:
    """Where pytest-httpserver listens: on loopback, at any free port."""
    return ("127.0.0.1", 0)


@pytest.fixture(scope="session")
def site() -> Iterator[str]:
    """The demo site: good and bad pages, ``http://127.0.0.1:port``."""
    with SiteServer(0) as server:
        # shutdown() waits for the next round of this, half a second by default.
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def refusing() -> Iterator[str]:
    """The URL of a port where nobody listens, and where nobody will while the tests run."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{closed.getsockname()[1]}/"


@pytest.fixture
def make_system(tmp_path: Path) -> Iterator[Callable[..., System]]:
    """A maker of one ``System``, which is ended with the test."""
    made: list[System] = []

    def make(targets: list[dict[str, object]], **settings: object) -> System:
        made.append(System(tmp_path, targets, **settings))
        return made[-1]

    yield make
    for system in made:
        system.close()
