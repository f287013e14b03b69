"""No download comes from where whoever asked for it may not go, however that place is spelled or reached.

What is public is judged address by address in ``unit/test_fetchers_public.py``, and the judge is asked again
on each connection, new or kept (``integration/test_fetchers_ranges_trouble.py``); the running system refuses
in ``integration/test_downloads_safety.py``. Here: every spelling in every place where one may stand, and
names that change their mind.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, trouble_of
from fetchers.public import IsHere, why_refused
from fetching import RangeBench
from name_server import NameServer, Zone
from page_site import Asked, PageSite, part_of
from pagestatus.config import Check as CheckConfig
from pagestatus.messages import Reason
from range_site import FileSite, ScriptedSite
from raw_site import redirect

FILE = bytes(1000)
# This machine, which is not public.
LOOPBACK = [
    "127.0.0.1", "127.0.0.1.", "127.1.2.3", "localhost", "localhost.", "LOCALHOST", "a.b.localhost",
    "[::1]", "[0:0:0:0:0:0:0:1]", "[::127.0.0.1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]", "[64:ff9b::127.0.0.1]", "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2002:7f00:0001::1]", "[2001:0:7f00:1::80ff:fffe]",
    "\uff11\uff12\uff17.0.0.1", "127\u30020\u30020\u30021", "\u2460\u2461\u2466.0.0.1", "loc\u24d0lhost",
    "127.0.0.1\\@evil.test",
]  # fmt: skip
# Where the secrets of a machine in a cloud are, whatever is allowed.
METADATA = [
    "169.254.169.254", "[::ffff:169.254.169.254]", "[::169.254.169.254]", "[64:ff9b::a9fe:a9fe]",
    "[2002:a9fe:a9fe::]", "[fd00:ec2::254]", "100.100.100.200", "metadata.test",
]  # fmt: skip
# What inet_aton(3) and some browsers take for 127.0.0.1, for 0.0.0.0 or for nothing.
NONE = [
    "2130706433", "017700000001", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "127.1", "127.0.1", "0", "0x0",
    "127.0.0.1.5", "256.0.0.1", "127.0.0.01", "127.0.0.0x1", "[127.0.0.1]", "[::1%lo]", "[::1%25lo]", "[::1",
    "[::ffff:0177.0.0.1]", "127.0.0.1%00", "127.0.0.1%2eexample.com", "evil.test@127.0.0.1",
]  # fmt: skip


@pytest.fixture
def zones() -> Iterator[NameServer]:
    """Names of which one leads to secrets, and one to where it should, so far."""
    metadata = Zone(("169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254"))
    with NameServer({"metadata.test": metadata, "turning.test": Zone(("127.0.0.2",), ttl=0)}) as names:
        yield names


@pytest.fixture
def strict(tmp_path: Path, zones: NameServer) -> Iterator[RangeBench]:
    """Fetches from public addresses alone."""
    bench = RangeBench(tmp_path, check=CheckConfig(name_servers=(zones.address,)), allow_private=False)
    yield bench
    bench.close()


@pytest.fixture(scope="module")
def inside() -> Iterator[FileSite]:
    """At 127.0.0.1: nobody ever connects to it."""
    with FileSite(FILE) as site:
        yield site
        assert site.connections == 0


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> str:
    """127.0.0.2 counts as public: else this machine would have no address that does."""

    def judged(address: str, is_here: IsHere, *, name: str, allow_private: bool) -> str:
        refused = why_refused(address, is_here, name=name, allow_private=allow_private)
        return "" if address == "127.0.0.2" else refused

    monkeypatch.setattr("fetchers.range_transfer.why_refused", judged)
    return "127.0.0.2"


@pytest.mark.parametrize("host", [*LOOPBACK, *METADATA])
def test_no_spelling_makes_an_address_public(strict: RangeBench, inside: FileSite, host: str) -> None:
    url = inside.url.replace("127.0.0.1", host)
    done, question = strict.fetch(strict.task(url, 0, 10), strict.question(url))
    assert done.reason is question.reason is Reason.ADDRESS
    assert inside.connections == 0


@pytest.mark.parametrize("host", NONE)
def test_what_is_no_spelling_is_no_host(strict: RangeBench, inside: FileSite, host: str) -> None:
    (done,) = strict.fetch(strict.task(inside.url.replace("127.0.0.1", host), 0, 10))
    assert done.reason is Reason.BAD_URL
    assert inside.connections == 0


@pytest.mark.parametrize("host", [*LOOPBACK, *METADATA, *NONE])
def test_a_redirect_leads_nowhere_else(
    strict: RangeBench, elsewhere: str, inside: FileSite, host: str
) -> None:
    """A server writes its Location as it likes, and libcurl reads in it what it takes for an address."""
    location = inside.url.replace("127.0.0.1", host)
    with ScriptedSite(redirect(location), host=elsewhere) as leading:
        (done,) = strict.fetch(strict.task(leading.url, 0, 10))
    # Of two of them libcurl makes names, which are then names to us, too.
    assert done.reason in {Reason.ADDRESS, Reason.BAD_URL, Reason.NO_SUCH_NAME}
    assert (leading.connections, inside.connections) == (1, 0)


@contextmanager
def twice(host: str) -> Iterator[tuple[FileSite, socket.socket]]:
    """A site at ``host``, and somebody who listens at the same port of loopback."""
    while True:
        with FileSite(FILE, host=host) as site:
            try:
                within = socket.create_server(("127.0.0.1", urlsplit(site.url).port or 0))
            except OSError:
                # Somebody else has that port there.
                continue
            with within:
                yield site, within
                return


def test_a_name_that_changes_its_mind_is_judged_anew(
    strict: RangeBench, elsewhere: str, zones: NameServer
) -> None:
    """Where it leads now is not asked, and what is kept of before is not used for it."""
    with twice(elsewhere) as (site, within):
        url = site.url.replace(elsewhere, "turning.test")
        assert strict.fetch(strict.task(url, 0, 10))[0].reason is Reason.NONE
        zones.zones["turning.test"] = Zone(("127.0.0.1", "::1", "::ffff:127.0.0.1"), ttl=0)
        (done,) = strict.fetch(strict.task(url, 10, 20))
        assert (done.reason, done.words) == (Reason.ADDRESS, "the address of turning.test is not public")
        assert len(site.requests) == 1
        within.setblocking(False)
        with pytest.raises(BlockingIOError):
            within.accept()


def test_a_name_that_turns_while_a_download_runs(
    client: BridgeClient, pages: PageSite, names: NameServer
) -> None:
    """Of the whole running system."""

    def page(asked: Asked) -> Iterator[bytes]:
        if asked.number == 3:
            names.zones["turning.test"] = Zone(("169.254.169.254",), ttl=0)
        yield part_of(CONTENT, asked)

    url = pages.add(page)
    id_ = client.add(url.replace("127.0.0.1", "turning.test"), threads=1)
    told = client.until(id_, "Failed", "Downloaded")
    names.zones["turning.test"] = Zone(("127.0.0.1",), ttl=0)
    assert trouble_of(told) == "address"
    assert told["error"]["message"].endswith("the address of turning.test is not public")
    # One, perhaps, was on its way.
    assert len(pages.asked(url)) <= 4
