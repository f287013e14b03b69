"""Ports at which nobody else listens while their server is away, and from which nobody is sent to them."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

from scripts.nginx import NotEnough

# Above those that a kernel gives by itself (ip_local_port_range), and a few that are taken on purpose.
_NEVER_GIVEN = range(61_100, 1 << 16)


def held_port() -> socket.socket:
    """A port that is ours, also while nobody listens: bound, the kernel gives it to nobody by chance.

    A server that sets SO_REUSEADDR, as this does, can listen there all the same (socket(7)).
    """
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    # Never listening, it accepts nothing, anywhere.
    held.bind(("0.0.0.0", 0))  # noqa: S104
    return held


def datagram_port() -> int:
    """A free one that the kernel gives to nobody; raises NotEnough.

    A server of datagrams can not be kept its place by another socket, which would take them in its stead. And
    whoever is given the port that it asks hears its own questions for answers.
    """
    for port in random.sample(_NEVER_GIVEN, len(_NEVER_GIVEN)):
        with socket.socket(type=socket.SOCK_DGRAM) as tried, suppress(OSError):
            tried.bind(("127.0.0.1", port))
            return port
    raise NotEnough(f"no port from {_NEVER_GIVEN.start} on is free")
