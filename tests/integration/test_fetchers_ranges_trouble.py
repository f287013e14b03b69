"""Ranges from sites that lie, stall, break off or lead where nothing is fetched; and disks that do not do."""

from __future__ import annotations

import resource
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pycurl
import pytest
import trustme

from fetchers.engine import Engine
from fetchers.part_file import DiskTrouble, PartFile
from fetchers.patient import PatientEngine
from fetchers.public import IsHere, why_refused
from fetching import RangeBench
from name_server import NameServer, Zone
from pagestatus.config import Check as CheckConfig
from pagestatus.loop import READ, Loop
from pagestatus.messages import Reason
from range_site import FileSite, ScriptedSite, answer, partial
from raw_site import RawSite, answering, closing, hanging, redirect, resetting, unanswering
from system import SLOWNESS

CONTENT = bytes(range(256)) * 1000
TOTAL = len(CONTENT)
STALL_S = 0.3 * SLOWNESS


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[RangeBench]:
    bench = RangeBench(tmp_path)
    yield bench
    bench.close()


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[RangeBench]:
    """Gives up soon."""
    bench = RangeBench(tmp_path, check=CheckConfig(connect_timeout=STALL_S), stall_timeout=STALL_S)
    yield bench
    bench.close()


# --- answers that do not fit --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        (answer(206, CONTENT[10:20]), Reason.NO_RANGE),
        (partial(CONTENT, 0, 10), Reason.NO_RANGE),
        (partial(CONTENT, 10, 21), Reason.NO_RANGE),
        (partial(CONTENT + b"more", 10, 20), Reason.CHANGED),
        (partial(CONTENT, 10, 20, 'ETag: "two"'), Reason.CHANGED),
        (partial(CONTENT, 10, 20, "Content-Type: multipart/byteranges; boundary=x"), Reason.NO_RANGE),
        (answer(200, CONTENT), Reason.NO_RANGE),
        (answer(200, CONTENT[:-1]), Reason.CHANGED),
        (answer(200, CONTENT, 'ETag: "two"'), Reason.CHANGED),
        (answer(404, b"no such page"), Reason.HTTP_STATUS),
        (answer(503, bytes(10_000_000)), Reason.HTTP_STATUS),
        (answer(416, b"", f"Content-Range: bytes */{TOTAL}"), Reason.HTTP_STATUS),
    ],
    ids=str,
)
def test_what_does_not_fit_is_not_written(bench: RangeBench, response: bytes, reason: Reason) -> None:
    with ScriptedSite(response) as site:
        (done,) = bench.fetch(bench.task(site.url, 10, 20, total=TOTAL, etag='"one"'))
    assert (done.reason, done.position) == (reason, 10)
    assert done.words
    assert bench.part.stat().st_size == 0


@pytest.mark.parametrize(
    "head", ["200 OK\r\nContent-Length: 0\r\n", f"206 X\r\nContent-Range: bytes 10-19/{TOTAL}\r\n"]
)
@pytest.mark.parametrize("span", [(0, 0), (10, 20), (0, 1)], ids=["whole", "range", "question"])
def test_a_head_that_is_cut_off_is_no_answer(bench: RangeBench, head: str, span: tuple[int, int]) -> None:
    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(f"HTTP/1.1 {head}".encode())

    with RawSite(behave) as site:
        task = bench.task(site.url, *span)
        (done,) = bench.fetch(task if span[1] != 1 else msgspec.structs.replace(task, file=""))
    assert (done.reason, done.status, done.position) == (Reason.RESET, 0, span[0])


def test_the_body_of_an_error_is_read_and_the_connection_kept(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        site.script = [answer(503, bytes(60_000)), answer(503, bytes(70_000))]
        assert bench.fetch(bench.task(site.url, 10, 20))[0].status == 503
        assert bench.fetch(bench.task(site.url, 10, 20))[0].status == 503
        assert site.connections == 1
        # The second was too long to be read.
        assert bench.fetch(bench.task(site.url, 10, 20))[0].reason is Reason.NONE
        assert site.connections == 2


def test_a_shorter_range(bench: RangeBench) -> None:
    with ScriptedSite(partial(CONTENT, 10, 15)) as site:
        (done,) = bench.fetch(bench.task(site.url, 10, 20))
    assert (done.reason, done.position) == (Reason.SHORT, 15)
    assert bench.part.read_bytes()[10:] == CONTENT[10:15]


def test_fewer_bytes_than_promised(bench: RangeBench) -> None:
    with ScriptedSite(partial(CONTENT, 0, 1000)[:-300]) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 1000))
    assert (done.reason, done.position) == (Reason.SHORT, 700)
    assert bench.part.read_bytes() == CONTENT[:700]


@pytest.mark.parametrize("length", ["Content-Length: 15", "Connection: close"])
def test_more_bytes_than_the_range(bench: RangeBench, length: str) -> None:
    head = f"HTTP/1.1 206 X\r\n{length}\r\nContent-Range: bytes 0-9/{TOTAL}\r\n\r\n"
    with ScriptedSite(head.encode() + CONTENT[:15]) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 10))
    assert (done.reason, done.position) == (Reason.LONG, 0)


def test_a_reset_after_good_bytes(bench: RangeBench) -> None:
    head = f"HTTP/1.1 206 X\r\nContent-Range: bytes 0-999/{TOTAL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with RawSite(closing_after(head.encode() + b"5\r\nabcde\r\n")) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 1000))
    assert done.reason in {Reason.RESET, Reason.SHORT}
    assert done.position == 5
    assert bench.part.read_bytes() == b"abcde"


@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (closing, Reason.RESET),
        (resetting(), Reason.RESET),
        (answering(b"SSH-2.0-x\r\n"), Reason.PROTOCOL),
        (answering(b"HTTP/1.1 200 OK\r\nX: " + bytes(5) + b"\r\n\r\n"), Reason.PROTOCOL),
        (answering(b"HTTP/1.1 200 OK\r\nContent-Length: 5, 6\r\n\r\nabcdef"), Reason.PROTOCOL),
    ],
    ids=["closes", "resets", "another protocol", "a zero in the head", "two lengths"],
)
def test_sites_that_do_not_speak_http(
    bench: RangeBench, behave: Callable[[socket.socket], None], reason: Reason
) -> None:
    with RawSite(behave) as site:
        done, question = bench.fetch(bench.task(site.url, 0, 10), bench.question(site.url))
    assert done.reason is question.reason is reason
    assert (done.position, done.status, done.url) == (0, 0, "")
    assert done.words


def test_nobody_is_there(bench: RangeBench, refusing: str) -> None:
    (done,) = bench.fetch(bench.task(refusing, 0, 10))
    assert (done.reason, done.status) == (Reason.CONNECT, 0)


def test_another_address_may_do(tmp_path: Path) -> None:
    with FileSite(CONTENT) as site, NameServer({"two.test": Zone(("127.0.0.9", "127.0.0.1"))}) as names:
        bench = RangeBench(tmp_path, check=CheckConfig(name_servers=(names.address,)))
        (done,) = bench.fetch(bench.task(site.url.replace("127.0.0.1", "two.test"), 0, 10))
        assert (done.reason, done.position) == (Reason.NONE, 10)
        bench.close()


def test_names_that_lead_nowhere(tmp_path: Path) -> None:
    zones = {"silent.test": Zone(silent=True)}
    with NameServer(zones) as names:
        config = CheckConfig(name_servers=(names.address,), connect_timeout=STALL_S)
        bench = RangeBench(tmp_path, check=config)
        tasks = [bench.task(f"http://{name}/", 0, 10) for name in ("silent.test", "none.test", "x.invalid")]
        assert [done.reason for done in bench.fetch(*tasks)] == [
            Reason.DNS,
            Reason.NO_SUCH_NAME,
            Reason.NO_SUCH_NAME,
        ]
        # One that is cut while its name is looked up.
        task = bench.task("http://silent.test/", 0, 10)
        bench.ranges.take(task)
        bench.ranges.drain()
        assert bench.ends(task)[0].reason is Reason.DRAIN
        bench.close()


def test_a_url_that_is_none(bench: RangeBench) -> None:
    for url in ("ftp://127.0.0.1/", "http://user@127.0.0.1/", "x"):
        assert bench.fetch(bench.question(url))[0].reason is Reason.BAD_URL


def test_a_certificate_of_nobody(tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with RawSite(answering(partial(CONTENT, 0, 10, "Connection: close")), tls=context) as site:
        bench = RangeBench(tmp_path)
        assert bench.fetch(bench.task(site.url, 0, 10))[0].reason is Reason.CERTIFICATE
        bench.close()
        bench.folder.joinpath(bench.part.name).unlink()
        bench.folder.rmdir()
        bench = RangeBench(tmp_path, check=CheckConfig(ca_file=tmp_path / "ca.pem"))
        assert bench.fetch(bench.task(site.url, 0, 10))[0].reason is Reason.NONE
        bench.close()


# --- sites that are slow ------------------------------------------------------------------------------------


def test_no_answer(hasty: RangeBench) -> None:
    with RawSite(hanging) as site:
        (done,) = hasty.fetch(hasty.task(site.url, 0, 10))
    assert (done.reason, done.words, done.position) == (Reason.TIMEOUT, "the server does not answer", 0)


def test_a_stall_in_the_middle(hasty: RangeBench) -> None:
    with RawSite(and_then_nothing(partial(CONTENT, 0, 200_000)[:100_000])) as site:
        (done,) = hasty.fetch(hasty.task(site.url, 0, 200_000))
    assert (done.reason, done.words) == (Reason.TIMEOUT, "the server sends next to nothing")
    assert 90_000 < done.position < 100_000
    assert hasty.part.read_bytes() == CONTENT[: done.position]
    assert hasty.ranges.engine.in_flight == 0


def test_a_trickle_is_a_stall_and_a_stream_is_none(hasty: RangeBench) -> None:
    with RawSite(trickling(1)) as site:
        (done,) = hasty.fetch(hasty.task(site.url, 0, 200_000))
        assert done.reason is Reason.TIMEOUT
    with RawSite(trickling(round(4000 / SLOWNESS))) as site:
        began = time.monotonic()
        (done,) = hasty.fetch(hasty.task(site.url, 0, 200_000))
        assert done.reason is Reason.NONE
        assert time.monotonic() - began > STALL_S


def test_all_bytes_are_there_though_the_end_is_not(hasty: RangeBench) -> None:
    head = f"HTTP/1.1 206 X\r\nContent-Range: bytes 0-4/{TOTAL}\r\nTransfer-Encoding: chunked\r\n\r\n"
    with RawSite(and_then_nothing(head.encode() + b"5\r\nabcde\r\n")) as site:
        (done,) = hasty.fetch(hasty.task(site.url, 0, 5))
    assert (done.reason, done.position) == (Reason.NONE, 5)


def test_nobody_takes_the_connection(hasty: RangeBench) -> None:
    with unanswering("127.0.0.1") as port:
        (done,) = hasty.fetch(hasty.task(f"http://127.0.0.1:{port}/", 0, 5))
    assert (done.reason, done.status) == (Reason.TIMEOUT, 0)


def test_a_loop_that_stood_still_is_our_own_trouble(hasty: RangeBench) -> None:
    with RawSite(hanging) as silent, FileSite(CONTENT) as site:
        tasks = [hasty.task(silent.url, 0, 10), hasty.task(site.url, 0, 10)]
        for task in tasks:
            hasty.ranges.take(task)
        hasty.ranges.stalled(3.0)
        assert [done.reason for done in hasty.ends(*tasks)] == [Reason.STALLED, Reason.NONE]


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.fixture
def public(tmp_path: Path) -> Iterator[RangeBench]:
    """Fetches from public addresses alone."""
    with NameServer({"inside.test": Zone(("127.0.0.1", "10.0.0.1", "::1"))}) as names:
        config = CheckConfig(name_servers=(names.address,))
        bench = RangeBench(tmp_path, check=config, allow_private=False)
        yield bench
        bench.close()


@pytest.mark.parametrize(
    ("host", "words"),
    [
        ("127.0.0.1", "the address 127.0.0.1 is not public (loopback)"),
        ("[::1]", "the address ::1 is not public (loopback)"),
        ("[::ffff:127.0.0.1]", "the address ::ffff:7f00:1 is not public (loopback)"),
        ("[64:ff9b::7f00:1]", "the address 64:ff9b::7f00:1 is not public (loopback)"),
        # Where a name leads is nothing for strangers.
        ("localhost", "the address of localhost is not public"),
        ("a.localhost", "the address of a.localhost is not public"),
        ("inside.test", "the address of inside.test is not public"),
    ],
)
def test_private_addresses_are_refused_before_they_are_connected_to(
    public: RangeBench, host: str, words: str
) -> None:
    with FileSite(CONTENT) as site:
        url = site.url.replace("127.0.0.1", host)
        done, question = public.fetch(public.task(url, 0, 10), public.question(url))
        assert done.reason is question.reason is Reason.ADDRESS
        assert (done.position, done.status) == (0, 0)
        assert done.words == question.words == words
        assert site.connections == 0


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """127.0.0.2 counts as public, so that there is one on this machine."""

    def judged(address: str, is_here: IsHere, *, name: str, allow_private: bool) -> str:
        refused = why_refused(address, is_here, name=name, allow_private=allow_private)
        return "" if address == "127.0.0.2" else refused

    monkeypatch.setattr("fetchers.range_transfer.why_refused", judged)


@pytest.mark.usefixtures("outside")
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "inside.test", "169.254.169.254"])
def test_a_redirect_leads_to_no_private_address(public: RangeBench, host: str) -> None:
    with FileSite(CONTENT) as inside:
        location = inside.url.replace("127.0.0.1", host)
        with ScriptedSite(redirect(location), host="127.0.0.2") as site:
            done, question = public.fetch(public.task(site.url, 0, 10), public.question(site.url))
            assert done.reason is question.reason is Reason.ADDRESS
            assert site.connections == 2
        assert inside.connections == 0


@pytest.mark.usefixtures("outside")
def test_of_the_addresses_of_a_name_the_public_one_is_taken(tmp_path: Path) -> None:
    with NameServer({"mixed.test": Zone(("127.0.0.1", "127.0.0.2"))}) as names:
        config = CheckConfig(name_servers=(names.address,))
        bench = RangeBench(tmp_path, check=config, allow_private=False)
        with ScriptedSite(partial(CONTENT, 0, 10), host="127.0.0.2") as site:
            (done,) = bench.fetch(bench.task(site.url.replace("127.0.0.2", "mixed.test"), 0, 10))
        assert (done.reason, done.position) == (Reason.NONE, 10)
        bench.close()


@pytest.mark.parametrize("reused", [False, True])
def test_the_connection_itself_is_judged_new_or_not(
    bench: RangeBench, monkeypatch: pytest.MonkeyPatch, *, reused: bool
) -> None:
    """Whatever was thought of the address before: what counts is where the connection leads."""
    with FileSite(CONTENT) as site:
        if reused:
            assert bench.fetch(bench.task(site.url, 0, 10))[0].reason is Reason.NONE
        before = iter([""])
        monkeypatch.setattr(
            "fetchers.range_transfer.why_refused", lambda *_, **_more: next(before, "it is not public")
        )
        (done,) = bench.fetch(bench.task(site.url, 0, 10))
        assert (done.reason, done.words, done.position) == (Reason.ADDRESS, "it is not public", 0)
        assert len(site.requests) == int(reused)
        bench.until(lambda: site.connections == 1, "it was connected to, once")


# --- the disk -----------------------------------------------------------------------------------------------


def test_files_that_are_not_the_one(bench: RangeBench, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.touch()
    (bench.folder / "link").symlink_to(secret)
    (bench.folder / "folder").symlink_to(tmp_path)
    with FileSite(CONTENT) as site:
        names = ["link", "../secret", "folder/secret", str(secret), "missing", ".."]
        tasks = [bench.task(site.url, 0, 10, file=name, inode=0) for name in names]
        tasks.append(bench.task(site.url, 0, 10, inode=1))
        for done in bench.fetch(*tasks):
            assert (done.reason, done.position) == (Reason.DISK, 0)
            assert done.words
        assert site.connections == 0
    assert secret.stat().st_size == 0
    assert not (bench.folder / "missing").exists()


def test_a_disk_that_is_full(bench: RangeBench) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        with FileSite(CONTENT) as site:
            full, good = bench.fetch(bench.task(site.url, 50_000, 150_000), bench.task(site.url, 0, 50_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert (full.reason, full.words) == (Reason.DISK_FULL, "the part file: File too large")
    assert 50_000 <= full.position <= 100_000
    assert good.reason is Reason.NONE
    assert bench.part.read_bytes()[: full.position] == CONTENT[: full.position]


def test_a_file_system_that_says_at_the_close_that_it_had_no_room(
    bench: RangeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As NFS does; there is none here."""
    close = PartFile.close

    def closed(part: PartFile) -> None:
        close(part)
        raise DiskTrouble(Reason.DISK_FULL, "the part file: No space left on device")

    monkeypatch.setattr(PartFile, "close", closed)
    with FileSite(CONTENT) as site:
        (done,) = bench.fetch(bench.task(site.url, 10, 20))
    assert (done.reason, done.position) == (Reason.DISK_FULL, 10)
    assert done.words == "the part file: No space left on device"


# --- beside the checks --------------------------------------------------------------------------------------


def test_one_round_serves_a_share_of_the_connections_and_all_have_their_turn(
    bench: RangeBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the smallest share there is, each round serves one connection, however many are ready."""
    monkeypatch.setattr("fetchers.patient.SHARE_S", 0.0)
    engine = bench.ranges.engine
    act = engine._socket_action
    served: list[int] = []
    most = 0

    def counted(fd: int, events: int) -> tuple[int, int]:
        if fd != pycurl.SOCKET_TIMEOUT:
            served.append(fd)
        return act(fd, events)

    def look() -> None:
        nonlocal most
        most = max(most, len(served))
        seen.update(served)
        served.clear()

    seen: set[int] = set()
    monkeypatch.setattr(engine, "_socket_action", counted)
    bench.loop.before_wait(look)
    content = bytes(2 << 20)
    with FileSite(content) as site:
        tasks = [bench.task(site.url, 0, len(content)) for _ in range(8)]
        assert {done.reason for done in bench.fetch(*tasks)} == {Reason.NONE}
    assert (most, len(seen)) == (1, 8)


def test_connections_have_their_turn_in_the_order_in_which_they_were_ready(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fetchers.patient.SHARE_S", 0.0)
    served: list[int] = []
    monkeypatch.setattr(Engine, "_on_ready", lambda _engine, fd, _events: served.append(fd))
    loop = Loop()
    engine = PatientEngine(loop, keep_connections=3)
    engine._wanted = dict.fromkeys((901, 902, 903), READ)
    for _ in range(6):
        # epoll tells of all that are ready, in an order of its own.
        for fd in (903, 901, 902, 904):
            engine._on_ready(fd, READ)
        loop.round(0)
    # 904 was closed meanwhile.
    assert [fd for fd in served if fd != 904] == served
    assert served[:4] == [903, 901, 902, 903]
    engine.close()
    loop.close()


# --- helpers ------------------------------------------------------------------------------------------------


def closing_after(response: bytes) -> Callable[[socket.socket], None]:
    """Send ``response``, wait until it is read, and reset the connection."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)

    return behave


def and_then_nothing(response: bytes) -> Callable[[socket.socket], None]:
    """Send ``response``, then wait until the client goes away."""

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(response)
        while connection.recv(65536):
            pass

    return behave


def trickling(bytes_a_time: int) -> Callable[[socket.socket], None]:
    """Send so much of the file a hundred times a second."""
    pause = threading.Event()

    def behave(connection: socket.socket) -> None:
        connection.recv(65536)
        whole = partial(CONTENT, 0, 200_000)
        head = len(whole) - 200_000
        connection.sendall(whole[:head])
        for at in range(head, len(whole), bytes_a_time):
            connection.sendall(whole[at : at + bytes_a_time])
            pause.wait(0.01)

    return behave
