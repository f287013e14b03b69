"""Network namespaces of a test's own: links that it may cut, limits that concern nobody else.

They have no names. The kernel takes one away, with its links, when the last descriptor of it is closed and
the last process in it has ended, so nothing stays behind however a test ends.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

# For unshare(2) and setns(2).
_CLONE_NEWNET = 0x40000000
_libc = ctypes.CDLL(None, use_errno=True)
_IP = shutil.which("ip", path=f"{os.environ['PATH']}:/usr/sbin:/sbin")

# Two ends of a link, of a network that is nobody's (RFC 5737).
NEAR, FAR = "192.0.2.1", "192.0.2.2"


class Namespace:
    """One network, empty but for a loopback of its own."""

    def __init__(self) -> None:
        home = _here()
        _call("unshare", _CLONE_NEWNET)
        self._fd = _here()
        _enter(home)
        os.close(home)
        self.ip("link", "set", "lo", "up")

    @property
    def path(self) -> str:
        """By which ip(8) finds it."""
        return f"/proc/{os.getpid()}/fd/{self._fd}"

    @contextmanager
    def entered(self) -> Iterator[None]:
        """This thread is in it, and so is every socket that it opens and every process that it starts."""
        home = _here()
        _enter(self._fd)
        try:
            yield
        finally:
            _enter(home)
            os.close(home)

    def ip(self, *arguments: str) -> str:
        """Run the command of that name in it; what it says."""
        with self.entered():
            done = subprocess.run([str(_IP), *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"ip {' '.join(arguments)}: {done.stderr}"
        return done.stdout

    def set(self, key: str, value: str) -> None:
        """Change a setting of its network alone: ``ipv4/ip_local_port_range``."""
        with self.entered():
            Path("/proc/sys/net", key).write_text(value, encoding="ascii")

    def close(self) -> None:
        """Let go of it."""
        os.close(self._fd)


@contextmanager
def namespaces(number: int) -> Iterator[list[Namespace]]:
    """So many of them. Skips where there can be none."""
    if os.geteuid() != 0 or _IP is None:
        pytest.skip("network namespaces need root and ip(8)")
    with ExitStack() as made:
        try:
            found = [made.enter_context(closing(Namespace())) for _ in range(number)]
        except OSError as trouble:
            pytest.skip(f"no network namespaces here: {trouble}")
        yield found


def link(one: Namespace, device: str, other: Namespace, other_device: str) -> None:
    """Make a link from ``device`` in ``one`` to ``other_device`` in ``other``, and switch it on."""
    peer = ("peer", "name", other_device, "netns", other.path)
    one.ip("link", "add", device, "type", "veth", *peer)
    one.ip("link", "set", device, "up")
    other.ip("link", "set", other_device, "up")


def _here() -> int:
    """The namespace that this thread is in."""
    return os.open(f"/proc/self/task/{threading.get_native_id()}/ns/net", os.O_RDONLY)


def _enter(fd: int) -> None:
    _call("setns", fd, _CLONE_NEWNET)


def _call(name: str, *arguments: int) -> None:
    if getattr(_libc, name)(*arguments) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")
