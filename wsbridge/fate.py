"""What the end of a range task means for its download: a table, and the words for people.

What the reasons mean is said in ``messages.Reason``; statuses are those of RFC 9110 and RFC 6585.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, auto
from types import MappingProxyType

from pagestatus.messages import RangeDone, Reason
from wsbridge.entry import Trouble


class Fate(Enum):
    """What is to be done next."""

    # All that was asked for has come.
    GOOD = auto()
    # It may work if it is tried again after a while; the same without it being the site's fault.
    AGAIN = auto()
    OURS = auto()
    # The server has enough of us.
    BUSY = auto()
    # The link has expired, or is gone.
    EXPIRED = auto()
    # It is another file by now.
    CHANGED = auto()
    # The server does not honour ranges after all.
    UNRANGED = auto()
    DISK_FULL = auto()
    # Trying again makes no sense.
    HOPELESS = auto()


_BY_REASON: Mapping[Reason, Fate] = MappingProxyType(
    {
        Reason.NONE: Fate.GOOD,
        Reason.CHANGED: Fate.CHANGED,
        Reason.NO_RANGE: Fate.UNRANGED,
        Reason.DISK_FULL: Fate.DISK_FULL,
        Reason.DISK: Fate.HOPELESS,
        Reason.ADDRESS: Fate.HOPELESS,
        Reason.BAD_URL: Fate.HOPELESS,
        Reason.CERTIFICATE: Fate.HOPELESS,
        Reason.REDIRECTS: Fate.HOPELESS,
        Reason.DRAIN: Fate.OURS,
        Reason.NO_CAPACITY: Fate.OURS,
        Reason.LEASE: Fate.OURS,
    }
)
_BY_STATUS: Mapping[int, Fate] = MappingProxyType(
    {
        401: Fate.EXPIRED,
        403: Fate.EXPIRED,
        404: Fate.EXPIRED,
        410: Fate.EXPIRED,
        408: Fate.AGAIN,
        425: Fate.AGAIN,
        429: Fate.BUSY,
        503: Fate.BUSY,
        # The file has become shorter.
        416: Fate.CHANGED,
    }
)
_WORDS: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.TIMEOUT: "the server took too long",
        Reason.DNS: "the host's name cannot be looked up",
        Reason.NO_SUCH_NAME: "there is no host of that name",
        Reason.CONNECT: "the server cannot be connected to",
        Reason.TLS: "no TLS connection could be made",
        Reason.CERTIFICATE: "the server's certificate is wrong",
        Reason.RESET: "the server broke off",
        Reason.PROTOCOL: "the server's answer is not HTTP",
        Reason.REDIRECTS: "there are too many redirects",
        Reason.BAD_URL: "the URL, or one it redirects to, cannot be fetched",
        Reason.CHANGED: "the file has changed on the server",
        Reason.NO_RANGE: "the server answered a range with something else",
        Reason.SHORT: "the server sent less than it promised",
        Reason.LONG: "the server sent more than it promised",
        Reason.ADDRESS: "only public addresses are fetched from",
        Reason.DISK_FULL: "there is no room left in the folder of downloads",
        Reason.DISK: "the part file cannot be written",
        Reason.STALLED: "our fetcher stood still",
        Reason.NO_FDS: "our fetcher has no descriptors left",
        Reason.NO_PORTS: "this machine has no local ports left",
        Reason.NO_ROUTE: "this machine has no route to the server",
        Reason.NO_MEMORY: "this machine has no memory left",
        Reason.NAME_SERVER: "our name server does not answer",
        Reason.LEASE: "our fetcher was lost",
        Reason.DRAIN: "our fetcher is ending",
        Reason.NO_CAPACITY: "our fetchers are full",
    }
)
# The two permanent forms are shown as their kind, as in the log of checks.
_CODES = {Reason.NO_SUCH_NAME: "dns", Reason.CERTIFICATE: "tls"}


def fate_of(done: RangeDone) -> Fate:
    """What ``done`` means while a download is running."""
    if done.reason is Reason.HTTP_STATUS:
        if done.status >= 500:
            return _BY_STATUS.get(done.status, Fate.AGAIN)
        return _BY_STATUS.get(done.status, Fate.HOPELESS)
    if Reason.STALLED <= done.reason < Reason.OVERRUN:
        return Fate.OURS
    return _BY_REASON.get(done.reason, Fate.AGAIN)


def takes_back(done: RangeDone, start: int) -> bool:
    """Whether what a range from ``start`` on has brought is worth nothing, whatever was told of it before.

    It was wrong, or none of it got to the disk: some file systems say so only when a file is closed.
    """
    is_nothing = done.reason in {Reason.DISK, Reason.DISK_FULL} and done.position <= start
    return is_nothing or done.reason is Reason.LONG


def trouble_of(done: RangeDone) -> Trouble:
    """The same for whoever looks at the download."""
    if done.reason is Reason.HTTP_STATUS or (done.reason is Reason.NONE and done.status):
        return Trouble("http_status", f"the server answered {done.status}")
    words = _WORDS.get(done.reason, "it failed")
    code = _CODES.get(done.reason, done.reason.name.lower())
    return Trouble(code, f"{words}: {done.words}" if done.words else words)
