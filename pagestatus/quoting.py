"""What a stranger wrote, as it may stand in a message: on one line, short, and without a password."""

from __future__ import annotations

LONGEST_QUOTE = 80


def quoted(value: object) -> str:
    """``value`` as Python would write it, in ASCII, without user names of URLs, and cut."""
    return cut(_without_users(ascii(value)))


def quoted_link(url: str) -> str:
    """A link without its query, which may be what lets in whoever has it (a "presigned" one)."""
    place, query, _ = url.partition("?")
    return quoted(place + query + ("..." if query else ""))


def cut(text: str) -> str:
    """``text``, or its beginning."""
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 1]}…"


def _without_users(text: str) -> str:
    """Hide "user:password" of "//user:password@host", and of "user:password@host": the scheme was forgotten.

    By its parts, since no pattern for it is linear in what may be megabytes.
    """
    parts = text.split("/")
    for index, part in enumerate(parts):
        user, _, host = part.rpartition("@")
        if ":" in user or (user and index and not parts[index - 1]):
            quote = part[0] if index == 0 and part[0] in "'\"" else ""
            parts[index] = f"{quote}…@{host}"
    return "/".join(parts)
