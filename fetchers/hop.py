"""What checks and ranges have in common on their way: asking for the addresses of a name."""

from __future__ import annotations

from collections.abc import Callable

from fetchers.names import Answer
from fetchers.resolver import Resolver
from pagestatus.loop import Loop

MOST_REDIRECTS = 10


class Lookup:
    """One question for a name, with a time-out: ``found`` is called once, later, unless it is cancelled.

    At half-time it is asked anew: what was asked before may have been lost in a silence of the name server
    that is over, and c-ares may take longer than the time that is left to ask again.
    """

    __slots__ = ("_asked_at", "_doubted_at", "_found", "_loop", "_name", "_resolver", "_rest_s", "_timer")

    def __init__(
        self, loop: Loop, resolver: Resolver, name: str, wait_s: float, found: Callable[[Answer], None]
    ) -> None:
        self._found: Callable[[Answer], None] | None = found
        self._loop = loop
        self._resolver = resolver
        self._name = name
        self._asked_at = self._doubted_at = loop.now
        self._rest_s = wait_s / 2
        self._timer = loop.after(self._rest_s, self._on_half_time)
        resolver.ask(name, self._on_answer)

    def cancel(self) -> None:
        """Do not call: whoever asked has ended."""
        self._timer.cancel()
        self._found = None

    def _on_half_time(self) -> None:
        self._resolver.doubt(self._asked_at)
        self._resolver.ask_anew(self._name, self._on_answer)
        self._doubted_at = self._loop.now
        self._timer = self._loop.after(self._rest_s, self._on_no_answer)

    def _on_no_answer(self) -> None:
        self._on_answer(Answer((), self._resolver.why_silent(self._asked_at, self._doubted_at)))

    def _on_answer(self, answer: Answer) -> None:
        found = self._found
        # None: it comes too late, after the time-out.
        if found is not None:
            self.cancel()
            found(answer)
