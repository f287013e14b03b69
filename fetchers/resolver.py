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
from fetchers.names import Answer, NameCache, alternating, fixed, ttl_of
from fetchers.reasons import is_ours, of_lookup
from pagestatus.loop import Loop
from pagestatus.messages import Reason

log = logging.getLogger(__name__)

Tell = Callable[[Answer], None]

# A question that is older than this is sent again ever more rarely: who asks now asks anew. Seconds.
SHARED_S = 2.0
# What is asked for to see whether the name server answers at all.
ROOT = "."

RESOLV_CONF = Path("/etc/resolv.conf")


class _Question:
    """One that is on its way, and who waits for its answer."""

    __slots__ = ("asked_at", "name", "waiting")

    def __init__(self, name: str, asked_at: float) -> None:
        self.name = name
        self.asked_at = asked_at
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
        # When the latest of the questions was asked that the name server has answered.
        self._answered_at = 0.0
        self._resolv_conf = None if name_servers else resolv_conf
        self._read_at = self._changed_at()
        self._families = families()
        self._channel = Channel(loop, name_servers)

    @property
    def lookups(self) -> int:
        """Questions that are on their way."""
        return self._open

    def known(self, name: str) -> Answer | None:
        """What is known of ``name`` at once; None: it has to be asked for."""
        return self._cache.get(name, self._loop.now) or fixed(name)

    def ask(self, name: str, tell: Tell) -> None:
        """Ask for ``name``; ``tell`` is called once, later, never from inside. It cannot be taken back."""
        question = self._questions.get(name)
        if question is None or self._loop.now - question.asked_at > SHARED_S:
            question = self._questions[name] = _Question(name, self._loop.now)
            self._open += 1
            self._ask(question, () if name == ROOT else self._families)
        question.waiting.append(tell)

    def _ask(self, question: _Question, wanted: Families) -> None:
        """Ask for addresses of the first family that is wanted, and of the next where there are none."""
        # Until the question is on its way: what is found before that stands in /etc/hosts.
        is_local = True

        def found(result: pycares.AddrInfoResult | None, status: int | None) -> None:
            is_word = not is_local
            self._loop.soon(lambda: self._on_found(question, wanted[1:], result, status, is_word=is_word))

        if wanted:
            self._channel.ask(question.name, wanted[0], found)
        else:
            self._channel.ask_for_root(found)
        is_local = False

    def doubt(self, asked_at: float) -> None:
        """A question of that moment is still open: see whether the name server answers any."""
        if self._answered_at <= asked_at:
            self.ask(ROOT, lambda _answer: None)

    def why_silent(self, asked_at: float) -> Reason:
        """Why a question of that moment is open for too long.

        It is the name's trouble if one that was asked later has been answered. Else it is our own: the name
        server is silent, or behind.
        """
        return Reason.DNS if self._answered_at > asked_at else Reason.NAME_SERVER

    def refresh(self) -> None:
        """Take over new name servers of this machine, if there are any, and see what it can reach."""
        self._families = families()
        changed_at = self._changed_at()
        if changed_at in {self._read_at, None} or self._resolv_conf is None:
            return
        log.info("%s has changed: read again", self._resolv_conf)
        self._read_at = changed_at
        before, self._channel = self._channel, Channel(self._loop, ())
        before.close_when_idle()

    def close(self) -> None:
        """Ask no more; nobody is told of what is still open."""
        self._channel.close()

    def _changed_at(self) -> int | None:
        try:
            return None if self._resolv_conf is None else self._resolv_conf.stat().st_mtime_ns
        except OSError:
            # It is being replaced, or there is none, which c-ares takes for a server on this machine.
            return None

    def _on_found(
        self,
        question: _Question,
        left: Families,
        result: pycares.AddrInfoResult | None,
        status: int | None,
        *,
        is_word: bool,
    ) -> None:
        """c-ares has come to an end; ``is_word``: by the name server's word, unless that did not come."""
        reason = _why_none(result, status)
        if status == pycares.errno.ARES_ETIMEOUT:
            reason = self.why_silent(question.asked_at)
        elif is_word and not is_ours(reason):
            self._answered_at = max(self._answered_at, question.asked_at)
        if reason is Reason.NO_SUCH_NAME and left:
            self._ask(question, left)
        else:
            self._end(question, *_answer(reason, result))

    def _end(self, question: _Question, answer: Answer, ttl_s: float) -> None:
        self._open -= 1
        name = question.name
        is_last = self._questions.get(name) is question
        if is_last:
            del self._questions[name]
        # What an earlier one does not know, the last may.
        if is_last or answer.addresses:
            self._cache.put(name, answer, ttl_s, self._loop.now)
        for tell in question.waiting:
            tell(answer)


def _why_none(result: pycares.AddrInfoResult | None, status: int | None) -> Reason:
    """Why there is no address; NONE: there is."""
    if result is not None and result.nodes:
        return Reason.NONE
    return of_lookup(status or pycares.errno.ARES_ENODATA)


def _answer(reason: Reason, result: pycares.AddrInfoResult | None) -> tuple[Answer, float]:
    """What c-ares found, and how long it holds, seconds."""
    if reason or result is None:
        return Answer((), reason), ttl_of(reason)
    addresses = alternating(_text(node.addr[0]) for node in result.nodes)
    return Answer(addresses), min(node.ttl for node in result.nodes)


def _text(address: bytes | str) -> str:
    return address if isinstance(address, str) else address.decode("ascii")
