"""Room events from untrusted JSON."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from welink_desktop.adapters.matrix.wire.values import Json, clean, integer_of, object_of, text_of
from welink_desktop.core.ids import EventId, RoomId, UserId

MAX_ID = 255
MAX_DEPTH = 100

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False)
"""For what was parsed from JSON, which has no circles."""


@dataclass(frozen=True, slots=True)
class Relation:
    """`m.relates_to`: `kind` is the rel_type ("" for a mere reply)."""

    kind: str = ""
    event: EventId | None = None
    reply_to: EventId | None = None
    key: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """A well-formed event. `raw` is the received object with the room's id; `text` the same as JSON text.

    `state_key` is None for messages. `redacted_by` is the event that redacted it.
    """

    event: EventId
    sender: UserId
    type: str
    timestamp_ms: int
    content: Json = field(repr=False)
    raw: Json = field(repr=False)
    text: str = field(repr=False)
    state_key: str | None = None
    transaction: str | None = None
    redacted: Json | None = field(default=None, repr=False)
    previous: Json = field(default_factory=dict, repr=False)
    membership: str = ""
    redacts: EventId | None = None

    @property
    def relation(self) -> Relation | None:
        return relation_of(self.content)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A malformed event. `event` is None if not even its id is sound: then there is nothing to keep."""

    reason: str
    event: EventId | None = None
    sender: UserId | None = None
    timestamp_ms: int = 0


@dataclass(frozen=True, slots=True)
class Stripped:
    """A stripped state event of an invitation. Hostile text; proves nothing."""

    type: str
    state_key: str
    sender: UserId
    content: Json = field(repr=False)


def parse_event(value: object, room: RoomId) -> Event | Unreadable:
    """Never raises. The room id inside is overwritten by `room` (matrix.md §2.2)."""
    if not isinstance(value, dict):
        return Unreadable("not an object")
    event, sender = _id(value.get("event_id"), "$"), _id(value.get("sender"), "@")
    timestamp = max(0, integer_of(value, "origin_server_ts"))
    if event is None:
        return Unreadable("no event id")
    known = EventId(event)
    if sender is None:
        return Unreadable("no sender", known)
    who = UserId(sender)
    event_type = value.get("type")
    if not isinstance(event_type, str) or not 0 < len(event_type) <= MAX_ID:
        return Unreadable("no type", known, who, timestamp)
    state_key = value.get("state_key")
    if state_key is not None and (not isinstance(state_key, str) or len(state_key) > MAX_ID):
        return Unreadable("bad state key", known, who, timestamp)
    content = value.get("content")
    if not isinstance(content, dict) or not shallow(content):
        return Unreadable("bad content", known, who, timestamp)
    raw = {**value, "room_id": room}
    unsigned = object_of(value, "unsigned")
    redacts = _id(content.get("redacts"), "$") or _id(value.get("redacts"), "$")
    try:
        text = clean(_ENCODER.encode(raw))
    except (ValueError, RecursionError):
        return Unreadable("cannot be kept", known, who, timestamp)
    redacted = unsigned.get("redacted_because")
    return Event(
        event=known,
        sender=who,
        type=clean(event_type),
        timestamp_ms=timestamp,
        content=content,
        raw=raw,
        text=text,
        state_key=None if state_key is None else clean(state_key),
        transaction=text_of(unsigned, "transaction_id", MAX_ID) or None,
        redacted=redacted if isinstance(redacted, dict) else None,
        previous=object_of(unsigned, "prev_content"),
        membership=text_of(unsigned, "membership", 20),
        redacts=None if redacts is None else EventId(redacts),
    )


def parse_stripped(value: object) -> Stripped | None:
    """Never raises; None for what is not a stripped state event."""
    if not isinstance(value, dict):
        return None
    event_type, state_key, sender = value.get("type"), value.get("state_key"), _id(value.get("sender"), "@")
    content = value.get("content")
    if not isinstance(event_type, str) or not isinstance(state_key, str) or sender is None or not isinstance(content, dict):
        return None
    if not shallow(content):
        return None
    return Stripped(clean(event_type), clean(state_key), UserId(sender), content)


def relation_of(content: Json) -> Relation | None:
    relates = content.get("m.relates_to")
    if not isinstance(relates, dict):
        return None
    reply = _id(object_of(relates, "m.in_reply_to").get("event_id"), "$")
    target = _id(relates.get("event_id"), "$")
    kind = text_of(relates, "rel_type", 100)
    if target is None:
        kind = ""
    if not kind and reply is None:
        return None
    return Relation(
        kind=kind,
        event=None if target is None else EventId(target),
        reply_to=None if reply is None else EventId(reply),
        key=text_of(relates, "key", 100),
    )


def shallow(value: object) -> bool:
    """Whether `value` nests at most `MAX_DEPTH` deep. Iterative: hostile depth must not end in a RecursionError."""
    layer: list[object] = [value]
    for _ in range(MAX_DEPTH):
        layer = [child for item in layer for child in _children(item) if isinstance(child, (dict, list))]
        if not layer:
            return True
    return False


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _id(value: object, sigil: str) -> str | None:
    if not isinstance(value, str) or not 1 < len(value) <= MAX_ID or not value.startswith(sigil):
        return None
    return value if clean(value) == value else None
