"""What is known of rooms: membership, state, members, receipts, account data. Memory in front, tables behind."""

import json
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.rtc.membership import Face, MemberEvent
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.adapters.matrix.wire.events import Event
from welink_desktop.adapters.matrix.wire.sync import Hero, Receipt
from welink_desktop.adapters.matrix.wire.values import Json, content_uri, integer_of, object_of, text_of, texts_of
from welink_desktop.core.ids import ContentUri, EventId, RoomId, UserId, server_name_of

_MEMBERSHIPS = ("invite", "join", "leave", "ban", "knock")
_CACHED_ROOMS = 200
POWER_LIMIT = 2**31


@dataclass(slots=True)
class RoomRow:
    """The scalar facts of a room. `bump` orders rooms. `encrypted` never goes back to false."""

    room: RoomId
    membership: str = "join"
    bump: int = 0
    joined: int = 0
    invited: int = 0
    heroes: tuple[Hero, ...] = ()
    encrypted: bool = False
    members_complete: bool = False
    inviter: UserId | None = None


@dataclass(frozen=True, slots=True)
class MemberRow:
    user: UserId
    membership: str
    name: str = ""
    avatar: ContentUri | None = None
    ts: int = 0


@dataclass(frozen=True, slots=True)
class StateRow:
    event: EventId
    sender: UserId
    ts: int
    content: Json = field(repr=False)


@dataclass(frozen=True, slots=True)
class Power:
    """Effective power levels, clamped (matrix.md §4). Creators of version 12 rooms outrank everybody."""

    creators: frozenset[UserId]
    users: dict[UserId, int]
    default: int
    notify_room: int

    def of(self, user: UserId) -> int:
        return POWER_LIMIT if user in self.creators else self.users.get(user, self.default)


class RoomStore:
    """Belongs to the engine loop. Writers pass the running transaction; a rollback drops the memory."""

    def __init__(self, database: Database, user: UserId) -> None:
        self.user = user
        self._database = database
        self._rows: dict[RoomId, RoomRow] = {}
        self._members: OrderedDict[RoomId, dict[UserId, MemberRow]] = OrderedDict()
        self._counts: dict[RoomId, dict[str, int]] = {}
        self.outside: Callable[[UserId], str | None] = self._other_server
        self._load()

    def _other_server(self, user: UserId) -> str | None:
        """The organisation of an outsider, None for our own people; replaced by one that knows profiles."""
        server = server_name_of(user)
        return server if server != server_name_of(self.user) else None

    # Rooms

    def rooms(self) -> Collection[RoomId]:
        return self._rows.keys()

    def rooms_of(self, user: UserId) -> list[RoomId]:
        """Rooms where `user` is or is invited."""
        with self._database.read() as t:
            found = t.rows("SELECT room FROM members WHERE user = ? AND membership IN ('join', 'invite')", (user,))
        return [row[0] for row in found]

    def row(self, room: RoomId) -> RoomRow | None:
        return self._rows.get(room)

    def encrypted(self, room: RoomId) -> bool:
        row = self._rows.get(room)
        return row is not None and row.encrypted

    def ensure(self, t: Transaction, room: RoomId) -> RoomRow:
        t.on_rollback(self.reload)
        row = self._rows.get(room)
        if row is None:
            row = self._rows[room] = RoomRow(room, membership="leave")
        return row

    def save(self, t: Transaction, row: RoomRow) -> None:
        heroes = json.dumps([(hero.user, hero.name, hero.avatar) for hero in row.heroes])
        t.execute(
            "INSERT INTO rooms(room, membership, bump, joined, invited, heroes, encrypted, members_complete, inviter)"
            " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(room) DO UPDATE SET membership = excluded.membership,"
            " bump = excluded.bump, joined = excluded.joined, invited = excluded.invited, heroes = excluded.heroes,"
            " encrypted = max(encrypted, excluded.encrypted), members_complete = excluded.members_complete,"
            " inviter = excluded.inviter",
            (
                row.room,
                row.membership,
                row.bump,
                row.joined,
                row.invited,
                heroes,
                row.encrypted,
                row.members_complete,
                row.inviter,
            ),
        )

    def reload(self) -> None:
        """Forget the memory and read the tables again (after a rollback)."""
        self._members.clear()
        self._counts.clear()
        self._load()

    def _load(self) -> None:
        self._rows.clear()
        with self._database.read() as t:
            for row in t.rows(
                "SELECT room, membership, bump, joined, invited, heroes, encrypted, members_complete, inviter FROM rooms"
            ):
                heroes = tuple(Hero(UserId(user), name, avatar) for user, name, avatar in json.loads(row[5]))
                self._rows[row[0]] = RoomRow(row[0], row[1], row[2], row[3], row[4], heroes, bool(row[6]), bool(row[7]), row[8])

    # State

    def apply_state(self, t: Transaction, room: RoomId, event: Event) -> None:
        """Make a state event current. Encryption is remembered for ever (matrix.md §4)."""
        if event.state_key is None:
            return
        if event.type == names.MEMBER:
            self._apply_member(t, room, event)
            if event.state_key != self.user:
                return
        if event.type == names.ENCRYPTION and event.state_key == "":
            self.ensure(t, room).encrypted = True
            kept = self.state(room, names.ENCRYPTION)
            if kept is not None and not isinstance(event.content.get("algorithm"), str):
                return
        t.execute(
            "INSERT INTO room_state(room, type, state_key, event, sender, ts, content) VALUES(?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(room, type, state_key) DO UPDATE SET event = excluded.event, sender = excluded.sender,"
            " ts = excluded.ts, content = excluded.content",
            (room, event.type, event.state_key, event.event, event.sender, event.timestamp_ms, json.dumps(event.content)),
        )

    def state(self, room: RoomId, event_type: str, state_key: str = "") -> StateRow | None:
        with self._database.read() as t:
            row = t.row(
                "SELECT event, sender, ts, content FROM room_state WHERE room = ? AND type = ? AND state_key = ?",
                (room, event_type, state_key),
            )
        return None if row is None else StateRow(row[0], row[1], row[2], json.loads(row[3]))

    def states(self, room: RoomId, event_type: str) -> dict[str, StateRow]:
        """All state of one type by state key."""
        with self._database.read() as t:
            rows = t.rows(
                "SELECT state_key, event, sender, ts, content FROM room_state WHERE room = ? AND type = ?", (room, event_type)
            )
        return {row[0]: StateRow(row[1], row[2], row[3], json.loads(row[4])) for row in rows}

    def version(self, room: RoomId) -> str:
        create = self.state(room, names.CREATE)
        return (text_of(create.content, "room_version", 100) if create is not None else "") or "1"

    def power(self, room: RoomId) -> Power:
        create, levels = self.state(room, names.CREATE), self.state(room, names.POWER_LEVELS)
        version = self.version(room)
        creators: frozenset[UserId] = frozenset()
        modern = version.isdigit() and int(version[:4]) >= 12
        if create is not None and modern:
            creators = frozenset((create.sender, *(UserId(user) for user in texts_of(create.content, "additional_creators"))))
        if levels is None:
            first = {create.sender: 100} if create is not None else {}
            return Power(creators, first, 0, 50)
        content = levels.content
        users = {UserId(user): _level(value, 0) for user, value in object_of(content, "users").items()}
        notify = _level(object_of(content, "notifications").get("room"), 50)
        return Power(creators, users, _level(content.get("users_default"), 0), notify)

    def call_events(self, room: RoomId) -> Sequence[MemberEvent]:
        return [
            MemberEvent(sender=row.sender, event=row.event, timestamp_ms=row.ts, content=row.content, state_key=key)
            for key, row in self.states(room, names.CALL_MEMBER).items()
        ]

    # Members

    def _apply_member(self, t: Transaction, room: RoomId, event: Event) -> None:
        user = UserId(event.state_key or "")
        membership = event.content.get("membership")
        if not user.startswith("@") or membership not in _MEMBERSHIPS:
            return
        member = MemberRow(
            user,
            membership,
            text_of(event.content, "displayname", 256),
            content_uri(event.content.get("avatar_url")),
            event.timestamp_ms,
        )
        self.put_member(t, room, member)

    def put_member(self, t: Transaction, room: RoomId, member: MemberRow) -> None:
        t.on_rollback(self.reload)
        cached = self._members.get(room)
        if cached is not None:
            self._count(room, cached.get(member.user), member)
            cached[member.user] = member
        t.execute(
            "INSERT INTO members(room, user, membership, name, avatar, ts) VALUES(?, ?, ?, ?, ?, ?) ON CONFLICT(room, user)"
            " DO UPDATE SET membership = excluded.membership, name = excluded.name, avatar = excluded.avatar, ts = excluded.ts",
            (room, member.user, member.membership, member.name, member.avatar or "", member.ts),
        )

    def replace_members(self, t: Transaction, room: RoomId, events: Iterable[Event], keep: Collection[UserId]) -> None:
        """A complete list came: whoever is not in it left. `keep` names people whose newer membership sync told meanwhile."""
        kept = [member for user in keep if (member := self.members(room).get(user)) is not None]
        t.execute("UPDATE members SET membership = 'leave' WHERE room = ?", (room,))
        self._members.pop(room, None)
        for event in events:
            if event.type == names.MEMBER:
                self._apply_member(t, room, event)
        for member in kept:
            self.put_member(t, room, member)
        row = self.ensure(t, room)
        row.members_complete = True
        self._members.pop(room, None)
        members = self.members(room).values()
        row.joined = sum(member.membership == "join" for member in members)
        row.invited = sum(member.membership == "invite" for member in members)
        self.save(t, row)

    def members(self, room: RoomId) -> dict[UserId, MemberRow]:
        """Everybody known, whatever their membership. Do not change the result."""
        cached = self._members.get(room)
        if cached is None:
            with self._database.read() as t:
                rows = t.rows("SELECT user, membership, name, avatar, ts FROM members WHERE room = ?", (room,))
            cached = {row[0]: MemberRow(row[0], row[1], row[2], content_uri(row[3]), row[4]) for row in rows}
            self._members[room] = cached
            counts: dict[str, int] = {}
            for member in cached.values():
                if member.membership in ("join", "invite") and member.name:
                    counts[member.name] = counts.get(member.name, 0) + 1
            self._counts[room] = counts
            while len(self._members) > _CACHED_ROOMS:
                old, _ = self._members.popitem(last=False)
                self._counts.pop(old, None)
        else:
            self._members.move_to_end(room)
        return cached

    def _count(self, room: RoomId, old: MemberRow | None, new: MemberRow) -> None:
        counts = self._counts.setdefault(room, {})
        for member, step in ((old, -1), (new, 1)):
            if member is not None and member.name and member.membership in ("join", "invite"):
                counts[member.name] = counts.get(member.name, 0) + step

    def joined(self, room: RoomId) -> Collection[UserId]:
        return {member.user for member in self.members(room).values() if member.membership == "join"}

    def name_of(self, room: RoomId, user: UserId) -> str:
        """The display name, told apart by the user id where two people here share it."""
        member = self.members(room).get(user)
        if member is None or not member.name.strip():
            return user
        return f"{member.name} ({user})" if self.ambiguous(room, member) else member.name

    def ambiguous(self, room: RoomId, member: MemberRow) -> bool:
        self.members(room)
        return self._counts.get(room, {}).get(member.name, 0) > 1

    def avatar_of(self, room: RoomId, user: UserId) -> ContentUri | None:
        member = self.members(room).get(user)
        return None if member is None else member.avatar

    def face(self, room: RoomId, user: UserId) -> Face:
        return Face(self.name_of(room, user), self.avatar_of(room, user), self.outside(user) is not None)

    def joined_at_ms(self, room: RoomId) -> int:
        own = self.state(room, names.MEMBER, self.user)
        return own.ts if own is not None and own.content.get("membership") == "join" else 0

    # Receipts and account data

    def put_receipt(self, t: Transaction, room: RoomId, receipt: Receipt) -> None:
        """A receipt never goes back: in the order of events where both are known, else by the server's time."""
        t.execute(
            "INSERT INTO receipts(room, user, event, ts) VALUES(?1, ?2, ?3, ?4) ON CONFLICT(room, user) DO UPDATE SET"
            " event = excluded.event, ts = excluded.ts WHERE CASE"
            " WHEN (SELECT position FROM events WHERE room = ?1 AND event = ?3) IS NOT NULL"
            " AND (SELECT position FROM events WHERE room = ?1 AND event = receipts.event) IS NOT NULL"
            " THEN (SELECT position FROM events WHERE room = ?1 AND event = ?3)"
            " > (SELECT position FROM events WHERE room = ?1 AND event = receipts.event)"
            " ELSE excluded.ts >= receipts.ts END",
            (room, receipt.user, receipt.event, receipt.ts),
        )

    def receipt_of(self, room: RoomId, user: UserId) -> EventId | None:
        with self._database.read() as t:
            event: EventId | None = t.value("SELECT event FROM receipts WHERE room = ? AND user = ?", (room, user))
        return event

    def put_room_data(self, t: Transaction, room: RoomId, event_type: str, content: Json) -> None:
        t.execute(
            "INSERT INTO room_account_data(room, type, content) VALUES(?, ?, ?) ON CONFLICT(room, type) DO UPDATE SET"
            " content = excluded.content",
            (room, event_type, json.dumps(content)),
        )

    def room_data(self, room: RoomId, event_type: str) -> Json:
        with self._database.read() as t:
            content = t.value("SELECT content FROM room_account_data WHERE room = ? AND type = ?", (room, event_type))
        loaded = json.loads(content) if content is not None else {}
        return loaded if isinstance(loaded, dict) else {}

    def draft(self, room: RoomId) -> str:
        with self._database.read() as t:
            return str(t.value("SELECT body FROM drafts WHERE room = ?", (room,)) or "")

    def set_draft(self, t: Transaction, room: RoomId, body: str) -> None:
        if body:
            t.execute(
                "INSERT INTO drafts(room, body) VALUES(?, ?) ON CONFLICT(room) DO UPDATE SET body = excluded.body", (room, body)
            )
        else:
            t.execute("DELETE FROM drafts WHERE room = ?", (room,))


def _level(value: object, default: int) -> int:
    """Integers, and (in old rooms) strings of digits, clamped."""
    if isinstance(value, str):
        try:
            value = int(value[:20])
        except ValueError:
            return default
    level = integer_of({"level": value}, "level", default)
    return max(-POWER_LIMIT, min(POWER_LIMIT, level))
