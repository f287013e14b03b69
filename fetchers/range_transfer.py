"""One range task on its way: names, addresses and hops, one after the other, then the body into the file.

It ends once, with one ``RangeDone``. There is no time limit for the whole: looking up and connecting have
theirs, and from the request on bytes must come.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fetchers import reasons
from fetchers.answer_head import AnswerHead
from fetchers.hop import MOST_REDIRECTS, Lookup
from fetchers.low_speed import LowSpeed
from fetchers.names import Answer
from fetchers.part_file import DiskTrouble, PartFile
from fetchers.public import why_refused
from fetchers.range_answer import Verdict, judge
from fetchers.range_body import End, RangeBody
from fetchers.range_handle import RangeHandle
from fetchers.range_request import asked_range, header_lines
from fetchers.resolver import Resolver
from pagestatus.clock import SECOND_US, monotonic_us
from pagestatus.headers import BadHeader
from pagestatus.messages import Head, RangeDone, RangeTask, Reason
from pagestatus.urls import BadUrl, WireUrl, wire_url

if TYPE_CHECKING:
    from fetchers.ranges import Ranges

# So much of a body that is not written is read, so that the connection can be used again.
SPARED_BYTES = 64 << 10
_LONGEST_WORDS = 200


class RangeTransfer:
    """Made for one ``RangeTask``; reports to the ``Ranges`` it belongs to."""

    def __init__(self, task: RangeTask, ranges: Ranges) -> None:
        self.task = task
        # The position that the bridge was told last.
        self.told = task.start
        self._ranges = ranges
        self._speed = LowSpeed(ranges.config.stall_timeout)
        # The request is on its way, or was answered: from now on bytes must come.
        self._has_asked = False
        # Where it was when the loop stood still; None: it did not, or bytes have come since.
        self._stalled_at: int | None = None
        self._lookup: Lookup | None = None
        self._handle: RangeHandle | None = None
        self._body: RangeBody | None = None
        self._origin: WireUrl
        self._wire: WireUrl
        self._hops = 0
        # Of the hop: the addresses that are left, the one in use, and what went wrong with the one before.
        self._addresses: list[str] = []
        self._address = ""
        self._earlier = Reason.NONE
        # Of the answer: its head, what is thought of it, and how much of its body was not written.
        self._answer = AnswerHead()
        self._verdict: Verdict | None = None
        self._spared = 0
        # Why the address that was connected to is not asked.
        self._refused = ""

    @property
    def _taken(self) -> int:
        """Grows with each byte of a body."""
        return self.position + self._spared

    @property
    def position(self) -> int:
        """The bytes from the task's start up to here are in the file."""
        return self.task.start if self._body is None else self._body.position

    def begin(self) -> None:
        """Start."""
        task = self.task
        try:
            if task.file:
                self._body = RangeBody(task, PartFile(self._ranges.folder, task))
            self._origin = self._wire = wire_url(task.url)
        except DiskTrouble as trouble:
            self._finish(trouble.reason, str(trouble))
        except BadUrl as mistake:
            self._finish(Reason.BAD_URL, str(mistake))
        else:
            self._look_up()

    def cut(self, stop: int) -> None:
        """Only the bytes up to ``stop`` are wanted; 0: no more than are there."""
        body = self._body
        if body is None or body.cut(stop):
            self._break_off()
            self._finish(*(End(Reason.NONE) if body is None else body.end(0, Reason.NONE, "")))

    def end(self, reason: Reason, words: str) -> None:
        """End now; what is in the file counts."""
        self._break_off()
        if self._body is not None:
            self._body.flush()
        self._finish(reason, words)

    def drop(self) -> None:
        """End now, without a word: whoever asked is no more."""
        self._break_off()
        self._clean_up()

    def stall(self) -> None:
        """The loop stood still while this was in flight: it was not served."""
        self._stalled_at = self._taken
        self._speed.begin(self._ranges.loop.now, self.position)

    def look(self, now: float) -> None:
        """Write what has come, and give it up if that is next to nothing."""
        body = self._body
        if self._stalled_at is not None and self._taken > self._stalled_at:
            # It has got over that.
            self._stalled_at = None
        if body is not None and not body.flush():
            self._break_off()
            self._finish(*body.end(-1, Reason.NONE, ""))
        elif self._has_asked and self._speed.is_low(now, self._taken):
            self._break_off()
            if self._verdict is None:
                self._finish(Reason.TIMEOUT, "the server does not answer")
            else:
                self._end_of_answer(-1, Reason.TIMEOUT, "the server sends next to nothing")

    # --- the way there --------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        ranges = self._ranges
        answer = _known(ranges.resolver, self._wire)
        if answer is not None:
            self._on_answer(answer)
            return
        wait_s = ranges.check_config.connect_timeout
        self._lookup = Lookup(ranges.loop, ranges.resolver, self._wire.host, wait_s, self._on_answer)

    def _on_answer(self, answer: Answer) -> None:
        self._lookup = None
        self._addresses = [address for address in answer.addresses if not self._why_refused(address)]
        self._earlier = Reason.NONE
        if self._addresses:
            self._transfer()
        elif answer.addresses:
            self._finish(Reason.ADDRESS, self._why_refused(answer.addresses[0]))
        else:
            self._finish(answer.reason, f"{self._wire.host} has no address")

    def _why_refused(self, address: str) -> str:
        name = "" if self._wire.is_address else self._wire.host
        may_be_private, is_here = self._ranges.config.allow_private, self._ranges.ways.is_here
        return why_refused(address, is_here, name=name, allow_private=may_be_private)

    def _transfer(self) -> None:
        """Try the next address."""
        self._answer = AnswerHead()
        self._verdict = None
        self._spared = 0
        self._has_asked = False
        self._stalled_at = None
        try:
            headers = header_lines(self.task, is_origin=self._wire.origin == self._origin.origin)
        except BadHeader as mistake:
            self._finish(Reason.BAD_URL, f"a header can not be sent: {mistake}")
            return
        handle = self._handle
        if handle is None:
            handle = self._handle = self._ranges.take_handle(self)
        self._address = self._addresses.pop(0)
        handle.aim(self._wire.url, self._address, asked_range(self.task), headers)
        self._ranges.engine.start(handle.curl, handle)

    def _follow(self, url: str) -> None:
        """Go where a redirect leads."""
        if self._hops >= MOST_REDIRECTS:
            self._finish(Reason.REDIRECTS, f"more than {MOST_REDIRECTS} redirects")
            return
        try:
            self._wire = wire_url(url)
        except BadUrl as mistake:
            self._finish(Reason.BAD_URL, f"a redirect: {mistake}")
            return
        self._hops += 1
        self._has_asked = False
        self._look_up()

    # --- called from inside libcurl -------------------------------------------------------------------------

    def may_ask(self, address: str) -> bool:
        """Whether the request may go to the address that is connected."""
        self._refused = self._why_refused(address)
        self._has_asked = True
        self._speed.begin(self._ranges.loop.now, self.position)
        return not self._refused

    def heard(self, line: bytes) -> bool:
        """A line of the head; with the last one it is judged."""
        answer = self._answer
        was_complete = answer.complete
        answer.feed(line)
        if was_complete or not answer.complete:
            return True
        self._verdict = self._judge(answer)
        self._speed.begin(self._ranges.loop.now, self.position)
        if self._is_written():
            return True
        # A long body that is not wanted costs more than a new connection.
        return answer.is_redirect or answer.head().length <= SPARED_BYTES

    def took(self, piece: memoryview) -> bool:
        """A piece of the body."""
        body = self._body
        if body is not None and self._is_written():
            return body.take(piece)
        self._spared += len(piece)
        return self._spared <= SPARED_BYTES

    def _judge(self, answer: AnswerHead) -> Verdict:
        body = self._body
        if body is None:
            # A question: whatever comes is the answer.
            return Verdict(Reason.NONE)
        verdict = judge(self.task, answer)
        body.promise(verdict.stop)
        return verdict

    def _is_written(self) -> bool:
        return self._body is not None and self._verdict is not None and self._verdict.reason is Reason.NONE

    # --- the end --------------------------------------------------------------------------------------------

    def ended(self, code: int, words: str) -> None:
        """The engine's word on the transfer."""
        handle = self._handle
        if handle is None:
            return
        reason = handle.reason_of(code, words, self._address)
        if self._refused:
            self._finish(Reason.ADDRESS, self._refused)
        elif self._verdict is not None:
            self._on_answer_ended(code, reason, words, handle)
        elif handle.could_not_connect(code) and self._addresses:
            self._earlier = reasons.worse(self._earlier, reason)
            self._transfer()
        elif code == 0:
            # libcurl takes the end of a connection for the end of a head.
            self._finish(Reason.RESET, "amid its head")
        else:
            self._finish(reasons.worse(self._earlier, reason), words)

    def _on_answer_ended(self, code: int, reason: Reason, words: str, handle: RangeHandle) -> None:
        if not self._answer.is_redirect:
            self._end_of_answer(code, reason, words)
        elif code != 0:
            self._finish(reason, words)
        elif (url := handle.redirect_url()) is not None:
            self._follow(url)
        else:
            self._end_of_answer(code, reason, words)

    def _end_of_answer(self, code: int, reason: Reason, words: str) -> None:
        verdict = self._verdict
        if self._body is None or verdict is None:
            self._finish(Reason.NONE)
        elif verdict.reason is not Reason.NONE:
            self._finish(verdict.reason, verdict.words)
        else:
            self._finish(*self._body.end(code, reason, words))

    def _break_off(self) -> None:
        if self._lookup is not None:
            self._lookup.cancel()
            self._lookup = None
        if self._handle is not None:
            self._ranges.engine.abort(self._handle.curl)

    def _finish(self, reason: Reason, words: str = "") -> None:
        if self._stalled_at is not None or (reason and self._ranges.means.stands_still):
            reason = reasons.after_stall(reason)
        if self._was_way_lost(reason):
            reason, words = Reason.NO_ROUTE, "there is no way from here to the site"
        if self._body is not None and (end := self._body.close()) is not None:
            reason, words = end
        done = self._done(reason, words)
        self._clean_up()
        self._ranges.finished(self, done)

    def _was_way_lost(self, reason: Reason) -> bool:
        """Lately: a transfer may have begun hours ago."""
        ways = self._ranges.ways
        wait_s = max(self._ranges.config.stall_timeout, self._ranges.check_config.connect_timeout)
        since_us = monotonic_us() - round(wait_s * SECOND_US)
        if reason is Reason.DNS:
            return ways.all_lost(since_us)
        return (
            reason in reasons.MADE_BY_LOST_WAY and bool(self._address) and ways.lost(self._address, since_us)
        )

    def _done(self, reason: Reason, words: str) -> RangeDone:
        task = self.task
        status = self._answer.status if self._verdict is not None else 0
        return RangeDone(
            task.bridge,
            task.task,
            self._ranges.epoch,
            self.position,
            reason,
            status,
            self._retry_after_s(status),
            self._wire.url if status else "",
            _one_line(words),
            self._answer.head() if status else Head(),
        )

    def _retry_after_s(self, status: int) -> int:
        # Nobody else may ask for peace (RFC 9110 section 10.2.3).
        if self._handle is None or status not in {429, 503}:
            return -1
        # libcurl says 0 for none.
        return self._handle.retry_after_s() or -1

    def _clean_up(self) -> None:
        if self._body is not None:
            self._body.close()
        handle, self._handle = self._handle, None
        if handle is not None:
            self._ranges.give_back(handle)


def _known(resolver: Resolver, wire: WireUrl) -> Answer | None:
    """The addresses of ``wire``, if it is one itself or its name is known; None: it has to be looked up."""
    return Answer((wire.host,)) if wire.is_address else resolver.known(wire.host)


def _one_line(words: str) -> str:
    """For people, who are to see no bytes of a server."""
    return "".join(letter if letter.isprintable() else "?" for letter in words[:_LONGEST_WORDS])
