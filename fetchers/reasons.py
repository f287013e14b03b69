"""What went wrong, told from what libcurl and c-ares say: tables, and nothing else.

Site or us? A site that refuses, resets or is slow is data. A host without descriptors, ports, routes or
memory says nothing about the site: those reasons are ``internal`` (see ``messages.Reason``).

Codes are those of libcurl-errors(3) and ares.h, both stable interfaces; errno is that of Linux.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType

from pagestatus.messages import Reason

# CURLE_COULDNT_CONNECT, CURLE_OUT_OF_MEMORY, CURLE_SSL_CONNECT_ERROR, CURLE_RECV_ERROR
_CONNECT = 7
_MEMORY = 27
_TLS = 35
_RECV = 56

BY_CURL_CODE: Mapping[int, Reason] = MappingProxyType(
    {
        0: Reason.NONE,
        # CURLE_UNSUPPORTED_PROTOCOL: only http and https ever reach libcurl, so it is the answer that is
        # neither ("Received HTTP/0.9 when not allowed").
        1: Reason.PROTOCOL,
        3: Reason.BAD_URL,  # URL_MALFORMAT
        6: Reason.DNS,  # COULDNT_RESOLVE_HOST
        7: Reason.CONNECT,  # COULDNT_CONNECT
        8: Reason.PROTOCOL,  # WEIRD_SERVER_REPLY
        16: Reason.PROTOCOL,  # HTTP2
        18: Reason.RESET,  # PARTIAL_FILE
        23: Reason.TOO_LARGE,  # WRITE_ERROR: our own callback has had enough
        27: Reason.NO_MEMORY,  # OUT_OF_MEMORY
        28: Reason.TIMEOUT,  # OPERATION_TIMEDOUT
        35: Reason.TLS,  # SSL_CONNECT_ERROR
        47: Reason.REDIRECTS,  # TOO_MANY_REDIRECTS
        52: Reason.RESET,  # GOT_NOTHING
        55: Reason.RESET,  # SEND_ERROR
        56: Reason.RESET,  # RECV_ERROR
        58: Reason.TLS,  # SSL_CERTPROBLEM
        59: Reason.TLS,  # SSL_CIPHER
        60: Reason.CERTIFICATE,  # PEER_FAILED_VERIFICATION
        61: Reason.PROTOCOL,  # BAD_CONTENT_ENCODING
        63: Reason.TOO_LARGE,  # FILESIZE_EXCEEDED
        80: Reason.TLS,  # SSL_SHUTDOWN_FAILED
        83: Reason.CERTIFICATE,  # SSL_ISSUER_ERROR
        91: Reason.CERTIFICATE,  # SSL_INVALIDCERTSTATUS
        92: Reason.RESET,  # HTTP2_STREAM: the server gave the stream up (RST_STREAM, GOAWAY)
        100: Reason.PROTOCOL,  # TOO_LARGE: of a header or a line, never of a body
    }
)

# Of connect(2) and socket(2).
BY_ERRNO: Mapping[int, Reason] = MappingProxyType(
    {
        # connect(2) always leaves an errno: libcurl has none when it did not even get a socket.
        0: Reason.NO_FDS,
        errno.EMFILE: Reason.NO_FDS,
        errno.ENFILE: Reason.NO_FDS,
        errno.EADDRNOTAVAIL: Reason.NO_PORTS,
        errno.EAGAIN: Reason.NO_PORTS,
        errno.ENETUNREACH: Reason.NO_ROUTE,
        errno.ENETDOWN: Reason.NO_ROUTE,
        # A kernel without this family, or a firewall of our own.
        errno.EAFNOSUPPORT: Reason.NO_ROUTE,
        errno.EACCES: Reason.NO_ROUTE,
        errno.EPERM: Reason.NO_ROUTE,
        errno.ENOMEM: Reason.NO_MEMORY,
        errno.ENOBUFS: Reason.NO_MEMORY,
        errno.ETIMEDOUT: Reason.TIMEOUT,
        # It was made, and reset before libcurl had a look.
        errno.ECONNRESET: Reason.RESET,
    }
)

# libcurl reports what it cannot parse in a body as CURLE_RECV_ERROR too; only the words tell.
_UNPARSABLE = ("chunk", "Malformed", "Too large response headers", "Illegal or missing", "Invalid")

# EREFUSED
_LAST_OF_SERVER = 6
BY_ARES_STATUS: Mapping[int, Reason] = MappingProxyType(
    {
        1: Reason.NO_SUCH_NAME,  # ENODATA: the name has no address
        4: Reason.NO_SUCH_NAME,  # ENOTFOUND
        8: Reason.NO_SUCH_NAME,  # EBADNAME
        6: Reason.NAME_SERVER,  # EREFUSED: our name server does not serve us
        11: Reason.NAME_SERVER,  # ECONNREFUSED: nobody is there
        14: Reason.NAME_SERVER,  # EFILE: resolv.conf or hosts cannot be read
        15: Reason.NO_MEMORY,  # ENOMEM
    }
)


def of_transfer(code: int, os_errno: int = 0, words: str = "") -> Reason:
    """The reason for libcurl's ``code``, with its ``CURLINFO_OS_ERRNO`` and what it says of it."""
    if code == _CONNECT or (code == _MEMORY and os_errno):
        return BY_ERRNO.get(os_errno, BY_CURL_CODE[code])
    if code == _TLS and os_errno == errno.ECONNRESET:
        return Reason.RESET
    if code == _RECV and words.startswith(_UNPARSABLE):
        return Reason.PROTOCOL
    # What is left are mistakes in how we use libcurl.
    return BY_CURL_CODE.get(code, Reason.BUG)


def of_lookup(status: int) -> Reason:
    """The reason for c-ares' ``status``; what is not known is the name's own trouble."""
    return BY_ARES_STATUS.get(status, Reason.DNS)


def is_reply(status: int) -> bool:
    """Whether c-ares' ``status`` is what the name server said: one of the "server error codes" of ares.h."""
    return status <= _LAST_OF_SERVER


def is_ours(reason: Reason) -> bool:
    """Whether it says something about us, and nothing about the site."""
    return Reason.STALLED <= reason < Reason.OVERRUN


def worse(earlier: Reason, reason: Reason) -> Reason:
    """Of two addresses that failed, the reason that says something about the site; NONE: the first one."""
    return earlier if earlier and is_ours(reason) else reason


# What a device without its link, or a gateway that is silent, makes of a healthy transfer: silence, or an
# address that can not be reached.
MADE_BY_LOST_WAY = frozenset({Reason.TIMEOUT, Reason.CONNECT})

# What a loop that stood still makes of a healthy transfer. A response, a certificate, a name that does not
# exist stay what they are.
_MADE_BY_STALL = frozenset(
    {
        Reason.TIMEOUT,
        Reason.DNS,
        Reason.CONNECT,
        Reason.TLS,
        Reason.RESET,
        Reason.PROTOCOL,
        Reason.NAME_SERVER,
    }
)


def after_stall(reason: Reason, status: int = 0) -> Reason:
    """The reason for what ended with ``reason`` and ``status`` after the loop had stood still."""
    # Who waited for our request in vain says so, and hangs up (RFC 9110 section 15.5.9).
    was_waited_for = status == HTTPStatus.REQUEST_TIMEOUT
    return Reason.STALLED if was_waited_for or reason in _MADE_BY_STALL else reason
