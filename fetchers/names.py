"""What is known of names without asking anybody: answers that still hold, and names with a fixed meaning.

Pure: moments are given, in seconds of the monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import NamedTuple

from pagestatus.messages import Reason

# A "no such name" is asked again soon: it is what a target is waited for with. RFC 2308 lets it be longer.
NEGATIVE_TTL_S = 15.0
# Trouble with a name (SERVFAIL) or with our name server may pass at any moment; this only keeps the
# targets of one name from asking one after the other.
TROUBLE_TTL_S = 2.0
# RFC 8767 section 4 proposes a cap of days for absurd values.
LONGEST_TTL_S = 86_400.0
MOST_NAMES = 50_000

LOOPBACK = ("127.0.0.1", "::1")


class Answer(NamedTuple):
    """The addresses of a name in the order in which to try them, or why there are none."""

    addresses: tuple[str, ...]
    reason: Reason = Reason.NONE


NO_SUCH_NAME = Answer((), Reason.NO_SUCH_NAME)


class NameCache:
    """Answers by name, each for as long as it says; the oldest go first when there are too many."""

    def __init__(self, most: int = MOST_NAMES) -> None:
        self._most = most
        self._answers: dict[str, tuple[float, Answer]] = {}

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, name: str, now: float) -> Answer | None:
        """The answer for ``name``, if it still holds."""
        found = self._answers.get(name)
        if found is None:
            return None
        until, answer = found
        if until <= now:
            del self._answers[name]
            return None
        return answer

    def put(self, name: str, answer: Answer, ttl_s: float, now: float) -> None:
        """Keep ``answer`` for ``ttl_s`` seconds; 0 keeps nothing (RFC 1035 section 3.2.1)."""
        self._answers.pop(name, None)
        if ttl_s <= 0:
            return
        while len(self._answers) >= self._most:
            del self._answers[next(iter(self._answers))]
        self._answers[name] = (now + min(ttl_s, LONGEST_TTL_S), answer)

    def clear(self) -> None:
        """Forget all of it."""
        self._answers.clear()


def fixed(name: str) -> Answer | None:
    """Names that are never asked for (RFC 6761 sections 6.3 and 6.4)."""
    last_label = name.removesuffix(".").rpartition(".")[2]
    if last_label == "localhost":
        return Answer(LOOPBACK)
    return NO_SUCH_NAME if last_label == "invalid" else None


def ttl_of(reason: Reason) -> float:
    """How long the answer that there is no address holds, seconds."""
    return NEGATIVE_TTL_S if reason is Reason.NO_SUCH_NAME else TROUBLE_TTL_S


def alternating(addresses: Iterable[str]) -> tuple[str, ...]:
    """The same addresses, by turns of one family and the other (RFC 8305 section 4).

    So a family that does not work here costs one try, not one per address.
    """
    given = tuple(dict.fromkeys(addresses))
    first = [address for address in given if (":" in address) == (":" in given[0])]
    other = [address for address in given if (":" in address) != (":" in given[0])]
    return tuple(address for address in chain(*zip_longest(first, other)) if address is not None)
