"""Attempts at real sites that behave: what is measured, and how many at once."""

from __future__ import annotations

import gzip
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from itertools import pairwise

import msgspec
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from fetchers.checker import BEGUN_A_ROUND
from fetching import Bench, check
from pagestatus.messages import Reason
from raw_site import (
    EMPTY_OK,
    Behaviour,
    RawSite,
    answering,
    answering_on_and_on,
    closing,
    hanging,
    redirect,
    resetting,
)
from system import SLOWNESS


@pytest.fixture
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def test_a_page(bench: Bench, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/page").respond_with_data("hello")
    result = bench.attempt(httpserver.url_for("/page"))
    assert (result.reason, result.status, result.bytes) == (Reason.NONE, 200, 5)
    assert (result.http, result.ip) == ("1.0", "127.0.0.1")
    assert (result.epoch, result.fetcher, result.attempt) == (7, 1, 1)
    assert 0 <= result.dns_us <= result.connect_us <= result.ttfb_us <= result.duration_us
    assert result.tls_us == -1


def test_what_is_sent(bench: Bench, httpserver: HTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    seen: list[Request] = []

    def answer(request: Request) -> Response:
        seen.append(request)
        return Response("", headers={"Set-Cookie": "a=b"})

    httpserver.expect_request("/%C3%A4 b").respond_with_handler(answer)
    httpserver.expect_request("/ä b").respond_with_handler(answer)
    for _ in range(2):
        assert bench.attempt(httpserver.url_for("/") + "ä b?c=d").status == 200
    headers = seen[1].headers
    assert headers["User-Agent"] == "pagestatus"
    assert "gzip" in headers["Accept-Encoding"]
    assert "Cookie" not in headers
    assert "Authorization" not in headers
    assert seen[1].environ["REQUEST_METHOD"] == "GET"
    assert seen[1].query_string == b"c=d"


def test_the_body_is_counted_after_decoding(bench: Bench, httpserver: HTTPServer) -> None:
    body = b"hello" * 100_000
    httpserver.expect_request("/").respond_with_data(
        gzip.compress(body), headers={"Content-Encoding": "gzip"}
    )
    assert bench.attempt(httpserver.url_for("/")).bytes == len(body)


PACKED = gzip.compress(b"hello" * 1000)


@pytest.mark.parametrize("behind", [gzip.compress(b"more"), b"\n", bytes(8)], ids=["member", "line", "zeros"])
@pytest.mark.parametrize("obeys", [True, False])
def test_what_follows_a_coded_body_is_no_trouble(
    bench: Bench, httpserver: HTTPServer, behind: bytes, *, obeys: bool
) -> None:
    """Our library does not take it. Others do: it is taken as it is, from who obeys and from who does not."""
    asked: list[str] = []

    def answer(request: Request) -> Response:
        asked.append(request.headers["Accept-Encoding"])
        if obeys and asked[-1] == "identity":
            return Response(b"hello" * 1000 + b"more")
        return Response(PACKED + behind, headers={"Content-Encoding": "gzip"})

    httpserver.expect_request("/").respond_with_handler(answer)
    result = bench.attempt(httpserver.url_for("/"))
    expected = 5004 if obeys else len(PACKED + behind)
    assert (result.reason, result.status, result.bytes) == (Reason.NONE, 200, expected)
    assert (len(asked), asked[1]) == (2, "identity")
    # The next check of the same handle is one like all others.
    assert bench.attempt(httpserver.url_for("/")).reason is Reason.NONE
    assert asked[2] == asked[0] != "identity"


@pytest.mark.parametrize(
    "second",
    [
        hanging,
        closing,
        answering(b"HTTP/1.1 406 Not Acceptable\r\nContent-Length: 0\r\n\r\n"),
        answering(b"HTTP/1.1 429 Too Many Requests\r\nContent-Length: 0\r\n\r\n"),
    ],
    ids=["silence", "an end", "406", "429"],
)
def test_who_does_not_give_it_as_it_is_has_given_it_before(bench: Bench, second: Behaviour) -> None:
    with RawSite(going_on_behind_its_end(second)) as site:
        began = time.monotonic()
        result = bench.attempt(site.url, timeout_s=0.5)
        took_us = (time.monotonic() - began) * 1e6
    assert (result.reason, result.status, result.bytes, site.connections) == (Reason.NONE, 200, 5000, 2)
    assert 0 < result.connect_us <= result.ttfb_us <= result.duration_us < min(took_us, 500_000 * SLOWNESS)


def test_where_it_leads_as_it_is_is_followed(bench: Bench) -> None:
    with RawSite(answering(b"HTTP/1.1 404 X\r\nContent-Length: 0\r\n\r\n")) as last:
        with RawSite(going_on_behind_its_end(answering(redirect(last.url)))) as site:
            result = bench.attempt(site.url)
        assert (result.reason, result.status, last.connections) == (Reason.NONE, 404, 1)


def going_on_behind_its_end(second: Behaviour) -> Behaviour:
    """An answer in a coding, after a while, and then ``second``."""
    body = PACKED + b"\n"
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"

    def first(connection: socket.socket) -> None:
        time.sleep(0.1)
        answering(head.encode() + body)(connection)

    behaviours = iter([first, second])
    return lambda connection: next(behaviours)(connection)  # noqa: PLW0108 - another one each time


def test_a_body_is_asked_for_as_it_is_only_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever libcurl says of that."""
    monkeypatch.setattr("fetchers.check_handle.CheckHandle.could_not_decode", lambda *_: True)
    with RawSite(resetting(b"HTTP/1.1 200 OK\r\n\r\n")) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status, site.connections) == (Reason.NONE, 200, 2)


@pytest.mark.parametrize("status", [204, 304, 400, 404, 500, 503])
def test_every_status_is_a_response(bench: Bench, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/").respond_with_data("", status=status)
    result = bench.attempt(httpserver.url_for("/"))
    assert (result.reason, result.status) == (Reason.NONE, status)


@pytest.mark.parametrize(
    ("status", "value", "expected"),
    [
        (503, "120", 120),
        (429, "7", 7),
        (503, "soon", 0),
        (503, "-5", 0),
        (503, "Wed, 21 Oct 2015 07:28:00 GMT", 0),
        # Nobody else may ask for peace (RFC 9110 section 10.2.3).
        (200, "120", -1),
        (404, "120", -1),
    ],
)
def test_retry_after(bench: Bench, httpserver: HTTPServer, status: int, value: str, expected: int) -> None:
    httpserver.expect_request("/").respond_with_data("", status=status, headers={"Retry-After": value})
    assert bench.attempt(httpserver.url_for("/")).retry_after_s == expected


def test_retry_after_a_date(bench: Bench, httpserver: HTTPServer) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=1000), usegmt=True)
    httpserver.expect_request("/").respond_with_data("", status=503, headers={"Retry-After": date})
    assert 900 <= bench.attempt(httpserver.url_for("/")).retry_after_s <= 1000


def test_a_304_leads_nowhere(bench: Bench) -> None:
    with RawSite(answering(redirect("/elsewhere", 304))) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status, site.connections) == (Reason.NONE, 304, 1)


def test_redirects_are_followed_and_the_last_hop_is_reported(bench: Bench) -> None:
    with (
        RawSite(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"), host="127.0.0.2") as last,
        RawSite(answering(redirect(f"http://user:secret@127.0.0.2:{last.port}/", 301))) as middle,
        RawSite(answering(redirect(f"http://127.0.0.1:{middle.port}/", 307))) as first,
    ):
        result = bench.attempt(first.url)
    assert (result.reason, result.status, result.bytes) == (Reason.NONE, 200, 2)
    assert (result.ip, result.url) == ("127.0.0.2", first.url)
    assert 0 < result.dns_us <= result.connect_us <= result.ttfb_us <= result.duration_us


def test_a_relative_redirect(bench: Bench) -> None:
    with RawSite(answering(redirect("a/../b?c#d"), EMPTY_OK)) as site:
        assert bench.attempt(site.url).status == 200


def test_a_redirect_that_the_target_expects_is_its_answer(bench: Bench) -> None:
    with RawSite(answering(redirect("/elsewhere"))) as site:
        result = bench.attempts([msgspec.structs.replace(check(site.url), expect=(302,))])[0]
    assert (result.reason, result.status) == (Reason.NONE, 302)


def test_credentials_in_a_redirect_are_never_sent(bench: Bench) -> None:
    requests: list[bytes] = []
    with RawSite(lambda connection: _record(requests, connection)) as last:
        location = last.url.replace("http://", "http://user:secret@")
        with RawSite(answering(redirect(location))) as first:
            assert bench.attempt(first.url).status == 200
    assert b"authorization" not in requests[0].lower()


def test_ten_redirects_are_followed_and_no_more(bench: Bench) -> None:
    with RawSite(answering(*[redirect("/again")] * 10, EMPTY_OK)) as site:
        assert bench.attempt(site.url).reason is Reason.NONE
        assert site.connections == 11
    with RawSite(answering(redirect("/again"))) as site:
        result = bench.attempt(site.url)
        assert (result.reason, result.status) == (Reason.REDIRECTS, 302)
        assert site.connections == 11


def test_a_redirect_without_a_target_is_a_response(bench: Bench) -> None:
    with RawSite(answering(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n")) as site:
        result = bench.attempt(site.url)
    assert (result.reason, result.status) == (Reason.NONE, 302)


def test_all_hops_share_one_time_out(bench: Bench) -> None:
    started = threading.Event()

    def slowly(connection: object) -> None:
        started.wait(0.15)
        answering(redirect("/again"))(connection)  # type: ignore[arg-type]

    with RawSite(slowly) as site:
        result = bench.attempt(site.url, timeout_s=0.5)
    assert result.reason is Reason.TIMEOUT
    assert result.duration_us >= 500_000


def test_every_check_opens_its_own_connection(bench: Bench) -> None:
    with RawSite(answering_on_and_on) as site:
        for _ in range(3):
            assert bench.attempt(site.url).http == "1.1"
        assert site.connections == 3


def test_connections_are_kept_if_configured() -> None:
    bench = Bench(keep_alive=True)
    with RawSite(answering_on_and_on) as site:
        for _ in range(3):
            assert bench.attempt(site.url).ip == "127.0.0.1"
        bench.close()
        assert site.connections == 1


def test_never_more_at_once_than_slots() -> None:
    bench = Bench(slots=2)
    at_once: list[int] = []
    bench.loop.before_wait(lambda: at_once.append(bench.checker.engine.in_flight))
    with RawSite(hanging) as site:
        results = bench.attempts([check(site.url, target=number, timeout_s=0.05) for number in range(4)])
    assert {result.target for result in results} == {0, 1, 2, 3}
    assert max(at_once) == 2
    bench.close()


def test_a_round_begins_only_some() -> None:
    bench = Bench(slots=1000)
    under_way = [0]
    bench.loop.before_wait(lambda: under_way.append(bench.checker.engine.in_flight))
    count = 2 * BEGUN_A_ROUND + 1
    with RawSite(hanging) as site:
        results = bench.attempts([check(site.url, target=number, timeout_s=0.5) for number in range(count)])
    assert {result.target for result in results} == set(range(count))
    assert max(after - before for before, after in pairwise(under_way)) <= BEGUN_A_ROUND
    assert max(under_way) == count
    bench.close()


def test_a_long_answer_comes_whole(bench: Bench) -> None:
    """It does not fit into the buffers of a socket: the first event is followed by many."""
    body = bytes(8 << 20)
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
    with RawSite(answering(head + body)) as site:
        results = bench.attempts([check(site.url, target=number) for number in range(4)])
    assert {(result.status, result.bytes) for result in results} == {(200, len(body))}


def test_an_attempt_with_no_time_left_ends_all_the_same(bench: Bench) -> None:
    """For libcurl a time-out of 0 is none at all."""
    with RawSite(hanging) as site:
        assert bench.attempt(site.url, timeout_s=0).reason is Reason.TIMEOUT


def test_what_does_not_fit_even_waiting_is_dropped() -> None:
    bench = Bench(slots=2)
    with RawSite(answering(EMPTY_OK)) as site:
        for number in range(5):
            bench.checker.take(check(site.url, target=number))
        assert (bench.checker.in_flight, bench.checker.dropped) == (4, 1)
    bench.close()


def test_ipv6(bench: Bench) -> None:
    with RawSite(answering(EMPTY_OK), host="::1") as site:
        result = bench.attempt(site.url)
    assert (result.status, result.ip) == (200, "::1")


def _record(requests: list[bytes], connection: object) -> None:
    recorded = connection.recv(65536)  # type: ignore[attr-defined]
    requests.append(recorded)
    connection.sendall(EMPTY_OK)  # type: ignore[attr-defined]
