"""One download without fetchers and without a disk: a test says what became of its tasks and jobs."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

from pagestatus.config import Downloads as Policy
from pagestatus.messages import Head, RangeCut, RangeDone, RangeTask, Reason
from wsbridge.course import Phase
from wsbridge.download import Download
from wsbridge.entry import Entry, Trouble
from wsbridge.jobs import Answer, Choose, Discard, Done, Failed, Find, Job, Make, Publish, Verify
from wsbridge.orders import Orders
from wsbridge.ranges import Range

BRIDGE = 7
FETCHER = 3
URL = "http://files.example/file.bin"
FOLDER = "file:///srv/down%20loads"
MIB = 1 << 20
LENGTH = 8 * MIB
POLICY = Policy(threads=4, bytes=MIB, retries=3, retry_interval=1.0)
ETAG = '"a"'


class EvenRandom(Random):
    """No jitter: the middle of what is asked for."""

    def uniform(self, a: float, b: float) -> float:
        return (a + b) / 2


def entry(id_: str = "3f9c", position: int = 1, **more: Any) -> Entry:  # noqa: ANN401
    """A download as it was asked for."""
    return Entry(**{"id": id_, "position": position, "added_us": 0, "url": URL, **more})


def done(task: RangeTask, reason: Reason = Reason.NONE, status: int = 206, **more: Any) -> RangeDone:  # noqa: ANN401
    """The end of ``task``: well, unless something else is said."""
    position = task.stop if reason is Reason.NONE else task.start
    fields: dict[str, Any] = {"position": position, "reason": reason, "status": status, "url": task.url}
    return RangeDone(**{"bridge": BRIDGE, "task": task.task, "epoch": FETCHER, **fields, **more})


def first_byte(total: int, etag: str = ETAG, **more: Any) -> Head:  # noqa: ANN401
    """The head that a server which honours ranges gives to the question."""
    return Head(start=0, stop=1, total=total, length=1, etag=etag, **more)


def answered(job: Job) -> Answer:
    """What a good disk says; the inode of a part file is the serial number of the job that made it."""
    match job:
        case Choose():
            return Done(job, name=job.name, folder=FOLDER)
        case Publish():
            return Done(job, name=job.title, folder=FOLDER)
        case Make():
            return Done(job, inode=job.serial)
        case Find():
            return Done(job, inode=job.inode)
        case Verify() | Discard():
            return Done(job)


class Stand:
    """A download with a place, and the moment."""

    def __init__(self, policy: Policy = POLICY, **more: Any) -> None:  # noqa: ANN401
        self.now = 1000.0
        self.orders = Orders(BRIDGE)
        self.entry = entry(**more)
        self.download = Download(self.entry, policy, self.orders, EvenRandom())
        self.download.start()
        self._last_task = 0

    # --- fetchers -----------------------------------------------------------------------------------------

    def give(self) -> RangeTask | None:
        """What a fetcher gets next."""
        piece = self.download.next_task(self.now)
        if piece is None:
            return None
        self._last_task += 1
        range_ = Range(self._last_task, FETCHER, *piece, self.now)
        self.download.begin(range_)
        return self.download.task(BRIDGE, range_)

    def give_one(self) -> RangeTask:
        """The same when there is something to give."""
        task = self.give()
        assert task is not None, f"{self.download} wants nothing"
        return task

    def give_all(self) -> list[RangeTask]:
        """All that may be in flight now."""
        tasks = []
        while (task := self.give()) is not None:
            tasks.append(task)
        return tasks

    def end(self, task: RangeTask, reason: Reason = Reason.NONE, status: int = 206, **more: Any) -> None:  # noqa: ANN401
        """``task`` has ended; who waits for it no more is not told, as ``Book`` does."""
        if task.task in self.download.in_flight:
            self.download.on_done(done(task, reason, status, **more), self.now)

    def refuse(self, task: RangeTask, status: int, **more: Any) -> None:  # noqa: ANN401
        """The server answers with an error."""
        reason = Reason.HTTP_STATUS if task.file else Reason.NONE
        self.end(task, reason, status, **{"position": task.start, **more})

    def come(self, task: RangeTask, position: int) -> None:
        """Bytes come."""
        self.download.on_progress(task.task, position, self.now)

    def cuts(self) -> list[tuple[int, int]]:
        """Which tasks were cut since the last time, and where."""
        messages, self.orders.messages = self.orders.messages, []
        return [(cut.task, cut.stop) for _, cut in messages if isinstance(cut, RangeCut)]

    # --- the disk -----------------------------------------------------------------------------------------

    def jobs(self) -> list[Job]:
        """What is to be done since the last time."""
        jobs, self.orders.jobs = self.orders.jobs, []
        return jobs

    def job(self) -> Job:
        """The same when it is one."""
        (job,) = self.jobs()
        return job

    def answer(self, answer: Answer) -> None:
        """The disk has done it, or could not."""
        self.download.on_answer(answer)

    def fail(self, job: Job, code: str = "disk") -> None:
        """The disk could not."""
        self.answer(Failed(job, Trouble(code, f"{code} happened")))

    def work(self) -> list[type[Job]]:
        """A good disk does all there is to do; which jobs these were."""
        kinds: list[type[Job]] = []
        while jobs := self.jobs():
            kinds += [type(job) for job in jobs]
            for job in jobs:
                self.answer(answered(job))
        return kinds

    # --- the usual way ------------------------------------------------------------------------------------

    def asked(self, total: int = LENGTH, **more: Any) -> None:  # noqa: ANN401
        """The question is answered by a server that honours ranges, and the part file is made."""
        self.end(self.give_one(), head=first_byte(total, **more))
        self.work()

    def finish(self, tasks: Iterable[RangeTask] = ()) -> None:
        """All that is in flight, and all that is left, comes."""
        waiting = list(tasks)
        while waiting or (waiting := self.give_all()):
            for task in waiting:
                self.end(task)
            waiting = []
        self.work()


def fetching(policy: Policy = POLICY, total: int = LENGTH, **more: Any) -> Stand:  # noqa: ANN401
    """A download whose ranges may begin."""
    stand = Stand(policy, **more)
    stand.asked(total)
    assert stand.download.phase is Phase.FETCHING
    return stand


def whole(total: int = LENGTH, **more: Any) -> Stand:  # noqa: ANN401
    """A download from a server that does not honour ranges."""
    stand = Stand(**more)
    stand.end(stand.give_one(), status=200, position=0, head=Head(length=total, etag=ETAG))
    stand.work()
    return stand


def trouble_code(stand: Stand) -> str:
    """Of what is wrong with it; empty: nothing."""
    return "" if stand.entry.trouble is None else stand.entry.trouble.code


def at_choosing() -> Stand:
    """The disk is to find a name."""
    stand = Stand()
    stand.end(stand.give_one(), head=first_byte(10))
    return stand


def at_making() -> Stand:
    """The disk is to make the part file."""
    stand = at_choosing()
    stand.answer(answered(stand.job()))
    return stand


def at_finding() -> Stand:
    """The disk is to find the part file again."""
    stand = fetching(total=10)
    stand.refuse(stand.give_one(), 403)
    stand.end(stand.give_one(), head=first_byte(10))
    return stand


def at_verifying() -> Stand:
    """All has come."""
    stand = fetching(total=10)
    stand.end(stand.give_one())
    return stand


def at_publishing() -> Stand:
    """It is verified."""
    stand = at_verifying()
    stand.answer(answered(stand.job()))
    return stand
