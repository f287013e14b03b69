"""The real bridge and its fetchers for tests of downloads, in a hurry; and what arrives."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from bridge_client import BridgeClient, Download
from page_site import Asked
from system import SLOWNESS, System, eventually

RANGE_BYTES = 100_000
# Ten ranges, the last one a short one.
CONTENT = random.Random(1).randbytes(9 * RANGE_BYTES + 50_000)  # noqa: S311 - bytes to be recognised
# Of the same length.
OTHER_CONTENT = bytes(byte ^ 0xFF for byte in CONTENT)
RETRIES = 2
STALL_S = 0.5 * SLOWNESS
NEEDS_NGINX = [
    pytest.mark.debian("nginx-light"),
    pytest.mark.skipif(
        shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None, reason="nginx is not installed"
    ),
]
ENDS = ("Downloaded", "Failed", "Paused", "Cancelled")


@contextmanager
def downloading(folder: Path, **settings: object) -> Iterator[System]:
    """A bridge and two fetchers; ``settings`` as for ``System``, beside those of a hurry."""
    hurry = {
        "fetchers": 2,
        "downloads__bytes": RANGE_BYTES,
        "downloads__threads": 4,
        "downloads__broadcast_interval": 0.02,
        "downloads__retries": RETRIES,
        "downloads__retry_interval": 0.05,
        "downloads__stall_timeout": STALL_S,
    }
    system = System(folder, [], **{**hurry, **settings})
    try:
        system.start("wsbridge", "fetchers")
        eventually(lambda: fetchers_known(system) == 2, "the bridge knows its fetchers", within_s=20)
        yield system
    finally:
        system.close()


def fetchers_known(system: System) -> int:
    """How many fetchers the bridge has heard of."""
    return int((system.ask("wsbridge", "status") or {}).get("fetchers", 0))


def fetched(client: BridgeClient, url: str, **more: object) -> Download:
    """Download ``url``, and what is told of it at its end, good or bad."""
    return client.until(client.add(url, **more), *ENDS)


def arrived(told: Download) -> bytes:
    """The bytes of a download that has ended well."""
    assert told["process_status"] == "Downloaded", told
    content = place_of(told).read_bytes()
    assert (told["size"], told["completed"], told["progress"]) == (len(content), len(content), 1.0)
    assert (told["threads"], told["error"]) == (0, None)
    return content


def place_of(told: Download) -> Path:
    """The file that the link leads to."""
    link = urlsplit(told["path_to_file"])
    assert link.scheme == "file"
    return Path(unquote(link.path))


def trouble_of(told: Download, status: str = "Failed") -> str:
    """The code of what went wrong with a download that has this status and no file."""
    assert told["process_status"] == status, told
    assert told["path_to_file"] is None
    assert told["error"]["message"]
    return str(told["error"]["code"])


def spans_of(asked: list[Asked]) -> list[tuple[int, int]]:
    """The ranges that were asked for, after the question."""
    return [one.span for one in asked if one.span is not None and one.span != (0, 1)]
