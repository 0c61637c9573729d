"""Complete member lists, and the facts that encryption and calls ask of rooms."""

import asyncio
from collections.abc import Callable, Collection, Sequence

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, RoomRules
from welink_desktop.adapters.matrix.http import Http
from welink_desktop.adapters.matrix.rooms.facts import POWER_LIMIT, RoomStore
from welink_desktop.adapters.matrix.rooms.ingest import RoomNews
from welink_desktop.adapters.matrix.rtc.membership import Face, MemberEvent
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.events import Event, parse_event
from welink_desktop.adapters.matrix.wire.values import Json, list_of, text_of
from welink_desktop.core.errors import NotFound, Offline
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.reactive import Cancel
from welink_desktop.core.rooms import Member, Membership

_LIST_LIMIT = 64 << 20


class RoomMembers:
    """Implements `encryption_seams.RoomFacts` and `rtc.seams.CallRooms`.

    `touched` is shared with the sync: while a list is on its way, it collects whose membership changed meanwhile.
    """

    def __init__(
        self,
        database: Database,
        http: Http,
        rooms: RoomStore,
        touched: dict[RoomId, set[str]],
        publish: Callable[[dict[RoomId, RoomNews]], None],
    ) -> None:
        self._database = database
        self._http = http
        self._rooms = rooms
        self._touched = touched
        self._publish = publish
        self._locks: dict[RoomId, asyncio.Lock] = {}
        self._call_watchers: dict[RoomId, list[Callable[[], None]]] = {}

    async def load_members(self, room: RoomId) -> None:
        """Raises `NotFound` for unknown rooms, `Offline` if the list never was complete and cannot be fetched."""
        row = self._rooms.row(room)
        if row is None:
            raise NotFound
        if row.members_complete:
            return
        async with self._locks.setdefault(room, asyncio.Lock()):
            row = self._rooms.row(room)
            if row is not None and not row.members_complete:
                await self._fetch(room)

    async def _fetch(self, room: RoomId) -> None:
        meanwhile = self._touched[room] = set()
        try:
            answer = await self._http.request(
                "GET",
                (*names.CLIENT_V3, "rooms", room, "members"),
                query={"not_membership": "leave"},
                limit=_LIST_LIMIT,
                deadline=20.0,
            )
        finally:
            del self._touched[room]
        parsed = [parse_event(event, room) for event in list_of(answer, "chunk")]
        news = RoomNews(room, people=True)
        with self._database.transaction() as t:
            t.after_commit(lambda: self._publish({room: news}))
            keep = {UserId(user) for user in meanwhile}
            self._rooms.replace_members(t, room, [event for event in parsed if isinstance(event, Event)], keep)

    async def members(self, room: RoomId) -> tuple[Member, ...]:
        """Joined and invited people, by name. Without a line to the server: those we know."""
        known = len(self._rooms.members(room)) > 1
        if not known or self._http.backoff.retry_at.value is None:
            try:
                await self.load_members(room)
            except Offline:
                if not known:
                    raise
        power = self._rooms.power(room)
        found = []
        for row in self._rooms.members(room).values():
            if row.membership not in ("join", "invite"):
                continue
            found.append(
                Member(
                    user=row.user,
                    name=row.name.strip() or row.user,
                    ambiguous=self._rooms.ambiguous(room, row),
                    avatar=row.avatar,
                    membership=Membership(row.membership),
                    power=max(-POWER_LIMIT, min(POWER_LIMIT, power.of(row.user))),
                    creator=row.user in power.creators,
                    external=self._rooms.outside(row.user) is not None,
                )
            )
        return tuple(sorted(found, key=lambda member: (member.name.casefold(), member.user)))

    # Encryption

    async def rules(self, room: RoomId) -> RoomRules:
        await self.load_members(room)
        state = self._rooms.state(room, names.ENCRYPTION)
        visibility = self._rooms.state(room, names.HISTORY_VISIBILITY)
        shown = "shared" if visibility is None else text_of(visibility.content, "history_visibility", 50)
        content: Json = {} if state is None else state.content
        wanted = ("join",) if shown == "joined" else ("join", "invite")
        return RoomRules(
            room=room,
            recipients=tuple(m.user for m in self._rooms.members(room).values() if m.membership in wanted),
            algorithm=text_of(content, "algorithm", 100) if state is not None else MEGOLM,
            rotation_ms=_integer(content.get("rotation_period_ms")),
            rotation_messages=_integer(content.get("rotation_period_msgs")),
            shared_history=shown in ("shared", "world_readable"),
        )

    def joined_at_ms(self, room: RoomId) -> int:
        return self._rooms.joined_at_ms(room)

    # Calls

    def call_events(self, room: RoomId) -> Sequence[MemberEvent]:
        return self._rooms.call_events(room)

    def joined(self, room: RoomId) -> Collection[UserId]:
        return self._rooms.joined(room)

    def face(self, room: RoomId, user: UserId) -> Face:
        return self._rooms.face(room, user)

    def encrypted(self, room: RoomId) -> bool:
        return self._rooms.encrypted(room)

    def version(self, room: RoomId) -> str:
        return self._rooms.version(room)

    def watch_call(self, room: RoomId, listener: Callable[[], None]) -> Cancel:
        watchers = self._call_watchers.setdefault(room, [])
        watchers.append(listener)

        def cancel() -> None:
            if listener in watchers:
                watchers.remove(listener)

        return cancel

    def call_changed(self, room: RoomId) -> None:
        """After a commit that changed call membership, members or encryption of `room`."""
        for listener in tuple(self._call_watchers.get(room, ())):
            listener()


def _integer(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
