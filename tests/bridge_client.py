"""A websocket client of the bridge for tests: it asks, and waits for what it is told."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Any, Self

from websockets.sync.client import connect

Download = Mapping[str, Any]


class BridgeClient:
    """One connection. What comes is kept in order; the newest list of all downloads is ``downloads``."""

    def __init__(self, port: int, slowness: float, **options: Any) -> None:  # noqa: ANN401 - of websockets
        """``options`` go to ``websockets.sync.client.connect``; raises what that raises.

        Every time-out is multiplied by ``slowness``.
        """
        options = {"proxy": None, "open_timeout": 10 * slowness, **options}
        self._slowness = slowness
        self._open = ExitStack()
        self.websocket = self._open.enter_context(connect(f"ws://127.0.0.1:{port}/", **options))
        # By id, in the order of the list.
        self.downloads: dict[str, Download] = {}
        # The number of lists so far.
        self.lists = 0
        # What came that is no list: answers and mistakes, oldest first.
        self.answers: deque[Mapping[str, Any]] = deque()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Leave; more than once does no harm."""
        self._open.close()

    # --- asking ----------------------------------------------------------------------------------

    def send(self, request: object) -> None:
        """Send ``request`` as JSON, or as it is when it is text or bytes already."""
        self.websocket.send(request if isinstance(request, str | bytes) else json.dumps(request))

    def ask(self, request: object, within_s: float = 10) -> Mapping[str, Any]:
        """The answer to ``request``: ``{"data": {...}}`` or ``{"error": {...}}``. One is asked at a time."""
        assert not self.answers, self.answers
        self.send(request)
        self._receive_until(lambda: self.answers, f"an answer to {request}", within_s)
        return self.answers.popleft()

    def add(self, url: str, **more: object) -> str:
        """Ask for a download; its id."""
        answer = self.ask({"url": url, **more})
        assert "data" in answer, answer
        assert answer["data"]["message"] == "URL has been added.", answer
        return str(answer["data"]["id"])

    def act(self, action: str, id_: str, **more: object) -> Mapping[str, Any]:
        """``{"action": action, "id": id_}``, and its answer."""
        return self.ask({"action": action, "id": id_, **more})

    # --- waiting ---------------------------------------------------------------------------------

    def until(self, id_: str, *statuses: str, within_s: float = 30) -> Download:
        """Wait until the download has one of these process_status; what was told of it then."""
        return self.until_it(
            id_, lambda told: told["process_status"] in statuses, f"is {statuses}", within_s=within_s
        )

    def until_it(
        self, id_: str, condition: Callable[[Download], object], what: str, within_s: float = 30
    ) -> Download:
        """Wait until what is told of the download fulfils ``condition``."""
        self._receive_until(
            lambda: id_ in self.downloads and condition(self.downloads[id_]), f"{id_} {what}", within_s
        )
        return self.downloads[id_]

    def until_gone(self, id_: str, within_s: float = 10) -> None:
        """Wait until the list is without the download, after it was in it."""
        self._receive_until(lambda: self.lists and id_ not in self.downloads, f"{id_} is gone", within_s)

    def next_list(self, within_s: float = 10) -> list[Download]:
        """Wait for one more list than there were."""
        seen = self.lists
        self._receive_until(lambda: self.lists > seen, "another list", within_s)
        return list(self.downloads.values())

    def receive(self, within_s: float = 10) -> Mapping[str, Any]:
        """The next message, whatever it is; raises ``TimeoutError``, and what websockets' ``recv`` raises."""
        message: Mapping[str, Any] = json.loads(self.websocket.recv(within_s * self._slowness))
        data = message.get("data")
        if isinstance(data, list):
            self.lists += 1
            self.downloads = {entry["id"]: entry for entry in data}
        else:
            self.answers.append(message)
        return message

    def _receive_until(self, condition: Callable[[], object], what: str, within_s: float) -> None:
        deadline = time.monotonic() + within_s * self._slowness
        while not condition():
            try:
                self.receive((deadline - time.monotonic()) / self._slowness)
            except TimeoutError:
                raise AssertionError(
                    f"still not so after {within_s * self._slowness:g} s: {what}; told was {self.downloads}"
                ) from None
