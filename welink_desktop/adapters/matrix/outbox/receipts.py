"""Read receipts and the fully-read marker: forward only, at most one a second per room, kept while offline (matrix.md §3.3)."""

import asyncio

from welink_desktop.adapters.matrix.constants import CLIENT_V3, FULLY_READ, READ
from welink_desktop.adapters.matrix.errors import Limited, Locked, MatrixError, TokenDead
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.outbox.line import wait_for_line
from welink_desktop.adapters.matrix.store import outbox as tables
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import EventId, RoomId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Scope

INTERVAL = 1.0
_log = topic("receipts")


class ReadMarks:
    """What this account has read, room by room."""

    def __init__(self, database: Database, http: Http, user: UserId, scope: Scope, *, interval: float = INTERVAL) -> None:
        self._database = database
        self._http = http
        self._user = user
        self._scope = scope
        self._interval = interval
        self._busy: set[RoomId] = set()

    def start(self) -> None:
        """Send what an earlier run could not."""
        with self._database.read() as t:
            rooms = tables.unsent_read_marks(t)
        for room in rooms:
            self._wake(room)

    def mark(self, room: RoomId, up_to: EventId) -> bool:
        """Queue the mark; false if it would go back or is already there."""
        with self._database.transaction() as t:
            place = tables.position_of(t, room, up_to)
            for before in (tables.read_mark_event(t, room), tables.own_receipt(t, room, self._user)):
                if before == up_to or not _forward(tables.position_of(t, room, before), place):
                    return False
            tables.set_read_mark(t, room, up_to, sent=False)
        self._wake(room)
        return True

    def _wake(self, room: RoomId) -> None:
        if room not in self._busy:
            self._busy.add(room)
            self._scope.spawn(self._send(room), name="receipts")

    async def _send(self, room: RoomId) -> None:
        try:
            while (event := self._next(room)) is not None:
                try:
                    await self._post(room, event)
                except (TokenDead, Locked):
                    return
                except WeLinkError as error:
                    if not isinstance(error, MatrixError) or isinstance(error, Limited):
                        await wait_for_line(self._http)
                        continue
                    _log.warning("receipt refused")
                with self._database.transaction() as t:
                    if tables.read_mark(t, room) == (event, False):
                        tables.set_read_mark(t, room, event, sent=True)
                await asyncio.sleep(self._interval)
        finally:
            self._busy.discard(room)

    def _next(self, room: RoomId) -> EventId | None:
        with self._database.read() as t:
            mark = tables.read_mark(t, room)
        return None if mark is None or mark[1] else mark[0]

    async def _post(self, room: RoomId, event: EventId) -> None:
        body = {FULLY_READ: event, READ: event}
        await self._http.request("POST", (*CLIENT_V3, "rooms", room, "read_markers"), json=body, retry=False)


def _forward(before: float | None, after: float | None) -> bool:
    """Unknown events cannot be compared: the newer wish counts."""
    return before is None or after is None or after > before
