"""The contract between the actors: every record that travels over ZeroMQ.

Rules, held by ``tests/contract``:

* A record is one msgpack array ``[kind, *fields]``; a frame is an array of records (see ``codec``).
* Kinds and enum values are append-only. A new field comes last and has a default, so that an older
  peer's record still decodes and a newer peer's extra fields are ignored.
* Units are in the names. ``*_us`` is microseconds: a moment (since the epoch, UTC) or a duration.
* What a number may be is held where a record comes in: a frame with another one is a bad frame. No peer of
  ours sends it, and what it would do (an epoch below zero has no end in base 36) is nobody's to find out.
* The fetcher measures, the aggregator judges (``verdict``), the scheduler decides. No record carries a
  decision upstream of its maker.

``tag`` is the kind. Kinds 1-31 belong to checking, 32 and up to downloads.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated

import msgspec
from msgspec import Meta

# In the name of a socket it has eleven digits of base 36 (see ``addresses``): enough for four thousand years.
Epoch = Annotated[int, Meta(ge=0, lt=36**11)]
# Positions in files are no larger (off_t), nor is what the journal takes.
Natural = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
# -1: it is not known.
Known = Annotated[int, Meta(ge=-1, le=(1 << 63) - 1)]
Index = Annotated[int, Meta(ge=0, le=256)]
Slots = Annotated[int, Meta(ge=0, le=1_000_000)]
# From a microsecond to a day: none would be an attempt that never ends.
Timeout = Annotated[int, Meta(ge=1, le=86_400_000_000)]
# See ``config.Size``; 0: another limit holds.
Limit = Annotated[int, Meta(ge=0, le=1 << 50)]


class Outcome(IntEnum):
    """How an attempt ended."""

    OK = 0
    FAIL = 1
    INTERNAL = 2
    MISSED = 3


class Class(IntEnum):
    """Whether trying a failed target again soon makes sense."""

    NONE = 0
    TRANSIENT = 1
    PERMANENT = 2


class Reason(IntEnum):
    """Why an attempt is not ok. The log shows the name in lower case; values never change."""

    NONE = 0
    # fail: the site's doing
    HTTP_STATUS = 1
    TIMEOUT = 2
    DNS = 3
    CONNECT = 4
    TLS = 5
    RESET = 6
    PROTOCOL = 7
    REDIRECTS = 8
    TOO_LARGE = 9
    BAD_URL = 10
    # The two permanent forms of a reason above; the log shows them as ``dns`` and ``tls``.
    NO_SUCH_NAME = 11
    CERTIFICATE = 12
    # internal: our own doing
    STALLED = 32
    NO_FDS = 33
    NO_PORTS = 34
    NO_ROUTE = 35
    NO_MEMORY = 36
    NAME_SERVER = 37
    BUG = 38
    # missed: the slot was not measured
    OVERRUN = 64
    NO_CAPACITY = 65
    LEASE = 66
    RETRY_AFTER = 67
    BACKOFF = 68
    DOWN = 69
    PER_HOST = 70
    PAUSED = 71
    LATE = 72
    DRAIN = 73
    REMOVED = 74
    # a range of a download; checks never end so
    CHANGED = 96  # the answer is of another file than the first one was
    NO_RANGE = 97  # the whole in answer to a range, or a Content-Range that makes no sense
    SHORT = 98  # fewer bytes than were promised
    LONG = 99  # more
    ADDRESS = 100  # the address is not public
    DISK_FULL = 101
    DISK = 102


class Record(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Base of all records: positional on the wire, immutable in memory, never part of a cycle."""


class Check(Record, frozen=True, tag=1):
    """Scheduler → fetcher: make one attempt at a slot."""

    target: int
    due_us: int
    attempt: int
    # A transient failure that ends later than this is final; 0: it is final in any case.
    retry_by_us: int
    # When the slot's first attempt started; 0: this is the first.
    first_started_us: int
    timeout_us: Timeout
    url: str
    name: str = ""
    # Accepted status codes; empty: 200-299.
    expect: tuple[int, ...] = ()
    # Largest accepted body in bytes, after content decoding; 0: the fetcher's configured limit.
    max_bytes: Limit = 0


class Result(Record, frozen=True, tag=2):
    """Fetcher → aggregator: what one attempt measured. It carries no judgement."""

    target: int
    due_us: int
    attempt: int
    retry_by_us: int
    first_started_us: int
    url: str
    name: str
    expect: tuple[int, ...]
    # The incarnation and the index of the fetcher that made the attempt.
    epoch: int
    fetcher: int
    started_us: int
    duration_us: int
    # What went wrong below HTTP; Reason.NONE: a whole response came.
    reason: Reason
    # 0: no status line came.
    status: int = 0
    # Length of the body after content decoding; -1: no response came.
    bytes: int = -1
    # When each phase was over, from the attempt's start; -1: not reached.
    dns_us: int = -1
    connect_us: int = -1
    tls_us: int = -1
    ttfb_us: int = -1
    ip: str = ""
    # Protocol version, "1.0", "1.1", "2"; empty: no response came.
    http: str = ""
    # Seconds the server asked us to stay away (Retry-After, as a delay); -1: it did not.
    retry_after_s: int = -1


class Missed(Record, frozen=True, tag=3):
    """Scheduler → aggregator: ``count`` slots in a row of one target that were not measured.

    The slots are ``due_us + k * interval_us`` for k in 0..count-1.
    """

    target: int
    due_us: int
    count: int
    interval_us: int
    reason: Reason
    url: str
    name: str = ""


class Commit(Record, frozen=True, tag=4):
    """Aggregator → scheduler: this is on the disk. For a ``Missed`` it echoes due_us and count."""

    target: int
    due_us: int
    # 0 for missed slots.
    attempt: int
    outcome: Outcome
    reason: Reason
    class_: Class
    # The slot is settled.
    final: bool
    first_started_us: int = 0
    ended_us: int = 0
    # Slots due before this moment are not wanted by the server; 0: none.
    retry_after_us: int = 0
    # Number of slots settled.
    count: int = 1
    # HTTP status of the attempt; 0: none.
    status: int = 0


class FetcherState(Record, frozen=True, tag=5):
    """Fetcher → scheduler and bridge, on start and once a second: here I am, and so much I can hold."""

    epoch: Epoch
    fetcher: Index
    # Checks it can hold at once; 0 while it drains.
    slots: Slots
    in_flight: Natural
    draining: bool = False
    pid: int = 0
    # Ranges it can hold at once, beside the checks; 0 while it drains.
    range_slots: Slots = 0
    ranges_in_flight: Natural = 0


class Gone(Record, frozen=True, tag=6):
    """Pool → scheduler and bridge: this incarnation has ended; whatever it held is lost."""

    epoch: Epoch
    fetcher: Index


class Leave(Record, frozen=True, tag=7):
    """Scheduler → fetcher: the last record you get. Finish what you have and end."""

    epoch: Epoch


class Started(Record, frozen=True, tag=8):
    """Scheduler → aggregator: a new scheduler is here and asks what has become of the last one's slots."""

    epoch: Epoch


class Recap(Record, frozen=True, tag=9):
    """Aggregator → scheduler: the answer to ``Started``, in one or more parts.

    From the first part on, and until ``Down`` is on the disk, results due after ``since_us`` are dropped.
    """

    epoch: Epoch
    # All slots due before this are settled.
    settled_us: int
    # The latest due time that is known of; 0: there is no history.
    since_us: int
    # (target, due_us, attempts on the disk, settled) of slots due in [settled_us, since_us].
    slots: tuple[tuple[int, int, int, bool], ...] = ()
    last: bool = True
    # Times (since_us, until_us] in which no scheduler ran: every slot due in them is settled.
    downs: tuple[tuple[int, int], ...] = ()
    # No answer: what this epoch has sent was not taken, since another one has asked after it. Who is still
    # there asks again, as yet another one.
    again: bool = False


class Down(Record, frozen=True, tag=10):
    """Scheduler → aggregator: no scheduler ran in (since_us, until_us]; ``slots`` fell due in it."""

    epoch: Epoch
    since_us: int
    until_us: int
    slots: int


class Sweep(Record, frozen=True, tag=11):
    """Scheduler → aggregator, once a second: how far it has come."""

    epoch: Epoch
    # Every slot due up to here has been given out or recorded as missed.
    swept_us: int
    # All slots due before this are settled, with their lines on the disk.
    settled_us: int
    in_flight: int = 0
    # The longest-running slots, at most 20: (url, when its first attempt was given out).
    longest: tuple[tuple[str, int], ...] = ()


class Pulse(Record, frozen=True, tag=12):
    """Aggregator → scheduler, once a second: alive, and whether lines reach the disk."""

    epoch: Epoch
    writable: bool = True


# --- downloads ----------------------------------------------------------------------------------------


class RangeTask(Record, frozen=True, tag=32):
    """Bridge → fetcher: fetch the bytes [start, stop) of a file and write them where they belong.

    With ``stop`` 0 the whole file is asked for, without a range. With no ``file`` only the head of the answer
    is wanted: that is how the server is asked whether it honours ranges.
    """

    # The incarnation of the bridge: who hears of a new one drops the tasks of the one before.
    bridge: Epoch
    # Unique within the incarnation.
    task: int
    # Without a user name.
    url: str
    start: Natural
    stop: Natural
    # Name of a file in the folder of downloads, and its inode: it is there, and it is that one.
    file: str = ""
    inode: int = 0
    # What the first answer said, which this one is held against; -1 and empty: it did not say.
    total: Known = -1
    etag: str = ""
    last_modified: str = ""
    # "user:password" and further headers: sent to the origin of ``url`` alone, never where that leads.
    credentials: str = ""
    headers: tuple[tuple[str, str], ...] = ()


class RangeCut(Record, frozen=True, tag=33):
    """Bridge → fetcher: this range ends at ``stop`` now, its rest is another's; 0: it ends at once."""

    bridge: Epoch
    task: int
    stop: Natural = 0


class RangeProgress(Record, frozen=True, tag=34):
    """Fetcher → bridge, a few times a second while bytes come and once a second in any case."""

    bridge: Epoch
    task: int
    # The bytes from the task's start up to here are in the file.
    position: Natural


class Head(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """What the head of an answer says of the file; empty and -1: it does not say."""

    # Content-Range: the bytes [start, stop) of total.
    start: Known = -1
    stop: Known = -1
    total: Known = -1
    # Content-Length.
    length: Known = -1
    etag: str = ""
    last_modified: str = ""
    content_disposition: str = ""
    content_encoding: str = ""
    repr_digest: str = ""
    digest: str = ""
    content_md5: str = ""


class RangeDone(Record, frozen=True, tag=35):
    """Fetcher → bridge: a range task has ended, well or not. One for each task, unless the fetcher dies."""

    bridge: Epoch
    task: int
    # The incarnation of the fetcher.
    epoch: Epoch
    # As in RangeProgress. After Reason.LONG and CHANGED it is the task's start: no byte can be trusted.
    position: Natural
    # Reason.NONE: all that was asked for, up to the last ``stop``, is in the file.
    reason: Reason
    # 0: no answer came.
    status: int = 0
    # Seconds the server asked us to stay away; -1: it did not.
    retry_after_s: int = -1
    # The URL that answered, after redirects; without a user name.
    url: str = ""
    # What went wrong, for people; one line.
    words: str = ""
    head: Head = Head()


class DownloadMinute(Record, frozen=True, tag=36):
    """Bridge → aggregator, once a second until it is answered: the figures of one minute, so far."""

    minute_us: int
    # Downloads running at its end, so far.
    active: int
    completed: int
    failed: int
    # Of bodies, newly in the files.
    bytes: int


class DownloadsCounted(Record, frozen=True, tag=37):
    """Aggregator → bridge: the minute has its line, with these figures; the rest counts in a later one."""

    minute_us: Natural
    completed: Natural
    failed: Natural
    bytes: Natural


Message = (
    Check
    | Result
    | Missed
    | Commit
    | FetcherState
    | Gone
    | Leave
    | Started
    | Recap
    | Down
    | Sweep
    | Pulse
    | RangeTask
    | RangeCut
    | RangeProgress
    | RangeDone
    | DownloadMinute
    | DownloadsCounted
)
