"""What clients do to a download: pause, resume, cancel, retry, remove, and give it another link."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from bridge_client import BridgeClient
from downloads import CONTENT, RANGE_BYTES, arrived, downloading, fetched, place_of, spans_of
from page_site import Asked, Page, PageSite, always, honest, part_of
from range_site import answer
from system import SLOWNESS, System, eventually


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with downloading(tmp_path_factory.mktemp("actions")) as system:
        yield system


def held(go_on: threading.Event) -> Page:
    """A file that comes up to its fifth request, and then when it may."""

    def page(asked: Asked) -> Iterator[bytes]:
        if asked.number > 5:
            go_on.wait(10 * SLOWNESS)
        yield part_of(CONTENT, asked)

    return page


@pytest.fixture
def go_on() -> Iterator[threading.Event]:
    event = threading.Event()
    yield event
    event.set()


def begun(client: BridgeClient, url: str) -> str:
    """The id of a download of ``url`` that has got four ranges."""
    id_ = client.add(url, threads=1)
    client.until_it(id_, lambda told: told["completed"] == 4 * RANGE_BYTES, "has four ranges")
    return id_


@contextmanager
def journal(system: System) -> Iterator[sqlite3.Connection]:
    """The journal of the bridge."""
    with closing(sqlite3.connect(system.data_dir / "downloads.db", timeout=10 * SLOWNESS)) as database:
        yield database


def _entry_of(database: sqlite3.Connection, id_: str) -> dict[str, object]:
    (found,) = database.execute("SELECT entry FROM downloads WHERE id = ?", (id_,)).fetchone()
    entry: dict[str, object] = json.loads(found)
    return entry


def journaled(system: System) -> set[str]:
    """The ids in the journal."""
    with journal(system) as database:
        return {id_ for (id_,) in database.execute("SELECT id FROM downloads")}


def done(client: BridgeClient, action: str, id_: str) -> str:
    """What is said to have been done."""
    said = client.act(action, id_)
    assert said.keys() == {"data"}, said
    assert said["data"].keys() == {"message", "id"}
    assert said["data"]["id"] == id_
    return str(said["data"]["message"])


def test_pause_and_resume(pages: PageSite, client: BridgeClient, go_on: threading.Event) -> None:
    url = pages.add(held(go_on))
    id_ = begun(client, url)
    assert done(client, "pause", id_) == "Download has been paused."
    told = client.until(id_, "Paused")
    assert (told["threads"], told["speed"], told["eta"], told["error"]) == (0, 0, None, None)
    assert told["completed"] == 4 * RANGE_BYTES
    go_on.set()
    before = len(pages.asked(url))
    assert done(client, "resume", id_) == "Download goes on."
    assert arrived(client.until(id_, "Downloaded")) == CONTENT
    # The fifth is not asked for again if it came before the fetcher heard of the pause.
    assert min(spans_of(pages.asked(url)[before:])) >= (4 * RANGE_BYTES, 5 * RANGE_BYTES)


def test_cancel_removes_the_part_and_retry_begins_anew(
    pages: PageSite, client: BridgeClient, system: System, go_on: threading.Event
) -> None:
    id_ = begun(client, pages.add(held(go_on), "/cancelled.bin"))
    part = system.downloads_dir / "cancelled.bin.part"
    assert part.exists()
    assert done(client, "cancel", id_) == "Download has been cancelled."
    assert client.until(id_, "Cancelled")["completed"] == 0
    eventually(lambda: not part.exists(), "the part is gone")
    go_on.set()
    assert done(client, "retry", id_) == "Download is tried again."
    assert arrived(client.until(id_, "Downloaded")) == CONTENT


def test_retry_of_what_has_failed(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(lambda asked: [answer(404, b"") if asked.number == 1 else part_of(CONTENT, asked)])
    id_ = client.add(url)
    client.until(id_, "Failed")
    assert done(client, "retry", id_) == "Download is tried again."
    assert arrived(client.until(id_, "Downloaded")) == CONTENT


def test_remove_of_what_has_not_arrived_takes_its_part_along(
    pages: PageSite, client: BridgeClient, system: System, go_on: threading.Event
) -> None:
    id_ = begun(client, pages.add(held(go_on), "/removed.bin"))
    assert done(client, "remove", id_) == "Download has been removed from the list."
    client.until_gone(id_)
    eventually(lambda: not list(system.downloads_dir.glob("removed*")), "the part is gone")
    eventually(lambda: id_ not in journaled(system), "the journal has forgotten it")
    assert client.act("pause", id_)["error"]["code"] == "unknown_id"


def test_remove_of_what_has_failed_takes_its_part_along(
    pages: PageSite, client: BridgeClient, system: System
) -> None:
    """Its link has expired, so that the part was kept for another."""
    url = pages.add(
        lambda asked: [part_of(CONTENT, asked) if asked.number < 5 else answer(403, b"")], "/failed.bin"
    )
    id_ = client.add(url)
    client.until(id_, "Failed")
    assert (system.downloads_dir / "failed.bin.part").exists()
    done(client, "remove", id_)
    eventually(lambda: not list(system.downloads_dir.glob("failed*")), "the part is gone")
    eventually(lambda: id_ not in journaled(system), "the journal has forgotten it")


def test_what_was_removed_before_the_bridge_was_killed_does_not_come_back(
    pages: PageSite, client: BridgeClient, system: System, go_on: threading.Event
) -> None:
    id_ = begun(client, pages.add(held(go_on), "/killed.bin"))
    part = system.downloads_dir / "killed.bin.part"
    # As the journal is between the two: nobody can be killed there on time.
    with journal(system) as database:
        eventually(lambda: _entry_of(database, id_).get("inode"), "its part is in the journal")
        left = _entry_of(database, id_) | {"given_up": True, "removed": True, "status": "Cancelled"}
        system.kill("wsbridge")
        database.execute("UPDATE downloads SET entry = ? WHERE id = ?", (json.dumps(left).encode(), id_))
        database.commit()
    assert part.exists()
    system.start("wsbridge")
    eventually(lambda: system.ask("wsbridge", "downloads") is not None, "the bridge is back")
    assert id_ not in {told["id"] for told in system.ask("wsbridge", "downloads")}
    assert not part.exists()
    eventually(lambda: id_ not in journaled(system), "the journal has forgotten it")


def test_remove_of_what_has_arrived_leaves_the_file(pages: PageSite, client: BridgeClient) -> None:
    told = fetched(client, pages.add(honest(CONTENT)))
    done(client, "remove", told["id"])
    client.until_gone(told["id"])
    assert place_of(told).read_bytes() == CONTENT


def test_set_url_while_it_runs(pages: PageSite, client: BridgeClient, go_on: threading.Event) -> None:
    id_ = begun(client, pages.add(held(go_on)))
    fresh = pages.add(honest(CONTENT))
    said = client.act("set_url", id_, url=fresh)
    assert said == {"data": {"message": "URL has been set.", "id": id_}}
    told = client.until(id_, "Downloaded")
    assert (arrived(told), told["url"]) == (CONTENT, fresh)
    assert min(spans_of(pages.asked(fresh))) == (4 * RANGE_BYTES, 5 * RANGE_BYTES)


@pytest.mark.parametrize(
    ("action", "status"),
    [
        *((action, "Downloaded") for action in ("pause", "resume", "retry", "cancel")),
        *((action, "Failed") for action in ("pause", "resume")),
        *((action, "Downloading") for action in ("resume", "retry")),
        *((action, "Paused") for action in ("pause", "retry")),
        *((action, "Cancelled") for action in ("pause", "resume", "cancel")),
    ],
)
def test_what_makes_no_sense_is_a_mistake(
    pages: PageSite, client: BridgeClient, go_on: threading.Event, action: str, status: str
) -> None:
    ways: dict[str, Callable[[], str]] = {
        "Downloaded": lambda: client.add(pages.add(honest(CONTENT))),
        "Failed": lambda: client.add(pages.add(always(answer(404, b"")))),
    }
    id_ = ways.get(status, lambda: begun(client, pages.add(held(go_on))))()
    before = {"Paused": "pause", "Cancelled": "cancel"}.get(status)
    if before:
        done(client, before, id_)
    client.until(id_, status)
    said = client.act(action, id_)["error"]
    assert said["code"] == "bad_request"
    assert status in said["message"]


def test_headers_that_were_asked_for(pages: PageSite, client: BridgeClient) -> None:
    url = pages.add(honest(CONTENT))
    headers = {"X-Key": "key", "Authorization": "Bearer abc", "User-Agent": "somebody", "Cookie": "a=b"}
    assert arrived(fetched(client, url, headers=headers)) == CONTENT
    for asked in pages.asked(url):
        assert {name: asked.headers[name.lower()] for name in headers} == headers
