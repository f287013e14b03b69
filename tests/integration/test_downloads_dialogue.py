"""The websocket: what INTERFACE says word for word, when lists come, and what is a mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, arrived, downloading, fetched
from page_site import PageSite, honest, slow
from system import SLOWNESS, System

TOTAL = len(CONTENT)
INTERVAL_S = 0.05
KEYS = [
    "id", "url", "process_status", "path_to_file", "size", "completed", "progress", "threads", "speed", "eta",
    "ranges", "error",
]  # fmt: skip
STATUSES = ["Queued", "Checking", "Downloading", "Verifying", "Downloaded"]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder = tmp_path_factory.mktemp("dialogue")
    with downloading(folder, downloads__broadcast_interval=INTERVAL_S) as system:
        yield system


def next_text(client: BridgeClient) -> str:
    """The next message as it came: one line of text."""
    message = client.websocket.recv(10 * SLOWNESS)
    assert isinstance(message, str)
    assert message.isascii()
    assert "\n" not in message
    return message


# --- word for word ------------------------------------------------------------------------------------------


def test_a_download_from_the_first_word_to_the_last(pages: PageSite, client: BridgeClient) -> None:
    assert re.fullmatch(r'\{"data": \[.*\]\}', next_text(client))
    url = pages.add(slow(CONTENT, 300_000))
    client.send(json.dumps({"url": url}))
    texts = [next_text(client)]
    while '"message"' not in texts[-1]:
        texts.append(next_text(client))
    said = re.fullmatch(r'\{"data": \{"message": "URL has been added\.", "id": "([0-9a-f]+)"\}\}', texts[-1])
    assert said is not None, texts[-1]
    told: list[dict[str, Any]] = []
    while not told or told[-1]["process_status"] != "Downloaded":
        lists = json.loads(next_text(client))["data"]
        told += [one for one in lists if one["id"] == said[1]]
    assert all(list(one) == KEYS for one in told)
    order = [STATUSES.index(one["process_status"]) for one in told]
    assert order == sorted(order)
    moving = [one for one in told if one["process_status"] == "Downloading" and one["completed"]]
    for one in moving:
        assert (one["path_to_file"], one["size"], one["ranges"], one["error"]) == (None, TOTAL, True, None)
        assert one["progress"] == min(round(one["completed"] / TOTAL, 3), 0.999)
        assert 0 <= one["threads"] <= 4
        assert one["speed"] > 0
        assert one["eta"] == -(-(TOTAL - one["completed"]) // one["speed"])
    assert len({one["completed"] for one in moving}) > 2
    assert arrived(told[-1]) == CONTENT
    assert (told[-1]["speed"], told[-1]["eta"]) == (0, None)


def test_a_plain_session_of_websockets(pages: PageSite, system: System) -> None:
    url = pages.add(honest(CONTENT), "/plain-session.bin")
    command = [sys.executable, "-m", "websockets", f"ws://localhost:{system.websocket_port}/"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as session:
        assert session.stdin is not None
        assert session.stdout is not None
        session.stdin.write(f'{{"url": "{url}"}}\n')
        session.stdin.flush()
        said = session.stdout.readline()
        while '"Downloaded", "path_to_file": "file:' not in said or "plain-session.bin" not in said:
            said = session.stdout.readline()
            assert said, "the session has ended"
        session.stdin.close()
    assert (system.downloads_dir / "plain-session.bin").read_bytes() == CONTENT


# --- lists --------------------------------------------------------------------------------------------------


def test_a_list_comes_at_every_interval_in_which_something_changes(
    pages: PageSite, client: BridgeClient
) -> None:
    id_ = client.add(pages.add(slow(CONTENT, 300_000)))
    moments = []
    while client.downloads.get(id_, {}).get("process_status") != "Downloaded":
        client.next_list()
        moments.append(client.downloads.get(id_))
    # A second, in which each list says something new.
    assert len(moments) >= 5
    assert all(before != after for before, after in pairwise(moments))


def test_no_list_comes_while_nothing_changes(pages: PageSite, client: BridgeClient) -> None:
    paused = client.add(pages.add(slow(CONTENT, 100_000)))
    client.until_it(paused, lambda told: told["completed"], "has begun")
    client.act("pause", paused)
    client.until(paused, "Paused")
    arrived(fetched(client, pages.add(honest(CONTENT))))
    with pytest.raises(TimeoutError):
        client.websocket.recv(8 * INTERVAL_S)
    client.act("cancel", paused)
    client.until(paused, "Cancelled")


def test_the_list_is_told_to_whoever_asks(pages: PageSite, client: BridgeClient) -> None:
    arrived(fetched(client, pages.add(honest(CONTENT))))
    lists, told = client.lists, client.downloads
    client.send({"action": "list"})
    client.next_list()
    assert (client.lists, client.downloads) == (lists + 1, told)


def test_a_download_belongs_to_everybody(pages: PageSite, system: System, client: BridgeClient) -> None:
    """It goes on when whoever asked for it is gone, and all others see it."""
    with system.connect() as other:
        id_ = other.add(pages.add(slow(CONTENT, 600_000)))
    assert arrived(client.until(id_, "Downloaded", "Failed")) == CONTENT


# --- mistakes -----------------------------------------------------------------------------------------------

URL = "http://127.0.0.1/x"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("", "bad_json"),
        ("hello", "bad_json"),
        ('{"url": ', "bad_json"),
        ("[1, 2]", "bad_json"),
        ('"text"', "bad_json"),
        ("null", "bad_json"),
        ("[" * 60_000, "bad_json"),
        (b'{"action": "list"}', "bad_json"),
        ({}, "bad_request"),
        ({"what": 1}, "bad_request"),
        ({"url": 5}, "bad_request"),
        ({"url": None}, "bad_request"),
        ({"url": URL, "speed": 5}, "bad_request"),
        ({"url": URL, "threads": 0}, "bad_request"),
        ({"url": URL, "threads": "8"}, "bad_request"),
        ({"url": URL, "threads": 1.5}, "bad_request"),
        ({"url": URL, "threads": 257}, "bad_request"),
        ({"url": URL, "sha256": "abc"}, "bad_request"),
        ({"url": URL, "filename": ".."}, "bad_request"),
        ({"url": URL, "filename": "x" * 2000}, "bad_request"),
        ({"url": URL, "headers": ["a"]}, "bad_request"),
        ({"url": URL, "headers": {"X": "a\r\nHost: b"}}, "bad_request"),
        ({"url": URL, "headers": {"Range": "bytes=0-5"}}, "bad_request"),
        ({"url": URL, "headers": {"Host": "other"}}, "bad_request"),
        ({"url": "example.com"}, "bad_url"),
        ({"url": "http://"}, "bad_url"),
        ({"url": "http://a b/"}, "bad_url"),
        ({"url": "http://127.0.0.1:99999/"}, "bad_url"),
        ({"url": "http://127.0.0.1/" + "x" * 9000}, "bad_url"),
        ({"action": "dance", "id": "0000"}, "bad_request"),
        ({"action": "pause"}, "bad_request"),
        ({"action": "pause", "id": 5}, "bad_request"),
        ({"action": "pause", "id": "0000", "url": URL}, "bad_request"),
        ({"action": "set_url", "id": "nobody"}, "bad_request"),
        ({"action": "set_url", "id": "nobody", "url": "ftp://x/"}, "bad_url"),
        ({"action": "list", "id": "nobody"}, "bad_request"),
        *(
            ({"action": action, "id": "nobody"}, "unknown_id")
            for action in ("pause", "resume", "cancel", "remove", "retry")
        ),
        ({"action": "set_url", "id": "nobody", "url": URL}, "unknown_id"),
    ],
)
def test_a_mistake_is_told_to_its_sender_alone_and_nothing_else_happens(
    system: System, client: BridgeClient, message: object, code: str
) -> None:
    before = len(client.next_list())
    with system.connect() as other:
        said = client.ask(message)
        assert said.keys() == {"error"}
        assert said["error"].keys() == {"code", "message"}
        assert said["error"]["code"] == code
        assert said["error"]["message"]
        # The connection stays open.
        client.send({"action": "list"})
        assert len(client.next_list()) == before
        other.send({"action": "list"})
        other.next_list()
        assert not other.answers
