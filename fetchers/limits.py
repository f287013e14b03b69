"""Descriptors: how many there are, how many checks they allow, and whether they are what is missing."""

from __future__ import annotations

import resource
import socket

# Of the interpreter, the log, the loop, ZeroMQ, the control socket and its clients, c-ares.
OTHER_DESCRIPTORS = 256
# What "unlimited" means here: the kernel's own default limit (fs.nr_open).
MOST_DESCRIPTORS = 1 << 20


def raise_descriptor_limit() -> int:
    """Raise the soft limit to the hard one (setrlimit(2)); returns how many may be used."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return MOST_DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, MOST_DESCRIPTORS)


def slots_within(descriptors: int, wanted: int) -> int:
    """How many of ``wanted`` checks at once ``descriptors`` allow.

    Each has one connection; the one before may still be closing (libcurl gives TLS two seconds for that).
    """
    return max(1, min(wanted, (descriptors - OTHER_DESCRIPTORS) // 2))


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
