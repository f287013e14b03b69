"""How downloads look to clients, and what a change in a list of thousands costs."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

import wsbridge.view
from pagestatus.config import Downloads as Policy
from pagestatus.messages import Reason
from range_records import MIB, EvenRandom, Stand, entry
from wsbridge import replies
from wsbridge.download import Download
from wsbridge.entry import Entry, Status, Trouble
from wsbridge.orders import Orders
from wsbridge.requests import Mistake
from wsbridge.view import View, shown

KEYS = [
    "id", "url", "process_status", "path_to_file", "size", "completed", "progress", "threads", "speed",
    "eta", "ranges", "error",
]  # fmt: skip


def download(of: Entry) -> Download:
    return Download(of, Policy(), Orders(7), EvenRandom())


def look(of: Download, now: float = 0.0) -> dict[str, Any]:
    """As a client gets it."""
    told = json.loads(json.dumps(shown(of, now)))
    assert list(told) == KEYS
    return dict(told)


def test_a_download_that_waits() -> None:
    assert look(download(entry())) == {
        "id": "3f9c", "url": "http://files.example/file.bin", "process_status": "Queued",
        "path_to_file": None, "size": None, "completed": 0, "progress": None, "threads": 0, "speed": 0,
        "eta": None, "ranges": None, "error": None,
    }  # fmt: skip


def test_a_download_that_runs() -> None:
    stand = Stand()
    stand.asked(8 * MIB)
    first, *_ = stand.give_all()
    stand.come(first, 100_000)
    told = look(stand.download, stand.now)
    assert (told["process_status"], told["size"], told["completed"]) == ("Downloading", 8 * MIB, 100_000)
    assert (told["threads"], told["ranges"], told["path_to_file"]) == (4, True, None)
    assert told["speed"] == 200_000
    assert told["eta"] == 42, "seconds, rounded up: 8,288,608 bytes at 200,000"
    assert told["progress"] == 0.012, "of 0.0119"
    stand.end(first, Reason.CONNECT)
    stand.download.pause()
    told = look(stand.download, stand.now)
    assert (told["process_status"], told["speed"], told["eta"]) == ("Paused", 0, None)


def test_a_download_that_is_there() -> None:
    stand = Stand(filename="größe 1.bin")
    stand.asked(10)
    (task,) = stand.give_all()
    stand.end(task)
    told = look(stand.download)
    assert (told["process_status"], told["progress"], told["path_to_file"]) == ("Verifying", 0.999, None)
    stand.work()
    told = look(stand.download)
    assert (told["process_status"], told["progress"], told["completed"]) == ("Downloaded", 1.0, 10)
    assert told["path_to_file"] == "file:///srv/down%20loads/gr%C3%B6%C3%9Fe%201.bin"


@pytest.mark.parametrize(
    ("total", "done", "status", "expected"),
    [
        (-1, 0, Status.DOWNLOADING, None),
        (0, 0, Status.VERIFYING, 0.0),
        (0, 0, Status.DOWNLOADED, 1.0),
        (1000, 1, Status.PAUSED, 0.001),
        (3, 2, Status.PAUSED, 0.667),
        (734_003_200, 104_857_600, Status.PAUSED, 0.143),
        (10, 10, Status.QUEUED, 0.999),
        (1 << 50, (1 << 50) - 1, Status.PAUSED, 0.999),
    ],
)
def test_progress(total: int, done: int, status: Status, expected: float | None) -> None:
    of = entry(total=total, done=((0, done),) if done else (), status=status)
    told = look(download(of))
    assert (told["progress"], told["size"]) == (expected, None if total < 0 else total)


def test_an_error_has_a_code_and_a_message() -> None:
    of = entry(status=Status.FAILED, trouble=Trouble("needs_url", "the link has expired"))
    assert look(download(of))["error"] == {"code": "needs_url", "message": "the link has expired"}


def test_a_retry_that_fails_as_before_is_told_again() -> None:
    """The list looks the same, and whoever asked for the retry waits for a word."""
    stand = Stand()
    stand.end(stand.give_one(), Reason.ADDRESS)
    view = View()
    view.refresh(listed([stand.download]), stand.now)
    before, version = view.message(), view.version
    assert stand.download.retry()
    stand.download.start()
    stand.end(stand.give_one(), Reason.ADDRESS)
    view.refresh(listed([stand.download]), stand.now)
    assert (view.message(), view.version) == (before, version + 1)


def test_the_link_leads_to_the_folder_that_the_file_is_in() -> None:
    of = entry(status=Status.DOWNLOADED, total=1, folder="file:///old/a%20b", name="50% #1?.bin")
    assert look(download(of))["path_to_file"] == "file:///old/a%20b/50%25%20%231%3F.bin"


def test_no_secret_is_shown() -> None:
    told = json.dumps(look(download(entry(credentials="me:secret", headers=(("Cookie", "secret"),)))))
    assert "secret" not in told


# --- the list ---------------------------------------------------------------------------------------------


def listed(downloads: Iterable[Download]) -> dict[str, Download]:
    return {of.entry.id: of for of in downloads}


def ids(view: View) -> list[str]:
    message = view.message()
    assert message.isascii()
    assert "\n" not in message
    return [one["id"] for one in json.loads(message)["data"]]


def test_a_list_is_one_line_and_grows_and_shrinks() -> None:
    view = View()
    assert view.message() == '{"data": []}'
    downloads = listed(download(entry(f"id{n}", n, url=f"http://ä.example/{n}")) for n in range(3))
    view.refresh(downloads, 0.0)
    assert ids(view) == ["id0", "id1", "id2"]
    del downloads["id1"]
    version = view.version
    view.refresh(downloads, 0.0)
    assert (ids(view), view.version) == (["id0", "id2"], version + 1)


def test_a_list_that_looks_the_same_has_the_same_version() -> None:
    view = View()
    stand = Stand()
    downloads = listed([stand.download])
    view.refresh(downloads, stand.now)
    version = view.version
    view.refresh(downloads, stand.now)
    assert view.version == version
    stand.download.pause()
    view.refresh(downloads, stand.now)
    assert view.version == version + 1


def test_a_speed_that_falls_while_nothing_happens_is_told() -> None:
    stand = Stand()
    stand.asked()
    stand.come(stand.give_one(), 1000)
    view = View()
    view.refresh(listed([stand.download]), stand.now)
    version = view.version
    view.refresh(listed([stand.download]), stand.now + 60)
    assert view.version == version + 1
    assert json.loads(view.message())["data"][0]["speed"] == 0


def test_one_that_moves_among_thousands_is_the_only_one_that_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked_at: list[str] = []

    def seen(of: Download, now: float) -> dict[str, object]:
        looked_at.append(of.entry.id)
        return shown(of, now)

    monkeypatch.setattr(wsbridge.view, "shown", seen)
    stand = Stand()
    downloads = listed([*(download(entry(f"id{n}", n)) for n in range(2000)), stand.download])
    view = View()
    view.refresh(downloads, stand.now)
    looked_at.clear()
    downloads["id7"].changed = True
    view.refresh(downloads, stand.now)
    assert looked_at == ["id7", "3f9c"]


def test_messages_to_one_client_are_one_plain_line() -> None:
    hostile = "ü\n\x1b[31m\u202e"
    for line in (
        replies.message(hostile, "3f9c"),
        replies.mistake(Mistake("bad_url", hostile)),
    ):
        assert line.isascii()
        assert line.isprintable()
    assert json.loads(replies.message("Done.", "3f9c")) == {"data": {"message": "Done.", "id": "3f9c"}}
    assert json.loads(replies.mistake(Mistake("bad_url", "no"))) == {
        "error": {"code": "bad_url", "message": "no"}
    }
