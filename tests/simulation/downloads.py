"""The bridge's decisions against fetchers, a server and a disk that the test holds: nothing here takes time.

Fetchers take, write, cut and report as real ones do; what they say comes late, twice, or never when they
die. The disk keeps each file by its inode, also one that has lost its name, and the journal is what was
saved last.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from random import Random

import msgspec

from pagestatus.config import Downloads as Policy
from pagestatus.messages import (
    FetcherState,
    Head,
    Message,
    RangeCut,
    RangeDone,
    RangeProgress,
    RangeTask,
    Reason,
)
from wsbridge.book import Book
from wsbridge.download import Download
from wsbridge.entry import Entry, Status, Trouble
from wsbridge.jobs import Answer, Choose, Discard, Done, Failed, Find, Job, Make, Publish, Verify
from wsbridge.names import PART
from wsbridge.orders import Orders
from wsbridge.recovery import recovered
from wsbridge.requests import Add

# Of every download the last part is the same: names must be told apart.
URL = "http://files.example/{}/file.bin"
PASSING = (
    Reason.TIMEOUT,
    Reason.RESET,
    Reason.SHORT,
    Reason.LONG,
    Reason.STALLED,
    Reason.NO_FDS,
    Reason.NAME_SERVER,
)


class Server:
    """One file, in versions; it may honour ranges or not, and be in a bad mood."""

    def __init__(self, random: Random, size: int) -> None:
        self._random = random
        self._size = size
        self.versions: list[bytes] = []
        self.honours_ranges = True
        # The status of every answer; 0: that of a healthy one.
        self.mood = 0
        self.change()

    def change(self) -> None:
        """The file is another one from now on."""
        size = max(1, self._size + self._random.randint(-9, 9))
        self.versions.append(self._random.randbytes(997) * (size // 997 + 1))
        self.versions[-1] = self.versions[-1][:size]

    @property
    def version(self) -> int:
        return len(self.versions) - 1

    def head(self, start: int = -1, stop: int = -1) -> Head:
        total = len(self.versions[-1])
        ranged = start >= 0
        return Head(
            start=start,
            stop=stop,
            total=total if ranged else -1,
            length=stop - start if ranged else total,
            etag=f'"{self.version}"',
        )


class Disk:
    """Files by inode, names by inode."""

    def __init__(self) -> None:
        self.files: dict[int, bytearray] = {}
        self.names: dict[str, int] = {}
        self.is_full = False
        self.uri = "file:///folder"
        self._chosen: dict[str, str] = {}

    def write(self, inode: int, position: int, piece: bytes) -> None:
        file = self.files[inode]
        if len(file) < position + len(piece):
            file.extend(bytes(position + len(piece) - len(file)))
        file[position : position + len(piece)] = piece

    def do(self, job: Job) -> Answer:
        if isinstance(job, Choose | Make) and self.is_full:
            return Failed(job, Trouble("disk_full", "no room"))
        match job:
            case Choose():
                self._chosen.pop(job.id, None)
                taken = job.taken.names | set(self._chosen.values())
                self._chosen[job.id] = self._free(job.name, taken)
                return Done(job, name=self._chosen[job.id])
            case Make():
                self._chosen.pop(job.id, None)
                inode = self.names[job.name + PART] = len(self.files) + 1
                self.files[inode] = bytearray()
                return Done(job, inode=inode)
            case Find():
                return Done(job, inode=job.inode if self.holds(job.name, job.inode, job.length) else 0)
            case Verify():
                assert len(self.files[job.inode]) == job.size, "the part file is as long as it should be"
            case Publish():
                name = self._free(job.title, frozenset(), may_be_part=True)
                self.names[name] = self.names.pop(job.name + PART)
                return Done(job, name=name)
            case Discard():
                self.discard(job.name, job.inode)
        return Done(job)

    def published(self, name: str, inode: int, title: str) -> str:
        """As in ``parts.Folder``."""
        del title
        return next(
            (found for found, ours in self.names.items() if ours == inode and found != name + PART), ""
        )

    def discard(self, name: str, inode: int) -> None:
        """As in ``parts.Folder``."""
        if inode in {0, self.names.get(name + PART)}:
            self.names.pop(name + PART, None)

    def holds(self, name: str, inode: int, length: int) -> bool:
        """As in ``parts.Folder``."""
        return self.names.get(name + PART) == inode and len(self.files[inode]) >= length

    def _free(self, name: str, taken: frozenset[str], *, may_be_part: bool = False) -> str:
        number = 1
        candidate = name
        while (
            candidate in taken
            or candidate in self.names
            or (not may_be_part and candidate + PART in self.names)
        ):
            number += 1
            candidate = f"{name} ({number})"
        return candidate


class Transfer:
    """A task that a fetcher has."""

    def __init__(self, task: RangeTask, version: int) -> None:
        self.task = task
        self.version = version
        self.position = task.start
        self.stop = task.stop


class Fetcher:
    """Writes what it is told to, and reports in its order."""

    def __init__(self, epoch: int, disk: Disk, servers: Mapping[str, Server]) -> None:
        self.epoch = epoch
        self.transfers: dict[tuple[int, int], Transfer] = {}
        self.outbox: deque[Message] = deque()
        self._bridge = 0
        self._disk = disk
        self._servers = servers

    def take(self, record: Message) -> None:
        if isinstance(record, RangeTask | RangeCut) and record.bridge > self._bridge:
            self._bridge = record.bridge
            self.transfers = {key: value for key, value in self.transfers.items() if key[0] == record.bridge}
        if isinstance(record, RangeTask):
            self.transfers[record.bridge, record.task] = Transfer(record, self._servers[record.url].version)
        elif isinstance(record, RangeCut):
            transfer = self.transfers.get((record.bridge, record.task))
            if transfer is not None:
                transfer.stop = record.stop
                if record.stop <= transfer.position:
                    self.end(transfer, Reason.NONE)

    def move(self, transfer: Transfer, size: int) -> None:
        """Bytes come; the first of them only after a look at the head of the answer."""
        task, server = transfer.task, self._servers[transfer.task.url]
        if transfer.position == task.start and (ended := self._refusal(transfer)) is not None:
            self.end(transfer, *ended)
            return
        content = server.versions[transfer.version]
        stop = transfer.stop or len(content)
        piece = content[transfer.position : min(stop, transfer.position + size)]
        self._disk.write(task.inode, transfer.position, piece)
        transfer.position += len(piece)
        if transfer.position >= stop:
            self.end(transfer, Reason.NONE, 206 if task.stop else 200)

    def _refusal(self, transfer: Transfer) -> tuple[Reason, int] | None:
        task, server = transfer.task, self._servers[transfer.task.url]
        transfer.version = server.version
        if not task.file:
            return Reason.NONE, server.mood or (206 if server.honours_ranges else 200)
        if server.mood:
            return Reason.HTTP_STATUS, server.mood
        if task.etag and task.etag != server.head().etag:
            return Reason.CHANGED, 206
        if task.stop and not server.honours_ranges:
            return Reason.NO_RANGE, 200
        return None

    def report(self, transfer: Transfer) -> None:
        self.outbox.append(RangeProgress(transfer.task.bridge, transfer.task.task, transfer.position))

    def end(self, transfer: Transfer, reason: Reason, status: int = 0) -> None:
        task = transfer.task
        del self.transfers[task.bridge, task.task]
        is_question = not task.file
        ranged = status == 206
        server = self._servers[task.url]
        head = server.head(0, 1) if is_question and ranged else server.head()
        is_nothing = reason in {Reason.CHANGED, Reason.LONG} or is_question
        position = task.start if is_nothing else transfer.position
        self.outbox.append(
            RangeDone(task.bridge, task.task, self.epoch, position, reason, status, url=task.url, head=head)
        )


class World:
    """Everything, and the clock."""

    def __init__(self, random: Random, *, size: int, policy: Policy, downloads: int = 1) -> None:
        self.random = random
        self.now = 0.0
        self.disk = Disk()
        self.servers = {URL.format(number): Server(random, size) for number in range(downloads)}
        self.fetchers: dict[int, Fetcher] = {}
        self.journal: dict[str, bytes] = {}
        self._policy = policy
        self._jobs: deque[Job] = deque()
        self._last_epoch = 0
        self._bridges = 0
        self.start_bridge()
        self.start_fetcher()

    # --- the bridge ---------------------------------------------------------------------------------------

    def start_bridge(self) -> None:
        """A new one, which knows what is in the journal and nothing else."""
        self._bridges += 1
        self.orders = Orders(self._bridges)
        self.book = Book(self._policy, self.orders, self.random, lambda: f"{self.random.getrandbits(16):04x}")
        self._jobs.clear()
        entries = (msgspec.json.decode(raw, type=Entry) for raw in self.journal.values())
        self.book.restore(recovered(entries, self.disk, self.orders))
        for fetcher in self.fetchers.values():
            self._greet(fetcher)

    def add_all(self) -> None:
        """Ask for every file at once."""
        for url in self.servers:
            self.book.add(Add(url), 1)
        self.save()

    def download(self) -> Download:
        """Any of them."""
        return self.random.choice(list(self.book.downloads.values()))

    def server(self) -> Server:
        """Any of them."""
        return self.random.choice(list(self.servers.values()))

    def save(self) -> None:
        """What the keeper does: bytes first, then the journal."""
        for download in self.book.downloads.values():
            written = download.unsynced()
            if written is not None:
                download.on_synced(written)
            self.journal[download.entry.id] = msgspec.json.encode(download.entry)

    def plan(self) -> None:
        """A round of the bridge's loop."""
        self.book.plan(self.now)
        messages, self.orders.messages = self.orders.messages, []
        for epoch, record in messages:
            if epoch in self.fetchers:
                self.fetchers[epoch].take(record)
        jobs, self.orders.jobs = self.orders.jobs, []
        for job in jobs:
            if isinstance(job, Make | Publish):
                self.save()
            self._jobs.append(job)

    def do_job(self) -> None:
        if self._jobs:
            job = self._jobs.popleft()
            download = self.book.downloads[job.id]
            # Who has been told to make another one does not get this one as well.
            if isinstance(job, Make | Publish) and not download.waits_for(job):
                return
            self.book.on_answer(self.disk.do(job))

    # --- fetchers -----------------------------------------------------------------------------------------

    def start_fetcher(self) -> None:
        self._last_epoch += 1
        fetcher = self.fetchers[self._last_epoch] = Fetcher(self._last_epoch, self.disk, self.servers)
        self._greet(fetcher)

    def kill_fetcher(self) -> None:
        """What it wrote stays; what it has not said is never said."""
        epoch = self.random.choice(list(self.fetchers))
        del self.fetchers[epoch]
        self.book.on_gone(epoch, self.now)

    def _greet(self, fetcher: Fetcher) -> None:
        self.book.on_state(FetcherState(fetcher.epoch, fetcher.epoch, 100, 0, range_slots=20), self.now)

    def transfers(self) -> list[tuple[Fetcher, Transfer]]:
        return [(fetcher, one) for fetcher in self.fetchers.values() for one in fetcher.transfers.values()]

    def deliver(self, fetcher: Fetcher, *, twice: bool = False) -> None:
        """The oldest message of one fetcher comes in."""
        if not fetcher.outbox:
            return
        record = fetcher.outbox.popleft()
        for _ in range(1 + twice):
            if isinstance(record, RangeProgress) and record.bridge == self.orders.bridge:
                self.book.on_progress(record, self.now)
            elif isinstance(record, RangeDone) and record.bridge == self.orders.bridge:
                self.book.on_done(record, self.now)

    def tick(self, seconds: float) -> None:
        self.now += seconds
        for fetcher in self.fetchers.values():
            self._greet(fetcher)
        for _ in self.book.second(self.now):
            pass

    # --- what must hold -----------------------------------------------------------------------------------

    def findings(self) -> Iterator[str]:
        """What is wrong with the journal, the disk, or what is said of them."""
        for raw in self.journal.values():
            entry = msgspec.json.decode(raw, type=Entry)
            yield from self._of_entry(entry)
        for download in self.book.downloads.values():
            if len(download.in_flight) > self._policy.threads:
                yield f"{download}: more ranges than threads"
            if download.entry.status is Status.DOWNLOADED:
                yield from self._of_file(download.entry)

    def _of_entry(self, entry: Entry) -> Iterator[str]:
        for start, stop in entry.done:
            here = self.disk.files[entry.inode][start:stop]
            if not any(here == version[start:stop] for version in self.servers[entry.url].versions):
                yield f"{entry.id}: the journal calls [{start}, {stop}) done, and the disk has something else"

    def _of_file(self, entry: Entry) -> Iterator[str]:
        inode = self.disk.names.get(entry.name)
        if inode is None:
            yield f"{entry.id} is Downloaded, and there is no {entry.name}"
        elif bytes(self.disk.files[inode]) not in self.servers[entry.url].versions:
            yield f"{entry.id} is Downloaded, and {entry.name} is no version of the file"
