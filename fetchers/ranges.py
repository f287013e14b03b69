"""Takes range tasks and brings them to an end, with connections and slots apart from those of the checks."""

from __future__ import annotations

from collections.abc import Callable

from fetchers.checker import Incarnation, Means
from fetchers.patient import PatientEngine
from fetchers.range_handle import RangeHandle
from fetchers.range_transfer import RangeTransfer
from pagestatus.config import Config
from pagestatus.loop import Timer
from pagestatus.messages import Message, RangeCut, RangeDone, RangeProgress, RangeTask, Reason

# How often transfers are looked at, and those that moved are told; all are told every fourth time.
TICK_S = 0.25
_TICKS_A_SECOND = 4


class Ranges:
    """All range tasks of one fetcher."""

    def __init__(
        self, means: Means, config: Config, fetcher: Incarnation, report: Callable[[Message], None]
    ) -> None:
        """``fetcher.slots`` is the number of ranges at once."""
        self.means = means
        self.loop = means.loop
        self.resolver = means.resolver
        self.ways = means.ways
        self.config = config.downloads
        self.check_config = config.check
        self.folder = config.downloads.folder(config.data_dir)
        self.epoch = fetcher.epoch
        self.engine = PatientEngine(means.loop, keep_connections=fetcher.slots)
        self._slots = fetcher.slots
        self._report = report
        self._draining = False
        # The newest incarnation of the bridge, and its tasks by number.
        self._bridge = 0
        self._transfers: dict[int, RangeTransfer] = {}
        self._free: list[RangeHandle] = []
        self._timer: Timer | None = None
        self._ticks = 0
        means.loop.on_stall(self.stalled)

    @property
    def in_flight(self) -> int:
        """Tasks that were taken and have not ended."""
        return len(self._transfers)

    def take(self, task: RangeTask) -> None:
        """Begin with it now; what does not fit is given back at once."""
        self._hear_of(task.bridge)
        if task.bridge < self._bridge or task.task in self._transfers:
            return
        if self._draining:
            self._give_up(task, Reason.DRAIN, "the fetcher is leaving")
        elif len(self._transfers) >= self._slots:
            self._give_up(task, Reason.NO_CAPACITY, "the fetcher has no slot for it")
        else:
            self._begin(task)

    def cut(self, cut: RangeCut) -> None:
        """End a range earlier than it was asked for.

        A bridge also sends one for no task, so that what its predecessor asked for does not live on.
        """
        self._hear_of(cut.bridge)
        transfer = self._transfers.get(cut.task) if cut.bridge == self._bridge else None
        if transfer is not None:
            transfer.cut(cut.stop)

    def drain(self) -> None:
        """End all at once: the bridge gives the rest to others."""
        self._draining = True
        for transfer in tuple(self._transfers.values()):
            transfer.end(Reason.DRAIN, "the fetcher is leaving")

    def close(self) -> None:
        """Break off what is in flight; nobody is told."""
        self._drop_all()
        if self._timer is not None:
            self._timer.cancel()
        self.engine.close()

    def stalled(self, _seconds: float) -> None:
        """The loop stood still: what is in flight was not served."""
        for transfer in self._transfers.values():
            transfer.stall()

    def take_handle(self, owner: RangeTransfer) -> RangeHandle:
        """A handle for ``owner``: one that is free, else a new one."""
        handle = self._free.pop() if self._free else RangeHandle(self.check_config)
        handle.owner = owner
        return handle

    def give_back(self, handle: RangeHandle) -> None:
        """The handle is free again, and stays configured."""
        handle.owner = None
        self._free.append(handle)

    def finished(self, transfer: RangeTransfer, done: RangeDone) -> None:
        """A task has ended."""
        del self._transfers[transfer.task.task]
        self._report(done)

    def _hear_of(self, bridge: int) -> None:
        if bridge > self._bridge:
            self._drop_all()
            self._bridge = bridge

    def _begin(self, task: RangeTask) -> None:
        transfer = RangeTransfer(task, self)
        self._transfers[task.task] = transfer
        if self._timer is None:
            self._timer = self.loop.after(TICK_S, self._on_tick)
        transfer.begin()

    def _give_up(self, task: RangeTask, reason: Reason, words: str) -> None:
        self._report(RangeDone(task.bridge, task.task, self.epoch, task.start, reason, words=words))

    def _drop_all(self) -> None:
        transfers, self._transfers = self._transfers, {}
        for transfer in transfers.values():
            transfer.drop()

    def _on_tick(self) -> None:
        self._timer = self.loop.after(TICK_S, self._on_tick) if self._transfers else None
        self._ticks += 1
        now = self.loop.now
        for transfer in tuple(self._transfers.values()):
            transfer.look(now)
        of_all = self._ticks % _TICKS_A_SECOND == 0
        for transfer in self._transfers.values():
            position = transfer.position
            if of_all or position != transfer.told:
                transfer.told = position
                self._report(RangeProgress(transfer.task.bridge, transfer.task.task, position))
