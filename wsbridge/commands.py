"""What an operator can ask the bridge over the control socket, and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pagestatus.control import Command, ControlError, Params
from wsbridge.requests import ListAll, Mistake, act_of, add_of
from wsbridge.view import shown

if TYPE_CHECKING:
    from wsbridge.actor import Bridge


class Commands:
    """The control commands of the bridge. What a websocket client can ask, an operator can ask here."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    def table(self) -> Mapping[str, Command]:
        """By name."""
        return {
            "status": self.status,
            "download": lambda params: self._asked(self.download, params),
            "downloads": lambda params: self._asked(self.downloads, params),
            "act": lambda params: self._asked(self.act, params),
        }

    def status(self, _params: Params) -> dict[str, Any]:
        """How it goes as a whole."""
        bridge = self._bridge
        trouble = bridge.keeper.trouble
        websocket = bridge.config.websocket
        host = f"[{websocket.host}]" if ":" in websocket.host else websocket.host
        answer: dict[str, Any] = {
            "downloads": bridge.book.counts(),
            "listening": f"ws://{host}:{websocket.port}/",
            "clients": len(bridge.clients),
            "fetchers": len(bridge.book.crew),
            **bridge.inbox_told(),
            "writable": not trouble,
        }
        return {"state": "blocked", "trouble": trouble, **answer} if trouble else answer

    def download(self, params: Params) -> dict[str, str]:
        """Put a download in the list. It is in the journal a moment later, and not begun before."""
        self._bridge.reception.look_at_journal()
        download = self._bridge.desk.add(add_of(params), self._bridge.runner.clock.now_us())
        return {"id": download.entry.id}

    def downloads(self, params: Params) -> list[dict[str, object]]:
        """All downloads, or the one with this ``id``, as the websocket shows them."""
        bridge, id_ = self._bridge, params.get("id")
        if id_ is not None and not isinstance(id_, str):
            raise ControlError("id: expected text")
        found = bridge.book.downloads.values() if id_ is None else [bridge.desk.find(id_)]
        return [shown(download, bridge.runner.loop.now) for download in found]

    def act(self, params: Params) -> dict[str, str]:
        """Do something with a download."""
        request = act_of(params)
        if isinstance(request, ListAll):
            raise ControlError("action: expected something to do with a download")
        return {"message": self._bridge.reception.act(request)}

    def _asked(self, command: Callable[[Params], object], params: Params) -> object:
        if self._bridge.runner.draining:
            raise ControlError("the bridge is ending")
        try:
            return command(params)
        except Mistake as mistake:
            raise ControlError(mistake.message) from mistake
