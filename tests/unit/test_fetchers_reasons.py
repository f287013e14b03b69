"""What libcurl and c-ares say, and the reason that is reported for it."""

from __future__ import annotations

import errno

import pycurl
import pytest
from pycares import errno as ares

from fetchers import reasons
from pagestatus.messages import Reason


@pytest.mark.parametrize(
    ("code", "os_errno", "words", "expected"),
    [
        (pycurl.E_OK, 0, "", Reason.NONE),
        (pycurl.E_UNSUPPORTED_PROTOCOL, 0, "Received HTTP/0.9 when not allowed", Reason.PROTOCOL),
        (pycurl.E_URL_MALFORMAT, 0, "", Reason.BAD_URL),
        (pycurl.E_FTP_WEIRD_SERVER_REPLY, 0, "Header without colon", Reason.PROTOCOL),
        (pycurl.E_COULDNT_CONNECT, errno.ECONNREFUSED, "", Reason.CONNECT),
        (pycurl.E_COULDNT_CONNECT, errno.EHOSTUNREACH, "", Reason.CONNECT),
        (pycurl.E_COULDNT_CONNECT, 0, "", Reason.NO_FDS),
        (pycurl.E_COULDNT_CONNECT, errno.ETIMEDOUT, "", Reason.TIMEOUT),
        (pycurl.E_COULDNT_CONNECT, errno.ECONNRESET, "", Reason.RESET),
        (pycurl.E_COULDNT_CONNECT, errno.EMFILE, "", Reason.NO_FDS),
        (pycurl.E_COULDNT_CONNECT, errno.ENFILE, "", Reason.NO_FDS),
        (pycurl.E_COULDNT_CONNECT, errno.EADDRNOTAVAIL, "", Reason.NO_PORTS),
        (pycurl.E_COULDNT_CONNECT, errno.ENETUNREACH, "", Reason.NO_ROUTE),
        (pycurl.E_COULDNT_CONNECT, errno.ENOBUFS, "", Reason.NO_MEMORY),
        (pycurl.E_OUT_OF_MEMORY, 0, "", Reason.NO_MEMORY),
        (pycurl.E_OUT_OF_MEMORY, errno.EMFILE, "", Reason.NO_FDS),
        (pycurl.E_OPERATION_TIMEDOUT, 0, "", Reason.TIMEOUT),
        (pycurl.E_SSL_CONNECT_ERROR, 0, "wrong version number", Reason.TLS),
        (pycurl.E_SSL_CONNECT_ERROR, errno.ECONNRESET, "", Reason.RESET),
        (pycurl.E_PEER_FAILED_VERIFICATION, 0, "", Reason.CERTIFICATE),
        (pycurl.E_SSL_INVALIDCERTSTATUS, 0, "", Reason.CERTIFICATE),
        (pycurl.E_GOT_NOTHING, 0, "", Reason.RESET),
        (pycurl.E_SEND_ERROR, errno.EPIPE, "", Reason.RESET),
        (pycurl.E_RECV_ERROR, errno.ECONNRESET, "Recv failure", Reason.RESET),
        (pycurl.E_RECV_ERROR, 0, "chunk hex-length char not a hex digit: 0x7a", Reason.PROTOCOL),
        (pycurl.E_RECV_ERROR, 0, "Too large response headers: 340052 > 307200", Reason.PROTOCOL),
        (pycurl.E_PARTIAL_FILE, 0, "", Reason.RESET),
        (pycurl.E_HTTP2, 0, "", Reason.PROTOCOL),
        (92, 0, "HTTP/2 stream 1 was not closed cleanly", Reason.RESET),
        (pycurl.E_BAD_CONTENT_ENCODING, 0, "", Reason.PROTOCOL),
        (pycurl.E_WRITE_ERROR, 0, "", Reason.TOO_LARGE),
        (pycurl.E_FILESIZE_EXCEEDED, 0, "", Reason.TOO_LARGE),
        (100, 0, "Too many response headers, 5000 is max", Reason.PROTOCOL),
        (pycurl.E_FAILED_INIT, 0, "", Reason.BUG),
    ],
)
def test_transfer(code: int, os_errno: int, words: str, expected: Reason) -> None:
    assert reasons.of_transfer(code, os_errno, words) is expected


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (ares.ARES_ENOTFOUND, Reason.NO_SUCH_NAME),
        (ares.ARES_ENODATA, Reason.NO_SUCH_NAME),
        (ares.ARES_EBADNAME, Reason.NO_SUCH_NAME),
        (ares.ARES_ESERVFAIL, Reason.DNS),
        (ares.ARES_ETIMEOUT, Reason.DNS),
        (ares.ARES_EBADRESP, Reason.DNS),
        (ares.ARES_EREFUSED, Reason.NAME_SERVER),
        (ares.ARES_ECONNREFUSED, Reason.NAME_SERVER),
        (ares.ARES_EFILE, Reason.NAME_SERVER),
        (ares.ARES_ENOMEM, Reason.NO_MEMORY),
    ],
)
def test_lookup(status: int, expected: Reason) -> None:
    assert reasons.of_lookup(status) is expected


@pytest.mark.parametrize("reason", Reason)
def test_only_internal_reasons_are_ours(reason: Reason) -> None:
    internal = {"STALLED", "NO_FDS", "NO_PORTS", "NO_ROUTE", "NO_MEMORY", "NAME_SERVER", "BUG"}
    assert reasons.is_ours(reason) == (reason.name in internal)


@pytest.mark.parametrize("reason", [Reason.TIMEOUT, Reason.DNS, Reason.CONNECT, Reason.RESET, Reason.TLS])
def test_a_stall_explains_what_may_come_of_it(reason: Reason) -> None:
    assert reasons.after_stall(reason) is Reason.STALLED


def test_who_waited_in_vain_for_our_request_was_not_slow() -> None:
    assert reasons.after_stall(Reason.NONE, 408) is Reason.STALLED
    assert reasons.after_stall(Reason.NONE, 500) is Reason.NONE


@pytest.mark.parametrize(
    "reason", [Reason.NONE, Reason.CERTIFICATE, Reason.NO_SUCH_NAME, Reason.BAD_URL, Reason.TOO_LARGE]
)
def test_a_stall_does_not_explain_an_answer(reason: Reason) -> None:
    assert reasons.after_stall(reason) is reason
