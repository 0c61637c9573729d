"""Older events from the server: pages of `/messages` into the gaps of the store (matrix.md §2.4)."""

import asyncio
import json
from collections.abc import Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.ingest import Ingest, RoomNews
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.wire.events import Event, parse_event
from welink_desktop.adapters.matrix.wire.values import list_of, text_of
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import short, topic

PAGE = 100
_FILTER = json.dumps({"lazy_load_members": True})
_HISTORY_LIMIT = 16 << 20
_log = topic("history")


class History:
    """`publish` gets what each committed page changed."""

    def __init__(
        self, database: Database, http: Http, rooms: RoomStore, ingest: Ingest, publish: Callable[[Transaction, RoomNews], None]
    ) -> None:
        self._database = database
        self._http = http
        self._rooms = rooms
        self._ingest = ingest
        self._publish = publish
        self._locks: dict[RoomId, asyncio.Lock] = {}

    async def fill_below(self, room: RoomId, position: float, count: int = PAGE) -> bool:
        """Fetch one page into the newest gap at or below `position`. False if there is none (any more).

        Raises `Offline`, `ServerFault`, `MatrixError`.
        """
        async with self._locks.setdefault(room, asyncio.Lock()):
            with self._database.read() as t:
                gap = rows.gap_below(t, room, position)
            if gap is None:
                return False
            query: dict[str, str | int] = {"dir": "b", "from": gap[1], "limit": min(PAGE, max(20, count)), "filter": _FILTER}
            path = (*names.CLIENT_V3, "rooms", room, "messages")
            answer = await self._http.request("GET", path, query=query, limit=_HISTORY_LIMIT, deadline=20.0)
            chunk = [parse_event(event, room) for event in list_of(answer, "chunk")]
            state = [parse_event(event, room) for event in list_of(answer, "state")]
            news = RoomNews(room)
            with self._database.transaction() as t:
                self._learn_members(t, room, [event for event in state if isinstance(event, Event)])
                fresh = self._ingest.history(t, room, gap[0], chunk, text_of(answer, "end", 4_096) or None, news)
                self._publish(t, news)
            _log.debug("page", room=short(room), fresh=fresh)
            return True

    async def fill_gap(self, room: RoomId, most: int = 20_000) -> None:
        """Fetch pages until the newest gap of `room` is closed, or `most` events were fetched."""
        with self._database.read() as t:
            last = rows.last_position(t, room)
        if last is None:
            return
        for _ in range(most // PAGE):
            with self._database.read() as t:
                gap = rows.gap_below(t, room, last)
                older = t.value("SELECT 1 FROM events WHERE room = ? AND position < ? LIMIT 1", (room, gap[0] if gap else 0))
            if gap is None or older is None:
                return
            await self.fill_below(room, last)

    def gaps_to_fill(self) -> list[RoomId]:
        """Rooms with events on both sides of a gap."""
        with self._database.read() as t:
            found = t.rows(
                "SELECT DISTINCT room FROM gaps g WHERE EXISTS"
                " (SELECT 1 FROM events e WHERE e.room = g.room AND e.position < g.position)"
            )
        return [row[0] for row in found]

    def _learn_members(self, t: Transaction, room: RoomId, events: list[Event]) -> None:
        """Senders of old messages: only people we know nothing of, their present state may be newer."""
        known = self._rooms.members(room)
        for event in events:
            if event.type == names.MEMBER and event.state_key is not None and event.state_key not in known:
                self._rooms.apply_state(t, room, event)
