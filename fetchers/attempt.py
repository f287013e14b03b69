"""One attempt at a slot: names, addresses and hops, one after the other, within one time-out.

For every hop: look the name up, then try its addresses until one can be connected to. The attempt ends once,
with one ``Result``; what it says of phases is that of the last hop, counted from the attempt's start.
"""

from __future__ import annotations

import time
from enum import Enum, auto
from functools import lru_cache
from typing import TYPE_CHECKING

from fetchers import reasons
from fetchers.handle import CheckHandle, Measured
from fetchers.limits import why_no_socket
from fetchers.names import Answer
from pagestatus import urls
from pagestatus.loop import Timer
from pagestatus.messages import Check, Reason, Result

if TYPE_CHECKING:
    from fetchers.checker import Checker

MOST_REDIRECTS = 10
# Codes of libcurl: COULDNT_CONNECT, OUT_OF_MEMORY, OPERATION_TIMEDOUT.
_COULD_NOT_CONNECT = 7
_OUT_OF_MEMORY = 27
_TIMED_OUT = 28
_SECOND_US = 1_000_000
_NOTHING = Measured(0, "", 0, -1, -1, -1)

wire_url = lru_cache(maxsize=16_384)(urls.wire_url)


class Phase(Enum):
    """Where an attempt is."""

    LOOKING_UP = auto()
    TRANSFERRING = auto()
    ENDED = auto()


class Attempt:
    """Made for one ``Check``; reports one ``Result`` to the checker it belongs to."""

    __slots__ = (
        "_addresses",
        "_began",
        "_check",
        "_checker",
        "_dns_us",
        "_earlier",
        "_handle",
        "_hops",
        "_offset_us",
        "_phase",
        "_stalled",
        "_started_us",
        "_timer",
        "_tried",
        "_wire",
    )

    def __init__(self, check: Check, checker: Checker) -> None:
        self._check = check
        self._checker = checker
        self._began = time.monotonic()
        self._started_us = checker.now_us()
        self._phase = Phase.LOOKING_UP
        self._stalled = False
        self._handle: CheckHandle | None = None
        self._timer: Timer | None = None
        self._wire: urls.WireUrl
        self._hops = 0
        # Of the hop: when its name was known, its addresses, how many were tried, when the transfer began,
        # and what went wrong with the address before.
        self._dns_us = -1
        self._addresses: tuple[str, ...] = ()
        self._tried = 0
        self._offset_us = 0
        self._earlier = Reason.NONE

    def begin(self) -> None:
        """Start."""
        try:
            self._wire = wire_url(self._check.url)
        except urls.BadUrl:
            self._finish(Reason.BAD_URL, _NOTHING)
            return
        self._look_up()

    def stall(self) -> None:
        """The loop stood still while this was in flight: what it has measured cannot be trusted."""
        self._stalled = True

    def _look_up(self) -> None:
        self._phase = Phase.LOOKING_UP
        wire = self._wire
        if wire.is_address:
            self._connect((wire.host,))
            return
        answer = self._checker.resolver.known(wire.host)
        if answer is not None:
            self._on_answer(answer)
            return
        # Like connecting, looking up has its own, shorter time-out.
        wait_s = min(self._left_us() / _SECOND_US, self._checker.config.connect_timeout)
        self._timer = self._checker.loop.after(wait_s, self._on_no_answer)
        self._checker.resolver.ask(wire.host, self._on_answer)

    def _on_answer(self, answer: Answer) -> None:
        if self._phase is not Phase.LOOKING_UP:
            # It came too late: the attempt has ended without it.
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if answer.addresses:
            self._connect(answer.addresses)
        else:
            self._finish(answer.reason, _NOTHING)

    def _on_no_answer(self) -> None:
        self._timer = None
        self._finish(Reason.DNS, _NOTHING)

    def _connect(self, addresses: tuple[str, ...]) -> None:
        self._dns_us = self._elapsed_us()
        self._addresses = addresses
        self._tried = 0
        self._earlier = Reason.NONE
        self._transfer()

    def _transfer(self) -> None:
        """Try the next address."""
        handle = self._handle
        if handle is None:
            handle = self._handle = self._checker.take_handle(self)
        address = self._addresses[self._tried]
        self._tried += 1
        self._phase = Phase.TRANSFERRING
        self._offset_us = self._elapsed_us()
        # Rounded up: an attempt never ends before its time-out.
        left_ms = -((self._offset_us - self._check.timeout_us) // 1000)
        handle.aim(self._wire.url, address, left_ms, self._check.max_bytes or self._checker.config.max_bytes)
        self._checker.engine.start(handle)

    def ended(self, code: int, words: str) -> None:
        """The engine's word on the transfer."""
        handle = self._handle
        if handle is None:
            return
        measured = handle.measured()
        if code == 0:
            if self._is_redirected(measured) and (url := handle.redirect_url()) is not None:
                self._follow(url, measured)
            else:
                self._finish(Reason.NONE, measured)
            return
        reason = self._reason_of(code, words, handle)
        if self._could_not_connect(code, measured) and self._another_address_is_left():
            self._earlier = self._worse(reason)
            self._transfer()
        else:
            self._finish(self._worse(reason), measured)

    def _is_redirected(self, measured: Measured) -> bool:
        """A redirect that the target itself expects is its answer."""
        return 300 <= measured.status <= 399 and measured.status not in self._check.expect

    def _follow(self, url: str, measured: Measured) -> None:
        """Go where a redirect leads, within the same attempt."""
        if self._hops >= MOST_REDIRECTS:
            self._finish(Reason.REDIRECTS, measured)
            return
        try:
            wire = wire_url(url)
        except urls.BadUrl:
            self._finish(Reason.BAD_URL, measured)
            return
        if self._left_us() <= 0:
            self._finish(Reason.TIMEOUT, measured)
            return
        self._wire = wire
        self._hops += 1
        self._addresses = ()
        self._dns_us = -1
        self._look_up()

    def _reason_of(self, code: int, words: str, handle: CheckHandle) -> Reason:
        os_errno = handle.os_errno()
        if os_errno == 0 and code in {_COULD_NOT_CONNECT, _OUT_OF_MEMORY}:
            os_errno = why_no_socket(self._addresses[self._tried - 1])
        return reasons.of_transfer(code, os_errno, words)

    def _could_not_connect(self, code: int, measured: Measured) -> bool:
        return code == _COULD_NOT_CONNECT or (code == _TIMED_OUT and measured.connect_us < 0)

    def _another_address_is_left(self) -> bool:
        return self._tried < len(self._addresses) and self._left_us() > 0

    def _worse(self, reason: Reason) -> Reason:
        """Of two addresses that failed, the one that says something about the site is reported."""
        return self._earlier if self._earlier and reasons.is_ours(reason) else reason

    def _finish(self, reason: Reason, measured: Measured) -> None:
        self._phase = Phase.ENDED
        if self._stalled:
            reason = reasons.after_stall(reason)
        handle, self._handle = self._handle, None
        result = self._result(reason, measured, handle)
        if handle is not None:
            self._checker.give_back(handle)
        self._checker.finished(self, result)

    def _result(self, reason: Reason, measured: Measured, handle: CheckHandle | None) -> Result:
        check = self._check
        offset_us = self._offset_us
        return Result(
            check.target,
            check.due_us,
            check.attempt,
            check.retry_by_us,
            check.first_started_us,
            check.url,
            check.name,
            check.expect,
            self._checker.epoch,
            self._checker.index,
            self._started_us,
            # Without a transfer (a name that was not found) only our own clock tells.
            offset_us + measured.total_us if measured is not _NOTHING else self._elapsed_us(),
            reason,
            measured.status,
            handle.received if handle is not None and measured.status else -1,
            self._dns_us,
            _from_start(measured.connect_us, offset_us),
            _from_start(measured.tls_us, offset_us),
            _from_start(measured.ttfb_us, offset_us),
            self._addresses[self._tried - 1] if self._addresses else "",
            measured.http,
            handle.retry_after_s() if handle is not None and measured.status in {429, 503} else -1,
        )

    def _elapsed_us(self) -> int:
        return int((time.monotonic() - self._began) * _SECOND_US)

    def _left_us(self) -> int:
        return self._check.timeout_us - self._elapsed_us()


def _from_start(us: int, offset_us: int) -> int:
    return us + offset_us if us >= 0 else -1
