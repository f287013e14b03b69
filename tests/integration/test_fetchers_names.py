"""Names, asked for through the real c-ares of a real name server, and what an attempt makes of the answer."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from fetchers.channel import TRY_S, BadNameServer, Channel
from fetchers.names import Answer
from fetchers.resolver import MOST_ADDRESSES, SHARED_S, Resolver
from fetching import Bench, check, run_until
from name_server import NO_SUCH_NAME, REFUSED, SERVER_FAILURE, NameServer, Zone
from namespaces import namespaces
from pagestatus.loop import Loop
from pagestatus.messages import Reason
from raw_site import EMPTY_OK, RawSite, answering, closing, redirect, unanswering
from scripts.soak_run.ports import datagram_port, held_port
from system import SLOWNESS

HALF_DEAD = ("127.0.0.77", "127.0.0.1")
ZONES = {
    "good.test": Zone(("127.0.0.1",)),
    "both.test": Zone(("127.0.0.1", "::1")),
    "only-six.test": Zone(("::1",)),
    "never-kept.test": Zone(("127.0.0.1", "::1"), ttl=0),
    "no-address.test": Zone(),
    "broken.test": Zone(code=SERVER_FAILURE),
    "refused.test": Zone(code=REFUSED),
    "silent.test": Zone(silent=True),
    "2.silent.test": Zone(silent=True),
    "half-dead.test": Zone(HALF_DEAD),
    "xn--bcher-kva.test": Zone(("127.0.0.1",)),
}


@pytest.fixture
def name_server() -> Iterator[NameServer]:
    with NameServer(dict(ZONES)) as server:
        yield server


@pytest.fixture(autouse=True)
def _ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that reaches both families, wherever the tests run."""
    monkeypatch.setattr("fetchers.families.has_ipv6", lambda: True)


@pytest.fixture
def bench(name_server: NameServer) -> Iterator[Bench]:
    bench = Bench(name_servers=(name_server.address,))
    yield bench
    bench.close()


@pytest.fixture
def port() -> Iterator[int]:
    """One at which nobody else listens, at whatever address."""
    with held_port() as held:
        yield held.getsockname()[1]


def ask(resolver: Resolver, loop: Loop, name: str) -> Answer:
    """Ask, and wait for the answer."""
    answers: list[Answer] = []
    resolver.ask(name, answers.append)
    assert not answers, "never from inside"
    run_until(loop, lambda: answers, f"{name} is answered", within_s=20)
    return answers[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good.test", Answer(("127.0.0.1",))),
        ("no-such-name.test", Answer((), Reason.NO_SUCH_NAME)),
        ("no-address.test", Answer((), Reason.NO_SUCH_NAME)),
        ("broken.test", Answer((), Reason.DNS)),
        ("refused.test", Answer((), Reason.NAME_SERVER)),
    ],
)
def test_answers(bench: Bench, name: str, expected: Answer) -> None:
    assert ask(bench.checker.resolver, bench.loop, name) == expected
    assert bench.checker.resolver.known(name) == expected


def test_without_ipv6_only_ipv4_is_asked_for(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetchers.families.has_ipv6", lambda: False)
    bench = Bench(name_servers=(name_server.address,))
    assert ask(bench.checker.resolver, bench.loop, "both.test") == Answer(("127.0.0.1",))
    assert name_server.asked["both.test"] == 1
    # Where there is nothing else, an address that can not be reached is better than "no such name".
    assert ask(bench.checker.resolver, bench.loop, "only-six.test") == Answer(("::1",))
    assert ask(bench.checker.resolver, bench.loop, "no-such-name.test").reason is Reason.NO_SUCH_NAME
    bench.close()


def test_both_families(bench: Bench) -> None:
    assert set(ask(bench.checker.resolver, bench.loop, "both.test").addresses) == {"127.0.0.1", "::1"}


def test_the_hosts_file_is_read(bench: Bench, name_server: NameServer) -> None:
    # c-ares calls back from inside the question here.
    name = socket.gethostname()
    if name not in Path("/etc/hosts").read_text(encoding="utf-8").split():
        pytest.skip("this machine's name is not in /etc/hosts")
    assert ask(bench.checker.resolver, bench.loop, name).addresses
    assert not name_server.asked


def test_an_answer_is_kept_for_its_ttl(bench: Bench, name_server: NameServer) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        for _ in range(3):
            assert bench.attempt(f"http://good.test:{site.port}/").status == 200
    # One for IPv4, one for IPv6.
    assert name_server.asked["good.test"] == 2


def test_a_ttl_of_zero_is_honoured(bench: Bench, name_server: NameServer) -> None:
    for _ in range(2):
        ask(bench.checker.resolver, bench.loop, "never-kept.test")
        assert bench.checker.resolver.known("never-kept.test") is None
    assert name_server.asked["never-kept.test"] == 4


def test_lookups_of_one_name_are_shared(bench: Bench, name_server: NameServer) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        url = f"http://good.test:{site.port}/"
        results = bench.attempts([check(url, target=number) for number in range(10)])
    assert {result.status for result in results} == {200}
    assert name_server.asked["good.test"] == 2


def test_an_old_question_is_not_waited_for(name_server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fetchers.channel.TRIES", 1)
    ahead_s = 0.0
    loop = Loop(lambda: time.monotonic() + ahead_s)
    resolver = Resolver(loop, (name_server.address,))
    early: list[Answer] = []
    resolver.ask("silent.test", early.append)
    run_until(loop, lambda: name_server.asked["silent.test"], "the first question is under way")
    name_server.zones["silent.test"] = Zone(("127.0.0.1",))
    ahead_s = SHARED_S + 1
    loop.round(0)
    # The first one would have to be sent again for that.
    assert ask(resolver, loop, "silent.test") == Answer(("127.0.0.1",))
    assert (early, resolver.lookups) == ([], 1)
    # That it ends in vain takes nothing away.
    run_until(loop, lambda: early, "the first question has ended")
    assert early == [Answer((), Reason.NAME_SERVER)], (
        "the answer came long after it was sent for the last time"
    )
    known = resolver.known("silent.test")
    assert (known, resolver.lookups) == (Answer(("127.0.0.1",)), 0)
    resolver.close()


def test_what_was_lost_in_a_silence_is_not_held_against_its_name(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Its only try is its last, however late this busy machine finds that out.
    monkeypatch.setattr("fetchers.channel.TRIES", 1)
    monkeypatch.setattr("fetchers.resolver.BEFORE_LAST_TRY", 0.01)
    loop = Loop()
    resolver = Resolver(loop, (name_server.address,))
    name_server.zones["lost.test"] = Zone(silent=True)
    lost: list[Answer] = []
    resolver.ask("lost.test", lost.append)
    until = loop.now + TRY_S / 2
    run_until(loop, lambda: loop.now > until, "it is sent no more")
    # The name server is back, and others are answered at once.
    name_server.zones["lost.test"] = Zone(("127.0.0.1",))
    assert ask(resolver, loop, "good.test").addresses
    run_until(loop, lambda: lost, "the question has ended", within_s=20)
    assert lost == [Answer((), Reason.NAME_SERVER)]
    assert resolver.known("lost.test") is None, "who asks next asks anew"
    assert ask(resolver, loop, "lost.test").addresses
    resolver.close()


@pytest.mark.parametrize("name", ["anything.invalid", "invalid"])
def test_invalid_is_never_asked_for(bench: Bench, name_server: NameServer, name: str) -> None:
    result = bench.attempt(f"http://{name}/")
    assert (result.reason, result.dns_us, result.ip) == (Reason.NO_SUCH_NAME, -1, "")
    assert not name_server.asked


def test_localhost_is_never_asked_for(bench: Bench, name_server: NameServer) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        result = bench.attempt(f"http://localhost:{site.port}/")
    assert (result.status, result.ip) == (200, "127.0.0.1")
    assert not name_server.asked


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("no-such-name.test", Reason.NO_SUCH_NAME),
        ("broken.test", Reason.DNS),
        ("refused.test", Reason.NAME_SERVER),
    ],
)
def test_attempts_that_end_with_the_name(bench: Bench, name: str, reason: Reason) -> None:
    result = bench.attempt(f"http://{name}/")
    assert (result.reason, result.status, result.bytes, result.dns_us) == (reason, 0, -1, -1)


SILENCE = Zone(silent=True)


def test_a_silent_name_is_to_blame_where_nothing_else_is_asked(bench: Bench, name_server: NameServer) -> None:
    # Again and again: c-ares remembers what it was told.
    for number, others in enumerate((name_server.others, Zone(("127.0.0.1",)), Zone(code=REFUSED))):
        name_server.others = others
        name_server.zones[f"{number}.silent.test"] = SILENCE
        result = bench.attempt(f"http://{number}.silent.test/", timeout_s=0.2)
        assert (result.reason, result.duration_us >= 200_000) == (Reason.DNS, True)


def test_a_name_server_that_is_silent_is_not_the_trouble_of_a_name(
    bench: Bench, name_server: NameServer
) -> None:
    name_server.others = SILENCE
    assert bench.attempt("http://silent.test/", timeout_s=0.1).reason is Reason.NAME_SERVER
    # It has answered before this one was asked.
    assert ask(bench.checker.resolver, bench.loop, "good.test").addresses
    assert bench.attempt("http://2.silent.test/", timeout_s=0.1).reason is Reason.NAME_SERVER


def test_a_name_is_to_blame_when_what_was_asked_later_is_answered(
    bench: Bench, name_server: NameServer
) -> None:
    name_server.others = SILENCE
    bench.checker.take(check("http://silent.test/", timeout_s=2))
    run_until(bench.loop, lambda: name_server.asked["silent.test"], "it is asked for")
    # Later is in another round.
    bench.loop.round(0)
    assert ask(bench.checker.resolver, bench.loop, "good.test").addresses
    run_until(bench.loop, lambda: bench.results, "the attempt has ended", within_s=20)
    assert bench.results[0].reason is Reason.DNS


def test_what_a_late_answer_leaves_of_the_time_says_nothing_about_the_site(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ask_in_vain_for_long(_name: str, tell: Callable[[Answer], None]) -> None:
        bench.loop.after(0.6 * SLOWNESS, lambda: tell(Answer(("127.0.0.1",))))

    for method in ("ask", "ask_anew"):
        monkeypatch.setattr(bench.checker.resolver, method, ask_in_vain_for_long)
    with unanswering("127.0.0.1") as port:
        result = bench.attempt(f"http://late.test:{port}/", timeout_s=1)
    assert (result.reason, result.ip) == (Reason.NAME_SERVER, "127.0.0.1")


def test_a_late_answer_on_the_way_of_redirects_says_as_little(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    with unanswering("127.0.0.1") as port, RawSite(answering(redirect(f"http://late.test:{port}/"))) as site:
        assert ask(bench.checker.resolver, bench.loop, "good.test").addresses

        def ask_in_vain_for_long(_name: str, tell: Callable[[Answer], None]) -> None:
            bench.loop.after(0.6 * SLOWNESS, lambda: tell(Answer(("127.0.0.1",))))

        for method in ("ask", "ask_anew"):
            monkeypatch.setattr(bench.checker.resolver, method, ask_in_vain_for_long)
        result = bench.attempt(f"http://good.test:{site.port}/", timeout_s=1)
    assert result.reason is Reason.NAME_SERVER


def test_who_has_slept_for_long_asks_again(bench: Bench, name_server: NameServer) -> None:
    name_server.zones["moving.test"] = Zone(("127.0.0.1",), ttl=3600)
    resolver = bench.checker.resolver
    assert ask(resolver, bench.loop, "moving.test") == Answer(("127.0.0.1",))
    name_server.zones["moving.test"] = Zone(("127.0.0.2",), ttl=3600)
    bench.loop.tell_stall(3.0)
    assert resolver.known("moving.test") == Answer(("127.0.0.1",))
    bench.loop.tell_stall(3600.0)
    assert ask(resolver, bench.loop, "moving.test") == Answer(("127.0.0.2",))


def test_what_cares_keeps_has_an_end(
    bench: Bench, name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = bench.checker.resolver
    name_server.zones["kept.test"] = Zone(("127.0.0.1",), ttl=3600)
    for most, address in ((20_000, "127.0.0.1"), (0, "127.0.0.2")):
        assert ask(resolver, bench.loop, "kept.test") == Answer(("127.0.0.1",))
        name_server.zones["kept.test"] = Zone(("127.0.0.2",), ttl=3600)
        monkeypatch.setattr("fetchers.resolver.MOST_KEPT", most)
        resolver.refresh()
        # What is left is its own.
        resolver._cache.clear()
        assert ask(resolver, bench.loop, "kept.test") == Answer((address,))
        resolver._cache.clear()


def test_a_name_server_without_a_way_out_says_nothing_about_names() -> None:
    with namespaces(1) as (cut_off,), cut_off.entered(), NameServer(dict(ZONES)) as server:
        with contextlib.closing(Bench(name_servers=(server.address,))) as bench:
            assert bench.attempt("http://broken.test/").reason is Reason.NO_ROUTE
            assert bench.attempt("http://no-such-name.test/").reason is Reason.NO_SUCH_NAME
        cut_off.ip("route", "add", "default", "dev", "lo")
        with contextlib.closing(Bench(name_servers=(server.address,))) as bench:
            assert bench.attempt("http://broken.test/").reason is Reason.DNS


def test_that_there_is_no_such_name_is_asked_again_soon(
    name_server: NameServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fetchers.resolver.NEGATIVE_TTL_S", 0.0)
    loop = Loop()
    resolver = Resolver(loop, (name_server.address,))
    name_server.zones["soon.test"] = Zone(code=NO_SUCH_NAME, negative_ttl=900)
    assert ask(resolver, loop, "soon.test").reason is Reason.NO_SUCH_NAME
    name_server.zones["soon.test"] = Zone(("127.0.0.1",))
    # c-ares would go on saying so for a quarter of an hour.
    assert ask(resolver, loop, "soon.test").reason is Reason.NO_SUCH_NAME
    resolver.refresh()
    assert ask(resolver, loop, "soon.test") == Answer(("127.0.0.1",))
    resolver.close()


def test_trouble_while_the_loop_stood_still_is_not_the_names(bench: Bench, name_server: NameServer) -> None:
    # What is begun afterwards would else be told of it, and blame the site.
    ask(bench.checker.resolver, bench.loop, "refused.test")
    tries = name_server.asked["refused.test"]
    answers: list[Answer] = []
    bench.checker.resolver.ask("broken.test", answers.append)
    bench.loop.tell_stall(3.0)
    run_until(bench.loop, lambda: name_server.asked["broken.test"] >= tries, "it is asked for in vain")
    name_server.zones["broken.test"] = Zone(("127.0.0.1",))
    run_until(bench.loop, lambda: answers, "it is answered", within_s=20)
    assert answers == [Answer(("127.0.0.1",))]


def test_a_name_that_stays_in_trouble_is_asked_for_once_more(bench: Bench) -> None:
    answers: list[Answer] = []
    bench.checker.resolver.ask("broken.test", answers.append)
    bench.loop.tell_stall(3.0)
    run_until(bench.loop, lambda: answers, "it is answered", within_s=20)
    assert answers == [Answer((), Reason.DNS)]


def test_nobody_serves_names() -> None:
    bench = Bench(name_servers=(f"127.0.0.1:{datagram_port()}",))
    assert bench.attempt("http://good.test/").reason is Reason.NAME_SERVER
    bench.close()


def test_no_name_has_more_addresses_than_are_worth_trying(bench: Bench, name_server: NameServer) -> None:
    name_server.zones["wide.test"] = Zone(tuple(f"127.0.1.{number}" for number in range(40)))
    assert len(ask(bench.checker.resolver, bench.loop, "wide.test").addresses) == MOST_ADDRESSES


def test_of_a_name_server_that_is_gone_nothing_is_believed() -> None:
    """That a name has no IPv6 address is remembered by c-ares; what the name server refuses to say is not."""
    names = ["one.test", "two.test"]
    with NameServer({name: Zone(("127.0.0.1",), ttl=0) for name in names}) as server:
        bench = Bench(name_servers=(server.address,))
        assert all(ask(bench.checker.resolver, bench.loop, name).addresses for name in names)
    answers: list[Answer] = []
    # At once: the second is refused before it has waited.
    for name in names:
        bench.checker.resolver.ask(name, answers.append)
    run_until(bench.loop, lambda: len(answers) == len(names), "both are answered", within_s=20)
    assert {answer.reason for answer in answers} == {Reason.NAME_SERVER}
    bench.close()


def test_a_dead_name_does_not_delay_others(bench: Bench) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        dead = [check(f"http://{number}.silent.test/", target=number, timeout_s=0.5) for number in range(50)]
        bench.checker.resolver.ask("silent.test", lambda _answer: None)
        results = bench.attempts([*dead, check(f"http://good.test:{site.port}/", target=99)])
    assert next(result for result in results if result.target == 99).status == 200


@pytest.mark.parametrize("host", HALF_DEAD)
def test_an_address_that_refuses_is_followed_by_the_next(bench: Bench, host: str, port: int) -> None:
    with RawSite(answering(EMPTY_OK), host=host, port=port):
        result = bench.attempt(f"http://half-dead.test:{port}/")
    assert (result.status, result.ip) == (200, host)


@pytest.mark.parametrize("host", HALF_DEAD)
def test_an_address_that_is_silent_is_followed_by_the_next(
    name_server: NameServer, host: str, port: int
) -> None:
    silent = next(other for other in HALF_DEAD if other != host)
    with (
        contextlib.closing(Bench(name_servers=(name_server.address,), connect_timeout=0.1)) as bench,
        RawSite(answering(EMPTY_OK), host=host, port=port),
        unanswering(silent, port),
    ):
        result = bench.attempt(f"http://half-dead.test:{port}/")
    assert (result.status, result.ip) == (200, host)


def test_all_addresses_refuse(bench: Bench, refusing: str) -> None:
    port = refusing.rstrip("/").rpartition(":")[2]
    result = bench.attempt(f"http://half-dead.test:{port}/")
    assert (result.reason, result.ip in HALF_DEAD) == (Reason.CONNECT, True)


def test_a_family_that_refuses_is_followed_by_the_other(bench: Bench, port: int) -> None:
    for host in ("127.0.0.1", "::1"):
        with RawSite(answering(EMPTY_OK), host=host, port=port):
            result = bench.attempt(f"http://both.test:{port}/")
        assert (result.status, result.ip) == (200, host)


def test_only_connecting_is_tried_again(bench: Bench) -> None:
    with RawSite(closing) as site:
        result = bench.attempt(f"http://half-dead.test:{site.port}/")
        assert (result.reason, site.connections) == (Reason.RESET, 1)


def test_the_name_of_every_hop_is_resolved_here(bench: Bench, name_server: NameServer) -> None:
    with RawSite(answering(EMPTY_OK)) as last:
        with RawSite(answering(redirect(f"http://good.test:{last.port}/"))) as first:
            assert bench.attempt(f"http://both.test:{first.port}/").status == 200
        with RawSite(answering(redirect("http://gone.invalid/"))) as first:
            result = bench.attempt(first.url)
    assert name_server.asked["good.test"] == 2
    # Only the last hop is reported: it got no answer.
    assert (result.reason, result.status, result.ip, result.dns_us) == (Reason.NO_SUCH_NAME, 0, "", -1)


def test_an_internationalised_name(bench: Bench) -> None:
    with RawSite(answering(EMPTY_OK)) as site:
        assert bench.attempt(f"http://Bücher.test:{site.port}/ä").status == 200


def test_new_name_servers_of_this_machine_are_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "resolv.conf"
    # Where c-ares itself reads is fixed.
    monkeypatch.setattr("fetchers.resolver.Channel", lambda loop, _: Channel(loop, [conf.read_text()]))
    loop = Loop()
    with (
        NameServer({"a.test": Zone(("127.0.0.1",)), "later.test": Zone(silent=True)}) as before,
        NameServer({"b.test": Zone(("127.0.0.2",))}) as after,
    ):
        conf.write_text(before.address)
        resolver = Resolver(loop, resolv_conf=conf)
        assert ask(resolver, loop, "a.test") == Answer(("127.0.0.1",))
        late: list[Answer] = []
        resolver.ask("later.test", late.append)
        run_until(loop, lambda: before.asked["later.test"], "the question is under way")
        before.zones["later.test"] = Zone(("127.0.0.3",))
        resolver.refresh()
        assert not after.asked
        conf.write_text(after.address)
        os.utime(conf, ns=(0, 0))
        resolver.refresh()
        assert ask(resolver, loop, "b.test") == Answer(("127.0.0.2",))
        # Whoever asks now does not wait for those before.
        after.zones["later.test"] = Zone(("127.0.0.4",))
        assert ask(resolver, loop, "later.test") == Answer(("127.0.0.4",))
        # What was asked before is still answered by whom it was asked.
        run_until(loop, lambda: late, "the earlier question is answered")
        assert late == [Answer(("127.0.0.3",))]
        assert before.asked["b.test"] == 0
        resolver.close()


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[Channel]:
    """The channels that a resolver makes, which would read what is fixed."""
    made: list[Channel] = []

    def channel(loop: Loop, _servers: object) -> Channel:
        made.append(Channel(loop, ["127.0.0.1"]))
        return made[-1]

    monkeypatch.setattr("fetchers.resolver.Channel", channel)
    return made


def test_name_servers_that_can_not_be_read_are_no_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Channel], caplog: pytest.LogCaptureFixture
) -> None:
    """c-ares would ask this machine instead, and say nothing: whoever is known is asked until they can."""
    caplog.set_level("INFO")
    conf = tmp_path / "resolv.conf"
    conf.touch()
    loop = Loop()
    resolver = Resolver(loop, resolv_conf=conf)
    happenings: list[Callable[[], object]] = [
        lambda: os.utime(conf, ns=(0, 0)),
        # Who may read it may change, and nothing else of it.
        lambda: conf.chmod(0o600),
        lambda: loop.tell_stall(100.0),
    ]
    for number, happen in enumerate(happenings, 1):
        with monkeypatch.context() as patched:
            patched.setattr(Path, "open", refuse)
            happen()
            for _ in range(2):
                resolver.refresh()
            assert (len(made), caplog.messages) == (number, [])
        for _ in range(2):
            resolver.refresh()
        assert len(made) == number + 1
        caplog.clear()
    resolver.close()


def test_name_servers_that_can_not_be_read_at_the_start_are_read_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: list[Channel]
) -> None:
    conf = tmp_path / "resolv.conf"
    conf.touch()
    with monkeypatch.context() as patched:
        patched.setattr(Path, "open", refuse)
        resolver = Resolver(Loop(), resolv_conf=conf)
    for _ in range(2):
        resolver.refresh()
    assert len(made) == 2
    resolver.close()


def test_where_there_is_no_file_of_name_servers_this_machine_is_asked(
    tmp_path: Path, made: list[Channel]
) -> None:
    loop = Loop()
    resolver = Resolver(loop, resolv_conf=tmp_path / "resolv.conf")
    loop.tell_stall(100.0)
    assert len(made) == 2
    resolver.close()


def refuse(*_arguments: object) -> NoReturn:
    """What happens when no descriptor is left."""
    raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))


@pytest.mark.parametrize("given", ["nonsense", "127.0.0.1:port", "http://127.0.0.1/"])
def test_a_name_server_that_is_no_address(given: str) -> None:
    with pytest.raises(BadNameServer, match=r"nonsense|127\.0\.0\.1"):
        Resolver(Loop(), (given,))
