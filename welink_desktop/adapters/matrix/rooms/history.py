"""Older events from the server: pages of `/messages` into the gaps of the store (matrix.md §2.4)."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms import rows
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.ingest import Ingest, RoomNews
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.wire.events import Event, parse_event
from welink_desktop.adapters.matrix.wire.values import Json, list_of, text_of
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId
from welink_desktop.core.log import short, topic
from welink_desktop.core.reactive import Scope

PAGE = 100
"""Events asked for when somebody scrolls."""

LONG_PAGE = 500
"""Events asked for while a gap is filled behind the scenes; the next page is on its way while one is taken in."""

STEP = 50
"""Events of one transaction: what the engine does in one go."""

_FILTER = json.dumps({"lazy_load_members": True})
_HISTORY_LIMIT = 16 << 20
_DEADLINE = 40.0
_log = topic("history")


@dataclass(frozen=True, slots=True)
class _Ahead:
    """A page that was asked for before it was needed."""

    token: str
    request: "asyncio.Task[Json | WeLinkError]"


class History:
    """`publish` gets what each page changed. Pages asked for ahead are tasks of `scope`."""

    def __init__(
        self,
        database: Database,
        http: Http,
        rooms: RoomStore,
        ingest: Ingest,
        publish: Callable[[dict[RoomId, RoomNews]], None],
        scope: Scope,
    ) -> None:
        self._database = database
        self._http = http
        self._rooms = rooms
        self._ingest = ingest
        self._publish = publish
        self._scope = scope
        self._locks: dict[RoomId, asyncio.Lock] = {}
        self._ahead: dict[RoomId, _Ahead] = {}
        self._filling: set[RoomId] = set()

    async def fill_below(self, room: RoomId, position: float, count: int = PAGE) -> bool:
        """Fetch one page into the newest gap at or below `position`. False if there is none (any more).

        Raises `Offline`, `ServerFault`, `MatrixError`.
        """
        async with self._locks.setdefault(room, asyncio.Lock()):
            with self._database.read() as t:
                gap = rows.gap_below(t, room, position)
            if gap is None:
                return False
            answer = await self._page(room, gap[1], LONG_PAGE if room in self._filling else min(PAGE, max(20, count)))
            end = text_of(answer, "end", 4_096) or None
            if room in self._filling and end is not None:
                self._ask_ahead(room, end)
            await self._take_in(room, gap, answer, end)
            return True

    async def fill_gap(self, room: RoomId, most: int = 20_000) -> None:
        """Fetch pages until every gap of `room` above known events is closed, or about `most` events were fetched."""
        if room in self._filling:
            return
        self._filling.add(room)
        try:
            for _ in range(most // LONG_PAGE):
                with self._database.read() as t:
                    last = rows.last_position(t, room)
                    gap = None if last is None else rows.gap_below(t, room, last)
                    older = t.value("SELECT 1 FROM events WHERE room = ? AND position < ? LIMIT 1", (room, gap[0] if gap else 0))
                if last is None or gap is None or older is None:
                    return
                await self.fill_below(room, last)
        finally:
            self._filling.discard(room)
            ahead = self._ahead.pop(room, None)
            if ahead is not None:
                ahead.request.cancel()

    async def _page(self, room: RoomId, token: str, count: int) -> Json:
        ahead = self._ahead.pop(room, None)
        if ahead is not None and ahead.token == token:
            answer = await ahead.request
            if isinstance(answer, WeLinkError):
                raise answer
            return answer
        if ahead is not None:
            ahead.request.cancel()
        return await self._asked(room, token, count)

    def _ask_ahead(self, room: RoomId, token: str) -> None:
        self._ahead[room] = _Ahead(token, self._scope.spawn(self._outcome(room, token), name="history-ahead"))

    async def _outcome(self, room: RoomId, token: str) -> Json | WeLinkError:
        """Errors wait for the one who needs the page."""
        try:
            return await self._asked(room, token, LONG_PAGE)
        except WeLinkError as error:
            return error

    async def _asked(self, room: RoomId, token: str, count: int) -> Json:
        query: dict[str, str | int] = {"dir": "b", "from": token, "limit": count, "filter": _FILTER}
        path = (*names.CLIENT_V3, "rooms", room, "messages")
        return await self._http.request("GET", path, query=query, limit=_HISTORY_LIMIT, deadline=_DEADLINE)

    async def _take_in(self, room: RoomId, gap: tuple[float, str], answer: Json, end: str | None) -> None:
        """Step by step, each durable with the gap that is left; after a crash the same page is asked for again.

        Gives up the rest if sync changed the gap meanwhile.
        """
        events = list_of(answer, "chunk")
        state = [parse_event(event, room) for event in list_of(answer, "state")]
        news = RoomNews(room)
        at, token = gap
        try:
            for start in range(0, max(1, len(events)), STEP):
                if start:
                    await asyncio.sleep(0)
                chunk = [parse_event(event, room) for event in events[start : start + STEP]]
                rest = end if start + STEP >= len(events) else token
                with self._database.transaction() as t:
                    if rows.gap_below(t, room, at) != (at, token):
                        return
                    if not start:
                        self._learn_members(t, room, [event for event in state if isinstance(event, Event)])
                    filled = self._ingest.history(t, room, at, chunk, rest, news)
                if filled.gap is None:
                    return
                at = filled.gap
        finally:
            self._publish({room: news})
            _log.debug("page", room=short(room), rows=len(news.events))

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
