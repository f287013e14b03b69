"""Descriptors: as many as may be, and whether they are missing."""

from __future__ import annotations

import resource
import socket

from pagestatus.descriptors import descriptor_limit


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one (setrlimit(2)); returns how many may be used."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return descriptor_limit()


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
