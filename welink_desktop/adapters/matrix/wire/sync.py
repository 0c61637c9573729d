"""Sync answers, of sliding sync (matrix.md §2.2) and of v3 (§2.4), as one kind of record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.wire.events import Event, Stripped, Unreadable, parse_event, parse_stripped, shallow
from welink_desktop.adapters.matrix.wire.values import (
    Json,
    content_uri,
    integer_of,
    list_of,
    object_of,
    text_of,
    texts_of,
    true_at,
)
from welink_desktop.core.errors import ServerFault
from welink_desktop.core.ids import ContentUri, EventId, RoomId, UserId

MAX_ROOM_ID = 255


@dataclass(frozen=True, slots=True)
class Hero:
    user: UserId
    name: str
    avatar: ContentUri | None = None


@dataclass(frozen=True, slots=True)
class Receipt:
    """`ts` is the server's claim. Private ones are only ever ours."""

    user: UserId
    event: EventId
    ts: int


@dataclass(frozen=True, slots=True)
class RoomUpdate:
    """What one answer says about a room. None means "unchanged".

    The last `num_live` entries of `timeline` are news; `expanded`: old events again. `limited`: a hole before `timeline`.
    """

    room: RoomId
    initial: bool = False
    membership: str | None = None
    heroes: tuple[Hero, ...] | None = None
    bump: int | None = None
    joined: int | None = None
    invited: int | None = None
    state: tuple[Event, ...] = ()
    timeline: tuple[Event | Unreadable, ...] = ()
    num_live: int = 0
    limited: bool = False
    expanded: bool = False
    prev_batch: str | None = None
    invite: tuple[Stripped, ...] | None = None


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """`to_device` are raw (the crypto inbox keeps them as they are). None means "unchanged" or "not told"."""

    position: str
    since: str | None = None
    rooms: tuple[RoomUpdate, ...] = ()
    to_device: tuple[Json, ...] = field(default=(), repr=False)
    device_lists: Mapping[str, list[str]] | None = None
    key_counts: Mapping[str, int] | None = None
    fallback_types: tuple[str, ...] | None = None
    account_data: tuple[tuple[str, Json], ...] = field(default=(), repr=False)
    room_account_data: Mapping[RoomId, tuple[tuple[str, Json], ...]] = field(default_factory=dict, repr=False)
    receipts: Mapping[RoomId, tuple[Receipt, ...]] = field(default_factory=dict)
    typing: Mapping[RoomId, tuple[UserId, ...]] = field(default_factory=dict)
    room_count: int | None = None

    @property
    def empty(self) -> bool:
        """Nothing but a position."""
        return not (self.rooms or self.to_device or self.account_data or self.room_account_data or self.receipts or self.typing)


def parse_sliding(body: Json) -> SyncAnswer:
    """Raises `ServerFault` only if there is no position at all."""
    position = text_of(body, "pos", 4_096)
    if not position:
        raise ServerFault("sync answer without a position")
    extensions = object_of(body, "extensions")
    to_device, e2ee = object_of(extensions, "to_device"), object_of(extensions, "e2ee")
    accounts = object_of(extensions, "account_data")
    window = object_of(object_of(body, "lists"), "all")
    return SyncAnswer(
        position=position,
        since=text_of(to_device, "next_batch", 4_096) or None,
        rooms=tuple(_sliding_room(room, value) for room, value in _by_room(object_of(body, "rooms"))),
        to_device=_raw(list_of(to_device, "events")),
        device_lists=_device_lists(e2ee),
        key_counts=_counts(e2ee, "device_one_time_keys_count"),
        fallback_types=_types(e2ee),
        account_data=_account_data(list_of(accounts, "global")),
        room_account_data={
            room: _account_data(list_of(accounts["rooms"], room)) for room, _ in _by_room_list(object_of(accounts, "rooms"))
        },
        receipts={
            room: _receipts(object_of(value, "content"))
            for room, value in _by_room(object_of(object_of(extensions, "receipts"), "rooms"))
        },
        typing={
            room: _typing(object_of(value, "content"))
            for room, value in _by_room(object_of(object_of(extensions, "typing"), "rooms"))
        },
        room_count=integer_of(window, "count", -1) if "count" in window else None,
    )


def parse_v3(body: Json) -> SyncAnswer:
    """A `/sync` answer. The crypto counts are always told there. Raises `ServerFault` if there is no position."""
    position = text_of(body, "next_batch", 4_096)
    if not position:
        raise ServerFault("sync answer without a position")
    rooms = object_of(body, "rooms")
    joined, left = _by_room(object_of(rooms, "join")), _by_room(object_of(rooms, "leave"))
    updates = [_v3_room(room, value, "join") for room, value in joined]
    updates += [_v3_room(room, value, "leave") for room, value in left]
    updates += [_v3_stripped(room, value, "invite") for room, value in _by_room(object_of(rooms, "invite"))]
    updates += [_v3_stripped(room, value, "knock") for room, value in _by_room(object_of(rooms, "knock"))]
    ephemeral = {room: list_of(object_of(value, "ephemeral"), "events") for room, value in joined}
    return SyncAnswer(
        position=position,
        rooms=tuple(updates),
        to_device=_raw(list_of(object_of(body, "to_device"), "events")),
        device_lists=_device_lists(body),
        key_counts=_counts(body, "device_one_time_keys_count") or {},
        fallback_types=_types(body) or (),
        account_data=_account_data(list_of(object_of(body, "account_data"), "events")),
        room_account_data={room: _account_data(list_of(object_of(value, "account_data"), "events")) for room, value in joined},
        receipts={room: _receipts(content) for room, events in ephemeral.items() for content in _of_type(events, names.RECEIPT)},
        typing={room: _typing(content) for room, events in ephemeral.items() for content in _of_type(events, names.TYPING)},
    )


def _sliding_room(room: RoomId, value: Json) -> RoomUpdate:
    invite = value.get("invite_state", value.get("stripped_state"))
    stripped = _stripped(invite) if isinstance(invite, list) else None
    return RoomUpdate(
        room=room,
        initial=true_at(value, "initial"),
        membership=None if stripped is None else "invite",
        heroes=_heroes(value["heroes"]) if isinstance(value.get("heroes"), list) else None,
        bump=integer_of(value, "bump_stamp") if "bump_stamp" in value else None,
        joined=_count(value, "joined_count"),
        invited=_count(value, "invited_count"),
        state=_state(list_of(value, "required_state"), room),
        timeline=tuple(parse_event(event, room) for event in list_of(value, "timeline")),
        num_live=max(0, integer_of(value, "num_live")),
        limited=true_at(value, "limited"),
        expanded=true_at(value, "unstable_expanded_timeline"),
        prev_batch=text_of(value, "prev_batch", 4_096) or None,
        invite=stripped,
    )


def _v3_room(room: RoomId, value: Json, membership: str) -> RoomUpdate:
    timeline, summary = object_of(value, "timeline"), object_of(value, "summary")
    state = list_of(object_of(value, names.STATE_AFTER), "events") or list_of(object_of(value, "state"), "events")
    heroes = summary.get("m.heroes")
    events = tuple(parse_event(event, room) for event in list_of(timeline, "events"))
    newest = max((event.timestamp_ms for event in events if isinstance(event, Event)), default=None)
    return RoomUpdate(
        room=room,
        membership=membership,
        heroes=tuple(Hero(UserId(user), "") for user in texts_of(summary, "m.heroes")) if isinstance(heroes, list) else None,
        bump=newest,
        joined=_count(summary, "m.joined_member_count"),
        invited=_count(summary, "m.invited_member_count"),
        state=_state(state, room),
        timeline=events,
        num_live=len(events),
        limited=true_at(timeline, "limited"),
        prev_batch=text_of(timeline, "prev_batch", 4_096) or None,
    )


def _v3_stripped(room: RoomId, value: Json, membership: str) -> RoomUpdate:
    events = list_of(object_of(value, f"{membership}_state"), "events")
    return RoomUpdate(room=room, membership=membership, invite=_stripped(events))


def _by_room(rooms: Json) -> list[tuple[RoomId, Json]]:
    return [(RoomId(room), value) for room, value in rooms.items() if _is_room(room) and isinstance(value, dict)]


def _by_room_list(rooms: Json) -> list[tuple[RoomId, list[Any]]]:
    return [(RoomId(room), value) for room, value in rooms.items() if _is_room(room) and isinstance(value, list)]


def _is_room(room: str) -> bool:
    return room.startswith("!") and 1 < len(room) <= MAX_ROOM_ID and room.isprintable()


def _raw(events: list[Any]) -> tuple[Json, ...]:
    return tuple(event for event in events if isinstance(event, dict))


def _stripped(events: list[Any]) -> tuple[Stripped, ...]:
    return tuple(parsed for event in events if (parsed := parse_stripped(event)) is not None)


def _state(events: list[Any], room: RoomId) -> tuple[Event, ...]:
    parsed = (parse_event(event, room) for event in events)
    return tuple(event for event in parsed if isinstance(event, Event) and event.state_key is not None)


def _heroes(values: list[Any]) -> tuple[Hero, ...]:
    heroes = []
    for value in values[:20]:
        user = text_of(value, "user_id", 255)
        if user.startswith("@"):
            heroes.append(
                Hero(UserId(user), text_of(value, "displayname", 255), content_uri(object_or_empty(value).get("avatar_url")))
            )
    return tuple(heroes)


def object_or_empty(value: object) -> Json:
    return value if isinstance(value, dict) else {}


def _count(source: Json, key: str) -> int | None:
    return max(0, integer_of(source, key)) if key in source else None


def _device_lists(source: Json) -> Mapping[str, list[str]] | None:
    lists = source.get("device_lists")
    if not isinstance(lists, dict):
        return None
    return {"changed": texts_of(lists, "changed"), "left": texts_of(lists, "left")}


def _counts(source: Json, key: str) -> Mapping[str, int] | None:
    counts = source.get(key)
    if not isinstance(counts, dict):
        return None
    return {name: value for name, value in counts.items() if isinstance(value, int) and not isinstance(value, bool)}


def _types(source: Json) -> tuple[str, ...] | None:
    key = "device_unused_fallback_key_types"
    return tuple(texts_of(source, key)) if isinstance(source.get(key), list) else None


def _account_data(events: list[Any]) -> tuple[tuple[str, Json], ...]:
    data = []
    for event in events:
        name, content = text_of(event, "type", 255), object_of(event, "content")
        if name and shallow(content):
            data.append((name, content))
    return tuple(data)


def _of_type(events: list[Any], event_type: str) -> list[Json]:
    return [object_of(event, "content") for event in events if text_of(event, "type", 255) == event_type]


def _receipts(content: Json) -> tuple[Receipt, ...]:
    """Main-timeline and unthreaded receipts; threads are counted with their room here."""
    receipts = []
    for event, kinds in content.items():
        if not event.startswith("$") or len(event) > 255 or not isinstance(kinds, dict):
            continue
        for kind in (names.READ, names.READ_PRIVATE):
            for user, details in object_of(kinds, kind).items():
                thread = text_of(details, "thread_id", 255)
                if user.startswith("@") and len(user) <= 255 and thread in ("", "main"):
                    receipts.append(Receipt(UserId(user), EventId(event), max(0, integer_of(details, "ts"))))
    return tuple(receipts)


def _typing(content: Json) -> tuple[UserId, ...]:
    return tuple(UserId(user) for user in texts_of(content, "user_ids")[:50])
