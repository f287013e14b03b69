"""Attempts at real sites that misbehave, and the reason that is told for each."""

from __future__ import annotations

import resource
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
import trustme

from fetching import Bench, check, run_until
from pagestatus.messages import Reason
from raw_site import (
    EMPTY_OK,
    Behaviour,
    RawSite,
    answering,
    closing,
    hanging,
    redirect,
    resetting,
    unanswering,
)
from system import SLOWNESS

OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


@pytest.mark.parametrize(
    ("behave", "reason", "status", "received"),
    [
        pytest.param(closing, Reason.RESET, 0, -1, id="no answer"),
        pytest.param(resetting(), Reason.RESET, 0, -1, id="reset before the answer"),
        pytest.param(
            resetting(OK + b"Content-Length: 9\r\n\r\nabc"), Reason.RESET, 200, 3, id="reset in the body"
        ),
        pytest.param(
            answering(OK + b"Content-Length: 9\r\n\r\nabc"), Reason.RESET, 200, 3, id="body cut short"
        ),
        pytest.param(
            answering(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab"), Reason.RESET, 200, 2, id="chunk cut"
        ),
        pytest.param(answering(OK + b"Content-Le"), Reason.RESET, 200, 0, id="head cut"),
        pytest.param(answering(OK + b"Content-Length: 0\r\n"), Reason.RESET, 200, 0, id="head cut at a line"),
        pytest.param(
            answering(b"HTTP/1.1 103 Soon\r\n\r\n" + OK + b"A: b\r\n"),
            Reason.RESET,
            200,
            0,
            id="second head cut",
        ),
        pytest.param(
            answering(OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nabXX"),
            Reason.PROTOCOL,
            200,
            2,
            id="chunk without an end",
        ),
        pytest.param(answering(b"hello\r\n\r\n"), Reason.PROTOCOL, 0, -1, id="not HTTP"),
        pytest.param(answering(b"HTTP/7.0 200 OK\r\n\r\n"), Reason.PROTOCOL, 0, -1, id="unknown version"),
        pytest.param(answering(OK + b"no colon\r\n\r\n"), Reason.PROTOCOL, 200, 0, id="bad header"),
        pytest.param(answering(OK + b"Content-Length: x\r\n\r\n"), Reason.PROTOCOL, 200, 0, id="bad length"),
        pytest.param(
            answering(OK + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
            Reason.PROTOCOL,
            200,
            0,
            id="bad chunk",
        ),
        pytest.param(
            answering(OK + b"Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd"),
            Reason.PROTOCOL,
            200,
            0,
            id="bad gzip",
        ),
        pytest.param(
            answering(OK + b"X: " + b"a" * 400_000 + b"\r\n\r\n"), Reason.PROTOCOL, 200, 0, id="huge header"
        ),
        pytest.param(
            answering(OK + b"X: a\r\n" * 6000 + b"\r\n"), Reason.PROTOCOL, 200, 0, id="many headers"
        ),
    ],
)
def test_answers_that_are_none(
    bench: Bench, behave: Behaviour, reason: Reason, status: int, received: int
) -> None:
    with RawSite(behave) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status, result.bytes) == (reason, status, received)


@pytest.mark.parametrize(
    "response",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.0 200 OK\n\n",
        b"HTTP/1.1 103 Soon\r\nA: b\r\n\r\n" + OK + b"Content-Length: 0\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\nA: trailer\r\n\r\n",
    ],
)
def test_answers_without_a_body(bench: Bench, response: bytes) -> None:
    with RawSite(answering(response)) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.bytes) == (Reason.NONE, 0)


def test_nobody_listens(bench: Bench, refusing: str) -> None:
    result = bench.attempt(refusing)
    assert (result.reason, result.status, result.ip) == (Reason.CONNECT, 0, "127.0.0.1")
    assert result.dns_us >= 0
    assert (result.connect_us, result.tls_us, result.ttfb_us) == (-1, -1, -1)


def test_no_answer_in_time(bench: Bench) -> None:
    with RawSite(hanging) as site:
        result = bench.attempt(site.url, timeout_s=0.1)
    assert result.reason is Reason.TIMEOUT
    assert result.connect_us >= 0
    assert result.ttfb_us == -1
    assert result.duration_us >= 100_000


def test_no_connection_in_time(bench: Bench) -> None:
    with unanswering("127.0.0.1") as port:
        result = bench.attempt(f"http://127.0.0.1:{port}/", timeout_s=0.1)
    assert (result.reason, result.connect_us) == (Reason.TIMEOUT, -1)


@pytest.mark.parametrize("limit", [10, 20_000])
def test_too_large(bench: Bench, limit: int) -> None:
    body = b"x" * (limit + 1)
    response = OK + f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    with RawSite(answering(response)) as site:
        result = bench.attempt(site.url, max_bytes=limit)
        just_fits = bench.attempt(site.url, max_bytes=limit + 1)
    assert (result.reason, result.status) == (Reason.TOO_LARGE, 200)
    assert (just_fits.reason, just_fits.bytes) == (Reason.NONE, limit + 1)


def test_the_configured_limit() -> None:
    bench = Bench(max_bytes=10)
    with RawSite(answering(OK + b"Content-Length: 11\r\n\r\nhello world")) as site:
        assert bench.attempt(site.url).reason is Reason.TOO_LARGE
    bench.close()


@pytest.mark.parametrize(
    "url", ["ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1:0/", "nothing"]
)
def test_bad_urls(bench: Bench, url: str) -> None:
    result = bench.attempt(url)
    assert (result.reason, result.url) == (Reason.BAD_URL, url)


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/", "file:///etc/passwd", "javascript:x", "http://127.0.0.1:99999/"]
)
def test_redirects_to_what_cannot_be_fetched(bench: Bench, location: str) -> None:
    with RawSite(answering(redirect(location))) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status) == (Reason.BAD_URL, 302)


def test_plain_http_where_tls_is_expected(bench: Bench) -> None:
    with RawSite(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as site:
        result = bench.attempt(site.url.replace("http:", "https:"))
    assert (result.reason, result.tls_us) == (Reason.TLS, -1)


def test_reset_in_the_handshake(bench: Bench) -> None:
    with RawSite(resetting()) as site:
        assert bench.attempt(site.url.replace("http:", "https:")).reason is Reason.RESET


def test_a_certificate_of_nobody_we_trust(bench: Bench) -> None:
    with RawSite(answering(EMPTY_OK), tls=_tls(trustme.CA(), "127.0.0.1")) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status) == (Reason.CERTIFICATE, 0)


def test_a_certificate_of_someone_else() -> None:
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as ca_file:
        bench = Bench(ca_file=Path(ca_file))
        with RawSite(answering(EMPTY_OK), tls=_tls(authority, "other.example")) as site:
            assert bench.attempt(site.url).reason is Reason.CERTIFICATE
        bench.close()


def test_a_good_certificate() -> None:
    authority = trustme.CA()
    with authority.cert_pem.tempfile() as ca_file:
        bench = Bench(ca_file=Path(ca_file))
        with RawSite(answering(EMPTY_OK), tls=_tls(authority, "127.0.0.1")) as site:
            result = bench.attempt(site.url)
        bench.close()
    assert (result.reason, result.status) == (Reason.NONE, 200)
    assert 0 <= result.dns_us <= result.connect_us <= result.tls_us <= result.ttfb_us <= result.duration_us


def test_no_descriptors_are_our_own_trouble(bench: Bench) -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    with RawSite(answering(EMPTY_OK)) as site, ExitStack() as all_descriptors:
        assert bench.attempt(site.url).reason is Reason.NONE
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, before[1]))
        with suppress(OSError):
            while True:
                all_descriptors.enter_context(socket.socket())
        result = bench.attempt(site.url)
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert (result.reason, result.status) == (Reason.NO_FDS, 0)


def test_a_loop_that_stood_still_is_our_own_trouble(bench: Bench) -> None:
    with RawSite(hanging) as silent, RawSite(answering(EMPTY_OK)) as site:
        checks = [check(silent.url, timeout_s=0.1, target=1), check(site.url, target=2)]
        for one in checks:
            bench.checker.take(one)
        run_until(bench.loop, lambda: bench.checker.engine.in_flight == 2, "both are under way")
        # What the loop tells when it finds such a gap in its own clock.
        bench.checker.stalled(3.0)
        run_until(bench.loop, lambda: len(bench.results) == 2, "both have ended")
    reasons = {result.target: result.reason for result in bench.results}
    assert reasons == {1: Reason.STALLED, 2: Reason.NONE}
    with RawSite(hanging) as silent:
        assert bench.attempt(silent.url, timeout_s=0.1).reason is Reason.TIMEOUT


def test_an_attempt_lasts_from_its_beginning_also_where_we_stood_still_before_it_went_out(
    bench: Bench,
) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        bench.checker.take(check(site.url))
        # In the round in which it begins; libcurl is called in the next one.
        bench.loop.soon(lambda: time.sleep(1.2))
        run_until(bench.loop, lambda: bench.results, "it has ended")
    (result,) = bench.results
    assert (result.reason, result.status) == (Reason.NONE, 200)
    assert result.ttfb_us < 1_000_000
    assert result.duration_us >= 1_200_000


def _tls(authority: trustme.CA, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def test_a_site_that_we_have_kept_waiting_is_not_to_blame(bench: Bench) -> None:
    too_late = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"
    with RawSite(answering(too_late)) as site:
        assert bench.attempt(site.url).reason is Reason.NONE, "it may be the site's own haste"
        bench.checker.take(check(site.url))
        run_until(bench.loop, lambda: bench.checker.engine.in_flight == 1, "it is under way")
        bench.checker.stalled(3.0)
        run_until(bench.loop, lambda: bench.results[1:], "it has ended")
    assert (bench.results[1].reason, bench.results[1].status) == (Reason.STALLED, 408)


def test_a_stall_that_nobody_was_told_of_yet_is_ours(bench: Bench) -> None:
    with RawSite(hanging) as site:
        bench.checker.take(check(site.url, timeout_s=1))
        run_until(bench.loop, lambda: site.connections, "it is connected")
        # libcurl is called for another one, late in the round that stands still: the first has timed out.
        bench.loop.soon(lambda: bench.loop.soon(lambda: time.sleep(1.2 * SLOWNESS)))
        bench.checker.take(check(site.url, target=2, timeout_s=1))
        run_until(bench.loop, lambda: len(bench.results) == 2, "both have ended")
        assert (bench.results[0].target, bench.results[0].reason) == (1, Reason.STALLED)
