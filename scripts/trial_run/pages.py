"""nginx with thousands of pages: real files of this machine, on many loopback addresses."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ADDRESSES = [f"127.80.{n // 200}.{1 + n % 200}" for n in range(250)]
PAGES = 2200
LARGEST_PAGE = 1 << 20
SOURCES = (Path("/usr/share/doc"), Path("/usr/include"), Path(sysconfig.get_path("stdlib")))
START_S = 10

_CONF = """
daemon off;
{user}
pid nginx.pid;
error_log error.log warn;
worker_processes 1;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
    access_log off;
    types {{ text/html html; text/plain txt h py; }}
    default_type application/octet-stream;
    gzip on;
    gzip_types text/plain;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    server {{
        {listen}
        root pages;
    }}
}}
"""


class NotEnough(Exception):
    """This machine lacks what the trial needs; the message says what."""


def copy_pages(folder: Path) -> list[str]:
    """Copy ``PAGES`` real files into ``folder``; their paths as URLs have them. Raises ``NotEnough``."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    names = []
    for number, source in zip(range(PAGES), _files(), strict=False):
        name = f"{number:04d}{source.suffix}"
        shutil.copyfile(source, folder / name)
        names.append(f"/{name}")
    if len(names) < PAGES:
        raise NotEnough(f"only {len(names)} files to serve, {PAGES} are needed")
    return names


def _files() -> Iterator[Path]:
    for source in SOURCES:
        for path in sorted(source.rglob("*")):
            # No link, whose target might be anywhere, and no name that a URL would have to escape.
            kind = path.suffix[1:]
            if path.is_symlink() or not path.is_file() or not (kind.isascii() and kind.isalnum()):
                continue
            if 0 < path.stat().st_size <= LARGEST_PAGE and os.access(path, os.R_OK):
                yield path


@contextmanager
def nginx(folder: Path) -> Iterator[int]:
    """Serve ``folder/pages`` at every address, and give the port; raises ``NotEnough``."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise NotEnough("nginx is needed; on Debian: apt install nginx-light")
    conf = folder / "nginx.conf"
    port = _free_port()
    conf.write_text(
        _CONF.format(
            user="user root;" if os.geteuid() == 0 else "",
            listen="\n        ".join(f"listen {address}:{port};" for address in ADDRESSES),
        ),
        encoding="ascii",
    )
    (folder / "temp").mkdir(exist_ok=True)
    errors = folder / "error.log"
    for left_behind in (errors, folder / "nginx.pid"):
        left_behind.unlink(missing_ok=True)
    command: list[str | Path] = [program, "-p", folder, "-c", conf, "-e", errors]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(folder / "nginx.pid", process)
        yield port
    finally:
        process.terminate()
        process.wait()


def _free_port() -> int:
    """A port that is free at the first address, and so in all likelihood at the others."""
    with socket.socket() as probe:
        probe.bind((ADDRESSES[0], 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_for(pid_file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not pid_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotEnough(f"nginx did not start; {pid_file.with_name('error.log')} says why")
        time.sleep(0.05)
