"""The cases of the part ``downloads``: a file, and a server that gives it out in its own manner."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_run.file_server import Manner
from scripts.nginx import NotEnough, free_port, nginx

MIB = 1 << 20
RATE = 8 * MIB
# Of the pages that are checked meanwhile.
ADDRESSES = [f"127.82.0.{n}" for n in range(1, 31)]
ROOT = Path(__file__).parents[2]

_HTTP = """
    sendfile on;
    server {{
        {listen}
        root files;
        location /page/ {{ return 200 "This page is watched."; }}
    }}
"""


@dataclass(frozen=True)
class Case:
    """What is downloaded, and how it is served."""

    mib: int
    about: str
    # Where nothing but the limit says how long it takes, one is enough.
    rounds: int
    # None: by nginx. Its limits are no use here: limit_rate holds for a request, not for a connection, and
    # proxy_download_rate lets each new connection have a second's worth above it.
    manner: Manner | None = None


CASES: Mapping[str, Case] = {
    "unthrottled": Case(256, "nginx, as fast as can be", 3),
    "dropping-fast": Case(
        256, "as fast as can be, every third connection dropped half-way", 3, Manner(drop_every=3)
    ),
    "throttled": Case(64, "8 MiB/s for each connection", 1, Manner(rate=RATE)),
    "dropping": Case(
        64,
        "8 MiB/s for each connection, every third dropped half-way",
        1,
        Manner(rate=RATE, drop_every=3),
    ),
    "one-slow": Case(
        # So long that its end is not all there is to it.
        256,
        "8 MiB/s for each connection, a tenth of it for every eighth",
        1,
        Manner(rate=RATE, slow_every=8, slow_rate=RATE // 10),
    ),
}


class Site:
    """nginx with the files and the pages that are checked, and servers with manners of their own."""

    def __init__(self, folder: Path) -> None:
        self._files = folder / "files"
        self._files.mkdir()
        self._port = free_port(ADDRESSES[0])

    @contextmanager
    def nginx(self, folder: Path) -> Iterator[None]:
        """Run nginx; raises ``NotEnough``."""
        listen = "\n".join(f"listen {address}:{self._port};" for address in ["127.0.0.1", *ADDRESSES])
        with nginx(folder, _HTTP.format(listen=listen)):
            yield

    def pages(self, count: int) -> list[str]:
        """URLs of pages to check, spread over the addresses."""
        return [f"http://{ADDRESSES[n % len(ADDRESSES)]}:{self._port}/page/{n}" for n in range(count)]

    def make(self, mib: int) -> tuple[Path, str]:
        """A file of random bytes, and its SHA-256."""
        path = self._files / f"{mib}-mib.bin"
        sum_ = hashlib.sha256()
        with path.open("wb") as file:
            for _ in range(mib):
                piece = os.urandom(MIB)
                sum_.update(piece)
                file.write(piece)
        return path, sum_.hexdigest()

    @contextmanager
    def serving(self, case: Case, path: Path) -> Iterator[str]:
        """The file's URL, for one download: connections are counted from the first one on."""
        if case.manner is None:
            yield f"http://127.0.0.1:{self._port}/{path.name}"
            return
        options = [f"--{name.replace('_', '-')}={value}" for name, value in vars(case.manner).items()]
        command = [sys.executable, "-m", "scripts.bench_run.file_server", str(path), *options]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
            try:
                if process.stdout is None or not (line := process.stdout.readline()):
                    raise NotEnough("the file server did not start")
                yield f"http://127.0.0.1:{int(line)}/{path.name}"
            finally:
                process.terminate()
