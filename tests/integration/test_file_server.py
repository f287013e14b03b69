"""The servers that downloads are measured and tested with do what their manner says."""

from __future__ import annotations

import http.client
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from scripts.bench_run.file_server import FileServer, Manner, serving
from scripts.demo.big_file import BIG_FILE
from system import SLOWNESS

SIZE = 400_000
RATE = 1_000_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@contextmanager
def connected(server: FileServer) -> Iterator[http.client.HTTPConnection]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_port, timeout=20 * SLOWNESS)
    yield connection
    connection.close()


def part(connection: http.client.HTTPConnection, start: int, stop: int) -> bytes:
    """The bytes [start, stop), or what came of them."""
    connection.request("GET", "/file.bin", headers={"Range": f"bytes={start}-{stop - 1}"})
    response = connection.getresponse()
    assert response.status == 206
    assert response.headers["Content-Range"] == f"bytes {start}-{stop - 1}/{SIZE}"
    try:
        return response.read()
    except http.client.IncompleteRead as mistake:
        return mistake.partial


def test_ranges_and_the_whole_are_what_is_in_the_file(file: Path) -> None:
    with serving(file, Manner()) as server, connected(server) as connection:
        assert part(connection, 10, 200_010) == file.read_bytes()[10:200_010]
        connection.request("GET", "/")
        assert connection.getresponse().read() == file.read_bytes()


def test_a_rate_holds_for_a_connection_over_all_its_answers(file: Path) -> None:
    with serving(file, Manner(rate=RATE)) as server, connected(server) as connection:
        began = time.monotonic()
        for _ in range(4):
            assert len(part(connection, 0, SIZE // 4)) == SIZE // 4
        took_s = time.monotonic() - began
    assert SIZE / RATE <= took_s < 2 * SIZE / RATE * SLOWNESS


def test_every_so_many_th_connection_is_slow(file: Path) -> None:
    took_s = []
    with serving(file, Manner(slow_every=2, slow_rate=RATE)) as server:
        for _ in range(4):
            with connected(server) as connection:
                began = time.monotonic()
                part(connection, 0, SIZE)
                took_s.append(time.monotonic() - began)
    assert min(took_s[1], took_s[3]) >= SIZE / RATE > max(took_s[0], took_s[2]) / SLOWNESS


def test_every_so_many_th_connection_is_dropped_half_way_through_its_answer(file: Path) -> None:
    got = []
    with serving(file, Manner(drop_every=3)) as server:
        for _ in range(6):
            with connected(server) as connection:
                got.append(part(connection, 0, SIZE))
    whole = file.read_bytes()
    assert got == [whole, whole, whole[: SIZE // 2]] * 2


@pytest.mark.parametrize("page", ["/big.bin", "/slow.bin"])
def test_the_demos_files_come_in_ranges(site: str, page: str) -> None:
    connection = http.client.HTTPConnection(site.removeprefix("http://"), timeout=20 * SLOWNESS)
    connection.request("GET", page, headers={"Range": "bytes=1000000-1100000"})
    response = connection.getresponse()
    assert (response.status, response.read()) == (206, BIG_FILE.read(1_000_000, 1_100_001))
    connection.close()


def test_the_demo_has_a_file_that_comes_only_as_a_whole(site: str) -> None:
    connection = http.client.HTTPConnection(site.removeprefix("http://"), timeout=20 * SLOWNESS)
    connection.request("GET", "/no-ranges.bin", headers={"Range": "bytes=0-0"})
    response = connection.getresponse()
    assert (response.status, response.length) == (200, BIG_FILE.size)
    assert "Accept-Ranges" not in response.headers
    connection.close()
