"""What people ask for, whether over the websocket or the control socket, and what they are answered."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from types import MappingProxyType

from wsbridge.book import Book, Full
from wsbridge.download import Download
from wsbridge.entry import Entry
from wsbridge.requests import Act, Add, Mistake, SetUrl

log = logging.getLogger(__name__)

ADDED = "URL has been added."
_DONE: Mapping[str, str] = MappingProxyType(
    {
        "pause": "Download has been paused.",
        "resume": "Download goes on.",
        "retry": "Download is tried again.",
        "cancel": "Download has been cancelled.",
        "remove": "Download has been removed from the list.",
    }
)


class Desk:
    """Carries requests to the book; raises ``Mistake`` for what cannot be done."""

    def __init__(self, book: Book, forget: Callable[[str], None], leave: Callable[[Entry], None]) -> None:
        """``forget`` is told the id of what is off the list; ``leave`` its entry, if its part is there."""
        self._book = book
        self._forget = forget
        self._leave = leave

    def add(self, wanted: Add, now_us: int) -> Download:
        """Put a download in the list; ``now_us`` is microseconds since the epoch."""
        try:
            download = self._book.add(wanted, now_us)
        except Full as mistake:
            raise Mistake("too_many", str(mistake)) from mistake
        self._forget_retired()
        return download

    def retire(self, size: int) -> None:
        """Make the list shorter by ``size`` bytes, as far as there is what can go."""
        self._book.retire(size)
        self._forget_retired()

    def _forget_retired(self) -> None:
        for id_ in self._book.retired:
            self._forget(id_)
        self._book.retired.clear()

    def act(self, request: Act) -> str:
        """Pause, resume, retry, cancel or remove; returns what was done, in words."""
        download = self.find(request.id)
        ways: Mapping[str, Callable[[], bool]] = {
            "pause": download.pause,
            "resume": download.resume,
            "retry": download.retry,
            "cancel": download.cancel,
            "remove": lambda: self._remove(download),
        }
        is_done = ways[request.action]()
        if not is_done:
            raise Mistake(
                "bad_request",
                f"{request.action} makes no sense for a download that is {download.entry.status}",
            )
        if request.action != "remove":
            self._book.settle(download)
        return _DONE[request.action]

    def set_url(self, request: SetUrl) -> str:
        """Give a download a fresh link; returns what was done, in words."""
        download = self.find(request.id)
        if not download.set_url(request.url, request.credentials):
            words = f"set_url makes no sense for a download that is {download.entry.status}"
            raise Mistake("bad_request", words)
        self._book.settle(download)
        return "URL has been set."

    def find(self, id_: str) -> Download:
        """The download with this id."""
        download = self._book.downloads.get(id_)
        if download is None:
            raise Mistake("unknown_id", "there is no download with this id")
        return download

    def _remove(self, download: Download) -> bool:
        if download.entry.has_ended:
            if not download.is_there:
                download.discard()
        elif not download.cancel():
            return False
        self._book.remove(download)
        log.info("download %s is off the list", download.entry.id)
        if download.entry.given_up:
            self._leave(download.entry)
        else:
            self._forget(download.entry.id)
        return True
