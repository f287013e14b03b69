"""blackbox_exporter, asked for one ``/probe`` after another; what counts is the CPU of its process."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote

import pycurl

from scripts.bench_run.processes import cpu_s_of
from scripts.bench_run.references.asked import Asked, asked
from scripts.nginx import free_port

PROGRAM = "prometheus-blackbox-exporter"
START_S = 10
_CONF = """
modules:
  page:
    prober: http
    timeout: 10s
    http: {preferred_ip_protocol: ip4}
"""


def run(wanted: Asked, folder: Path) -> None:
    conf, port = folder / "blackbox.yml", free_port()
    conf.write_text(_CONF, encoding="utf-8")
    program = shutil.which(PROGRAM) or sys.exit(f"{PROGRAM} is not there")
    process = subprocess.Popen(
        [program, f"--config.file={conf}", f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        _wait_for(port)
        before, began = cpu_s_of(process.pid), time.monotonic()
        _probe(wanted, port)
        cpu_s, seconds = cpu_s_of(process.pid) - before, time.monotonic() - began
    finally:
        process.terminate()
        process.wait()
    figures = {"us": cpu_s / wanted.requests * 1e6, "per_second": wanted.requests / seconds}
    print(json.dumps(figures), flush=True)


def _probe(wanted: Asked, port: int) -> None:
    """Some at a time: ``perform`` is enough for so few."""
    multi, free = pycurl.CurlMulti(), [pycurl.Curl() for _ in range(wanted.in_flight)]
    begun = ended = 0
    while ended < wanted.requests:
        while free and begun < wanted.requests:
            curl, target = free.pop(), quote(wanted.url(begun), safe="")
            curl.setopt(pycurl.URL, f"http://127.0.0.1:{port}/probe?module=page&target={target}")
            curl.setopt(pycurl.WRITEFUNCTION, _must_be_good)
            multi.add_handle(curl)
            begun += 1
        multi.perform()
        multi.select(0.1)
        _queued, well, badly = multi.info_read()
        if badly:
            sys.exit(f"a probe failed: {badly[0][2]}")
        for curl in well:
            multi.remove_handle(curl)
            free.append(curl)
        ended += len(well)


def _must_be_good(piece: bytes) -> int | None:
    return -1 if b"probe_success 0" in piece else None


def _wait_for(port: int) -> None:
    curl, deadline = pycurl.Curl(), time.monotonic() + START_S
    curl.setopt(pycurl.URL, f"http://127.0.0.1:{port}/-/healthy")
    curl.setopt(pycurl.WRITEFUNCTION, len)
    while True:
        try:
            curl.perform()
        except pycurl.error:
            if time.monotonic() > deadline:
                sys.exit(f"{PROGRAM} does not start")
            time.sleep(0.05)
        else:
            return


if __name__ == "__main__":
    # So that the exporter does not outlive it.
    signal.signal(signal.SIGTERM, lambda _number, _frame: sys.exit(1))
    with TemporaryDirectory() as made:
        run(asked(__doc__), Path(made))
