"""Many downloads at once, many clients, one of whom does not read: all of it arrives, and nothing grows."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scripts.bench_run.file_server import FileServer, Manner, serving
from system import System, eventually

DOWNLOADS = 100
CLIENTS = 50
SIZE = 1 << 20
KIB = 1024


@pytest.fixture
def site(tmp_path: Path) -> Iterator[FileServer]:
    path = tmp_path / "file.bin"
    path.write_bytes(b"".join(hashlib.sha512(b"%d" % n).digest() for n in range(SIZE // 64)))
    with serving(path, Manner()) as server:
        yield server


def memory_kib(pid: int) -> int:
    """What the process has in memory now (proc_pid_status(5))."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmRSS:")[2].split()[0])


def deaf(port: int) -> socket.socket:
    """A client that shakes hands and never reads on."""
    client = socket.socket()
    # As little room for what is not read as the kernel gives.
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    client.connect(("127.0.0.1", port))
    client.sendall(
        b"GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    assert client.recv(12) == b"HTTP/1.1 101"
    return client


def run(system: System, url: str) -> None:
    """Queue all downloads at once, and wait until every client has been told that all are there."""
    clients = [system.connect() for _ in range(CLIENTS - 1)]
    ids = [clients[0].add(url, filename=f"{number}.bin") for number in range(DOWNLOADS)]
    for client in clients:
        for id_ in ids:
            client.until(id_, "Downloaded", within_s=60)
    for id_ in ids:
        clients[0].act("remove", id_)
    for client in clients:
        client.close()


def test_all_arrive_and_memory_does_not_grow(site: FileServer, make_system: Callable[..., System]) -> None:
    system = make_system([], fetchers=2, downloads__broadcast_interval=0.1)
    system.start("fetchers", "aggregator", "wsbridge")
    eventually(system.listening, "the bridge listens", within_s=20)
    url = f"http://127.0.0.1:{site.server_port}/file.bin"
    pids = [system.processes["wsbridge"].pid, *eventually(system.fetcher_pids, "there are fetchers").values()]
    with deaf(system.websocket_port):
        run(system, url)
        before = [memory_kib(pid) for pid in pids]
        for _ in range(2):
            run(system, url)
        after = [memory_kib(pid) for pid in pids]
    wanted = site.path.read_bytes()
    found = sorted(system.downloads_dir.iterdir())
    assert len(found) == 3 * DOWNLOADS
    assert all(path.read_bytes() == wanted for path in found)
    # What one run left behind would be there three times.
    assert all(then <= 1.1 * first + 2 * KIB for first, then in zip(before, after, strict=True)), (
        before,
        after,
    )
