"""HTTP/2, with a server that offers it."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from fetching import Bench
from pagestatus.messages import Reason
from system import eventually

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
CONFIGURATION = """
daemon off;
pid {folder}/pid;
error_log {folder}/errors;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
    uwsgi_temp_path {folder}; scgi_temp_path {folder};
    server {{
        listen unix:{folder}/http.socket;
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/cert.pem;
        ssl_certificate_key {folder}/key.pem;
        location / {{ return 200 "hello"; }}
        location /cut {{ return 444; }}
    }}
}}
"""

pytestmark = [
    pytest.mark.debian("nginx-light"),
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With an authority's and a site's certificate."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    certificate = authority.issue_cert("127.0.0.1")
    certificate.private_key_pem.write_to_path(tmp_path / "key.pem")
    for part in certificate.cert_chain_pems:
        part.write_to_path(tmp_path / "cert.pem", append=True)
    return tmp_path


@pytest.fixture
def bench(folder: Path) -> Iterator[Bench]:
    bench = Bench(ca_file=folder / "ca.pem")
    yield bench
    bench.close()


@pytest.fixture
def site(folder: Path) -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    configuration = folder / "nginx.conf"
    configuration.write_text(CONFIGURATION.format(folder=folder, port=port))
    process = subprocess.Popen([str(NGINX), "-e", str(folder / "errors"), "-c", str(configuration)])
    eventually((folder / "pid").exists, "nginx is there")
    yield f"https://127.0.0.1:{port}/"
    process.terminate()
    process.wait()


def test_http2_where_it_is_offered(bench: Bench, site: str) -> None:
    result = bench.attempt(site)
    assert (result.reason, result.status, result.bytes, result.http) == (Reason.NONE, 200, 5, "2")
    assert 0 <= result.connect_us <= result.tls_us <= result.ttfb_us


def test_a_stream_that_is_given_up(bench: Bench, site: str) -> None:
    result = bench.attempt(f"{site}cut")
    assert (result.reason, result.status) == (Reason.RESET, 0)
