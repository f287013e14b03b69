"""Bridge, fetchers and aggregator are killed at random during one download: its bytes are right all the same.

PAGESTATUS_TEST_KILLS=50 makes it 1 GiB and 50 kills.
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import msgspec
import pytest

from scripts.bench_run.file_server import FileServer, Handler, Manner
from scripts.demo.big_file import answer
from system import System, eventually
from wsbridge.entry import Entry

KILLS = int(os.environ.get("PAGESTATUS_TEST_KILLS", "8"))
SEED = int(os.environ.get("PAGESTATUS_TEST_SEED", "1"))
SIZE = KILLS * (1 << 30) // 50
# Bytes a second to each of eight connections: so slow that there is something to be killed in.
RATE = 4 << 20
PIECE = 1 << 20


class Witness(FileServer):
    """Serves the file, and looks at each request what the journal calls done at that moment."""

    def __init__(self, path: Path, journal: Path) -> None:
        super().__init__(path, Manner(rate=RATE))
        self.RequestHandlerClass = Witnessed
        self.journal = journal
        self.lock = threading.Lock()
        self.asked = 0
        self.again: list[str] = []

    def look(self, part: range) -> None:
        """Note what is asked for although it is done."""
        done = done_of(self.journal)
        with self.lock:
            self.asked += len(part)
            self.again += [
                f"{part} was asked for, and [{start}, {stop}) is done"
                for start, stop in done
                # The question asks for the first byte, whatever is there.
                if start < part.stop and part.start < stop and part != range(1)
            ]


class Witnessed(Handler):
    """One connection."""

    server: Witness

    def do_GET(self) -> None:  # noqa: N802 - the base class's name
        self.server.look(answer(dict(self.headers), self.server.size, self.server.etag).part)
        super().do_GET()


def done_of(journal: Path) -> tuple[tuple[int, int], ...]:
    """What the journal calls done of its only download."""
    with closing(sqlite3.connect(journal, timeout=10)) as database:
        rows = database.execute("SELECT entry FROM downloads").fetchall()
    return msgspec.json.decode(rows[0][0], type=Entry).done if rows else ()


@pytest.fixture
def witness(tmp_path: Path) -> Iterator[Witness]:
    """A server of SIZE random bytes."""
    path = tmp_path / "file.bin"
    source = random.Random(SEED)  # noqa: S311 - bytes, not secrets
    with path.open("wb") as file:
        for _ in range(0, SIZE, PIECE):
            file.write(source.randbytes(PIECE))
        file.truncate(SIZE)
    with Witness(path, tmp_path / "var" / "downloads.db") as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def has_completed(system: System, size: int) -> bool:
    """Whether the bridge answers, and calls so many bytes completed of its only download."""
    downloads = system.ask("wsbridge", "downloads") or [{"completed": 0}]
    return int(downloads[0]["completed"]) >= size


def kill_one(system: System, source: random.Random) -> None:
    name = source.choice(("wsbridge", "fetcher", "aggregator"))
    if name != "fetcher":
        system.kill(name)
        system.start(name)
        return
    pids = eventually(system.fetcher_pids, "there is a fetcher to be killed")
    os.kill(pids[source.choice(sorted(pids))], signal.SIGKILL)


def test_no_kill_costs_a_byte(witness: Witness, make_system: Callable[..., System]) -> None:
    system = make_system([], fetchers=2)
    system.start()
    eventually(system.listening, "the bridge listens", within_s=20)
    asked = system.ask("wsbridge", "download", url=f"http://127.0.0.1:{witness.server_port}/file.bin")
    source = random.Random(SEED)  # noqa: S311 - a history, not a secret
    for number in range(1, KILLS + 1):
        wanted = SIZE * number // (KILLS + 1)
        eventually(partial(has_completed, system, wanted), f"{wanted} bytes have come", 60)
        kill_one(system, source)
    (told,) = eventually(
        lambda: [
            one
            for one in system.ask("wsbridge", "downloads", **asked) or ()
            if one["process_status"] in {"Downloaded", "Failed"}
        ],
        "the download has ended",
        within_s=120,
    )
    assert told["process_status"] == "Downloaded", told
    assert digest(system.downloads_dir / "file.bin") == digest(witness.path)
    assert witness.again == []
    # It has been looking at the right place.
    assert done_of(witness.journal) == ((0, SIZE),)
    # What was on its way when somebody was killed is asked for again, and no more than that: eight ranges of
    # 4 MiB and the last second.
    assert witness.asked <= SIZE + KILLS * (8 * (4 << 20) + 8 * RATE)


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
