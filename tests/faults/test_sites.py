"""Sites of every bad kind at once, beside good ones: each gets the reason that it has earned, and no more."""

from __future__ import annotations

import ssl
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

import hostile_site as hostile
from hostile_site import CHUNKED, OK
from raw_site import Behaviour, RawSite, redirect
from scripts.audit.log import Line
from scripts.soak_run import certificates
from system import ACTORS, SLOWNESS, System, eventually

HERE = "127.0.0.1"
HEALTHY = 8
SLOTS_EACH = 2
MOST_BYTES = 1 << 20
# Of a fetcher at any time of its life; one that does nothing takes 35.
MOST_MEMORY_MIB = 100
MOST_LAG_MS = 500


class Site(NamedTuple):
    """One bad site, and what the log is to say of it: reason, class, status."""

    behave: Behaviour
    says: tuple[str, str, int]
    # Its certificate; "tls": it never comes to that.
    tls: str = ""


def sites() -> dict[str, Site]:
    """By name."""
    timeout, reset = ("timeout", "transient", 0), ("reset", "transient", 0)
    cut, protocol = ("reset", "transient", 200), ("protocol", "transient", 200)
    large, tls = ("too_large", "permanent", 200), ("tls", "permanent", 0)
    well = ("", "", 200)
    return {
        "silent": Site(hostile.silent, timeout),
        "a byte of the head a second": Site(hostile.dripping(b"", b"H"), timeout),
        "a byte of the body a second": Site(
            hostile.dripping(OK + b"Content-Length: 99\r\n\r\n"), ("timeout", "transient", 200)
        ),
        "reset at once": Site(hostile.resetting_at_once, reset),
        "reset after the request": Site(hostile.then_resetting(b""), reset),
        "reset in the handshake": Site(hostile.then_resetting(b""), reset, "tls"),
        "reset in the head": Site(hostile.then_resetting(OK + b"Content-Le"), cut),
        "reset in the body": Site(hostile.then_resetting(OK + b"Content-Length: 9\r\n\r\nabc"), cut),
        "closed without a word": Site(hostile.then_closing(b""), reset),
        "closed in the head": Site(hostile.then_closing(OK + b"Content-Le"), cut),
        "silent in the handshake": Site(hostile.silent, timeout, "tls"),
        "no TLS": Site(hostile.then_closing(OK + b"\r\n"), ("tls", "transient", 0), "tls"),
        "headers without end": Site(hostile.pouring(OK, b"X-More: and more\r\n" * 100), protocol),
        "one header without end": Site(hostile.pouring(OK + b"X-More: ", b"more" * 4096), protocol),
        "a body without end": Site(hostile.pouring(OK + b"\r\n", bytes(1 << 16)), large),
        "chunks without end": Site(hostile.pouring(CHUNKED, b"4000\r\n" + bytes(0x4000) + b"\r\n"), large),
        "a bomb": Site(hostile.then_closing(hostile.bomb()), large),
        "more encodings than there are": Site(
            hostile.then_closing(OK + b"Content-Encoding: " + b"gzip, " * 20 + b"gzip\r\n\r\nx"), protocol
        ),
        "in a circle": Site(hostile.then_closing(redirect("/")), ("redirects", "permanent", 302)),
        "to a file": Site(
            hostile.then_closing(redirect("file:///etc/passwd")), ("bad_url", "permanent", 302)
        ),
        "broken chunks": Site(hostile.then_closing(CHUNKED + b"5\r\nabcdeXX5\r\n"), protocol),
        "a chunk's length is none": Site(hostile.then_closing(CHUNKED + b"none\r\nabcde\r\n"), protocol),
        "too short": Site(hostile.then_closing(OK + b"Content-Length: 9\r\n\r\nabc"), cut),
        # What follows the announced length is no part of the answer (RFC 9112 section 6.3).
        "too long": Site(hostile.then_closing(OK + b"Content-Length: 3\r\n\r\nabcdef"), well),
        "two lengths": Site(
            hostile.then_closing(OK + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabc"), protocol
        ),
        "expired": Site(hostile.silent, tls, "expired"),
        "signed by itself": Site(hostile.silent, tls, "stranger"),
        "of another host": Site(hostile.silent, tls, "other"),
        "GOAWAY": Site(hostile.going_away, reset, "h2"),
        "GOAWAY in the body": Site(hostile.going_away_in_the_body, cut, "h2"),
        "GOAWAY in good order": Site(hostile.going_away_in_good_order, well, "h2"),
    }


def contexts(authority: trustme.CA) -> dict[str, ssl.SSLContext | None]:
    return {
        "": None,
        "tls": None,
        "expired": certificates.expired(authority, HERE),
        "stranger": certificates.context(trustme.CA(), HERE),
        "other": certificates.context(authority, "other.example"),
        "h2": certificates.http2(authority, HERE),
    }


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return authority


@pytest.fixture
def targets(authority: trustme.CA, site: str) -> Iterator[list[dict[str, object]]]:
    """All of them, each at a port of its own, beside good pages."""
    listed: list[dict[str, object]] = [
        {"name": f"good {number}", "url": f"{site}/fast/{number}", "interval": 1}
        for number in range(1, HEALTHY + 1)
    ]
    made = contexts(authority)
    with ExitStack() as open_:
        for name, (behave, _says, tls) in sites().items():
            at = open_.enter_context(RawSite(behave, tls=made[tls]))
            url = at.url if tls != "tls" else at.url.replace("http:", "https:")
            # No time for a second attempt: each slot is one line.
            listed.append({"name": name, "url": url, "interval": 2, "timeout": 1.2})
        yield listed


def test_each_site_gets_the_reason_that_it_has_earned(
    targets: list[dict[str, object]], make_system: Callable[..., System], tmp_path: Path
) -> None:
    system = make_system(
        targets,
        check__ca_file=tmp_path / "ca.pem",
        check__max_bytes=MOST_BYTES,
        check__backoff_max=1,
        check__retry_interval=1,
    )
    system.start()
    bad = sites()
    eventually(lambda: system.state() == "running", "all processes run", within_s=20)
    # A good one has two slots for each of a bad one.
    system.until_checked(SLOTS_EACH * (len(bad) + 2 * HEALTHY), within_s=30)
    assert peak_memory_mib(system) < MOST_MEMORY_MIB
    assert system.state() == "running"
    assert system.drain() == dict.fromkeys(ACTORS, 0)
    assert list(system.findings()) == []
    found = by_name(system)
    said = {name: sorted({(line.reason, line.class_, line.status) for line in found[name]}) for name in bad}
    assert said == {name: [site.says] for name, site in bad.items()}
    # What is read of an answer ends soon after it has become too much.
    assert max(line.bytes or 0 for lines in found.values() for line in lines) < MOST_BYTES + (1 << 17)
    healthy = [line for number in range(1, HEALTHY + 1) for line in found[f"good {number}"]]
    assert {line.outcome for line in healthy} == {"ok"}
    assert max(line.lag_ms or 0 for line in healthy) < MOST_LAG_MS * SLOWNESS


def by_name(system: System) -> dict[str, list[Line]]:
    """The final lines of what was checked (the drain may leave a slot unmeasured), by target."""
    found: dict[str, list[Line]] = defaultdict(list)
    for line in system.lines():
        if line.final and line.reason != "drain":
            found[line.target].append(line)
    return found


def peak_memory_mib(system: System) -> float:
    """The most that the fetcher has ever had in memory (proc(5))."""
    (pid,) = system.fetcher_pids().values()
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024
