"""`RoomSummary` of a room from what is stored."""

from collections.abc import Callable

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.rooms import push, rows
from welink_desktop.adapters.matrix.rooms.account_data import AccountData
from welink_desktop.adapters.matrix.rooms.facts import RoomRow, RoomStore
from welink_desktop.adapters.matrix.rooms.items import ItemBuilder, is_shown, plain, preview_notice
from welink_desktop.adapters.matrix.rooms.pending import Outbox, PendingKind
from welink_desktop.adapters.matrix.rtc.membership import next_expiry_ms, parse_members
from welink_desktop.adapters.matrix.store.database import Database
from welink_desktop.adapters.matrix.wire.values import content_uri, object_of, text_of, true_at
from welink_desktop.core.calls import OngoingCall
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import ContentUri, DeviceId, RoomId, UserId
from welink_desktop.core.rooms import Membership, MessagePreview, PreviewState, RoomSummary, Unread
from welink_desktop.core.timeline import SendPhase, TimelineItem

INVITE_DATA = "io.welinkdesktop.invite"
"""Local row of `room_account_data`: what an invitation claims."""

PREVIEW_LENGTH = 300
_NAMED = 5
_PHASES = {
    SendPhase.QUEUED: PreviewState.SENDING,
    SendPhase.SENDING: PreviewState.SENDING,
    SendPhase.SENT: PreviewState.SENT,
    SendPhase.FAILED: PreviewState.FAILED,
}


class Summaries:
    def __init__(
        self,
        database: Database,
        rooms: RoomStore,
        data: AccountData,
        builder: ItemBuilder,
        outbox: Callable[[], Outbox],
        clock: Clock,
        device: DeviceId,
    ) -> None:
        self._database = database
        self._rooms = rooms
        self._data = data
        self._builder = builder
        self._outbox = outbox
        self._clock = clock
        self._device = device
        self.call_expiry: dict[RoomId, int] = {}

    def build(self, room: RoomId) -> RoomSummary | None:
        """None for rooms that do not stand in the list: left, banned, unknown."""
        row = self._rooms.row(room)
        if row is None or row.membership not in ("join", "invite", "knock"):
            return None
        if row.membership != "join":
            return self._invited(row)
        topic = self._rooms.state(room, names.TOPIC)
        favourites = object_of(self._rooms.room_data(room, names.TAG), "tags")
        create = self._rooms.state(room, names.CREATE)
        direct = self._data.direct_with(room)
        return RoomSummary(
            room=room,
            name=self.name(row),
            membership=Membership.JOINED,
            direct_with=direct,
            avatar=self._avatar(row, direct),
            topic="" if topic is None else text_of(topic.content, "topic", 1_000),
            encrypted=row.encrypted,
            joined=row.joined,
            order=row.bump,
            last=self._last(room),
            unread=self.unread(room),
            favourite=names.FAVOURITE in favourites,
            muted=push.muted(self._data.rules, room),
            draft=self._rooms.draft(room),
            external_organisations=self._outsiders(room),
            call=self._call(room),
            is_space=create is not None and create.content.get("type") == names.SPACE_TYPE,
        )

    def _invited(self, row: RoomRow) -> RoomSummary:
        claim = self._rooms.room_data(row.room, INVITE_DATA)
        inviter_name = text_of(claim, "inviter_name", 256) or row.inviter or ""
        direct = true_at(claim, "direct")
        outsider = self._rooms.outside(row.inviter) if row.inviter is not None else None
        return RoomSummary(
            room=row.room,
            name=text_of(claim, "name", 256).strip() or inviter_name or row.room,
            membership=Membership(row.membership),
            direct_with=row.inviter if direct else None,
            avatar=content_uri(claim.get("avatar")),
            encrypted=true_at(claim, "encrypted"),
            order=row.bump,
            inviter=row.inviter,
            external_organisations=(outsider,) if outsider is not None else (),
            is_space=true_at(claim, "space"),
        )

    def name(self, row: RoomRow) -> str:
        """The room's name, else its alias, else its people."""
        named = self._rooms.state(row.room, names.NAME)
        if named is not None and (words := text_of(named.content, "name", 256).strip()):
            return words
        alias = self._rooms.state(row.room, names.ALIAS)
        if alias is not None and (words := text_of(alias.content, "alias", 256)):
            return words
        users = [hero.user for hero in row.heroes if hero.user != self._rooms.user] or self._others(row.room)
        told = {hero.user: hero.name for hero in row.heroes}
        shown = [self._hero(row.room, user, told) for user in users[:_NAMED]]
        more = max(row.joined + row.invited - 1, len(users)) - len(shown)
        if shown and more > 0:
            return f"{', '.join(shown)} +{more}"
        return ", ".join(shown) or self._former(row.room) or row.room

    def _hero(self, room: RoomId, user: UserId, told: dict[UserId, str]) -> str:
        name = self._rooms.name_of(room, user)
        return told.get(user) or name if name == user else name

    def _others(self, room: RoomId) -> list[UserId]:
        here = (m.user for m in self._rooms.members(room).values() if m.membership in ("join", "invite"))
        return sorted(user for user in here if user != self._rooms.user)

    def _former(self, room: RoomId) -> str:
        gone = sorted(m.user for m in self._rooms.members(room).values() if m.user != self._rooms.user)
        return self._rooms.name_of(room, gone[0]) if gone else ""

    def _avatar(self, row: RoomRow, direct: UserId | None) -> ContentUri | None:
        own = self._rooms.state(row.room, names.AVATAR)
        if own is not None and (uri := content_uri(own.content.get("url"))) is not None:
            return uri
        if direct is None:
            return None
        return self._rooms.avatar_of(row.room, direct) or next((h.avatar for h in row.heroes if h.user == direct), None)

    def unread(self, room: RoomId) -> Unread:
        """Counted by ourselves (matrix.md §5.5): notifying events after our newest receipt or own message."""
        with self._database.read() as t:
            counted = t.row(
                "SELECT count(*), coalesce(sum(notify = 2), 0) FROM events WHERE room = ?1 AND notify > 0 AND position >"
                " coalesce((SELECT e.position FROM receipts r JOIN events e ON e.room = r.room AND e.event = r.event"
                " WHERE r.room = ?1 AND r.user = ?2), -9e18)",
                (room, self._rooms.user),
            )
        marked = self._rooms.room_data(room, names.MARKED_UNREAD) or self._rooms.room_data(room, names.MARKED_UNREAD_OLD)
        assert counted is not None
        return Unread(counted[0], counted[1], true_at(marked, "unread"))

    def last_item(self, room: RoomId) -> TimelineItem | None:
        """The newest message, notices of state left out."""
        before: float | None = None
        for _ in range(5):
            with self._database.read() as t:
                page = rows.newest_before(t, room, before, 10 if before is None else 40)
            for row in page:
                if row.state_key is None and is_shown(row):
                    (item,) = self._builder.build(room, [row])
                    if item is not None:
                        return item
            if not page:
                return None
            before = page[-1].position
        return None

    def _last(self, room: RoomId) -> MessagePreview | None:
        waiting = [pending for pending in self._outbox().pending(room) if pending.kind is PendingKind.MESSAGE]
        if waiting:
            item = self._builder.echo(room, waiting[-1])
            return self._preview(item, _PHASES[item.send.phase])
        found = self.last_item(room)
        if found is None:
            return None
        if not found.own:
            return self._preview(found, PreviewState.RECEIVED)
        return self._preview(found, PreviewState.READ if self._read_by_others(room, found.ref) else PreviewState.SENT)

    def _preview(self, item: TimelineItem, state: PreviewState) -> MessagePreview:
        notice = preview_notice(item.content)
        return MessagePreview(
            sender=item.sender,
            sender_name=item.sender_name,
            own=item.own,
            timestamp_ms=item.timestamp_ms,
            body="" if notice is not None else plain(item.content)[:PREVIEW_LENGTH],
            notice=notice,
            state=state,
        )

    def _read_by_others(self, room: RoomId, event: str) -> bool:
        with self._database.read() as t:
            found = t.value(
                "SELECT 1 FROM receipts r JOIN events e ON e.room = r.room AND e.event = r.event WHERE r.room = ?1"
                " AND r.user <> ?2 AND e.position >= (SELECT position FROM events WHERE room = ?1 AND event = ?3) LIMIT 1",
                (room, self._rooms.user, event),
            )
        return found is not None

    def _outsiders(self, room: RoomId) -> tuple[str, ...]:
        here = (m.user for m in self._rooms.members(room).values() if m.membership in ("join", "invite"))
        return tuple(sorted({name for user in here if (name := self._rooms.outside(user)) is not None}))

    def _call(self, room: RoomId) -> OngoingCall | None:
        events = self._rooms.call_events(room)
        self.call_expiry.pop(room, None)
        if not events:
            return None
        now = self._clock.now_ms()
        own = (self._rooms.user, self._device)
        members = parse_members(events, self._rooms.joined(room), now, own=own, face=lambda user: self._rooms.face(room, user))
        expiry = next_expiry_ms(events, now)
        if expiry is not None:
            self.call_expiry[room] = expiry
        return OngoingCall(members, any(member.own for member in members)) if members else None
