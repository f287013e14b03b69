"""A namespace with nothing but a loopback: a network of our own, which may be broken."""

from __future__ import annotations

import ctypes
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from scripts.nginx import NotEnough

# For unshare(2).
_CLONE_NEWNET = 0x40000000
_PORTS = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Every host of the list is in it; the name server and the websocket have an address with a route of its own.
# As the kernel makes it: another would stand beside its own.
_HOSTS = (
    *("local", "127.0.0.0/8", "dev", "lo", "table", "local"),
    *("proto", "kernel", "scope", "host", "src", "127.0.0.1"),
)
# Without a way to anybody what a name server does not find out is our own trouble.
_ANYBODY = ("default", "dev", "lo")
# A thousand checks a second want 12 Mbit/s, and downloads all there is. What finds the queue full, which is a
# tenth of a second long, is lost (tc-tbf(8)).
_SLOW = ("tbf", "rate", "20mbit", "burst", "128kb", "limit", "256kb")
# Above all that the kernel gives.
_LEFT = 61_001


class Network:
    """This process is in it, and so is whatever it starts from now on."""

    def __init__(self) -> None:
        """Before any thread is started. Raises ``NotEnough``."""
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(_CLONE_NEWNET):
            trouble = os.strerror(ctypes.get_errno())
            raise NotEnough(f"a network namespace of its own can not be had: {trouble}; it takes root")
        _up()
        try:
            with self.slow():
                self.can_be_slow = True
        except NotEnough as why:
            # Not every kernel has what it takes.
            print(f"soak: the link can not be slow here: {why}", file=sys.stderr)
            self.can_be_slow = False

    @contextmanager
    def down(self) -> Iterator[None]:
        """The interface is switched off."""
        _ip("link", "set", "lo", "down")
        try:
            yield
        finally:
            _up()

    @contextmanager
    def without_route(self) -> Iterator[None]:
        """No route leads to the sites."""
        _ip("route", "del", *_HOSTS)
        _ip("route", "del", *_ANYBODY)
        try:
            yield
        finally:
            _ip("route", "add", *_HOSTS)
            _ip("route", "add", *_ANYBODY)

    @contextmanager
    def slow(self) -> Iterator[None]:
        """All that is said comes late, and much of it never."""
        _run("tc", "qdisc", "add", "dev", "lo", "root", *_SLOW)
        try:
            yield
        finally:
            _run("tc", "qdisc", "del", "dev", "lo", "root")

    @contextmanager
    def without_ports(self) -> Iterator[None]:
        """No local port is left: the only one that may be given is taken."""
        before = _PORTS.read_text(encoding="ascii")
        with ExitStack() as taken:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                holder = taken.enter_context(socket.socket(type=kind))
                holder.bind(("0.0.0.0", _LEFT))  # noqa: S104 - it hears nobody
            _PORTS.write_text(f"{_LEFT} {_LEFT}", encoding="ascii")
            try:
                yield
            finally:
                _PORTS.write_text(before, encoding="ascii")


def _up() -> None:
    _ip("link", "set", "lo", "up")
    # It goes with its device, and does not come back by itself.
    _ip("route", "add", *_ANYBODY)


def _ip(*arguments: str) -> None:
    _run("ip", *arguments)


def _run(*command: str) -> None:
    """One of iproute2."""
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    try:
        done = subprocess.run(
            command, env={**os.environ, "PATH": path}, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise NotEnough(f"{command[0]} is needed; on Debian: apt install iproute2") from None
    if done.returncode:
        raise NotEnough(f"{' '.join(command)}: {done.stderr.strip()}")
