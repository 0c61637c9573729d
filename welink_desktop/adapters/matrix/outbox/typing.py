"""Typing notices: at most one call in four seconds per room, and one more when the person stops (matrix.md §7)."""

import asyncio
import contextlib

from welink_desktop.adapters.matrix.constants import CLIENT_V3
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.log import topic
from welink_desktop.core.reactive import Scope

INTERVAL = 4.0
TIMEOUT_MS = 10_000
"""The server forgets a notice after this time, should our "stopped" never arrive."""

_log = topic("typing")


class TypingNotices:
    """Fire and forget: a notice that does not get through is not repeated."""

    def __init__(self, http: Http, user: UserId, scope: Scope, *, interval: float = INTERVAL) -> None:
        self._http = http
        self._user = user
        self._scope = scope
        self._interval = interval
        self._wanted: dict[RoomId, bool] = {}
        self._told: dict[RoomId, bool] = {}
        self._busy: dict[RoomId, asyncio.Event] = {}

    def set(self, room: RoomId, typing: bool) -> None:
        """Repeat `True` while the person writes; `False` is told once."""
        if not typing and not self._told.get(room) and not self._wanted.get(room):
            return
        self._wanted[room] = typing
        waiting = self._busy.get(room)
        if waiting is not None:
            if not typing:
                waiting.set()
        else:
            self._busy[room] = asyncio.Event()
            self._scope.spawn(self._tell(room), name="typing")

    async def _tell(self, room: RoomId) -> None:
        try:
            while (typing := self._wanted.pop(room, None)) is not None:
                if typing or self._told.get(room):
                    await self._put(room, typing)
                    self._told[room] = typing
                    await self._pause(self._busy[room])
        finally:
            del self._busy[room]
            self._told.pop(room, None) if not self._told.get(room) else None

    async def _pause(self, stopped: asyncio.Event) -> None:
        """The interval, cut short when the person stops: what was sent must not stand beside "is writing"."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                await stopped.wait()
        stopped.clear()

    async def _put(self, room: RoomId, typing: bool) -> None:
        body = {"typing": True, "timeout": TIMEOUT_MS} if typing else {"typing": False}
        try:
            await self._http.request("PUT", (*CLIENT_V3, "rooms", room, "typing", self._user), json=body, retry=False, deadline=5)
        except WeLinkError:
            _log.debug("typing notice not told")
