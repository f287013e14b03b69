"""A server that takes every connection and never says anything, in a thread of this process."""

from __future__ import annotations

import errno
import resource
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

BACKLOG = 4096


@contextmanager
def hanging() -> Iterator[int]:
    """Serve at all addresses; gives the port."""
    # Each of the clients that wait for it is a descriptor here.
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with socket.socket() as server:
        # Nobody comes from outside; before Linux 5.7 this is not for everybody (socket(7)).
        with suppress(PermissionError):
            server.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, b"lo")
        # There is no other way to be at every address of 127.0.0.0/8.
        server.bind(("0.0.0.0", 0))  # noqa: S104
        server.listen(BACKLOG)
        server.setblocking(False)
        stop, stopped = socket.socketpair()
        thread = threading.Thread(target=_serve, args=[server, stopped])
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            stop.close()
            thread.join()


def _serve(server: socket.socket, stopped: socket.socket) -> None:
    """Let in who comes and forget who leaves, until the other end of ``stopped`` is closed."""
    peers: dict[int, socket.socket] = {}
    with select.epoll() as poll, stopped:
        poll.register(server, select.EPOLLIN)
        poll.register(stopped, select.EPOLLIN)
        while True:
            for fd, _events in poll.poll():
                if fd == server.fileno():
                    _let_in(server, peers, poll)
                elif fd in peers:
                    # Its question is of no interest, so this is its end.
                    peers.pop(fd).close()
                    poll.modify(server, select.EPOLLIN)
                else:
                    for peer in peers.values():
                        peer.close()
                    return


def _let_in(server: socket.socket, peers: dict[int, socket.socket], poll: select.epoll) -> None:
    try:
        peer, _address = server.accept()
    except OSError as mistake:
        if mistake.errno in {errno.EMFILE, errno.ENFILE}:
            # Until somebody leaves: else the same would come up again and again.
            poll.modify(server, 0)
        # Others have left already.
        return
    peers[peer.fileno()] = peer
    poll.register(peer, select.EPOLLRDHUP)
