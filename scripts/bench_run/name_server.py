"""dnsmasq with names of ours: those that it knows, and those for which it asks somebody who keeps silent."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from scripts.nginx import NotEnough, free_port

# Never delegated (RFC 6761 section 6.2).
KNOWN = "known.test"
SILENT = "silent.test"
START_S = 10
# In the folder.
HOSTS = "hosts"
LOG = "dnsmasq.log"
# A question for which no answer has come is open for ten seconds; beyond so many it refuses to ask.
MOST_OPEN = 100_000


@contextmanager
def name_server(folder: Path, hosts: Mapping[str, str]) -> Iterator[str]:
    """Run it with ``hosts`` (addresses by name, below KNOWN); gives its address and port.

    Its answers are not to be kept (their time to live is 0), so that every check asks.
    """
    program = shutil.which("dnsmasq", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise NotEnough("dnsmasq is needed; on Debian: apt install dnsmasq-base")
    (folder / HOSTS).write_text(
        "".join(f"{address} {name}\n" for name, address in hosts.items()), encoding="ascii"
    )
    port = free_port()
    # Nobody reads what comes here, and the kernel throws it away.
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        process = subprocess.Popen(
            [program, *_options(folder, port, silent.getsockname()[1])], stdin=subprocess.DEVNULL
        )
        try:
            _wait_for(port, process, folder / LOG)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def _options(folder: Path, port: int, silent_port: int) -> list[str]:
    return [
        "--keep-in-foreground",
        f"--log-facility={folder / LOG}",
        "--conf-file=/dev/null",
        "--pid-file",
        "--no-resolv",
        "--no-hosts",
        "--bind-interfaces",
        "--listen-address=127.0.0.1",
        f"--port={port}",
        f"--addn-hosts={folder / HOSTS}",
        # What is not in the file is not there: it asks nobody for their IPv6 addresses.
        f"--local=/{KNOWN}/",
        f"--server=/{SILENT}/127.0.0.1#{silent_port}",
        f"--dns-forward-max={MOST_OPEN}",
        *(["--user=root"] if os.geteuid() == 0 else []),
    ]


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    """It listens on TCP too, where one can see whether somebody is there."""
    deadline = time.monotonic() + START_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise NotEnough(f"dnsmasq did not start; {log} says why") from None
            time.sleep(0.05)
        else:
            return
