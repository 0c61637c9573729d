"""Creating, joining and leaving rooms, and the small switches of a room: requests to the server."""

import asyncio
from collections.abc import Awaitable, Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import RoomStore
from welink_desktop.adapters.matrix.rooms.hub import Hub
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rooms.summaries import INVITE_DATA
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.values import Json, text_of, true_at
from welink_desktop.core.errors import HistoryNotShared, NotFound, Offline, ServerFault
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.rooms import RoomRequest

ARRIVAL_SECONDS = 30.0
_LEVELS: Json = {
    names.NAME: 50,
    names.AVATAR: 50,
    names.ALIAS: 50,
    names.POWER_LEVELS: 100,
    names.HISTORY_VISIBILITY: 100,
    names.TOMBSTONE: 100,
    names.SERVER_ACL: 100,
    names.ENCRYPTION: 100,
    names.CALL_MEMBER: 0,
    names.CALL_MEMBER_STABLE: 0,
}
"""Everybody may take part in meetings of our rooms."""


async def _not_shared(room: RoomId, user: UserId) -> None:
    raise HistoryNotShared("not available")


class RoomAdministration:
    """`share_history(room, user)` gives older keys along with an invitation; `invite_accepted(room, inviter)` hears when the
    person took one. Both are set by whoever keeps the keys.
    """

    def __init__(self, http: Http, database: Database, rooms: RoomStore, data: AccountData, hub: Hub) -> None:
        self._http = http
        self._database = database
        self._rooms = rooms
        self._data = data
        self._hub = hub
        self.share_history: Callable[[RoomId, UserId], Awaitable[None]] = _not_shared
        self.invite_accepted: Callable[[RoomId, UserId], None] = lambda room, inviter: None
        self._directing: dict[UserId, asyncio.Lock] = {}

    async def create(self, request: RoomRequest) -> RoomId:
        """Not repeated on a lost answer: that could make two rooms. Returns once sync brought the room's encryption, too: before
        that a first message would go in clear.
        """
        body: Json = {
            "preset": "public_chat" if request.public else "private_chat",
            "visibility": "public" if request.public else "private",
            "is_direct": request.direct,
            "invite": list(request.invite),
            "power_level_content_override": {"events": _LEVELS},
            "initial_state": [],
        }
        if request.name.strip():
            body["name"] = request.name.strip()
        if request.topic.strip():
            body["topic"] = request.topic.strip()
        encrypted = request.encrypted and not request.public
        if encrypted:
            body["initial_state"] = [{"type": names.ENCRYPTION, "state_key": "", "content": {"algorithm": names.MEGOLM}}]
        answer = await self._http.request("POST", (*names.CLIENT_V3, "createRoom"), json=body, retry=False)
        room = RoomId(text_of(answer, "room_id", 255))
        if not room:
            raise ServerFault("no room id in the answer")
        await self._arrived(room, lambda: self._membership(room) == "join" and (not encrypted or self._rooms.encrypted(room)))
        return room

    async def direct(self, user: UserId) -> RoomId:
        async with self._directing.setdefault(user, asyncio.Lock()):
            known = [room for room in self._data.direct_rooms(user) if self._is_direct(room, user)]
            if known:
                return max(known, key=self._bump)
            room = await self.create(RoomRequest(direct=True, invite=(user,)))
            direct = dict(self._data.get(names.DIRECT))
            direct[user] = [*self._data.direct_rooms(user), room]
            path = (*names.CLIENT_V3, "user", self._rooms.user, "account_data", names.DIRECT)
            await self._http.request("PUT", path, json=direct)
            with self._database.transaction() as t:
                self._hub.publish_in(t, RoomNews(room))
                self._data.put(t, names.DIRECT, direct)
            return room

    async def join(self, room: RoomId) -> None:
        invited = self._rooms.row(room)
        inviter = invited.inviter if invited is not None else None
        was_invited = self._membership(room) == "invite"
        direct_chat = true_at(self._rooms.room_data(room, INVITE_DATA), "direct")
        await self._http.request("POST", (*names.CLIENT_V3, "join", room), json={}, deadline=60.0)
        if inviter is not None and was_invited:
            self.invite_accepted(room, inviter)
        await self._arrived(room, lambda: self._membership(room) == "join")
        if inviter is not None and direct_chat:
            direct = dict(self._data.get(names.DIRECT))
            if room not in self._data.direct_rooms(inviter):
                direct[inviter] = [*self._data.direct_rooms(inviter), room]
                path = (*names.CLIENT_V3, "user", self._rooms.user, "account_data", names.DIRECT)
                await self._http.request("PUT", path, json=direct)

    async def leave(self, room: RoomId) -> None:
        await self._http.request("POST", (*names.CLIENT_V3, "rooms", room, "leave"), json={})
        if self._rooms.row(room) is None:
            return
        with self._database.transaction() as t:
            self._hub.publish_in(t, RoomNews(room))
            row = self._rooms.ensure(t, room)
            row.membership = "leave"
            self._rooms.save(t, row)

    async def invite(self, room: RoomId, user: UserId, *, share_history: bool = False) -> None:
        """Keys go first (§8.5): a line that fails there leaves nothing half done, a refusal is told after the invitation."""
        refusal: HistoryNotShared | None = None
        if share_history and self._rooms.encrypted(room):
            try:
                await self.share_history(room, user)
            except HistoryNotShared as error:
                refusal = error
        await self._send_invite(room, user)
        if refusal is not None:
            raise refusal

    async def _send_invite(self, room: RoomId, user: UserId) -> None:
        await self._http.request("POST", (*names.CLIENT_V3, "rooms", room, "invite"), json={"user_id": user})

    async def set_favourite(self, room: RoomId, favourite: bool) -> None:
        path = (*names.CLIENT_V3, "user", self._rooms.user, "rooms", room, "tags", names.FAVOURITE)
        if favourite:
            await self._http.request("PUT", path, json={"order": 0.5})
        else:
            await self._http.request("DELETE", path)
        tags = dict(self._rooms.room_data(room, names.TAG).get("tags", {}))
        tags.pop(names.FAVOURITE, None)
        if favourite:
            tags[names.FAVOURITE] = {"order": 0.5}
        self._put_data(room, names.TAG, {"tags": tags})

    async def set_marked_unread(self, room: RoomId, unread: bool) -> None:
        if true_at(self._rooms.room_data(room, names.MARKED_UNREAD), "unread") == unread:
            return
        self._put_data(room, names.MARKED_UNREAD, {"unread": unread})
        path = (*names.CLIENT_V3, "user", self._rooms.user, "rooms", room, "account_data", names.MARKED_UNREAD)
        await self._http.request("PUT", path, json={"unread": unread})

    async def set_muted(self, room: RoomId, muted: bool) -> None:
        path = (*names.CLIENT_V3, "pushrules", "global", "override", room)
        if not muted:
            try:
                await self._http.request("DELETE", path)
            except NotFound:
                return
            return
        condition = {"kind": "event_match", "key": "room_id", "pattern": room}
        await self._http.request("PUT", path, json={"conditions": [condition], "actions": []})

    def _put_data(self, room: RoomId, event_type: str, content: Json) -> None:
        with self._database.transaction() as t:
            self._hub.publish_in(t, RoomNews(room))
            self._rooms.put_room_data(t, room, event_type, content)

    def _membership(self, room: RoomId) -> str:
        row = self._rooms.row(room)
        return "" if row is None else row.membership

    def _bump(self, room: RoomId) -> int:
        row = self._rooms.row(room)
        return 0 if row is None else row.bump

    def _is_direct(self, room: RoomId, user: UserId) -> bool:
        """Whether we share it; a member list that is not complete yet gives the benefit of the doubt."""
        member = self._rooms.members(room).get(user)
        return self._membership(room) == "join" and (member is None or member.membership in ("join", "invite"))

    async def _arrived(self, room: RoomId, here: Callable[[], bool]) -> None:
        """Wait for sync to bring the room. Raises `Offline` if it does not within 30 s."""
        if here():
            return
        done = asyncio.Event()
        cancel = self._hub.committed.listen(lambda rooms: done.set() if room in rooms and here() else None)
        try:
            async with asyncio.timeout(ARRIVAL_SECONDS):
                await done.wait()
        except TimeoutError as error:
            raise Offline("the room did not arrive") from error
        finally:
            cancel()
