"""One download: its course, and what people may do with it on the way."""

from __future__ import annotations

from pagestatus.urls import wire_url
from wsbridge.course import AT_THE_END, Course, Phase
from wsbridge.entry import Status
from wsbridge.setbacks import Setbacks


class Download(Course):
    """What clients ask for; False: it makes no sense now."""

    def pause(self) -> bool:
        """Stop for now."""
        if self.entry.has_ended or self.entry.status is Status.PAUSED or self.phase in AT_THE_END:
            return False
        self._stop(Status.PAUSED, None)
        return True

    def resume(self) -> bool:
        """Go on after a pause."""
        return self.entry.status is Status.PAUSED and self._queue()

    def retry(self) -> bool:
        """Try again what has failed or was cancelled."""
        return self.entry.status in {Status.FAILED, Status.CANCELLED} and self._queue()

    def cancel(self) -> bool:
        """Give it up, with all that is there of it."""
        if self.entry.status in {Status.DOWNLOADED, Status.CANCELLED} or self.phase is Phase.PUBLISHING:
            return False
        self._stop(Status.CANCELLED, None)
        self.discard()
        return True

    def set_url(self, url: str, credentials: str) -> bool:
        """Go on with a fresh link for the same file; what is paused stays so."""
        if self.phase in AT_THE_END or self.entry.status in {Status.DOWNLOADED, Status.CANCELLED}:
            return False
        entry = self.entry
        if wire_url(url).origin != wire_url(entry.url).origin:
            # Headers may be secrets, and whoever gives the link need not be who gave them.
            entry.headers = ()
        entry.url, entry.credentials, entry.location = url, credentials, ""
        if self.entry.status is not Status.PAUSED:
            self._queue()
        self.unsaved = self.changed = True
        return True

    def suspend(self) -> None:
        """The bridge ends; its successor goes on."""
        self._fetching.drop()
        self._part.let_be()
        if self.phase is Phase.VERIFYING:
            # Nobody will hear how its sync ended.
            self._distrust_unsynced()
        self.phase = Phase.IDLE

    def _queue(self) -> bool:
        self._setbacks = Setbacks(self._new_pace())
        self.entry.restarts = 0
        self._stop(Status.QUEUED, None)
        return True
