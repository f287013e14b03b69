"""What people ask for, and what they are answered."""

from __future__ import annotations

import pytest

from pagestatus.config import Downloads as Policy
from range_records import BRIDGE, EvenRandom
from wsbridge.book import LISTED, Book
from wsbridge.course import Phase
from wsbridge.desk import Desk
from wsbridge.entry import Entry, Status
from wsbridge.jobs import Discard
from wsbridge.orders import Orders
from wsbridge.requests import Act, Add, Mistake, SetUrl

URL = "http://files.example/a"
ADD = Add(URL, "me:pass", "f" * 64, "mine", 3, (("Cookie", "x"),))


class Counter:
    """A desk, its book, and the ids it told to forget."""

    def __init__(self) -> None:
        self.forgotten: list[str] = []
        self.orders = Orders(BRIDGE)
        self.book = Book(Policy(active=1), self.orders, EvenRandom(), iter(["aa", "bb", "cc", "dd"]).__next__)
        self.left: list[Entry] = []
        self.desk = Desk(self.book, self.forgotten.append, self.left.append)

    def act(self, action: str, id_: str = "aa") -> str:
        return self.desk.act(Act(action, id_))  # type: ignore[arg-type]

    def refused(self, action: str) -> str:
        with pytest.raises(Mistake) as caught:
            self.act(action)
        assert caught.value.code == "bad_request"
        return caught.value.message


def test_what_was_asked_for_is_in_the_list() -> None:
    counter = Counter()
    entry = counter.desk.add(ADD, 77).entry
    assert (entry.id, entry.position, entry.added_us, entry.status) == ("aa", 1, 77, Status.QUEUED)
    assert (entry.url, entry.credentials, entry.sha256, entry.filename, entry.threads, entry.headers) == ADD
    assert counter.desk.find("aa").entry is entry
    assert counter.desk.add(ADD, 78).entry.position == 2


def test_a_list_that_is_full_takes_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsbridge.book.MOST_LISTED", LISTED + 100)
    counter = Counter()
    counter.desk.add(ADD, 1)
    with pytest.raises(Mistake, match="there are 1 downloads in the list") as caught:
        counter.desk.add(ADD, 1)
    assert caught.value.code == "too_many"


def test_what_had_to_leave_the_list_for_another_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsbridge.book.MOST_LISTED", 2 * (LISTED + 100))
    counter = Counter()
    for _ in range(2):
        counter.desk.add(ADD, 1)
    counter.act("cancel", "bb")
    counter.desk.add(ADD, 1)
    assert (list(counter.book.downloads), counter.forgotten) == (["aa", "cc"], ["bb"])
    counter.act("cancel", "cc")
    counter.desk.add(ADD, 1)
    assert counter.forgotten == ["bb", "cc"], "each is told once"


@pytest.mark.parametrize("action", ["pause", "resume", "cancel", "remove", "retry"])
def test_an_id_that_nobody_has(action: str) -> None:
    counter = Counter()
    with pytest.raises(Mistake, match="no download") as caught:
        counter.act(action, "zz")
    assert caught.value.code == "unknown_id"
    with pytest.raises(Mistake, match="no download"):
        counter.desk.set_url(SetUrl("zz", URL, ""))


def test_a_pause_gives_the_place_to_the_next_and_who_goes_on_waits_for_one() -> None:
    counter = Counter()
    first, second = counter.desk.add(ADD, 1), counter.desk.add(ADD, 1)
    counter.book.plan(0.0)
    assert (first.entry.status, second.entry.status) == (Status.CHECKING, Status.QUEUED)
    assert counter.act("pause") == "Download has been paused."
    counter.book.plan(0.0)
    assert counter.act("resume") == "Download goes on."
    counter.book.plan(0.0)
    assert (first.entry.status, second.entry.status) == (Status.QUEUED, Status.CHECKING)
    counter.act("cancel", "bb")
    counter.book.plan(0.0)
    assert first.entry.status is Status.CHECKING


def test_what_makes_no_sense_is_refused_and_changes_nothing() -> None:
    counter = Counter()
    entry = counter.desk.add(ADD, 1).entry
    assert counter.refused("resume") == "resume makes no sense for a download that is Queued"
    assert counter.refused("retry") == "retry makes no sense for a download that is Queued"
    assert counter.act("cancel") == "Download has been cancelled."
    assert counter.refused("pause") == "pause makes no sense for a download that is Cancelled"
    assert counter.refused("cancel") == "cancel makes no sense for a download that is Cancelled"
    with pytest.raises(Mistake, match="set_url makes no sense for a download that is Cancelled"):
        counter.desk.set_url(SetUrl("aa", "http://files.example/b", ""))
    assert (entry.url, entry.status) == (URL, Status.CANCELLED)
    assert counter.act("retry") == "Download is tried again."
    assert entry.status is Status.QUEUED


def test_a_fresh_link() -> None:
    counter = Counter()
    download = counter.desk.add(ADD, 1)
    counter.book.plan(0.0)
    assert counter.desk.set_url(SetUrl("aa", "http://files.example/b", "you:pass")) == "URL has been set."
    assert (download.entry.url, download.entry.credentials) == ("http://files.example/b", "you:pass")
    assert (download.entry.status, list(counter.book.running)) == (Status.QUEUED, [])


@pytest.mark.parametrize("status", [Status.QUEUED, Status.PAUSED, Status.FAILED, Status.CANCELLED])
def test_what_is_removed_leaves_no_part(status: Status) -> None:
    counter = Counter()
    download = counter.desk.add(ADD, 1)
    download.entry.name, download.entry.inode, download.entry.status = "file", 5, status
    assert counter.act("remove") == "Download has been removed from the list."
    assert (counter.book.downloads, counter.forgotten, counter.left) == ({}, [], [download.entry])
    (discard,) = counter.orders.jobs
    assert isinstance(discard, Discard)
    assert discard.name == "file"
    counter.book.plan(0.0)
    assert list(counter.book.running) == []


def test_what_is_there_stays_when_it_is_removed_from_the_list() -> None:
    counter = Counter()
    download = counter.desk.add(ADD, 1)
    download.entry.name, download.entry.inode, download.entry.status = "file", 5, Status.DOWNLOADED
    counter.act("remove")
    assert (counter.orders.jobs, counter.forgotten) == ([], ["aa"])


def test_what_gets_its_final_name_just_now_can_not_be_removed() -> None:
    counter = Counter()
    download = counter.desk.add(ADD, 1)
    download.phase, download.entry.status = Phase.PUBLISHING, Status.VERIFYING
    assert counter.refused("remove") == "remove makes no sense for a download that is Verifying"
    assert (list(counter.book.downloads), counter.forgotten, counter.orders.jobs) == (["aa"], [], [])
