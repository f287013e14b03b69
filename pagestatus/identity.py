"""How the id of a target is written where it has no name to be shown."""

from __future__ import annotations

_DIGITS = frozenset("0123456789abcdef")
_LENGTH = 16


def id_word(target: int) -> str:
    """The id in 16 hexadecimal digits."""
    return f"{target:016x}"


def is_id_word(word: str) -> bool:
    """Whether ``word`` looks like one of ``id_word``: then it is never shown as a name."""
    return len(word) == _LENGTH and _DIGITS.issuperset(word)
