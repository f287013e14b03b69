"""The site of all parts that check: nginx with one page, at every address of 127.0.0.0/8."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from scripts.bench_run.processes import cpu_s_of
from scripts.nginx import NotEnough, free_port, nginx

BODY = "A page of some length, as a check would find it.\\n"
# The first host is 127.1.0.1: addresses that other things use are left alone.
_FIRST = (1 << 16) + 1
MOST_HOSTS = (1 << 24) - _FIRST - 1

_SERVER = """
    keepalive_requests 1000000000;
    {closing}
    server {{
        listen 0.0.0.0:{port} backlog=16384{options};
        {tls}
        location / {{ return 200 "{body}"; }}
    }}
"""


@dataclass(frozen=True)
class Pages:
    """Where it listens."""

    scheme: str
    port: int
    folder: Path

    def url(self, number: int) -> str:
        """A page on a host of its own; ``number`` is less than MOST_HOSTS."""
        return f"{self.scheme}://{address(number)}:{self.port}/"

    def url_of_one_host(self, number: int) -> str:
        """One of many pages of one host."""
        return f"{self.scheme}://127.1.0.1:{self.port}/{number}"

    def cpu_s(self) -> float:
        """What it has used so far, seconds."""
        return sum(map(cpu_s_of, self._workers()))

    def _workers(self) -> list[int]:
        master = int((self.folder / "nginx.pid").read_text(encoding="ascii"))
        found = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
        return [master, *map(int, found.split())]


def address(number: int) -> str:
    """The address of the host ``number``."""
    value = _FIRST + number
    return f"127.{value >> 16}.{value >> 8 & 255}.{value & 255}"


@contextmanager
def pages(folder: Path, *, tls: bool = False, lean: bool = False) -> Iterator[Pages]:
    """Serve them; raises ``NotEnough``.

    ``lean``: nginx is woken when a request has come, not before, and closes the connection itself. That is
    half of the work, for where it shares the cores with what is measured.
    """
    folder = folder / "site"
    folder.mkdir(parents=True)
    port = free_port()
    http = _SERVER.format(
        port=port,
        body=BODY,
        closing="keepalive_timeout 0;" if lean else "",
        options=(" deferred" if lean else "") + (" ssl" if tls else ""),
        tls="ssl_certificate site.pem; ssl_certificate_key site.key;" if tls else "",
    )
    if tls:
        make_certificate(folder)
    with nginx(folder, http):
        yield Pages("https" if tls else "http", port, folder)


def make_certificate(folder: Path) -> None:
    """``site.pem`` and ``site.key`` for 127.1.0.1, signed by themselves: P-256, as most sites have.

    Raises ``NotEnough``.
    """
    if shutil.which("openssl") is None:
        raise NotEnough("openssl is needed; on Debian: apt install openssl")
    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=site", "-addext", "subjectAltName=IP:127.1.0.1"]
    files = ["-keyout", str(folder / "site.key"), "-out", str(folder / "site.pem")]
    command = ["openssl", "req", "-x509", "-days", "2", *key, *names, *files]
    made = subprocess.run(command, check=False, capture_output=True, text=True)
    if made.returncode:
        raise NotEnough(f"openssl makes no certificate: {made.stderr.strip()}")
