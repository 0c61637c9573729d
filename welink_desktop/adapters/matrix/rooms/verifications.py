"""Verification events among the events of a room (matrix.md §8.8): for the verifications, not for the timeline."""

import json

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.crypto.verification_records import REQUEST, Received
from welink_desktop.adapters.matrix.rooms.rows import EventRow
from welink_desktop.adapters.matrix.wire.values import Json, object_of
from welink_desktop.core.ids import RoomId

FRESH_MS = 3_600_000
"""Events older than this belong to no running verification."""


def is_request(event_type: str, content: Json) -> bool:
    """Whether a message asks to compare."""
    return event_type == names.MESSAGE and content.get("msgtype") == REQUEST


def verification_of(room: RoomId, row: EventRow, now_ms: int) -> Received | None:
    """The event as a verification takes it, in clear or decrypted alike; None for other, old and unreadable events."""
    if row.failure is not None or row.redaction is not None or row.state_key is not None or abs(now_ms - row.ts) > FRESH_MS:
        return None
    step = row.type.startswith(names.VERIFICATION_PREFIX) and row.type != REQUEST
    if not step and (row.type != names.MESSAGE or REQUEST not in (row.clear or row.raw)):
        return None
    content = row.content()
    if not step and not is_request(row.type, content):
        return None
    if row.clear is not None and "m.relates_to" not in content:
        outside = object_of(json.loads(row.raw), "content").get("m.relates_to")
        content = content if outside is None else {**content, "m.relates_to": outside}
    echo = row.transaction is not None
    return Received(row.type if step else REQUEST, row.sender, content, room, row.event, row.ts, echo)
