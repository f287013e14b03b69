"""How much is fuzzed, and with what: seconds in the suite, by hand for as long as one likes.

``PAGESTATUS_TEST_EXAMPLES=100000 scripts/test tests/fuzz`` tries that many examples in each test. Hypothesis
keeps what failed in ``.hypothesis`` and tries it first the next time.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

Function = TypeVar("Function", bound=Callable[..., object])
Good = TypeVar("Good")
Refusal = TypeVar("Refusal", bound=Exception)

EXAMPLES = int(os.environ.get("PAGESTATUS_TEST_EXAMPLES", "200"))
# Where strangers write text: letters of all kinds, and those that mean something to somebody.
TEXT = st.text() | st.text(alphabet=st.sampled_from("\"'\\%;=*/.?#@:[]{}\r\n\t\0\x1b\x9b\u202e\u2028 aZ09é€"))
# All that JSON can say.
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def fuzzed(test: Function) -> Function:
    """Try ``test`` with as many examples as are asked for, however long one of them takes."""
    decorate = settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    return decorate(test)


def outcome(call: Callable[[], Good], refusal: type[Refusal]) -> Good | Refusal:
    """What ``call`` gives, or the ``refusal`` that it ends with; any other exception is a bug."""
    try:
        return call()
    except refusal as mistake:
        return mistake


def mutated(originals: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """One of ``originals`` with some of its bytes changed, lost, doubled, or others put in between."""
    return st.builds(_mutate, st.sampled_from(originals), st.randoms(use_true_random=False))


def _mutate(original: bytes, chance: random.Random) -> bytes:
    content = bytearray(original)
    for _ in range(chance.randint(0, 4)):
        at, end = sorted(chance.randint(0, len(content)) for _ in range(2))
        match chance.randint(0, 4):
            case 0:
                del content[at:]
            case 1:
                del content[at:end]
            case 2:
                content[at:at] = content[at:end]
            case 3:
                content[at:at] = chance.randbytes(chance.randint(1, 8))
            case _ if content:
                content[min(at, len(content) - 1)] ^= 1 << chance.randint(0, 7)
    return bytes(content)


def is_one_line(message: str, most: int = 1000) -> bool:
    """Whether ``message`` can be shown as it is: short, and nothing in it that steers a terminal."""
    return 0 < len(message) <= most and message.isprintable()
