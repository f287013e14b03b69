"""The network and the processes' loops, held by the test: time passes when the world says so.

A link leads from one sender to one path and keeps its order, as ZeroMQ does; between links there is none. Now
and then a frame comes once more, later, as after a sender that did not know that it had arrived.
What a killed sender had not handed to the kernel is lost, and so is what a killed receiver had not read; what
waits in a living sender's queue goes to the receiver's successor.
"""

from __future__ import annotations

from bisect import insort
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from pagestatus.loop import READ, Loop
from pagestatus.messages import Message
from pagestatus.ports import Receive

if TYPE_CHECKING:
    from simulation.process import Process

NEVER = 1 << 62
SECOND_US = 1_000_000
# Small, so that a loss tears what was sent together.
RECORDS_A_FRAME = 4
_INBOX = 3

Frame = tuple[int, Sequence[Message]]


class Conditions:
    """How long a frame takes, and whether it arrives."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self.usual_us = random.choice([100, 1000, 20_000])
        self.slow_us = random.choice([0, 50_000, 2 * SECOND_US, 8 * SECOND_US])
        self.slow_share = random.choice([0.0, 0.01, 0.1])
        self.lost_share = random.choice([0.0, 0.0, 0.0, 0.001, 0.02])
        self.repeated_share = random.choice([0.0, 0.0, 0.001, 0.02, 0.2])
        # How much later a frame comes again.
        self.again_us = random.choice([0, 10_000, SECOND_US, 20 * SECOND_US])

    def heal(self) -> None:
        """Fast, whole and once from now on."""
        self.slow_share = self.lost_share = self.repeated_share = 0.0

    def loses(self) -> bool:
        return self.lost_share > 0 and self._random.random() < self.lost_share

    def repeats(self) -> bool:
        return self.repeated_share > 0 and self._random.random() < self.repeated_share

    def delay_us(self) -> int:
        random = self._random
        if self.slow_share and random.random() < self.slow_share:
            return random.randint(0, self.slow_us)
        return int(random.random() * self.usual_us)


class Link:
    """What one sender has sent to one path and has not arrived."""

    def __init__(self, mailbox: Mailbox) -> None:
        self.frames: deque[Frame] = deque()
        self.closed = False
        self._mailbox = mailbox
        self._last_us = 0
        mailbox.links.append(self)

    def send(self, records: Sequence[Message], now_us: int) -> None:
        conditions = self._mailbox.conditions
        if conditions.loses():
            return
        self._last_us = max(self._last_us, now_us + conditions.delay_us())
        self._put(self._last_us, records)
        if conditions.repeats():
            self._put(self._last_us + conditions.again_us, records)

    def _put(self, at_us: int, records: Sequence[Message]) -> None:
        """Behind what arrives before; what comes again does not hold up what is sent meanwhile."""
        insort(self.frames, (at_us, records), key=_ready_us)
        if self._mailbox.owner is not None:
            self._mailbox.owner.wake(at_us)

    def forget(self, most: int) -> None:
        """The sender keeps no more than ``most`` frames; the oldest go first."""
        while len(self.frames) > most:
            self.frames.popleft()

    def close(self, kept: int) -> None:
        """The sender is no more; the first ``kept`` frames are with the kernel, if there was a connection."""
        self.closed = True
        if self._mailbox.owner is None:
            kept = 0
        while len(self.frames) > kept:
            self.frames.pop()


class Mailbox:
    """All links to one path, and who reads there."""

    def __init__(self, conditions: Conditions) -> None:
        self.conditions = conditions
        self.links: list[Link] = []
        self.owner: Process | None = None

    def bind(self, owner: Process, now_us: int) -> None:
        self.owner = owner
        first_us = min((link.frames[0][0] for link in self.links if link.frames), default=NEVER)
        owner.wake(max(now_us, first_us))

    def unbind(self, random: Random) -> None:
        """The reader is no more, and what had reached its buffers; closed links have nobody to send again."""
        self.owner = None
        for link in self.links:
            for _ in range(random.randint(0, len(link.frames))):
                link.frames.popleft()
            if link.closed:
                link.frames.clear()

    def is_ready(self, now_us: int) -> bool:
        return any(link.frames and link.frames[0][0] <= now_us for link in self.links)

    def take(self, now_us: int) -> Sequence[Message] | None:
        """The frame that arrived first."""
        ready = [link for link in self.links if link.frames and link.frames[0][0] <= now_us]
        if not ready:
            self.links = [link for link in self.links if link.frames or not link.closed]
            return None
        return min(ready, key=_first_us).frames.popleft()[1]

    def next_us(self) -> int:
        """When the next frame arrives."""
        return min((link.frames[0][0] for link in self.links if link.frames), default=NEVER)


def _ready_us(frame: Frame) -> int:
    return frame[0]


def _first_us(link: Link) -> int:
    return link.frames[0][0]


class HeldLoop(Loop):
    """The real loop over an epoll that knows of one inbox and never sleeps."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(clock)
        self.close()
        self.has_mail: Callable[[], bool] = bool
        self._epoll = self  # type: ignore[assignment]

    def poll(self, _timeout: float) -> list[tuple[int, int]]:
        """What epoll would say."""
        return [(_INBOX, READ)] if self.has_mail() else []

    def register(self, fd: int, events: int) -> None:
        """Nothing to do: there is no kernel."""

    def unregister(self, fd: int) -> None:
        """Nothing to do either."""

    @property
    def sleeps_s(self) -> float:
        """Until when the next round may wait; negative: for ever."""
        return self.timeout()


class Inbox:
    """Stands in for ``pagestatus.ports.Inbox``; the context is the process."""

    def __init__(self, loop: HeldLoop, process: Process, path: Path, receive: Receive) -> None:
        self.bad_frames = 0
        self._loop = loop
        self._process = process
        self._receive = receive
        self._left: list[Message] = []
        self._mailbox = process.world.mailbox(path)
        self.paused = False
        process.inbox = self
        loop.has_mail = self.has_mail
        loop.watch(_INBOX, READ, lambda _fd, _events: self._drain())
        self._mailbox.bind(process, process.world.now_us)

    def told(self) -> dict[str, object]:
        return {"bad_frames": self.bad_frames, "bad_frame_s": None}

    def has_mail(self) -> bool:
        return not self.paused and self._mailbox.is_ready(self._process.world.now_us)

    @property
    def has_left(self) -> bool:
        return bool(self._left)

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        if self.paused:
            self.paused = False
            self._loop.soon(self._drain)

    def next_us(self) -> int:
        return NEVER if self.paused else self._mailbox.next_us()

    def close(self) -> None:
        self.paused = True
        self._mailbox.unbind(self._process.world.random)

    def _drain(self) -> None:
        while not self.paused:
            records = self._left or self._mailbox.take(self._process.world.now_us)
            if records is None:
                return
            self._left = self._receive(list(records)) or []
            if self._left:
                self._loop.soon(self._drain)
                return


class Outbox:
    """Stands in for ``pagestatus.ports.Outbox``."""

    def __init__(  # noqa: PLR0913 - as the real one
        self,
        loop: HeldLoop,
        process: Process,
        path: Path,
        *,
        immediate: bool = False,
        most_waiting: int | None = None,
        longest_rest_s: float = 0,
    ) -> None:
        # What is on its way takes its time in any case.
        del immediate, longest_rest_s
        self.dropped = 0
        self._most_waiting = most_waiting
        self._loop = loop
        self._process = process
        self._records: list[Message] = []
        self._link = Link(process.world.mailbox(path))
        process.outboxes.append(self)
        loop.last_before_wait(self.flush)

    @property
    def waiting(self) -> int:
        return len(self._records)

    def send(self, record: Message) -> None:
        self._records.append(record)

    def send_all(self, records: Sequence[Message]) -> None:
        self._records.extend(records)

    def flush(self) -> None:
        if self._records:
            records, self._records = self._records, []
            for start in range(0, len(records), RECORDS_A_FRAME):
                self._link.send(records[start : start + RECORDS_A_FRAME], self._process.world.now_us)
            if self._most_waiting is not None:
                self._link.forget(self._most_waiting)

    def close(self, linger_s: float = 0.0) -> None:
        self._loop.not_before_wait(self.flush)
        self.flush()
        self._process.outboxes.remove(self)
        until_us = self._process.world.now_us + int(linger_s * SECOND_US)
        self._link.close(sum(ready_us <= until_us for ready_us, _records in self._link.frames))

    def tear(self, random: Random) -> None:
        """The process was killed."""
        self._link.close(random.randint(0, len(self._link.frames)))
