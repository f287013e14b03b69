"""The course of a download: from the question to the final name, whatever happens on the way.

Asking → Making → Fetching → Verifying → Publishing, each for as long as it takes, and back to Asking when the
file or the link turns out to be another. It is told what has happened and when, keeps its ``Entry`` in step,
and puts what it wants of fetchers and the disk into ``Orders``; which fetcher gets a task is not its affair.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum, auto
from random import Random
from typing import NamedTuple

import msgspec

from pagestatus.config import Downloads as Policy
from pagestatus.messages import Head, RangeDone, RangeTask, Reason
from pagestatus.urls import wire_url
from wsbridge.entry import Entry, Status, Trouble
from wsbridge.fate import Fate, fate_of, takes_back, trouble_of
from wsbridge.fetching import QUESTION, WHOLE, Fetching
from wsbridge.jobs import Answer, Claims, Job, Verify
from wsbridge.names import PART, file_name
from wsbridge.orders import Orders
from wsbridge.pace import Pace
from wsbridge.part_file import PartFile, Step
from wsbridge.question import Kind, judge
from wsbridge.ranges import Range, Ranges
from wsbridge.setbacks import CHANGED, Next, Setbacks, Stage
from wsbridge.spans import Piece
from wsbridge.speed import Speed

# A file that changes this often while it is fetched will not be had.
MOST_RESTARTS = 5
# What has nothing to do for longer than this leaves its place to others. Seconds.
YIELD_S = 10.0


class Phase(Enum):
    """Where a download is; IDLE: it is queued or paused, or has ended."""

    IDLE = auto()
    ASKING = auto()
    MAKING = auto()
    FETCHING = auto()
    VERIFYING = auto()
    PUBLISHING = auto()


class Content(NamedTuple):
    """What a part file holds. After a sync that failed it is another: what comes late was not for that."""

    # 0: there is no part file.
    inode: int
    failed_syncs: int


class Written(NamedTuple):
    """Bytes that were written and are not known to be on the disk yet."""

    inode: int
    distrusted: int
    pairs: tuple[Piece, ...]


AT_THE_END = frozenset({Phase.VERIFYING, Phase.PUBLISHING})


class Course:
    """Decides for one ``Entry``. Moments are seconds of the monotonic clock."""

    def __init__(
        self,
        entry: Entry,
        policy: Policy,
        orders: Orders,
        random: Random,
        taken: Callable[[Entry], Claims] = lambda _entry: Claims(),
    ) -> None:
        """``taken`` tells what of the folder belongs to others."""
        self.entry = entry
        self.phase = Phase.IDLE
        self.speed = Speed()
        # ``entry`` is to be written down before long; its look has changed.
        self.unsaved = False
        self.changed = True
        self._policy = policy
        self._orders = orders
        self._random = random
        self._part = PartFile(entry, orders, taken)
        self._fetching = Fetching(orders)
        self._setbacks = Setbacks(self._new_pace())
        # The answer to the question has told the name, if the server tells one.
        self._is_named = True
        self._failed_syncs = 0
        # Why the disk takes longer, as was told last.
        self._delay: Trouble | None = None

    # --- how it is ----------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> Mapping[int, Range]:
        """What is with fetchers, by task."""
        return self._fetching.in_flight

    @property
    def completed(self) -> int:
        """Bytes that are in the file."""
        if self.phase in AT_THE_END or self.is_there:
            return self.entry.total
        if self._fetching.ranges is not None:
            return self._fetching.ranges.done.total
        if self.phase is Phase.FETCHING:
            return self._fetching.whole
        return self.entry.synced

    @property
    def missing(self) -> int:
        """Bytes that are still to come to the disk, as far as that is known.

        Room is promised with the name: who has none, or is paused, has no claim.
        """
        has_claim = self.entry.name and self.phase is not Phase.IDLE
        return max(0, self.entry.total - self.completed) if has_claim else 0

    @property
    def is_there(self) -> bool:
        """The file is complete, verified, on the disk, and has its final name."""
        return self.entry.status is Status.DOWNLOADED

    @property
    def content(self) -> Content:
        """What a range that begins now is written into."""
        return Content(self.entry.inode if self.phase is Phase.FETCHING else 0, self._failed_syncs)

    @property
    def host(self) -> tuple[str, str, int]:
        """The origin that its next task asks."""
        return wire_url(self._url).origin

    @property
    def _url(self) -> str:
        """Where the bytes are: where the question led, else what was asked for."""
        return self.entry.location if self.phase is Phase.FETCHING and self.entry.location else self.entry.url

    def wake_at(self, now: float) -> float | None:
        """When it will have something to do that nobody tells it; None: it waits for somebody, or nothing."""
        if self.phase not in {Phase.ASKING, Phase.FETCHING}:
            return None
        if self._setbacks.pace.not_before > now:
            return self._setbacks.pace.not_before
        ranges = self._fetching.ranges if self.phase is Phase.FETCHING else None
        release = ranges.release_at if ranges is not None else None
        # One that is due already waits for a thread or for credit, of which others tell.
        return release if release is not None and release > now else None

    def yields(self, now: float) -> bool:
        """It has nothing to do for so long that its place is another's."""
        if self.phase is Phase.IDLE:
            return True
        wake = self.wake_at(now)
        return not self.in_flight and wake is not None and wake > now + YIELD_S

    # --- tasks --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """It has a place: ask the server, unless all is here already."""
        if self.phase is not Phase.IDLE:
            return
        if self.entry.inode and self.completed == self.entry.total:
            self._become(Status.VERIFYING)
            self._find()
        else:
            self._ask()

    def next_task(self, now: float) -> Piece | None:
        """The bytes to give to a fetcher next, as [start, stop); None: nothing now."""
        threads = self._setbacks.pace.threads(now)
        if len(self.in_flight) >= threads:
            return None
        if self.phase is Phase.ASKING:
            return None if self.in_flight else QUESTION
        if self.phase is not Phase.FETCHING:
            return None
        if (ranges := self._fetching.ranges) is not None:
            # When so many wait after a failure, the next ones would fail as well.
            return self._fetching.next(now) if ranges.waiting(now) < threads else None
        if not self.in_flight and not self._fetching.is_fresh:
            # What an earlier transfer left is no beginning for this one.
            self._make()
        return WHOLE if self._fetching.is_fresh else None

    def begin(self, range_: Range) -> None:
        """What ``next_task`` gave is with a fetcher."""
        self._fetching.begin(range_, single=self.phase is Phase.ASKING)
        self.changed = True

    def task(self, bridge: int, range_: Range) -> RangeTask:
        """The message that gives ``range_`` to its fetcher."""
        entry, url = self.entry, self._url
        same_origin = wire_url(url).origin == wire_url(entry.url).origin
        secrets = (entry.credentials, entry.headers) if same_origin else ("", ())
        # A question is held against nothing: it finds out.
        known = (
            (entry.name + PART, entry.inode, entry.total, entry.etag, entry.last_modified)
            if self.phase is Phase.FETCHING
            else ("", 0, -1, "", "")
        )
        return RangeTask(bridge, range_.task, url, range_.start, range_.stop, *known, *secrets)

    def on_progress(self, task: int, position: int, now: float) -> None:
        """A task has come up to ``position``."""
        self._gain(self._fetching.advance(task, position, now), now)

    def on_done(self, done: RangeDone, now: float) -> None:
        """A task has ended, well or not."""
        if self.phase is Phase.FETCHING:
            self.on_progress(done.task, done.position, now)
        if self._fetching.end_single(done.task):
            if self.phase is Phase.ASKING:
                self._on_question(done, now)
            else:
                self._on_whole(done, now)
        elif self._fetching.ranges is not None:
            self._on_range(self._fetching.ranges, done, now)
        self.changed = True

    def on_late(self, done: RangeDone, start: int, stop: int, content: Content) -> None:
        """A task of [start, stop) that was dropped had written into ``content``."""
        ranges = self._fetching.ranges
        if not content.inode or content != (self.entry.inode, self._failed_syncs) or ranges is None:
            return
        if self.phase is Phase.PUBLISHING:
            # It is verified, whatever comes late.
            return
        if takes_back(done, start):
            ranges.forget(start, stop)
            self.entry.take_back(start, stop)
            self.unsaved = True
        else:
            ranges.note(start, done.position)
        self.changed = True
        if self.phase is Phase.FETCHING and ranges.is_complete:
            self._verify()
        elif self.phase is Phase.VERIFYING and not ranges.is_complete:
            # What is looked at is not what it was, and nobody will hear how its sync ends.
            self._part.let_be()
            self._distrust_unsynced()
            self.phase = Phase.FETCHING
            self._fetch()

    # --- the question -------------------------------------------------------------------------------------

    def _ask(self) -> None:
        self._fetching.drop()
        self.phase = Phase.ASKING
        self._become(Status.CHECKING)

    def _on_question(self, done: RangeDone, now: float) -> None:
        entry = self.entry
        found = judge(done, has_bytes=self.completed > 0)
        if found.kind is Kind.NOT:
            failed = done.reason is not Reason.NONE
            self._on_failure(
                done if failed else msgspec.structs.replace(done, reason=Reason.HTTP_STATUS), now
            )
            return
        if done.status >= 300:
            # What an error page says of itself is nothing about the file, its name included.
            done = msgspec.structs.replace(done, head=Head())
        self._is_named = done.status < 300
        # Also of a part of which no byte is known: there may be some that nobody has told of.
        if entry.inode and entry.is_other(found.total, done.head) and not self._begin_anew():
            return
        goes_on = bool(entry.inode and entry.ranges and found.kind is Kind.RANGES)
        entry.learn(found.total, done, ranges=found.kind is Kind.RANGES, goes_on=goes_on)
        if goes_on:
            self._find()
        else:
            self._make(self._name(done))

    def _name(self, done: RangeDone) -> str:
        """What the file is to be called: as it was asked for, as the server says, or as in the URL."""
        disposition, url = done.head.content_disposition, done.url or self.entry.url
        return file_name(requested=self.entry.filename, disposition=disposition, url=url)

    def _begin_anew(self) -> bool:
        """The file has changed: what is here of it is worth nothing. False: it has done so too often."""
        self.entry.restarts += 1
        self._forget()
        words = "the file has changed on the server"
        if self.entry.restarts > MOST_RESTARTS:
            self._fail(Trouble(CHANGED, f"{words} {self.entry.restarts} times while it was fetched"))
            return False
        self.entry.trouble = Trouble(CHANGED, f"{words}: started again from nothing")
        return True

    # --- the bytes ----------------------------------------------------------------------------------------

    def _fetch(self) -> None:
        entry = self.entry
        if entry.ranges and entry.total:
            self._fetching.in_ranges(entry.total, self._policy.bytes, entry.done)
        if self.completed == entry.total:
            self._verify()
            return
        self.phase = Phase.FETCHING
        self._become(Status.DOWNLOADING)

    def _on_range(self, ranges: Ranges, done: RangeDone, now: float) -> None:
        range_ = ranges.in_flight[done.task]
        wait_s = self._setbacks.of_range(range_, done, now)
        if takes_back(done, range_.start):
            ranges.distrust(done.task)
            self.entry.take_back(range_.start, range_.stop)
            self.unsaved = True
        ranges.end(done.task, now + wait_s if wait_s else 0.0)
        fate = fate_of(done)
        if wait_s:
            self._tell(trouble_of(done))
        if ranges.is_complete:
            self._verify()
        elif self._setbacks.pace.is_exhausted:
            self._fail(trouble_of(done))
        elif fate not in {Fate.GOOD, Fate.AGAIN, Fate.OURS, Fate.BUSY}:
            self._on_failure(done, now)

    def _on_whole(self, done: RangeDone, now: float) -> None:
        if fate_of(done) is not Fate.GOOD:
            self._on_failure(done, now)
            return
        self.entry.learn(done.position, done, ranges=False)
        if not self._is_named:
            self.entry.title = self._name(done)
        self._verify()

    def _on_failure(self, done: RangeDone, now: float) -> None:
        """A question or a whole transfer failed, or a range in a way that concerns the whole download."""
        stage = Stage(self.phase is Phase.FETCHING, bool(self.entry.ranges), self.completed > 0)
        setback = self._setbacks.of_download(done, stage, now)
        match setback.next:
            case Next.AGAIN:
                self._tell(setback.trouble)
            case Next.ASK:
                self._ask()
            case Next.BEGIN_ANEW:
                if self._begin_anew():
                    self.entry.ranges = False
                    self._make()
            case Next.AS_A_WHOLE:
                self.entry.ranges = False
                self._make()
            case Next.PAUSE:
                self._stop(Status.PAUSED, setback.trouble)
            case Next.FAIL:
                self._fail(setback.trouble)

    def _gain(self, size: int, now: float) -> None:
        """Bytes came."""
        if size <= 0 or self.phase is not Phase.FETCHING:
            return
        self.speed.add(size, now)
        self.changed = True
        if self._fetching.ranges is not None:
            # A whole file that breaks off has brought nothing, however much of it came.
            self._setbacks.moved(now)
            if self.entry.trouble is not None and self.entry.trouble.code != CHANGED:
                self.entry.trouble = None

    def _tell(self, trouble: Trouble) -> None:
        """It goes on, but not well: say why."""
        if self.entry.trouble is None or self.entry.trouble.code != CHANGED:
            self.entry.trouble = trouble

    # --- the disk -----------------------------------------------------------------------------------------

    def _make(self, name: str = "") -> None:
        """Begin from nothing, in a new part file."""
        self._fetching.forget()
        self.phase = Phase.MAKING
        self._part.make(name)
        self.unsaved = True

    def _find(self) -> None:
        """Go on with the part file, if nobody has taken it away."""
        self.phase = Phase.MAKING
        self._part.find()

    def _verify(self) -> None:
        self._fetching.drop()
        self.phase = Phase.VERIFYING
        self._become(Status.VERIFYING)
        self._part.verify()

    def waits_for(self, job: Job) -> bool:
        """Whether the answer to ``job`` still matters."""
        return self._part.waits_for(job)

    def on_delay(self, job: Job, trouble: Trouble) -> None:
        """The disk will try ``job`` again."""
        if self._part.waits_for(job):
            self._delay = trouble
            self._tell(trouble)
            self.changed = True

    def on_answer(self, answer: Answer) -> None:
        """The disk has done a job, or could not."""
        if not self._part.waits_for(answer.job):
            return
        self.changed = self.unsaved = True
        if self.entry.trouble is self._delay:
            # It has taken as long as it has, and that is over.
            self.entry.trouble = None
        match self._part.on_answer(answer):
            case Trouble() as trouble:
                if isinstance(answer.job, Verify):
                    self._distrust_unsynced()
                self.on_disk_trouble(trouble)
            case Step.READY:
                self._fetching.is_fresh = True
                self._fetch()
            case Step.GONE:
                self._make()
            case Step.VERIFIED:
                self.phase = Phase.PUBLISHING
            case Step.PUBLISHED:
                # There is no part file any more.
                self._fetching.forget()
                self._stop(Status.DOWNLOADED, None)
            case None:
                pass

    def on_disk_trouble(self, trouble: Trouble) -> None:
        """The disk does not take what is for it, or has something else."""
        if trouble.code == "disk_full":
            self._stop(Status.PAUSED, trouble)
            return
        self._fail(trouble)
        if trouble.code in {"digest", "size"}:
            # What is there is wrong, and nobody can say where.
            self.discard()

    def unsynced(self) -> Written | None:
        """The bytes in the part file, if they are others than the journal knows of."""
        ranges, entry = self._fetching.ranges, self.entry
        if ranges is None or not entry.inode or self.phase in AT_THE_END:
            return None
        written = Written(entry.inode, ranges.distrusted, ranges.done.pairs())
        return None if written.pairs == entry.done else written

    def on_synced(self, written: Written) -> None:
        """What was ``unsynced`` is on the disk."""
        ranges = self._fetching.ranges
        if ranges is None or self.phase is Phase.PUBLISHING:
            return
        # Some may be distrusted by now, or of a part before this one, whose inode was used again.
        if (written.inode, written.distrusted) == (self.entry.inode, ranges.distrusted) and all(
            ranges.done.covers(*piece) for piece in written.pairs
        ):
            self._part.note_synced(written.pairs)
            self.unsaved = True

    def on_sync_failed(self, written: Written, trouble: Trouble) -> None:
        """The disk could not take all of what was ``unsynced``."""
        # What is given up may be gone from the disk before that is known here.
        if written.inode == self.entry.inode and not self.is_there and not self.entry.given_up:
            self._distrust_unsynced()
            self.on_disk_trouble(trouble)

    def _distrust_unsynced(self) -> None:
        """Back to what was synced before: of a sync that fails the disk tells once, and not which bytes."""
        self._fetching.forget()
        self._failed_syncs += 1

    # --- the end ------------------------------------------------------------------------------------------

    def _fail(self, trouble: Trouble) -> None:
        self._stop(Status.FAILED, trouble)

    def _stop(self, status: Status, trouble: Trouble | None) -> None:
        self._fetching.drop()
        self._part.let_be()
        self.phase = Phase.IDLE
        self.speed.reset()
        self.entry.trouble = trouble
        self._become(status)

    def _become(self, status: Status) -> None:
        if status is not self.entry.status and status in {Status.DOWNLOADED, Status.FAILED}:
            self._orders.ended.append(status)
        self.entry.status = status
        if self.entry.has_ended or status is Status.PAUSED:
            self._orders.news.append((self.entry, status))
        self.changed = self.unsaved = True

    def discard(self) -> None:
        """Give up the part file, if there is one."""
        self._fetching.forget()
        self._part.discard()
        self.unsaved = True

    def _forget(self) -> None:
        self.entry.forget_file()
        self._fetching.forget()
        self.unsaved = True

    def _new_pace(self) -> Pace:
        most = self._policy.threads
        return Pace(
            threads=min(self.entry.threads or most, most),
            retries=self._policy.retries,
            retry_interval_s=self._policy.retry_interval,
            random=self._random,
        )

    def __repr__(self) -> str:
        return f"<Download {self.entry.id} {self.entry.status}, {self.completed} of {self.entry.total}>"
