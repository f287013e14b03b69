"""What is secret (the token, passwords, headers, links that let in whoever has them) stays with who knows it.

Of passwords in URLs also ``integration/test_downloads_safety.py``; of redirects, which take nothing along to
another origin, ``integration/test_fetchers_ranges.py``. All clients of the websocket see all links, whole:
that is the list.
"""

from __future__ import annotations

import stat
import subprocess
import threading
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, fetched, trouble_of
from hostile import TOKEN, everybodys_process_table, own_logs, process_table, with_token
from page_site import Asked, PageSite, always, honest, part_of
from pagestatus.config import ConfigMistakes, load
from range_site import answer
from system import SLOWNESS, System, eventually

PASSWORD = "pa55word"  # noqa: S105 - of a server that asks for none
SIGNATURE = "s1gnature-of-the-link"
HEADER = "s3ssion-of-the-header"
BASIC = b64encode(f"ann:{PASSWORD}".encode()).decode()


@pytest.fixture(scope="module")
def told(system: System, pages: PageSite) -> list[str]:
    """Two downloads with secrets have ended, well and not; their URLs in the list."""
    query = f"?X-Signature={SIGNATURE}&y=1"
    urls = [
        pages.add(honest(CONTENT), f"/secret.bin{query}"),
        pages.add(always(answer(403, b"")), f"/forbidden.bin{query}"),
    ]
    with system.connect(**with_token(TOKEN)) as client:
        good, bad = (
            fetched(client, url.replace("://", f"://ann:{PASSWORD}@"), headers={"X-Session": HEADER})
            for url in urls
        )
    assert arrived(good) == CONTENT
    assert trouble_of(bad) == "http_status"
    headers = pages.asked(urls[0])[-1].headers
    assert (headers["x-session"], headers["authorization"]) == (HEADER, f"Basic {BASIC}")
    return urls


def test_clients_see_the_links_of_all_and_no_more(system: System, told: list[str]) -> None:
    with system.connect(**with_token(TOKEN)) as another:
        another.send({"action": "list"})
        seen = str(another.websocket.recv(10))
    ctl = system.ctl("downloads", "--json")
    for places in (seen, ctl.stdout):
        assert all(url in places for url in told)
        for secret in (PASSWORD, HEADER, BASIC, TOKEN):
            assert secret not in places


def test_nothing_of_it_is_in_the_logs(system: System, told: list[str]) -> None:
    logs = own_logs(system)
    assert all(url.partition("?")[0] in logs for url in told)
    for secret in (PASSWORD, HEADER, BASIC, SIGNATURE, TOKEN):
        assert secret not in logs


@pytest.mark.usefixtures("told")
def test_nothing_of_it_is_in_the_process_table(system: System) -> None:
    table = process_table(system)
    assert "wsbridge" in table
    for secret in (PASSWORD, HEADER, BASIC, SIGNATURE, TOKEN):
        assert secret not in table


def test_nor_while_pagestatus_ctl_has_it(system: System, pages: PageSite, tmp_path: Path) -> None:
    go_on = threading.Event()

    def page(asked: Asked) -> Iterator[bytes]:
        go_on.wait(10 * SLOWNESS)
        yield part_of(CONTENT, asked)

    url = pages.add(page, f"/ctl.bin?X-Signature={SIGNATURE}")
    (tmp_path / "headers").write_text(f"X-Session: {HEADER}\n", encoding="utf-8")
    command = system.ctl_command("download", "-", "--header", f"@{tmp_path / 'headers'}")
    with subprocess.Popen(
        command, env=system.environment, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as ctl:
        assert ctl.stdin
        ctl.stdin.write(url.replace("://", f"://ann:{PASSWORD}@").encode() + b"\n")
        ctl.stdin.close()
        try:
            (asked, *_) = eventually(lambda: pages.asked(url), "the site is asked")
            table = everybodys_process_table()
        finally:
            go_on.set()
    assert ctl.returncode == 0
    assert asked.headers["x-session"] == HEADER
    assert " ".join(command) in table
    for secret in (PASSWORD, HEADER, BASIC, SIGNATURE, TOKEN):
        assert secret not in table


def test_the_token_is_not_told_to_who_is_wrong(system: System, client: BridgeClient) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        system.connect(**with_token(TOKEN[:-1]))
    assert TOKEN[:-1] not in str(refusal.value.response)
    assert TOKEN not in str(client.ask({"token": TOKEN}))
    assert "token" in str(client.ask({"token": TOKEN[:-1]}))
    assert TOKEN[:-1] not in own_logs(system)


def test_what_is_kept_of_it_is_for_its_owner_alone(system: System, told: list[str]) -> None:
    """Whoever goes on after a restart needs it."""
    journals = list(system.data_dir.glob("downloads.db*"))
    assert any(told[0].encode() in path.read_bytes() for path in journals)
    assert {stat.S_IMODE(path.stat().st_mode) for path in journals} == {0o600}


@pytest.mark.parametrize(
    "line",
    [
        "websocket.tokn", "websocket.oken", "websocket.Token", "websoket.token", "websoket.tokem", "tokn",
        "websocket.token.x", "websocket.secret", "wesocket.password",
    ],
)  # fmt: skip
def test_a_misspelled_key_does_not_show_its_token(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    folder = tmp_path_factory.mktemp("misspelled")
    monkeypatch.chdir(folder)
    (folder / "pagestatus.toml").write_text(f'{line} = "{TOKEN}"\n', encoding="utf-8")
    monkeypatch.setenv(f"PAGESTATUS_{line.upper().replace('.', '_')}", TOKEN)
    with pytest.raises(ConfigMistakes) as mistakes:
        load()
    assert len(mistakes.value.lines) == 2 - (line == "websocket.Token")
    assert TOKEN not in str(mistakes.value)
