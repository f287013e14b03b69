"""A download as the journal keeps it: all that must survive, and nothing that can be found out again."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from pagestatus.messages import Head, RangeDone
from wsbridge.digests import Digest, from_head, of_request
from wsbridge.spans import Piece, Spans


class Status(StrEnum):
    """``process_status`` of a download, as clients see it."""

    QUEUED = "Queued"
    CHECKING = "Checking"
    DOWNLOADING = "Downloading"
    PAUSED = "Paused"
    VERIFYING = "Verifying"
    DOWNLOADED = "Downloaded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


# Nothing more happens to these by itself.
ENDED = frozenset({Status.DOWNLOADED, Status.FAILED, Status.CANCELLED})


class Trouble(msgspec.Struct, frozen=True):
    """Why a download does not go on, or not as it was asked for: a word for programs, a line for people."""

    code: str
    message: str


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One download. New fields get a default, so that an older journal can be read."""

    id: str
    # Where the list shows it: later ones further down.
    position: int
    added_us: int
    # --- what was asked for. The URL has no user name; credentials and headers are never shown.
    url: str
    credentials: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    sha256: str = ""
    filename: str = ""
    # At most this many ranges at once; 0: as many as are configured.
    threads: int = 0
    # --- how it is
    status: Status = Status.QUEUED
    trouble: Trouble | None = None
    # How often it has begun again from nothing because the file had changed.
    restarts: int = 0
    # --- what the server said; empty, None and -1: nothing yet. ``location``: where redirects led.
    location: str = ""
    ranges: bool | None = None
    total: int = -1
    etag: str = ""
    last_modified: str = ""
    digest: Digest | None = None
    # --- what is on the disk: the name that is ours and the inode of its part file (0: not made yet), which
    # bytes are in it, synced, and the final name, where it is another. ``folder`` is a file URI.
    folder: str = ""
    name: str = ""
    inode: int = 0
    done: tuple[Piece, ...] = ()
    title: str = ""
    # The part file is to be removed, and that has not been seen to be done.
    given_up: bool = False
    # It is off the list, and is kept for as long as it is given up.
    removed: bool = False

    @property
    def has_ended(self) -> bool:
        """Nothing more happens to it by itself."""
        return self.status in ENDED

    @property
    def synced(self) -> int:
        """Bytes of the part file that are on the disk."""
        return sum(stop - start for start, stop in self.done)

    @property
    def reach(self) -> int:
        """How long the part file is at least."""
        return max((stop for _, stop in self.done), default=0)

    def note_synced(self, pairs: tuple[Piece, ...]) -> int:
        """These bytes of the part file are on the disk; returns how many more that are than before."""
        before, self.done = self.synced, pairs
        return max(0, self.synced - before)

    def take_back(self, start: int, stop: int) -> None:
        """The bytes [start, stop) of the part file are worth nothing."""
        kept = Spans(self.done)
        kept.remove(start, stop)
        self.done = kept.pairs()

    def is_other(self, total: int, head: Head) -> bool:
        """Whether a file of ``total`` bytes with this ``head`` is not the one that is known."""
        return (
            (self.total >= 0 and total >= 0 and self.total != total)
            or (bool(self.etag and head.etag) and self.etag != head.etag)
            or (bool(self.last_modified and head.last_modified) and self.last_modified != head.last_modified)
        )

    def learn(self, total: int, done: RangeDone, *, ranges: bool, goes_on: bool = False) -> None:
        """Note what the server said of the file.

        What it does not say any more (a backend that leaves it out) still holds of the bytes that are here,
        where it ``goes_on`` with them.
        """
        self.location = done.url or self.url
        self.ranges = ranges
        self.total = total
        etag, last_modified = done.head.etag, done.head.last_modified
        digest = from_head(done.head, whole=done.status != 206)
        self.etag = etag or (self.etag if goes_on else "")
        self.last_modified = last_modified or (self.last_modified if goes_on else "")
        self.digest = digest or (self.digest if goes_on else None)

    def digests(self) -> tuple[Digest, ...]:
        """What the file is to be held against: what was asked for, and what the server said."""
        asked = (of_request(self.sha256),) if self.sha256 else ()
        return asked if self.digest is None else (*asked, self.digest)

    def forget_file(self) -> None:
        """What the server said of the file, and what of it is on the disk, holds no longer."""
        self.ranges = None
        self.total = -1
        self.etag = self.last_modified = ""
        self.digest = None
        self.done = ()
        self.title = ""
