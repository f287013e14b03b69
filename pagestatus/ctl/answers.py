"""The shapes of what the processes answer, and of the lines of the logs: validated as they come in.

Keys that are not named here are ignored, so that a newer process can say more.
"""

from __future__ import annotations

from collections.abc import Sequence
from shlex import quote

from msgspec import Struct, field


class Process(Struct):
    """What every process says of itself."""

    name: str
    state: str
    pid: int | None = None
    uptime_s: float | None = None
    # CPU since it started, and cores in use lately, of all its threads.
    cpu_s: float | None = None
    load: float | None = None
    # Why it is blocked, in its own words.
    trouble: str = ""
    # The clock was set back by so much, and it goes on by the time of before.
    clock_set_back_s: int = 0
    # What came since it started, and was no message; and how long ago the last one came.
    bad_frames: int = 0
    bad_frame_s: float | None = None


class Targets(Struct):
    """Targets by state."""

    total: int = 0
    up: int = 0
    down: int = 0
    unknown: int = 0
    paused: int = 0


class Quantiles(Struct):
    """Milliseconds; None where nothing was measured."""

    p50: float | None = None
    p90: float | None = None
    p99: float | None = None
    max: float | None = None

    @property
    def mean(self) -> float | None:
        """An upper bound: each part counts as its slowest one."""
        if self.p50 is None or self.p90 is None or self.p99 is None or self.max is None:
            return None
        return 0.5 * self.p50 + 0.4 * self.p90 + 0.09 * self.p99 + 0.01 * self.max


class Schedule(Struct):
    """The books of the scheduler since it started."""

    due_total: int
    checked_total: int
    missed_total: dict[str, int]
    in_flight: int
    per_second: float = 0.0
    lag_ms: dict[str, float | None] = field(default_factory=dict)


class ListState(Struct):
    """How the last reading of the list went."""

    reading: bool = False
    added: int = 0
    removed: int = 0
    # Entries that were left out, and the first lines about them.
    mistakes: int = 0
    first_mistakes: list[str] = field(default_factory=list)
    # Why the list could not be read at all; the one before is kept.
    problem: str = ""
    path: str = ""

    @property
    def explained_by(self) -> str:
        """The command that shows all mistakes of this very list, which need not be the configured one."""
        return " ".join(["pagestatus-ctl check-config", *([quote(self.path)] if self.path else [])])


class Lender(Struct):
    """What the scheduler knows of one fetcher."""

    fetcher: int
    slots: int = 0
    leases: int = 0
    alive: bool = True


class Scheduler(Process):
    """The scheduler's ``status``."""

    targets: Targets = field(default_factory=Targets)
    schedule: Schedule | None = None
    fetchers: Sequence[Lender] = ()
    list: ListState = field(default_factory=ListState)


class Pool(Process):
    """The pool's ``status``: the parent, its fetchers, and how many there should be."""

    wanted: int = 0
    fetchers: list[Process] = field(default_factory=list)


class Downloads(Struct):
    """Downloads by state; ``active``: running now."""

    queued: int = 0
    active: int = 0
    complete: int = 0
    failed: int = 0


class Bridge(Process):
    """The bridge's ``status``."""

    downloads: Downloads = field(default_factory=Downloads)


class Trouble(Struct):
    """Why a download does not go on."""

    code: str = ""
    message: str = ""


class Download(Struct):
    """A download, as websocket clients see it too."""

    id: str
    url: str
    # Queued, Checking, Downloading, Paused, Verifying, Downloaded, Failed, Cancelled.
    process_status: str
    path_to_file: str | None = None
    # Bytes; None: not known.
    size: int | None = None
    completed: int = 0
    # Of one; None: not known.
    progress: float | None = None
    # Ranges in flight now.
    threads: int = 0
    # Bytes a second.
    speed: float | None = None
    # Seconds.
    eta: float | None = None
    ranges: bool | None = None
    error: Trouble | None = None


class Added(Struct):
    """The bridge's answer to ``download``."""

    id: str


class Acted(Struct):
    """The bridge's answer to ``act``."""

    message: str


class DownloadsOfMinute(Struct):
    """What downloads came to in a minute; ``active``: running at its end."""

    active: int = 0
    completed: int = 0
    failed: int = 0
    bytes: int = 0


class Slowest(Struct):
    """The attempt of a minute that took longest."""

    url: str
    ms: float


class Lasting(Struct):
    """A check that ran when a minute ended."""

    url: str
    seconds: float


class Minute(Struct):
    """A line of ``minutes.log``."""

    minute: str
    due: int = 0
    checked: int = 0
    ok: int = 0
    fail: int = 0
    internal: int = 0
    missed: dict[str, int] = field(default_factory=dict)
    codes: list[tuple[int, int]] = field(default_factory=list)
    in_flight: int = 0
    in_flight_urls: list[Lasting] = field(default_factory=list)
    slowest: Slowest | None = None
    lag_ms: Quantiles = field(default_factory=Quantiles)
    latency_ms: Quantiles = field(default_factory=Quantiles)
    bytes: int = 0
    downloads: DownloadsOfMinute = field(default_factory=DownloadsOfMinute)


class Attempt(Struct):
    """A line of ``url_status.log``."""

    time: str
    url: str | None
    bytes: int | None = None
    status: int | None = None
    outcome: str = ""
    reason: str | None = None
    class_: str | None = field(default=None, name="class")
    final: bool = False
    attempt: int | None = None
    due: str | None = None
    lag_ms: float | None = None
    ms: float | None = None
    dns_ms: float | None = None
    connect_ms: float | None = None
    tls_ms: float | None = None
    ttfb_ms: float | None = None
    ip: str | None = None
    http: str | None = None
    target: str | None = None
    since: str | None = None
    until: str | None = None
    slots: int | None = None


class InFlight(Struct):
    """A check that is running."""

    url: str
    seconds: float
    target: str = ""
    attempt: int | None = None
    fetcher: int | None = None


class SlotNow(Struct):
    """A slot that is not settled."""

    due: str
    stage: str = ""
    attempt: int = 1


class Why(Struct):
    """What the scheduler knows of one target."""

    target: str
    url: str
    interval_s: float
    timeout_s: float
    state: str
    next_due: str
    next_due_s: float
    slow: bool = False
    failed_permanently: int = 0
    checked_every: int = 1
    retry_after: str | None = None
    slot: SlotNow | None = None
    # Why it is not being checked, in words; empty: it is.
    not_checked: list[str] = field(default_factory=list)


class Scaled(Struct):
    """The pool's answer to ``scale``."""

    fetchers: int


class Steered(Struct):
    """The targets that were paused or resumed, by name or URL."""

    targets: Sequence[str] = ()
