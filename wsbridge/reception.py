"""What websocket clients are told: answers to what they ask, and the list when it changes."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from pagestatus.clock import Clock
from wsbridge.book import MOST_LISTED, Book
from wsbridge.desk import ADDED, Desk
from wsbridge.guest import Guest
from wsbridge.handshake import Door
from wsbridge.keeper import UNWRITTEN, Keeper
from wsbridge.replies import message
from wsbridge.requests import Act, Add, ListAll, Login, Mistake, Request, SetUrl
from wsbridge.view import View

# How long the journal may take to note a new download before it is refused. Seconds.
PATIENCE_S = 5.0
_UNNOTED = f"But {UNWRITTEN.message}, and a bridge that is started before it can be does not know of this."


class Reception:
    """Runs on asyncio; the ``Host`` of ``clients``."""

    def __init__(  # noqa: PLR0913, PLR0917 - whom it asks
        self, book: Book, desk: Desk, keeper: Keeper, door: Door, guest: Guest, clock: Clock
    ) -> None:
        self._book = book
        self._desk = desk
        self._keeper = keeper
        self._door = door
        self._guest = guest
        self._clock = clock
        self._view = View()
        self._sent = 0
        self._last_early = 0.0
        # The bridge drains, and takes nothing new.
        self.is_closing = False
        # A download has ended or stopped: clients are told at once.
        self.news = asyncio.Event()

    async def next_list(self, interval_s: float) -> str | None:
        """The list, an interval later or when there is news; None: it is as it was."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.news.wait(), interval_s)
            # Somebody waits for this; but not so often that many ends make many lists.
            await asyncio.sleep(max(0.0, self._last_early + interval_s - self._guest.host.time()))
            self._last_early = self._guest.host.time()
        self.news.clear()
        listing = self.listing()
        if len(listing) > MOST_LISTED:
            self._desk.retire(len(listing) - MOST_LISTED)
            listing = self.listing()
        if self._view.version == self._sent:
            return None
        self._sent = self._view.version
        return listing

    def listing(self) -> str:
        """The whole list as a message."""
        self._view.refresh(self._book.downloads, self._guest.now)
        return self._view.message()

    async def answer(self, request: Request) -> str:
        """What a websocket client is answered; raises Mistake."""
        self._guest.kick()
        if self.is_closing and not isinstance(request, ListAll | Login):
            raise Mistake("too_many", "the bridge is ending: ask again in a moment")
        match request:
            case Add():
                return await self._add(request)
            case Act() | SetUrl():
                return message(self.act(request), request.id)
            case ListAll():
                return self.listing()
            case Login():
                if self._door.needs_token and not self._door.admits(request.token):
                    raise Mistake("forbidden", "the token is wrong")
                return message("Token has been accepted.", None)

    def act(self, request: Act | SetUrl) -> str:
        """Do something with a download; returns in words what was done, and if it lasts. Raises Mistake."""
        words = self._desk.set_url(request) if isinstance(request, SetUrl) else self._desk.act(request)
        return words if self._keeper.writable else f"{words} {_UNNOTED}"

    async def _add(self, request: Add) -> str:
        """It is in the list once it is in the journal."""
        self.look_at_journal()
        download = self._desk.add(request, self._clock.now_us())
        id_ = download.entry.id
        try:
            await asyncio.wait_for(self._keeper.written(), PATIENCE_S)
        except TimeoutError:
            self._desk.act(Act("remove", id_))
            self.look_at_journal()
            raise Mistake("too_many", "the journal takes too long: try again later") from None
        return message(ADDED, id_)

    def look_at_journal(self) -> None:
        """Raise Mistake while nothing new can be taken."""
        if not self._keeper.writable:
            raise Mistake("too_many", UNWRITTEN.message)
