"""What a stranger wrote, as it may stand in a message: on one line, short, and without a password."""

from __future__ import annotations

import re

LONGEST_QUOTE = 80
# Of "//user:password@host", and of "user:password@host" where the scheme was forgotten.
_USER = re.compile(r"""(?<=//)[^/]*@|[^/'"\s]*:[^/'"\s]*@""")


def quoted(value: object) -> str:
    """``value`` as Python would write it, in ASCII, without user names of URLs, and cut."""
    return cut(_USER.sub("…@", ascii(value)))


def cut(text: str) -> str:
    """``text``, or its beginning."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"
