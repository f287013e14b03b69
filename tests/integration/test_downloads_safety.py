"""What a download may not reach, and what of it nobody may see."""

from __future__ import annotations

import hashlib
import re
import stat
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, NEEDS_NGINX, arrived, downloading, fetched, trouble_of
from name_server import NameServer, Zone
from page_site import PageSite, always, honest
from raw_site import redirect
from scripts.nginx import free_port, nginx
from system import System

NOBODY = "0.0.0.0"  # noqa: S104 - nothing is bound to it
PASSWORD = "p%2Fss%3Aw%40rd"  # noqa: S105 - of a server that lives for a second
DECODED = "p/ss:w@rd"
CONFIGURATION = """
server {{
    listen 127.0.0.1:{port};
    root {root};
    auth_basic closed;
    auth_basic_user_file {users};
    location /moved/ {{ return 302 /file.bin; }}
}}
"""


@pytest.fixture(scope="module")
def names() -> Iterator[NameServer]:
    zones = {
        "inside.test": Zone(("127.0.0.1",)),
        "inside6.test": Zone(("::ffff:127.0.0.1",)),
        "metadata.test": Zone(("169.254.169.254",)),
        "open.test": Zone(("127.0.0.1",)),
    }
    with NameServer(zones) as names:
        yield names


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, names: NameServer) -> Iterator[System]:
    """As it is by default: public addresses alone."""
    folder = tmp_path_factory.mktemp("strict")
    settings = {"downloads__allow_private": "false", "check__name_servers": names.address}
    with downloading(folder, **settings) as system:
        yield system


@pytest.fixture(scope="module")
def open_system(tmp_path_factory: pytest.TempPathFactory, names: NameServer) -> Iterator[System]:
    """Private addresses are allowed."""
    with downloading(tmp_path_factory.mktemp("open"), check__name_servers=names.address) as system:
        yield system


@pytest.fixture
def open_client(open_system: System) -> Iterator[BridgeClient]:
    client = open_system.connect()
    yield client
    client.close()


# --- addresses ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "127.8.9.10",
        "localhost",
        "localhost.",
        "inside.test",
        "inside6.test",
        "metadata.test",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
        "10.0.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "[fd00::1]",
        "[fe80::1]",
        "224.0.0.1",
        NOBODY,
    ],
)
def test_an_address_that_is_not_public_is_not_asked(pages: PageSite, client: BridgeClient, host: str) -> None:
    url = pages.add(honest(CONTENT))
    told = fetched(client, url.replace("127.0.0.1", host))
    assert trouble_of(told) == "address"
    assert "not public" in told["error"]["message"]
    assert pages.asked(url) == []


@pytest.mark.parametrize("host", ["2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0x7f.1", "127.0.0.1.5"])
def test_other_spellings_of_an_address_are_none(client: BridgeClient, pages: PageSite, host: str) -> None:
    answer = client.ask({"url": f"http://{host}:{pages.port}/inside.bin"})
    assert answer["error"]["code"] == "bad_url"


@pytest.mark.parametrize("host", ["169.254.169.254", "metadata.test", "224.0.0.1", NOBODY])
def test_where_a_redirect_leads_is_looked_at_too(
    pages: PageSite, open_client: BridgeClient, host: str
) -> None:
    """Some addresses are nobody's, and some are of secrets: these are refused in any case."""
    url = pages.add(always(redirect(f"http://{host}:{pages.port}/latest/meta-data/")))
    told = fetched(open_client, url)
    assert trouble_of(told) == "address"
    assert len(pages.asked(url)) == 1


def test_an_address_that_is_not_public_can_be_allowed(pages: PageSite, open_client: BridgeClient) -> None:
    pages.add(honest(CONTENT), "/allowed.bin")
    assert arrived(fetched(open_client, f"http://open.test:{pages.port}/allowed.bin")) == CONTENT


# --- schemes ------------------------------------------------------------------------------------------------

OTHER_SCHEMES = [
    "file:///etc/passwd",
    "ftp://127.0.0.1/x",
    "gopher://127.0.0.1/x",
    "data:,x",
    "//127.0.0.1/x",
]


@pytest.mark.parametrize(
    "url", [*OTHER_SCHEMES, "javascript:alert(1)", "127.0.0.1/x", "", "http://", "http:///x"]
)
def test_only_http_and_https_are_fetched(client: BridgeClient, url: str) -> None:
    assert client.ask({"url": url})["error"]["code"] == "bad_url"


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x"])
def test_a_redirect_leads_to_http_and_https_alone(
    pages: PageSite, open_client: BridgeClient, location: str
) -> None:
    assert trouble_of(fetched(open_client, pages.add(always(redirect(location))))) == "bad_url"


# --- passwords ----------------------------------------------------------------------------------------------


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[str]:
    """Where a password is wanted: host and port of an nginx."""
    root, users, port = tmp_path / "root", tmp_path / "users", free_port()
    root.mkdir()
    (root / "file.bin").write_bytes(CONTENT)
    salt = b"salt"
    digest = hashlib.sha1(DECODED.encode() + salt, usedforsecurity=False).digest()
    users.write_text(f"ann:{{SSHA}}{b64encode(digest + salt).decode()}\n")
    with nginx(tmp_path, CONFIGURATION.format(port=port, root=root, users=users)):
        yield f"127.0.0.1:{port}"


def seen_by_others(system: System, client: BridgeClient) -> str:
    """All that a download leaves where others may look: lists, answers, logs, the process table."""
    places = [
        str(client.next_list()) if not client.lists else str(client.downloads),
        str(system.ask("wsbridge", "downloads")),
        system.ctl("downloads").stdout,
        system.ctl("downloads", "--json").stdout,
    ]
    folder = system.data_dir.parent
    places += [path.read_text(errors="replace") for path in (*folder.glob("*.out"), *folder.rglob("*.log"))]
    ours = {process.pid for process in system.processes.values()} | set(system.fetcher_pids().values())
    places += [
        Path(f"/proc/{pid}/{what}").read_text(errors="replace")
        for pid in ours
        for what in ("cmdline", "environ")
    ]
    return "\n".join(places)


@pytest.mark.debian("nginx-light")
@NEEDS_NGINX[1]
class TestPasswords:
    def test_they_are_used_and_never_shown(
        self, open_system: System, open_client: BridgeClient, closed: str
    ) -> None:
        told = fetched(open_client, f"http://ann:{PASSWORD}@{closed}/moved/", headers={"X-Key": "s3cret-key"})
        assert arrived(told) == CONTENT
        assert told["url"] == f"http://{closed}/moved/"
        seen = seen_by_others(open_system, open_client)
        assert closed in seen
        for secret in (PASSWORD, DECODED, "s3cret-key", b64encode(f"ann:{DECODED}".encode()).decode()):
            assert secret not in seen

    def test_the_journal_is_for_its_owner_alone(self, open_system: System) -> None:
        """Who goes on after a restart needs them: they are in there."""
        journals = list(open_system.data_dir.glob("downloads.db*"))
        assert len(journals) == 3
        assert {stat.S_IMODE(path.stat().st_mode) for path in journals} == {0o600}

    @pytest.mark.parametrize("user", ["", "ann:wrong-pass@", "bob:wrong-pass@"])
    def test_without_the_right_one(
        self, open_system: System, open_client: BridgeClient, closed: str, user: str
    ) -> None:
        told = fetched(open_client, f"http://{user}{closed}/file.bin")
        assert trouble_of(told) == "http_status"
        assert told["error"]["message"] == "the server answered 401"
        assert "wrong-pass" not in seen_by_others(open_system, open_client)

    def test_a_fresh_link_may_bring_one(self, open_client: BridgeClient, closed: str) -> None:
        id_ = open_client.add(f"http://{closed}/file.bin")
        open_client.until(id_, "Failed")
        open_client.act("set_url", id_, url=f"http://ann:{PASSWORD}@{closed}/file.bin")
        told = open_client.until(id_, "Downloaded")
        assert (arrived(told), told["url"]) == (CONTENT, f"http://{closed}/file.bin")


def test_a_mistake_does_not_repeat_what_may_be_a_password(client: BridgeClient) -> None:
    for url in ("http://ann:sec/ret@host/", "http://ann:sec ret@host:x/", "ftp://ann:secret@host/"):
        answer = client.ask({"url": url})
        assert answer["error"]["code"] == "bad_url"
        assert not re.search("sec.?ret", answer["error"]["message"])
