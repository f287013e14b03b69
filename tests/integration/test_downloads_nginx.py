"""nginx as it stands before many files: it limits, guards and forwards, and the file is right at the end."""

from __future__ import annotations

import hashlib
import time
from base64 import urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import (
    CONTENT,
    NEEDS_NGINX,
    OTHER_CONTENT,
    RANGE_BYTES,
    arrived,
    downloading,
    fetched,
    spans_of,
    trouble_of,
)
from page_site import Asked, Closed, PageSite, honest, part_of
from range_site import answer
from raw_site import redirect
from scripts.nginx import free_port, nginx
from system import SLOWNESS, System

pytestmark = NEEDS_NGINX
SECRET = "known to who makes links"  # noqa: S105 - of a server that lives for a second
CONFIGURATION = """
log_format ranges '$uri $status $http_range';
limit_conn_zone $binary_remote_addr zone=address:1m;
server {{
    listen 127.0.0.1:{port};
    root {root};
    access_log {log} ranges;
    location /crowded/ {{ limit_conn address 2; limit_conn_status 429; limit_rate 500k; }}
    location /throttled/ {{ limit_req zone=one; }}
    location /replaced/ {{ limit_rate 300k; }}
    location /guarded/ {{ auth_request /guard; }}
    location = /guard {{ internal; proxy_pass {pages}/guard; }}
    location /linked/ {{
        limit_rate 80k;
        secure_link $arg_key,$arg_expires;
        secure_link_md5 "$secure_link_expires$uri {secret}";
        if ($secure_link = "") {{ return 403; }}
        if ($secure_link = "0") {{ return 410; }}
    }}
    location /forwarded/ {{ proxy_pass {pages}/; proxy_buffering off; }}
}}
limit_req_zone $binary_remote_addr zone=one:1m rate=10r/s;
"""
FOLDERS = "crowded", "throttled", "replaced", "guarded", "linked"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    # nginx keeps a rate by standing still in between.
    folder = tmp_path_factory.mktemp("downloads")
    with downloading(folder, downloads__stall_timeout=5 * SLOWNESS, downloads__retries=6) as system:
        yield system


class Server:
    """An nginx, and what it says of what it was asked."""

    def __init__(self, folder: Path, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.root = folder / "root"
        self.log = folder / "access.log"

    def asked(self, path: str) -> list[tuple[str, str]]:
        """Status and range of the requests for ``path`` that have been answered, oldest first."""
        lines = [line.split(" ", 2) for line in self.log.read_text().splitlines()]
        return [(status, range_) for asked, status, range_ in lines if asked == path]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, pages: PageSite) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("nginx")
    server = Server(folder, free_port())
    for name in FOLDERS:
        (server.root / name).mkdir(parents=True)
        (server.root / name / "file.bin").write_bytes(CONTENT)
    port = int(server.url.rpartition(":")[2])
    with nginx(
        folder,
        CONFIGURATION.format(port=port, root=server.root, log=server.log, pages=pages.url, secret=SECRET),
    ):
        yield server


def test_a_limit_of_connections(server: Server, client: BridgeClient) -> None:
    told = fetched(client, f"{server.url}/crowded/file.bin")
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    refused = [status for status, _range in server.asked("/crowded/file.bin")].count("429")
    # Four were sent at first, and two after that.
    assert 1 <= refused <= 4


def test_a_limit_of_requests(server: Server, client: BridgeClient) -> None:
    """Ten a second: nginx says 503 to whatever comes sooner."""
    told = fetched(client, f"{server.url}/throttled/file.bin")
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    assert "503" in [status for status, _range in server.asked("/throttled/file.bin")]


def test_a_file_that_is_replaced_while_it_is_fetched(server: Server, client: BridgeClient) -> None:
    """Nginx makes the entity tag of time and length: the new file is of the same length."""
    url, path = f"{server.url}/replaced/file.bin", server.root / "replaced" / "file.bin"
    id_ = client.add(url)
    client.until_it(id_, lambda told: told["completed"], "has begun")
    new = path.with_suffix(".new")
    new.write_bytes(OTHER_CONTENT)
    new.replace(path)
    told = client.until_it(id_, lambda told: told["error"], "has a word to say")
    assert told["error"]["code"] == "changed"
    assert arrived(client.until(id_, "Downloaded", "Failed")) == OTHER_CONTENT


def test_a_guard_who_changes_his_mind(server: Server, client: BridgeClient, pages: PageSite) -> None:
    """He lets in the question and three ranges; then he wants another link."""
    pages.add(lambda asked: [answer(200 if asked.number <= 4 else 403, b"")], "/guard")
    id_ = client.add(f"{server.url}/guarded/file.bin", threads=1)
    told = client.until(id_, "Failed", "Downloaded")
    assert (trouble_of(told), told["completed"]) == ("needs_url", 3 * RANGE_BYTES)
    fresh = pages.add(honest(CONTENT))
    client.act("set_url", id_, url=fresh)
    assert arrived(client.until(id_, "Downloaded")) == CONTENT
    assert min(spans_of(pages.asked(fresh))) == (3 * RANGE_BYTES, 4 * RANGE_BYTES)


def test_a_redirect_gives_a_fresh_link_when_the_old_one_expires(
    server: Server, client: BridgeClient, pages: PageSite
) -> None:
    """Links are good for two seconds at most, and the file takes three."""

    def page(_asked: Asked) -> list[bytes]:
        expires = int(time.time()) + 1
        signed = hashlib.md5(f"{expires}/linked/file.bin {SECRET}".encode(), usedforsecurity=False).digest()
        key = urlsafe_b64encode(signed).rstrip(b"=").decode()
        return [redirect(f"{server.url}/linked/file.bin?key={key}&expires={expires}")]

    url = pages.add(page)
    told = fetched(client, url)
    assert (arrived(told), told["url"], told["ranges"]) == (CONTENT, url, True)
    assert len(pages.asked(url)) >= 2
    answered = server.asked("/linked/file.bin")
    assert "410" in [status for status, _range in answered]


@pytest.mark.parametrize("way", ["drops", "is away"])
def test_what_stands_behind_it_fails(server: Server, client: BridgeClient, pages: PageSite, way: str) -> None:
    """Every third time: nginx breaks off, or says 502."""

    def page(asked: Asked) -> Iterator[bytes]:
        right = part_of(CONTENT, asked)
        if asked.number % 3 == 0:
            yield b"" if way == "is away" else right[: len(right) // 2]
            raise Closed
        yield right

    path = pages.add(page).removeprefix(pages.url)
    told = fetched(client, f"{server.url}/forwarded{path}")
    assert (arrived(told), told["ranges"]) == (CONTENT, True)
    if way == "is away":
        assert "502" in [status for status, _range in server.asked(f"/forwarded{path}")]
