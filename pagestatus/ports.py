"""ZeroMQ sockets on the loop: an inbox pulls frames, an outbox pushes batches.

``ZMQ_FD`` is edge-triggered and speaks of the socket's mailbox, not of its messages: after every send or
receive ``ZMQ_EVENTS`` must be read again, or a wake-up is lost. Draining until EAGAIN does that.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path

import zmq

from pagestatus.codec import BadFrame, decode, encode
from pagestatus.loop import READ, Loop, Timer
from pagestatus.messages import Message

# Frames taken in one round of the loop, before it looks at its other work; and for how long (seconds).
FRAMES_A_ROUND = 16
SHARE_S = 0.05
# Records in one frame. Beyond 64 encoding gets no cheaper, but each frame passes two threads.
RECORDS_A_FRAME = 256
# A batch is followed by a rest of this for each of its records: below a thousand records a second that is no
# rest at all, above it batches grow until the rest is the longest. Seconds.
REST_S = 0.001
# A peer that takes nothing for this long (in frames) has lost them: the ring makes up for it.
MOST_WAITING = 10_000
# A frame of the largest records there are, parts of a recap, has some 11 MB: no peer of ours sends more.
LARGEST_FRAME = 16 << 20
# When a socket that takes nothing is tried again: soon, and ever less often. Seconds.
FIRST_RETRY_S = 0.01
LONGEST_RETRY_S = 0.25

Context = zmq.Context[zmq.Socket[bytes]]
# What it gives back of a frame it is given in the next round, before anything else.
Receive = Callable[[list[Message]], list[Message] | None]


class Inbox:
    """A PULL socket bound to ``path``. Take the lock file first: bind() steals a path in use."""

    def __init__(self, loop: Loop, context: Context, path: Path, receive: Receive) -> None:
        """Listen; raises OSError."""
        self.bad_frames = 0
        self._bad_at = 0.0
        self._loop = loop
        self._receive = receive
        self._left: list[Message] = []
        self._paused = False
        self._coming_back = False
        self._path = path
        self._socket = _socket(context, zmq.PULL)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.MAXMSGSIZE, LARGEST_FRAME)
        try:
            self._socket.bind(f"ipc://{path}")
        except zmq.ZMQError as mistake:
            self._socket.close()
            raise OSError(mistake.errno, mistake.strerror, str(path)) from mistake
        self._fd = self._socket.fileno()
        loop.watch(self._fd, READ, self._on_ready)
        self._come_back()

    @property
    def has_left(self) -> bool:
        """Something of a frame was given back, and others wait behind it."""
        return bool(self._left)

    def told(self) -> dict[str, object]:
        """For the ``status`` of a process: how many frames were none, and how long ago the last one came."""
        age_s = round(self._loop.now - self._bad_at, 3) if self.bad_frames else None
        return {"bad_frames": self.bad_frames, "bad_frame_s": age_s}

    def pause(self) -> None:
        """Take nothing until ``resume``: what comes waits at its senders, up to their bounds."""
        if not self._paused:
            self._paused = True
            # Nobody reads, so the descriptor would stay ready, and the loop would never sleep.
            self._loop.unwatch(self._fd)

    def resume(self) -> None:
        """Take frames again."""
        if self._paused:
            self._paused = False
            self._loop.watch(self._fd, READ, self._on_ready)
            self._come_back()

    def close(self) -> None:
        """Stop listening; what was not taken is lost."""
        self._paused = True
        self._loop.unwatch(self._fd)
        self._socket.close()
        self._path.unlink(missing_ok=True)

    def _on_ready(self, _fd: int, _events: int) -> None:
        # At the end of this round: not here and there again, which would be more than its share.
        self._come_back()

    def _come_back(self) -> None:
        if not self._coming_back:
            self._coming_back = True
            self._loop.soon(self._drain)

    def _drain(self) -> None:
        self._coming_back = False
        until = time.monotonic() + SHARE_S
        for _ in range(FRAMES_A_ROUND):
            if self._paused:
                return
            try:
                records = self._left or decode(self._socket.recv(zmq.NOBLOCK))
            except zmq.Again:
                return
            except BadFrame:
                self.bad_frames += 1
                self._bad_at = self._loop.now
                continue
            self._left = self._receive(records) or []
            if self._left or time.monotonic() > until:
                break
        # The edge is used up: come back without it.
        self._come_back()


def _socket(context: Context, kind: int) -> zmq.Socket[bytes]:
    """Raises OSError, which every other want of descriptors is."""
    try:
        return context.socket(kind)
    except zmq.ZMQError as mistake:
        raise OSError(mistake.errno, mistake.strerror) from mistake


class Outbox:
    """A PUSH socket to one peer at ``path``. Records wait for the end of the round and go as a batch.

    With ``immediate`` the socket takes nothing while no peer is connected, and what it took for one that
    ended dies with it: a successor on the same path never gets that. What still waits here it would get, so
    each incarnation of a peer is to have a path of its own. ``longest_rest_s`` (seconds) is how far apart the
    batches of a busy outbox are: each wakes two threads here and two there. At most ``most_waiting`` frames
    wait here (MOST_WAITING by default), the oldest are dropped; a peer that is not there costs little.
    """

    def __init__(  # noqa: PLR0913 - all but three have defaults, and names
        self,
        loop: Loop,
        context: Context,
        path: Path,
        *,
        immediate: bool = False,
        most_waiting: int = MOST_WAITING,
        longest_rest_s: float = 0.0,
    ) -> None:
        self.dropped = 0
        self._longest_rest_s = longest_rest_s
        # Until when it rests, and whether the loop will wake it then.
        self._rests_until = 0.0
        self._will_wake = False
        self._most_waiting = most_waiting
        self._loop = loop
        self._records: list[Message] = []
        # Queue one record, or several, for the end of the round: nothing but that, so it is done in C.
        self.send: Callable[[Message], None] = self._records.append
        self.send_all: Callable[[Iterable[Message]], None] = self._records.extend
        self._frames: deque[bytes] = deque()
        self._retry: Timer | None = None
        self._retry_s = FIRST_RETRY_S
        self._socket = _socket(context, zmq.PUSH)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.IMMEDIATE, int(immediate))
        # A peer that restarts is back in well under a second; do not let the wait grow.
        self._socket.set(zmq.RECONNECT_IVL, 50)
        self._socket.set(zmq.RECONNECT_IVL_MAX, 500)
        self._socket.connect(f"ipc://{path}")
        loop.last_before_wait(self._flush_in_time)

    @property
    def waiting(self) -> int:
        """Records and frames not yet taken by the socket."""
        return len(self._records) + len(self._frames)

    def _flush_in_time(self) -> None:
        """At the end of a round: not while it rests, unless a whole frame has gathered."""
        count = len(self._records)
        if not count:
            return
        now = self._loop.now
        if now >= self._rests_until or count >= RECORDS_A_FRAME:
            self._rests_until = now + min(count * REST_S, self._longest_rest_s)
            self.flush()
        elif not self._will_wake:
            self._will_wake = True
            self._loop.at(self._rests_until, self._wake)

    def _wake(self) -> None:
        """The end of this round does the rest."""
        self._will_wake = False

    def flush(self) -> None:
        """Hand over what has gathered, as far as the socket takes it."""
        if not self._records and not self._frames:
            return
        records = self._records
        for start in range(0, len(records), RECORDS_A_FRAME):
            self._frames.append(encode(records[start : start + RECORDS_A_FRAME]))
        records.clear()
        # A socket that took nothing a moment ago is left alone until it is tried again.
        if self._retry is None:
            self._push()
        while len(self._frames) > self._most_waiting:
            self._frames.popleft()
            self.dropped += 1

    def _push(self) -> None:
        while self._frames:
            try:
                self._socket.send(self._frames[0], zmq.NOBLOCK)
            except zmq.Again:
                # Full or not connected yet. No edge tells reliably when that ends.
                self._retry = self._loop.after(self._retry_s, self._try_again)
                self._retry_s = min(2 * self._retry_s, LONGEST_RETRY_S)
                return
            self._frames.popleft()
            self._retry_s = FIRST_RETRY_S

    def _try_again(self) -> None:
        self._retry = None
        self._push()

    def close(self, linger_s: float = 0.0) -> None:
        """Flush, and give the peer ``linger_s`` seconds to take what is still on its way."""
        self._loop.not_before_wait(self._flush_in_time)
        self._cancel_retry()
        self.flush()
        self._cancel_retry()
        # Whoever closes it inside a round may be followed by that round's flush.
        self._frames.clear()
        self._socket.close(linger=int(linger_s * 1000))

    def _cancel_retry(self) -> None:
        if self._retry is not None:
            self._retry.cancel()
            self._retry = None
