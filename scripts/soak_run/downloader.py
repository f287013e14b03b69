"""One download after the other through the websocket, and what has come of each."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import unquote, urlsplit

from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from scripts.soak_run.files import Offered

# Longer than any of them takes with a fault in it.
LONGEST_S = 240.0
AGAIN_S = 0.5
WAIT_S = 5.0


class Downloader:
    """A client that comes back when it is thrown out; its own thread runs ``run``."""

    def __init__(self, port: int, files: Sequence[Offered], random: Random) -> None:
        self._port = port
        self._files = files
        self._random = random
        self._ended = threading.Event()
        # How many have ended in which way, and of those that failed why.
        self.ends: Counter[str] = Counter()
        self.bytes = 0
        self.findings: list[str] = []

    def run(self) -> None:
        """Until ``end``."""
        for number in count():
            file = self._random.choice(self._files)
            _Download(self, file, f"{file.url}?{number}").run()
            if self._ended.is_set():
                return

    def end(self) -> None:
        """Let go of what is under way."""
        self._ended.set()

    def wait(self, seconds: float) -> bool:
        """Whether it is to go on after that."""
        return not self._ended.wait(seconds)

    def connect(self) -> ClientConnection:
        """Raises OSError and ``WebSocketException``."""
        return connect(f"ws://127.0.0.1:{self._port}/", proxy=None, open_timeout=WAIT_S, close_timeout=1)


class _Download:
    """One of them; its URL is its own."""

    def __init__(self, downloader: Downloader, file: Offered, url: str) -> None:
        self._downloader = downloader
        self._file = file
        self._url = url

    def run(self) -> None:
        """Follow it to its end, whatever happens to the bridge meanwhile."""
        deadline = time.monotonic() + LONGEST_S
        while self._downloader.wait(AGAIN_S):
            if time.monotonic() > deadline:
                self._downloader.ends["has not ended"] += 1
                self._downloader.findings.append(f"{self._url} has not ended after {LONGEST_S:g} s")
                return
            try:
                with self._downloader.connect() as websocket:
                    if self._followed(websocket, deadline):
                        return
            except (OSError, WebSocketException):
                continue

    def _followed(self, websocket: ClientConnection, deadline: float) -> bool:
        """Whether it has ended; False: it is time to go."""
        self._send(websocket, action="list")
        asked = False
        while self._downloader.wait(0) and time.monotonic() < deadline:
            data = json.loads(websocket.recv(WAIT_S)).get("data")
            if not isinstance(data, list):
                continue
            told = next((one for one in data if one["url"] == self._url), None)
            if told is None and not asked:
                self._send(websocket, url=self._url)
                asked = True
            elif told is not None and self._has_ended(told):
                self._send(websocket, action="remove", id=told["id"])
                return True
            elif told is not None and told["process_status"] == "Paused":
                self._downloader.wait(AGAIN_S)
                self._send(websocket, action="resume", id=told["id"])
            elif told is None:
                # The list tells of it only when it changes.
                self._send(websocket, action="list")
                self._downloader.wait(AGAIN_S)
        return False

    def _has_ended(self, told: Mapping[str, Any]) -> bool:
        if told["process_status"] == "Failed":
            self._downloader.ends[f"Failed: {told['error']['code']}"] += 1
            return True
        if told["process_status"] != "Downloaded":
            return False
        self._downloader.ends["Downloaded"] += 1
        self._downloader.bytes += self._file.size
        path = Path(unquote(urlsplit(told["path_to_file"]).path))
        if wrong := wrong_with(path, self._file):
            self._downloader.findings.append(f"{self._url} is Downloaded, and {wrong}")
        path.unlink(missing_ok=True)
        return True

    def _send(self, websocket: ClientConnection, **request: str) -> None:
        websocket.send(json.dumps(request))


def wrong_with(path: Path, file: Offered) -> str:
    """What is wrong with the file that has come to ``path``; "" when nothing is."""
    try:
        with path.open("rb") as found:
            digest = hashlib.file_digest(found, "sha256").hexdigest()
    except OSError as trouble:
        return f"{path}: {trouble.strerror}"
    if digest != file.sha256:
        wanted = f"{file.size} with {file.sha256}"
        return f"{path} has {path.stat().st_size} bytes with the digest {digest}, expected {wanted}"
    return ""
