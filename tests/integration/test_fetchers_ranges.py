"""Ranges from real sites that behave: what is asked, written and told, and on which connections."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import msgspec
import pytest

from fetching import RangeBench
from pagestatus.messages import Head, RangeCut, RangeDone, Reason
from range_site import FileSite, ScriptedSite, answer, partial
from raw_site import RawSite, answering, hanging, redirect

CONTENT = Random(7).randbytes(300_000)  # noqa: S311 - any bytes do


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[RangeBench]:
    bench = RangeBench(tmp_path)
    yield bench
    bench.close()


def test_a_range_lands_where_it_belongs(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        task = bench.task(site.url, 1000, 250_000, total=len(CONTENT), etag='"one"')
        (done,) = bench.fetch(task)
        head = Head(1000, 250_000, len(CONTENT), 249_000, '"one"')
        assert done == RangeDone(1, task.task, 7, 250_000, Reason.NONE, 206, -1, site.url, "", head)
    assert bench.part.read_bytes() == bytes(1000) + CONTENT[1000:250_000]
    assert bench.ranges.in_flight == 0


def test_many_ranges_at_once_on_few_connections(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        starts = range(0, len(CONTENT), 7000)
        tasks = [bench.task(site.url, start, min(start + 7000, len(CONTENT))) for start in starts]
        for first in range(0, len(tasks), 4):
            assert {done.reason for done in bench.fetch(*tasks[first : first + 4])} == {Reason.NONE}
        assert len(site.requests) == len(tasks)
        assert site.connections <= 4
    assert bench.part.read_bytes() == CONTENT


def test_what_is_asked(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        bench.fetch(bench.task(site.url, 5, 10))
        bench.fetch(bench.question(site.url))
        bench.fetch(bench.task(site.url, 0, 0))
        given = (("X-Key", "ä"), ("Range", "bytes=0-"), ("Accept-Encoding", "gzip"))
        bench.fetch(bench.task(site.url, 5, 10, credentials="user:secret", headers=given))
        plain, question, whole, with_all = [request.lower().split(b"\r\n") for request in site.requests]
    assert plain[0] == b"get /file.bin http/1.1"
    assert b"accept-encoding: identity" in plain
    assert b"user-agent: pagestatus" in plain
    assert b"range: bytes=5-9" in plain
    assert b"range: bytes=0-0" in question
    assert not any(line.startswith(b"range:") for line in whole)
    # A handle that was used for others keeps nothing of theirs.
    assert b"range: bytes=5-9" in with_all
    assert b"x-key: \xe4" in with_all
    assert b"authorization: basic dxnlcjpzzwnyzxq=" in with_all
    assert with_all.count(b"accept-encoding: identity") == 1
    assert len([line for line in with_all if line.startswith((b"range", b"accept-enc"))]) == 2
    (done,) = bench.fetch(bench.task("http://127.0.0.1/", 0, 5, headers=(("A", "b\r\nC: d"),)))
    assert done.reason is Reason.BAD_URL
    assert done.words.startswith("a header can not be sent: 'A': expected")


def test_nothing_of_one_task_is_sent_for_another(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        bench.fetch(bench.task(site.url, 0, 5, credentials="user:secret", headers=(("X-Key", "k"),)))
        bench.fetch(bench.task(site.url, 0, 5))
        assert b"Authorization" in site.requests[0]
        assert b"Authorization" not in site.requests[1]
        assert b"X-Key" not in site.requests[1]
        assert site.connections == 1


def test_the_whole(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 0, total=len(CONTENT)))
    assert (done.reason, done.status, done.position) == (Reason.NONE, 200, len(CONTENT))
    assert bench.part.read_bytes() == CONTENT


@pytest.mark.parametrize(
    "head",
    [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"],
    ids=["1.1", "1.0"],
)
def test_a_whole_that_ends_with_the_connection(bench: RangeBench, head: bytes) -> None:
    with ScriptedSite(head + CONTENT) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 0))
    assert (done.reason, done.position, done.head) == (Reason.NONE, len(CONTENT), Head())
    assert bench.part.read_bytes() == CONTENT


def test_chunks(bench: RangeBench) -> None:
    head = b"HTTP/1.1 206 X\r\nTransfer-Encoding: chunked\r\nContent-Range: bytes 0-9/300000\r\n\r\n"
    chunks = b"4\r\nabcd\r\n6\r\nefghij\r\n0\r\nETag: too late\r\n\r\n"
    with ScriptedSite(head + chunks) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 10))
    assert (done.reason, done.position, done.head.etag) == (Reason.NONE, 10, "")
    assert bench.part.read_bytes() == b"abcdefghij"


def test_an_encoding_is_left_alone(bench: RangeBench) -> None:
    """A server that encodes all the same has ranges of what it encoded."""
    with ScriptedSite(partial(CONTENT, 0, 50, "Content-Encoding: gzip")) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 50))
    assert (done.reason, done.head.content_encoding) == (Reason.NONE, "gzip")
    assert bench.part.read_bytes() == CONTENT[:50]


# --- questions ----------------------------------------------------------------------------------------------


def test_a_question(bench: RangeBench) -> None:
    with FileSite(CONTENT) as site:
        (done,) = bench.fetch(bench.question(site.url))
        assert (done.reason, done.status, done.position, done.url) == (Reason.NONE, 206, 0, site.url)
        assert done.head == Head(0, 1, len(CONTENT), 1, '"one"')
        # The connection is kept for the ranges.
        bench.fetch(bench.task(site.url, 0, 5))
        assert site.connections == 1


@pytest.mark.parametrize("status", [200, 204, 304, 400, 401, 403, 404, 405, 416, 500])
def test_whatever_comes_is_the_answer_to_a_question(bench: RangeBench, status: int) -> None:
    body = b"" if status in {204, 304} else b"body"
    with ScriptedSite(answer(status, body, 'ETag: "e"')) as site:
        (done,) = bench.fetch(bench.question(site.url, total=5, etag='"other"'))
    assert (done.reason, done.status, done.head.etag) == (Reason.NONE, status, '"e"')


def test_a_question_does_not_fetch_the_file(bench: RangeBench) -> None:
    """Neither one whose length is known, nor one that never ends."""
    sent: list[int] = []

    def endless(connection: object) -> None:
        connection.recv(65536)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")  # type: ignore[attr-defined]
        while True:
            connection.sendall(bytes(65536))  # type: ignore[attr-defined]
            sent.append(65536)

    def promising(connection: object) -> None:
        connection.recv(65536)  # type: ignore[attr-defined]
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9000000000\r\n\r\n")  # type: ignore[attr-defined]
        # Nothing of it is waited for.
        connection.recv(65536)  # type: ignore[attr-defined]

    with RawSite(endless) as site:
        (done,) = bench.fetch(bench.question(site.url))
    assert (done.reason, done.status) == (Reason.NONE, 200)
    with RawSite(promising) as long:
        (done,) = bench.fetch(bench.question(long.url))
    assert (done.reason, done.head.length) == (Reason.NONE, 9_000_000_000)


def test_a_question_that_is_cut_off_after_its_head_is_answered(bench: RangeBench) -> None:
    with RawSite(
        answering(b"HTTP/1.1 206 X\r\nContent-Length: 5\r\nContent-Range: bytes 0-0/9\r\n\r\n")
    ) as site:
        (done,) = bench.fetch(bench.question(site.url))
    assert (done.reason, done.status, done.head.total) == (Reason.NONE, 206, 9)


@pytest.mark.parametrize(("status", "expected"), [(429, 7), (503, 7), (500, -1), (200, -1)])
def test_retry_after(bench: RangeBench, status: int, expected: int) -> None:
    with ScriptedSite(*[answer(status, b"", "Retry-After: 7")] * 2, answer(status, b"")) as site:
        done, of_file = bench.fetch(bench.question(site.url), bench.task(site.url, 0, 5))
        (silent,) = bench.fetch(bench.question(site.url))
    assert done.retry_after_s == of_file.retry_after_s == expected
    assert silent.retry_after_s == -1


# --- redirects ----------------------------------------------------------------------------------------------


def test_redirects_are_followed(bench: RangeBench) -> None:
    with FileSite(CONTENT) as last:
        with ScriptedSite(redirect(last.url.replace("//", "//user:secret@"), 307)) as first:
            done, question = bench.fetch(bench.task(first.url, 10, 20), bench.question(first.url))
        assert (done.reason, done.url, done.position) == (Reason.NONE, last.url, 20)
        assert (question.reason, question.url, question.status) == (Reason.NONE, last.url, 206)
        assert b"Authorization" not in last.requests[0]


def test_ten_redirects_and_no_more(bench: RangeBench) -> None:
    with ScriptedSite(*[redirect("/again")] * 10, partial(CONTENT, 0, 5)) as site:
        assert bench.fetch(bench.task(site.url, 0, 5))[0].reason is Reason.NONE
        assert site.connections == 11
    with ScriptedSite(redirect("/again")) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 5))
        assert (done.reason, done.status) == (Reason.REDIRECTS, 302)
        assert site.connections == 11


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1/", "http://[::1/"]
)
def test_only_http_is_followed(bench: RangeBench, location: str) -> None:
    with ScriptedSite(redirect(location)) as site:
        (done,) = bench.fetch(bench.task(site.url, 0, 5))
    assert done.reason in {Reason.BAD_URL, Reason.HTTP_STATUS}
    assert done.status == 302


def test_a_redirect_without_a_target_is_a_status(bench: RangeBench) -> None:
    with ScriptedSite(answer(302, b"")) as site:
        done, question = bench.fetch(bench.task(site.url, 0, 5), bench.question(site.url))
    assert (done.reason, done.status) == (Reason.HTTP_STATUS, 302)
    assert (question.reason, question.status) == (Reason.NONE, 302)


def test_credentials_and_headers_stay_with_their_origin(bench: RangeBench) -> None:
    given = {"credentials": "user:secret", "headers": (("X-Key", "k"),)}
    with FileSite(CONTENT) as other, FileSite(CONTENT) as own:
        own.script = [redirect("/elsewhere"), redirect(other.url)]
        (done,) = bench.fetch(bench.task(own.url, 0, 5, **given))
        assert (done.reason, done.url) == (Reason.NONE, other.url)
        for request in own.requests:
            assert b"Authorization: Basic" in request
            assert b"X-Key: k" in request
        assert len(own.requests) == 2
        # Another port is another origin, on the same machine too.
        assert b"Authorization" not in other.requests[0]
        assert b"X-Key" not in other.requests[0]


# --- the bridge's side --------------------------------------------------------------------------------------


class HalfWay(FileSite):
    """Sends the first half of each answer, and the second when it is told to."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.halves: list[bytes] = []

    def answer(self, request: bytes) -> bytes:
        """The first half."""
        whole = super().answer(request)
        half = len(whole) // 2
        self.halves.append(whole[half:])
        return whole[:half]


def moved(bench: RangeBench, position: int = 1) -> Callable[[], bool]:
    return lambda: any(one.position >= position for one in bench.ranges._transfers.values())


def test_progress_is_told_when_there_is_some_and_once_a_second_in_any_case(bench: RangeBench) -> None:
    with HalfWay(CONTENT) as site:
        task = bench.task(site.url, 0, 200_000)
        bench.ranges.take(task)
        bench.until(lambda: len(set(bench.positions(task))) == 1, "progress is told")
        (position,) = set(bench.positions(task))
        assert 50_000 < position < 150_000
        assert bench.part.stat().st_size == position
        bench.until(lambda: len(bench.positions(task)) >= 3, "it is told again")
        assert bench.ranges.in_flight == 1


def test_progress_does_not_wait_for_the_second(bench: RangeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetchers.ranges._TICKS_A_SECOND", 1 << 30)
    with HalfWay(CONTENT) as site:
        task = bench.task(site.url, 0, 200_000)
        bench.ranges.take(task)
        bench.until(lambda: bench.positions(task), "progress is told")


@pytest.mark.parametrize("stop", [0, 1000])
def test_a_cut_behind_ends_a_range_at_once(bench: RangeBench, stop: int) -> None:
    with HalfWay(CONTENT) as site:
        task = bench.task(site.url, 0, 200_000)
        bench.ranges.take(task)
        bench.until(moved(bench, 50_000), "half of it is there")
        bench.ranges.cut(RangeCut(1, task.task, stop))
        (done,) = bench.ends(task)
        assert (done.reason, done.position) == (Reason.NONE, bench.part.stat().st_size)
        assert done.position >= 50_000
        assert bench.ranges.engine.in_flight == 0


def test_a_cut_ahead_ends_a_range_when_it_gets_there(bench: RangeBench) -> None:
    with HalfWay(CONTENT) as site:
        task = bench.task(site.url, 0, 200_000)
        bench.ranges.take(task)
        bench.ranges.cut(RangeCut(1, task.task, 70_001))
        (done,) = bench.ends(task)
    assert (done.reason, done.position, bench.part.stat().st_size) == (Reason.NONE, 70_001, 70_001)
    assert bench.part.read_bytes() == CONTENT[:70_001]


def test_a_cut_before_anything_came(bench: RangeBench) -> None:
    with RawSite(hanging) as site:
        task, question = bench.task(site.url, 10, 20), bench.question(site.url)
        for one in (task, question):
            bench.ranges.take(one)
            bench.ranges.cut(RangeCut(1, one.task))
        done, of_question = bench.ends(task, question)
    assert (done.reason, done.position, done.status) == (Reason.NONE, 10, 0)
    assert (of_question.reason, of_question.status) == (Reason.NONE, 0)


def test_cuts_of_others_are_nothing(bench: RangeBench) -> None:
    with HalfWay(CONTENT) as site:
        task = bench.task(site.url, 0, 200_000)
        bench.ranges.take(task)
        bench.ranges.cut(RangeCut(0, task.task))
        bench.ranges.cut(RangeCut(1, 99))
        assert bench.ranges.in_flight == 1


def test_a_newer_bridge_silently_ends_what_the_one_before_asked_for(bench: RangeBench) -> None:
    with HalfWay(CONTENT) as old, FileSite(CONTENT) as site:
        task = bench.task(old.url, 0, 200_000)
        bench.ranges.take(task)
        bench.until(moved(bench), "it has begun")
        newer = msgspec.structs.replace(bench.task(site.url, 0, 5), bridge=2, task=task.task)
        (done,) = bench.fetch(newer)
        assert (done.bridge, done.reason) == (2, Reason.NONE)
        # One that is late.
        bench.ranges.take(msgspec.structs.replace(task, task=50))
        assert bench.ranges.in_flight == 0
        assert [record.bridge for record in bench.told if isinstance(record, RangeDone)] == [2]
        assert bench.ranges.engine.in_flight == 0


def test_a_newer_bridge_need_not_ask_for_anything(bench: RangeBench) -> None:
    """It says that it is there with a cut of no task."""
    with HalfWay(CONTENT) as site:
        task, question = bench.task(site.url, 0, 200_000), bench.question(site.url)
        bench.ranges.take(task)
        bench.until(moved(bench), "it has begun")
        bench.told.clear()
        bench.ranges.cut(RangeCut(2, 0))
        assert bench.ranges.in_flight == bench.ranges.engine.in_flight == 0
        # Those that are late.
        bench.ranges.cut(RangeCut(1, 0))
        bench.ranges.take(question)
        assert bench.ranges.in_flight == 0
        bench.ranges.take(msgspec.structs.replace(question, bridge=2))
        # And it may say so again.
        bench.ranges.cut(RangeCut(2, 0))
        assert bench.ranges.in_flight == 1
        assert bench.told == []


def test_what_does_not_fit_is_given_back_at_once(tmp_path: Path) -> None:
    bench = RangeBench(tmp_path, slots=2)
    with RawSite(hanging) as site:
        tasks = [bench.task(site.url, 10, 20) for _ in range(3)]
        for task in tasks:
            bench.ranges.take(task)
        (done,) = bench.ends(tasks[2])
        assert (done.reason, done.position, done.epoch) == (Reason.NO_CAPACITY, 10, 7)
        assert bench.ranges.in_flight == 2
        # The same one again is no other.
        bench.ranges.take(tasks[0])
        assert len(bench.told) == 1
        bench.close()


def test_a_drain_ends_all_with_what_is_there(bench: RangeBench) -> None:
    with HalfWay(CONTENT) as site, RawSite(hanging) as silent:
        begun, waiting = bench.task(site.url, 0, 200_000), bench.task(silent.url, 10, 20)
        for task in (begun, waiting):
            bench.ranges.take(task)
        bench.until(moved(bench, 50_000), "half of one is there")
        bench.ranges.drain()
        half, nothing = bench.ends(begun, waiting)
        assert (half.reason, half.position) == (Reason.DRAIN, bench.part.stat().st_size)
        assert (nothing.reason, nothing.position) == (Reason.DRAIN, 10)
        (late,) = bench.fetch(bench.task(site.url, 0, 5))
        assert late.reason is Reason.DRAIN
        assert bench.ranges.in_flight == bench.ranges.engine.in_flight == 0


def test_no_descriptor_is_left_behind(bench: RangeBench) -> None:
    def files() -> int:
        links = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
        return links.count(bench.part)

    with HalfWay(CONTENT) as site:
        tasks = [bench.task(site.url, 0, 200_000) for _ in range(4)]
        for task in tasks:
            bench.ranges.take(task)
        bench.until(lambda: len(site.halves) == 4, "all have begun")
        assert files() == 4
        bench.ranges.cut(RangeCut(1, tasks[0].task))
        assert files() == 3
        bench.ranges.drain()
        assert files() == 0
