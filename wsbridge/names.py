"""Names of files, made safe: what strangers propose becomes one component of a path that every system takes.

Pure: whether a name is taken is for its caller to see.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote_to_bytes

from wsbridge.disposition import filename_of

# In bytes of UTF-8. File systems take 255; ``numbered`` and PART need room behind it.
LONGEST_NAME_BYTES = 240
LONGEST_NUMBERED_BYTES = 250
# Behind the name of a file that is not complete.
PART = ".part"
DEFAULT = "download"
# What is longer behind the last dot is no extension.
_LONGEST_EXTENSION_BYTES = 32
_REPLACEMENT = "_"
# Invisible letters and marks (Default_Ignorable_Code_Point in Unicode) that are not of the categories below.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2065\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8"
    "\U000e0000-\U000e0fff]"
)
# Control, format (also bidi and zero-width), halves of characters, ends of lines and paragraphs.
_NEVER = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_REFUSED_BY_WINDOWS = re.compile(r'[<>:"|?*]')
_RESERVED = re.compile(r"(?:CON|PRN|AUX|NUL|CONIN\$|CONOUT\$|CLOCK\$|(?:COM|LPT)[0-9¹²³])\Z", re.IGNORECASE)
_LAST_OF_URL = re.compile(r"[a-z]+://[^/?#\\]*(?:[^?#]*[/\\])?([^?#]*)", re.IGNORECASE)


def file_name(*, requested: str, disposition: str, url: str) -> str:
    """The first of three that gives a name: what was asked for, Content-Disposition (raw), the URL."""
    return clean(requested) or clean(filename_of(disposition)) or clean(_last_segment(url)) or DEFAULT


def clean(name: str) -> str:
    """``name`` as it may be created in a folder; "" when nothing is left. Cleaning twice changes nothing.

    Of a path it is the last component. Hidden files and options of commands ("-rf") do not come out of it,
    nor what looks like a part file of ours.
    """
    name = re.split(r"[/\\]", name)[-1]
    # Not much longer than it can become: normalising is not linear.
    name = _shortened(_visible(name).strip(" ."), 4 * LONGEST_NAME_BYTES)
    name = _REFUSED_BY_WINDOWS.sub(_REPLACEMENT, unicodedata.normalize("NFC", name))
    if name.startswith("-"):
        name = _REPLACEMENT + name[1:]
    # Windows looks at what stands before the first dot.
    if _RESERVED.match(name.partition(".")[0].rstrip()):
        name = _REPLACEMENT + name
    name = _shortened(name, LONGEST_NAME_BYTES)
    if name.lower().endswith(PART):
        name = name[: -len(PART)] + _REPLACEMENT + name[1 - len(PART) :]
    return name


def numbered(name: str, number: int) -> str:
    """``name``, which is clean, for the ``number``-th file of this name: "a (2).txt"."""
    stem, extension = _parts(name)
    suffix = f" ({number}){extension}"
    return _cut(stem, LONGEST_NUMBERED_BYTES - len(suffix.encode())) + suffix


def _last_segment(url: str) -> str:
    """What stands behind the last slash of the path, decoded."""
    found = _LAST_OF_URL.match(url)
    if found is None:
        return ""
    raw = unquote_to_bytes(found[1].encode("utf-8", "replace"))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        # Servers that are older than UTF-8.
        return raw.decode("iso-8859-1")


def _visible(name: str) -> str:
    """Without what cannot be seen; every kind of space is a plain one."""
    kinds = ((letter, unicodedata.category(letter)) for letter in _INVISIBLE.sub("", name))
    return "".join(" " if kind == "Zs" else letter for letter, kind in kinds if kind not in _NEVER)


def _shortened(name: str, most: int) -> str:
    """``name``, or as much of it as ``most`` bytes hold, with its extension."""
    if len(name.encode()) <= most:
        return name
    stem, extension = _parts(name)
    return _cut(stem, most - len(extension.encode())) + extension


def _cut(text: str, most: int) -> str:
    """The first ``most`` bytes, or a little less: whole characters, and no space or dot at the end."""
    return text if len(text.encode()) <= most else text.encode()[:most].decode("utf-8", "ignore").rstrip(" .")


def _parts(name: str) -> tuple[str, str]:
    """Stem and extension: "a" and ".tar.gz"."""
    stem, dot, extension = name.rpartition(".")
    if not stem or " " in extension or len(extension.encode()) > _LONGEST_EXTENSION_BYTES:
        return name, ""
    if stem.lower().endswith(".tar") and len(stem) > len(".tar"):
        return stem[: -len(".tar")], stem[-len(".tar") :] + dot + extension
    return stem, dot + extension
