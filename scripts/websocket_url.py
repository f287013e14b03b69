"""Prints where the bridge will listen; exit code 1 and one line, if it can not."""

from __future__ import annotations

import errno
import socket
import sys

from pagestatus.config import load


def main() -> int:
    websocket = load().websocket
    host, port = websocket.host, websocket.port
    # A port that a probe was bound to can be bound again at once, as the bridge does, with the same option.
    try:
        for family, kind, protocol, _name, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as mistake:
        told = f"no downloads, all else runs: websocket {host}:{port}: {mistake.strerror}"
        taken = "; they begin when the port is free, or PAGESTATUS_WEBSOCKET_PORT chooses another"
        print(told + taken * (mistake.errno == errno.EADDRINUSE), file=sys.stderr)
        return 1
    print(f"ws://{_shown(host)}:{port}/")
    return 0


def _shown(host: str) -> str:
    if host == "127.0.0.1":
        return "localhost"
    return f"[{host}]" if ":" in host else host


if __name__ == "__main__":
    sys.exit(main())
