"""Names to addresses: c-ares on the loop's own epoll, without threads.

Not libcurl's resolver: it has at most 20 threads, so that ten dead names delay a healthy one until it times
out. An address that was found here is given to libcurl, which then has nothing left to look up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

import pycares

from fetchers.channel import Channel
from fetchers.families import Families, families
from fetchers.names import NEGATIVE_TTL_S, Answer, NameCache, alternating, fixed, ttl_of
from fetchers.reasons import is_reply, of_lookup
from fetchers.silence import Silence
from pagestatus.loop import Loop
from pagestatus.messages import Reason

log = logging.getLogger(__name__)

Tell = Callable[[Answer], None]

# A question that is older than this is sent again ever more rarely: who asks now asks anew. Seconds.
SHARED_S = 2.0
# Of the time that c-ares takes for all its tries: it doubles the wait each time, less a half by chance.
BEFORE_LAST_TRY = 1 / 3
# Who has slept for longer than that knows no names any more. Seconds.
FRESH_S = 30.0
# Of one name; who has thousands wants our memory, and would be tried for hours.
MOST_ADDRESSES = 16
# The channel keeps all answers whole, each for as long as it says: after so many addresses comes another one.
MOST_KEPT = 20_000
# In the place of a name: to see whether the name server answers at all.
_PROBE = ""

RESOLV_CONF = Path("/etc/resolv.conf")


class _Question:
    """One that is on its way, and who waits for its answer."""

    __slots__ = ("asked_at", "is_doubtful", "name", "waiting")

    def __init__(self, name: str, asked_at: float) -> None:
        self.name = name
        self.asked_at = asked_at
        # Nobody was there to hear an answer: the loop stood still.
        self.is_doubtful = False
        self.waiting: list[Tell] = []


class Resolver:
    """Answers for names: from the cache, or from the name servers, one question for all who ask together."""

    def __init__(self, loop: Loop, name_servers: Sequence[str] = (), resolv_conf: Path = RESOLV_CONF) -> None:
        """Without ``name_servers``, those of this machine are asked. Raises BadNameServer."""
        self._loop = loop
        self._cache = NameCache()
        # The last question for each name; of a name that nobody answers for, earlier ones may be open too.
        self._questions: dict[str, _Question] = {}
        self._open = 0
        self._silence = Silence()
        self._name_servers = name_servers
        self._resolv_conf = None if name_servers else resolv_conf
        self._read_at = self._changed_at() if self._is_readable() else None
        self._families = families()
        self._channel = Channel(loop, name_servers)
        # When the channel is to be replaced: it remembers that there is no such name for up to an hour.
        self._stale_at: float | None = None
        # And what it holds.
        self._kept = 0
        loop.on_stall(self._on_stall)

    @property
    def lookups(self) -> int:
        """Questions that are on their way."""
        return self._open

    def known(self, name: str) -> Answer | None:
        """What is known of ``name`` at once; None: it has to be asked for."""
        return self._cache.get(name, self._loop.now) or fixed(name)

    def ask(self, name: str, tell: Tell) -> None:
        """Ask for ``name``; ``tell`` is called once, later, never from inside. It cannot be taken back."""
        self._join(name, tell, self._loop.now - SHARED_S)

    def ask_anew(self, name: str, tell: Tell) -> None:
        """The same, with a question of this moment."""
        self._join(name, tell, self._loop.now)

    def doubt(self, asked_at: float) -> None:
        """A question of that moment is still open: see whether the name server answers any."""
        if self._silence.is_open(asked_at):
            self.ask(_PROBE, lambda _answer: None)

    def why_silent(self, asked_at: float, by: float) -> Reason:
        """Why a question is open for too long, by what else was asked until then: DNS or NAME_SERVER."""
        return self._silence.why(asked_at, by)

    def refresh(self) -> None:
        """Take over new name servers of this machine, if there are any, and see what it can reach."""
        self._families = families()
        changed_at = self._changed_at()
        if changed_at not in {self._read_at, None} and self._is_readable():
            log.info("%s has changed: read again", self._resolv_conf)
            self._read_at = changed_at
            self._replace_channel()
            self._silence.others_are_asked(self._loop.now)
            # Nobody else is to wait for those before.
            self._questions.clear()
        elif self._kept > MOST_KEPT or (self._stale_at is not None and self._loop.now >= self._stale_at):
            self._replace_channel()

    def close(self) -> None:
        """Ask no more; nobody is told of what is still open."""
        self._channel.close()

    def _replace_channel(self) -> None:
        """As soon as that is possible: until then the one before is kept."""
        if not self._is_readable():
            self._stale_at = self._loop.now
            return
        before, self._channel = self._channel, Channel(self._loop, self._name_servers)
        before.close_when_idle()
        self._stale_at = None
        self._kept = 0

    def _changed_at(self) -> tuple[int, int, int] | None:
        if self._resolv_conf is None:
            return None
        try:
            found = self._resolv_conf.stat()
        except OSError:
            # It is being replaced, or there is none, which c-ares takes for a server on this machine.
            return None
        # Who may read it may change as well.
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino

    def _is_readable(self) -> bool:
        """Without descriptors, or where it may not read, c-ares silently asks this machine itself."""
        if self._resolv_conf is None:
            return True
        try:
            self._resolv_conf.open("rb").close()
        except OSError as trouble:
            return isinstance(trouble, FileNotFoundError)
        return True

    def _join(self, name: str, tell: Tell, since: float) -> None:
        """Wait for the answer to a question that was asked since then, or to one of now."""
        question = self._questions.get(name)
        if question is None or question.asked_at < since:
            question = self._questions[name] = _Question(name, self._loop.now)
            self._open += 1
            self._ask(question, self._families)
        question.waiting.append(tell)

    # --- the way of a question ------------------------------------------------------------------------------

    def _ask(self, question: _Question, wanted: Families) -> None:
        """Ask for addresses of the first family that is wanted, and of the next where there are none."""
        # Until the question is on its way: what is found before that stands in /etc/hosts.
        is_local = True

        def found(result: pycares.AddrInfoResult | None, status: int | None) -> None:
            if not is_local and is_reply(status or 0):
                self._silence.answered(question.asked_at, self._loop.now)
            self._kept += 1 + (len(result.nodes) if result is not None else 0)
            self._loop.soon(lambda: self._on_found(question, wanted[1:], result, status))

        if question.name == _PROBE:
            self._channel.probe(found)
        else:
            self._channel.ask(question.name, wanted[0], found)
        is_local = False

    def _on_found(
        self, question: _Question, left: Families, result: pycares.AddrInfoResult | None, status: int | None
    ) -> None:
        reason = _why_none(result, status)
        if question.is_doubtful and reason is Reason.DNS:
            self._ask_again(question)
            return
        if question.name == _PROBE:
            self._end(question, Answer((), reason))
        elif status == pycares.errno.ARES_ETIMEOUT:
            # Who asks next asks anew: what was silent for that long may have come back by now.
            self._end(question, Answer((), self._silence.why(question.asked_at, self._last_try(question))))
        elif reason is Reason.NO_SUCH_NAME and left:
            self._ask(question, left)
        elif reason or result is None:
            self._learn(question, Answer((), reason), ttl_of(reason))
        else:
            addresses = alternating(_text(node.addr[0]) for node in result.nodes)[:MOST_ADDRESSES]
            self._learn(question, Answer(addresses), min(node.ttl for node in result.nodes))

    def _last_try(self, question: _Question) -> float:
        """When a question that has timed out was sent for the last time, at the earliest."""
        return question.asked_at + (self._loop.now - question.asked_at) * BEFORE_LAST_TRY

    def _on_stall(self, seconds: float) -> None:
        if seconds > FRESH_S:
            # The clock by which they hold may have stood still as well (clock_gettime(2)).
            self._cache.clear()
            self._replace_channel()
        for question in self._questions.values():
            question.is_doubtful = True

    def _ask_again(self, question: _Question) -> None:
        question.asked_at, question.is_doubtful = self._loop.now, False
        self._ask(question, self._families)

    def _learn(self, question: _Question, answer: Answer, ttl_s: float) -> None:
        if answer.reason is Reason.NO_SUCH_NAME and self._stale_at is None:
            self._stale_at = self._loop.now + NEGATIVE_TTL_S
        # What an earlier question does not find out, the last may.
        if answer.addresses or self._questions.get(question.name) is question:
            self._cache.put(question.name, answer, ttl_s, self._loop.now)
        self._end(question, answer)

    def _end(self, question: _Question, answer: Answer) -> None:
        self._open -= 1
        if self._questions.get(question.name) is question:
            del self._questions[question.name]
        for tell in question.waiting:
            tell(answer)


def _why_none(result: pycares.AddrInfoResult | None, status: int | None) -> Reason:
    """Why there is no address; NONE: there is."""
    if result is not None and result.nodes:
        return Reason.NONE
    return of_lookup(status or pycares.errno.ARES_ENODATA)


def _text(address: bytes | str) -> str:
    return address if isinstance(address, str) else address.decode("ascii")
