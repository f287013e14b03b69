"""The word for a target, in logs and answers: its name, or its id where it has none to be shown."""

from __future__ import annotations

_DIGITS = frozenset("0123456789abcdef")
_LENGTH = 16


def id_word(target: int) -> str:
    """The id in 16 hexadecimal digits."""
    return f"{target:016x}"


def is_id_word(word: str) -> bool:
    """Whether ``word`` looks like one of ``id_word``: then it is never shown as a name."""
    return len(word) == _LENGTH and _DIGITS.issuperset(word)


def target_word(target: int, name: str) -> str:
    """How logs and answers name a target: by its name, else by its id.

    A name that looks like an id is not shown: the word says which id it stands for.
    """
    return name if name and not is_id_word(name) else id_word(target)
