"""The demo: a site on loopback, and the list of targets that watches it."""

from __future__ import annotations

import argparse
import json
import signal
import socket
import sys
from pathlib import Path

from scripts.demo.site_server import SiteServer
from scripts.demo.targets import targets

# Always the same, so that the URLs can be typed; should it be taken, any other will do.
PORT = 8780


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--list", type=Path, required=True, help="where to write the list of targets")
    path: Path = parser.parse_args().list
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    # Bound and never listening: nobody else takes the port, and every connection is refused.
    with socket.socket() as closed, open_site() as site:
        closed.bind(("127.0.0.1", 0))
        _write(path, json.dumps(targets(site.server_port, closed.getsockname()[1]), indent=1))
        site.serve_forever()


def open_site() -> SiteServer:
    try:
        return SiteServer(PORT)
    except OSError:
        return SiteServer(0)


def _write(path: Path, content: str) -> None:
    """Write and rename, so that who waits for the list never reads half of it."""
    partial = path.with_suffix(".part")
    partial.write_text(content + "\n", encoding="utf-8")
    partial.replace(path)


if __name__ == "__main__":
    main()
