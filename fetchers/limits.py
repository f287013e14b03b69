"""Whether descriptors are missing."""

from __future__ import annotations

import socket


def why_no_socket(address: str) -> int:
    """The errno with which a socket to ``address`` cannot be made now; 0: it can.

    libcurl keeps socket(2)'s errno to itself (it reports 0), so it is asked for again.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.socket(family, socket.SOCK_STREAM).close()
    except OSError as trouble:
        return trouble.errno or 0
    return 0
