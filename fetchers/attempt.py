"""One attempt at a slot: names, addresses and hops, one after the other, within one time-out.

For every hop: look the name up, then try its addresses until one can be connected to. The attempt ends once,
with one ``Result``; what it says of phases is that of the last hop, counted from the attempt's start.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import msgspec

from fetchers import reasons
from fetchers.answer_head import REDIRECTS
from fetchers.check_handle import CheckHandle, Measured
from fetchers.hop import MOST_REDIRECTS, Lookup
from fetchers.names import Answer
from pagestatus import urls
from pagestatus.clock import monotonic_us
from pagestatus.messages import Check, Reason, Result

if TYPE_CHECKING:
    from fetchers.checker import Checker

_SECOND_US = 1_000_000
# A member looked up in its enum costs as much as a method call.
_NONE = Reason.NONE
_NO_URL = urls.WireUrl("", "", 0, is_address=False)
_NOTHING = Measured(0, "", 0, -1, -1, -1)


class Decoded(NamedTuple):
    """An answer that was broken off, though not by the site."""

    measured: Measured
    offset_us: int
    bytes: int


class Attempt(msgspec.Struct, eq=False, gc=False):
    """Made for one ``Check``; reports one ``Result`` to the checker it belongs to.

    A Struct because its defaults are filled in by C. Its checker lets go of it: no work for the collector.
    """

    _check: Check
    _checker: Checker
    # When it began: on the monotonic clock, and on the wall's.
    _began_us: int
    _started_us: int
    _stalled: bool = False
    _handle: CheckHandle | None = None
    _wire: urls.WireUrl = _NO_URL
    _hops: int = 0
    # Since when a name is asked for, and how long all names of all hops took.
    _asked_us: int = 0
    _looked_up_us: int = 0
    # Of the hop: when its name was known, its addresses, how many were tried, when the transfer began,
    # and what went wrong with the address before.
    _dns_us: int = -1
    _addresses: tuple[str, ...] = ()
    _tried: int = 0
    _offset_us: int = 0
    _earlier: Reason = _NONE
    # The hop's answer as far as it could be decoded, if that was not its end: it is asked for as it is, then.
    _decoded: Decoded | None = None

    def begin(self) -> None:
        """Start."""
        try:
            self._wire = urls.wire_url(self._check.url)
        except urls.BadUrl:
            self._finish(Reason.BAD_URL, _NOTHING)
            return
        self._look_up()

    def stall(self) -> None:
        """The loop stood still while this was in flight: what it has measured cannot be trusted."""
        self._stalled = True

    def _look_up(self) -> None:
        wire, checker = self._wire, self._checker
        if wire.is_address:
            self._connect((wire.host,))
            return
        answer = checker.resolver.known(wire.host)
        if answer is not None:
            self._on_answer(answer)
            return
        # Like connecting, looking up has its own, shorter time-out.
        self._asked_us = elapsed_us = self._elapsed_us()
        wait_s = min((self._check.timeout_us - elapsed_us) / _SECOND_US, checker.config.connect_timeout)
        Lookup(checker.loop, checker.resolver, wire.host, wait_s, self._on_late_answer)

    def _on_late_answer(self, answer: Answer) -> None:
        self._looked_up_us += self._elapsed_us() - self._asked_us
        self._on_answer(answer)

    def _on_answer(self, answer: Answer) -> None:
        if answer.addresses:
            self._connect(answer.addresses)
        elif answer.reason is Reason.DNS and self._checker.ways.all_lost(self._began_us):
            self._finish(Reason.NO_ROUTE, _NOTHING)
        else:
            self._finish(answer.reason, _NOTHING)

    def _connect(self, addresses: tuple[str, ...]) -> None:
        self._dns_us = elapsed_us = self._elapsed_us()
        self._addresses = addresses
        self._tried = 0
        self._earlier = _NONE
        self._transfer(elapsed_us)

    def _transfer(self, elapsed_us: int) -> None:
        """Try the next address."""
        wire, check, checker = self._wire, self._check, self._checker
        handle = self._handle
        if handle is None:
            handle = self._handle = checker.take_handle()
        address = "" if wire.is_address else self._addresses[self._tried]
        self._tried += 1
        self._offset_us = elapsed_us
        # Rounded up: an attempt never ends before its time-out.
        left_ms = -((elapsed_us - check.timeout_us) // 1000)
        limit = check.max_bytes or checker.max_bytes
        handle.aim(wire.url, address, left_ms, limit, decodes=self._decoded is None)
        checker.engine.start(handle.curl, self)

    def ended(self, code: int, words: str) -> None:
        """The engine's word on the transfer."""
        handle = self._handle
        if handle is None:
            return
        measured = handle.measured()
        if code == 0 and not handle.has_whole_head():
            # Cut off (RFC 9112 section 8): whatever the first line said, it is no answer.
            self._finish(Reason.RESET, measured)
        elif code == 0:
            if measured.status in REDIRECTS and (url := self._redirect_url(measured, handle)) is not None:
                self._follow(url, measured)
            else:
                self._finish(_NONE, measured)
        else:
            self._failed(code, words, handle, measured)

    def _failed(self, code: int, words: str, handle: CheckHandle, measured: Measured) -> None:
        if self._decoded is None and handle.could_not_decode(code, words):
            self._decoded = Decoded(measured, self._offset_us, handle.received)
            # From the same address.
            self._tried -= 1
            self._transfer(self._elapsed_us())
            return
        reason = self._reason_of(code, words, handle)
        if handle.could_not_connect(code) and self._another_address_is_left():
            self._earlier = reasons.worse(self._earlier, reason)
            self._transfer(self._elapsed_us())
        else:
            self._finish(reasons.worse(self._earlier, reason), measured)

    def _reason_of(self, code: int, words: str, handle: CheckHandle) -> Reason:
        address = self._addresses[self._tried - 1]
        reason = handle.reason_of(code, words, address)
        if reason is Reason.TIMEOUT and self._was_looked_up_late():
            return Reason.NAME_SERVER
        if reason in reasons.MADE_BY_LOST_WAY and self._checker.ways.lost(address, self._began_us):
            return Reason.NO_ROUTE
        return reason

    def _was_looked_up_late(self) -> bool:
        """What the name server has left of the time says nothing about the site then."""
        return 2 * self._looked_up_us > self._check.timeout_us

    def _redirect_url(self, measured: Measured, handle: CheckHandle) -> str | None:
        """Where to go next. A redirect that the target itself expects is its answer."""
        return None if measured.status in self._check.expect else handle.redirect_url()

    def _follow(self, url: str, measured: Measured) -> None:
        """Go where a redirect leads, within the same attempt."""
        if self._hops >= MOST_REDIRECTS:
            self._finish(Reason.REDIRECTS, measured)
            return
        try:
            wire = urls.wire_url(url)
        except urls.BadUrl:
            self._finish(Reason.BAD_URL, measured)
            return
        if self._left_us() <= 0:
            self._finish(Reason.TIMEOUT, measured)
            return
        self._wire = wire
        self._hops += 1
        self._decoded = None
        self._addresses = ()
        self._dns_us = -1
        self._look_up()

    def _another_address_is_left(self) -> bool:
        return self._tried < len(self._addresses) and self._left_us() > 0

    def _finish(self, reason: Reason, measured: Measured) -> None:
        if self._stalled or (reason and self._checker.means.stands_still):
            reason = reasons.after_stall(reason, measured.status)
        handle, self._handle = self._handle, None
        decoded = self._decoded
        if (
            decoded is not None
            and handle is not None
            and (reason or measured.status != decoded.measured.status)
        ):
            # Who does not give it as it is, or in time, has given it before.
            reason, (measured, self._offset_us, handle.received) = _NONE, decoded
        result = self._result(reason, measured, handle)
        if handle is not None:
            self._checker.give_back(handle)
        self._checker.finished(self, result)

    def _result(self, reason: Reason, measured: Measured, handle: CheckHandle | None) -> Result:
        check, checker = self._check, self._checker
        offset_us = self._offset_us
        status, http, total_us, connect_us, tls_us, ttfb_us = measured
        return Result(
            check.target,
            check.due_us,
            check.attempt,
            check.retry_by_us,
            check.first_started_us,
            check.url,
            check.name,
            check.expect,
            checker.epoch,
            checker.index,
            self._started_us,
            # Without a transfer (a name that was not found) only our own clock tells; and where we stood
            # still, libcurl may have begun, or seen the end, much later than it says.
            self._elapsed_us() if measured is _NOTHING or self._stalled else offset_us + total_us,
            reason,
            status,
            handle.received if handle is not None and status else -1,
            self._dns_us,
            connect_us + offset_us if connect_us >= 0 else -1,
            tls_us + offset_us if tls_us >= 0 else -1,
            ttfb_us + offset_us if ttfb_us >= 0 else -1,
            self._addresses[self._tried - 1] if self._addresses else "",
            http,
            handle.retry_after_s() if handle is not None and status in {429, 503} else -1,
        )

    def _elapsed_us(self) -> int:
        return monotonic_us() - self._began_us

    def _left_us(self) -> int:
        return self._check.timeout_us - self._elapsed_us()
