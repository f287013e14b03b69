"""nginx with a configuration of ours, in a folder of ours, for as long as it is needed."""

from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

START_S = 10
# Of the kernel's range for connections out of here these are not, unless it was widened (ip(7)).
_NEVER_GIVEN = range(20_000, 32_000)

# Everything that nginx writes goes to the folder that it is given with -p.
_CONF = """
daemon off;
{user}
pid nginx.pid;
error_log error.log warn;
worker_processes 1;
worker_rlimit_nofile 20000;
events {{ worker_connections 16384; }}
http {{
    access_log off;
    client_body_temp_path temp;
    proxy_temp_path temp;
    fastcgi_temp_path temp;
    uwsgi_temp_path temp;
    scgi_temp_path temp;
    default_type application/octet-stream;
    {http}
}}
"""


class NotEnough(Exception):
    """This machine lacks what is needed; the message says what."""


@contextmanager
def nginx(folder: Path, http: str) -> Iterator[None]:
    """Run it in ``folder`` with these contents of its block ``http``; raises ``NotEnough``."""
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise NotEnough("nginx is needed; on Debian: apt install nginx-light")
    conf = _CONF.format(user="user root;" if os.geteuid() == 0 else "", http=http)
    (folder / "nginx.conf").write_text(conf, encoding="utf-8")
    (folder / "temp").mkdir(exist_ok=True)
    errors = folder / "error.log"
    for left_behind in (errors, folder / "nginx.pid"):
        left_behind.unlink(missing_ok=True)
    command: list[str | Path] = [program, "-p", folder, "-c", folder / "nginx.conf", "-e", errors]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        _wait_for(folder / "nginx.pid", process)
        yield
    finally:
        process.terminate()
        process.wait()


def free_port(address: str = "127.0.0.1") -> int:
    """A port that is free at ``address``, and so in all likelihood at other addresses of loopback.

    No connection out of here is given it before it is used. Raises ``NotEnough``.
    """
    for port in random.sample(_NEVER_GIVEN, len(_NEVER_GIVEN)):
        with socket.socket() as probe, suppress(OSError):
            # As servers do: connections that have ended are in nobody's way.
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((address, port))
            return port
    raise NotEnough(f"no port from {_NEVER_GIVEN.start} on is free at {address}")


def _wait_for(pid_file: Path, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while not pid_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise NotEnough(f"nginx did not start; {pid_file.with_name('error.log')} says why")
        time.sleep(0.05)
