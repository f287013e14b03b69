"""One epoll, its timers and what is to be done next: all that an actor ever waits on.

asyncio would cost a check more than libcurl does (a transfer changes its descriptors' events several times),
so the loop is this small one. Its own descriptor can be watched by another loop, which runs ``round``.
"""

from __future__ import annotations

import heapq
import itertools
import select
import time
from collections import deque
from collections.abc import Callable

READ = select.EPOLLIN
WRITE = select.EPOLLOUT
EDGE = select.EPOLLET

# Beyond this the loop counts as having stood still: transfers in flight cannot be trusted any more. Seconds.
STALL_S = 1.0

Ready = Callable[[int, int], None]
Call = Callable[[], None]


class Timer:
    """A call at a moment; ``cancel`` takes it back."""

    __slots__ = ("callback", "when")

    def __init__(self, when: float, callback: Call) -> None:
        self.when = when
        self.callback: Call | None = callback

    def cancel(self) -> None:
        """Do not call. The entry stays in the heap until its time: deletion is lazy."""
        self.callback = None


class Loop:
    """Descriptors, timers and deferred calls, run one round after the other."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._epoll = select.epoll()
        self._ready: dict[int, Ready] = {}
        self._timers: list[tuple[float, int, Timer]] = []
        self._sequence = itertools.count()
        self._soon: deque[Call] = deque()
        self._before_wait: list[Call] = []
        self._last_before_wait: list[Call] = []
        self._on_stall: list[Callable[[float], None]] = []
        self.is_running = False
        # How long the round before this one worked, and when it ended.
        self._worked = 0.0
        self.now = self._ended = clock()

    def fileno(self) -> int:
        """The epoll descriptor."""
        return self._epoll.fileno()

    def watch(self, fd: int, events: int, callback: Ready) -> None:
        """Call ``callback(fd, events)`` whenever ``fd`` is ready for ``events``."""
        self._ready[fd] = callback
        try:
            self._epoll.register(fd, events)
        except FileExistsError:
            # A descriptor may come back under its old number before its removal was told.
            self._epoll.modify(fd, events)

    def change(self, fd: int, events: int) -> None:
        """Wait for other ``events`` of a watched ``fd``."""
        try:
            self._epoll.modify(fd, events)
        except FileNotFoundError:
            # Closed and opened again under the same number: the kernel forgot it, we did not.
            self._epoll.register(fd, events)

    def unwatch(self, fd: int) -> None:
        """Forget ``fd``; it may be closed already."""
        if self._ready.pop(fd, None) is not None:
            self._unregister(fd)

    def _unregister(self, fd: int) -> None:
        try:
            self._epoll.unregister(fd)
        except (OSError, ValueError):
            # Closed before: the kernel took it out of the set by itself.
            return

    def forget(self, fd: int, callback: Ready) -> None:
        """As ``unwatch``, for one that is about to be closed: that takes it out of the set by itself.

        If it stays open after all, the kernel is told when it next has something to say. If it was closed
        before, and somebody else watches one of the same number by now, that watch stays.
        """
        if self._ready.get(fd) == callback:
            del self._ready[fd]

    def at(self, when: float, callback: Call) -> Timer:
        """Call at ``when``, seconds of the monotonic clock."""
        timer = Timer(when, callback)
        heapq.heappush(self._timers, (when, next(self._sequence), timer))
        return timer

    def after(self, delay: float, callback: Call) -> Timer:
        """Call in ``delay`` seconds."""
        return self.at(self._clock() + delay, callback)

    def soon(self, callback: Call) -> None:
        """Call in the next round, which then does not sleep."""
        self._soon.append(callback)

    def before_wait(self, callback: Call) -> None:
        """Call in every round before it sleeps, when all that happened has been told."""
        self._before_wait.append(callback)

    def last_before_wait(self, callback: Call) -> None:
        """Call after all those: here what they made is sent."""
        self._last_before_wait.append(callback)

    def not_before_wait(self, callback: Call) -> None:
        """Take back ``last_before_wait``."""
        self._last_before_wait.remove(callback)

    def on_stall(self, callback: Callable[[float], None]) -> None:
        """Call with the seconds for which the loop stood still, before anything else of that round."""
        self._on_stall.append(callback)

    @property
    def is_late(self) -> bool:
        """This round has lasted for so long that it counts as a stall, which the next one will tell."""
        return self._clock() - self.now > STALL_S

    def tell_stall(self, seconds: float) -> None:
        """The loop stood still, or somebody knows that the whole machine did."""
        for tell in self._on_stall:
            tell(seconds)

    def run(self) -> None:
        """Run rounds until ``stop``."""
        self.is_running = True
        self._ended = self._clock()
        while self.is_running:
            # Who is stopped between two rounds has not slept: the time counts from the end of the last one.
            self.round(self.timeout(), self._ended)

    def stop(self) -> None:
        """End ``run`` after this round."""
        self.is_running = False

    def round(self, timeout: float, waiting_since: float | None = None) -> None:
        """Wait at most ``timeout`` seconds for something to happen, and do all that is to be done.

        ``waiting_since``: from when on it would have waited; None: from now on.
        """
        if waiting_since is None:
            waiting_since = self._clock()
        events = self._epoll.poll(timeout)
        self.now = self._clock()
        # Sleeping for ever is no stall, however long it takes; nor is the time between two rounds of a loop
        # that another one drives.
        overslept = max(0.0, self.now - waiting_since - timeout) if timeout >= 0 else 0.0
        stood_still = self._worked + overslept
        if stood_still > STALL_S:
            self.tell_stall(stood_still)
        for fd, event in events:
            callback = self._ready.get(fd)
            if callback is not None:
                callback(fd, event)
            else:
                self._unregister(fd)
        self._run_timers()
        for _ in range(len(self._soon)):
            self._soon.popleft()()
        for call in (*self._before_wait, *self._last_before_wait):
            call()
        self._ended = self._clock()
        self._worked = self._ended - self.now

    def _run_timers(self) -> None:
        timers = self._timers
        while timers and timers[0][0] <= self.now:
            callback = heapq.heappop(timers)[2].callback
            if callback is not None:
                callback()

    def timeout(self) -> float:
        """How long the next round may sleep: until the next timer, for ever (-1), or not at all."""
        if self._soon:
            return 0.0
        timers = self._timers
        while timers and timers[0][2].callback is None:
            heapq.heappop(timers)
        return max(0.0, timers[0][0] - self._clock()) if timers else -1.0

    def close(self) -> None:
        """Give the descriptor back."""
        self._epoll.close()
