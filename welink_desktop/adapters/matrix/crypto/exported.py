"""Megolm sessions in the export format: what key backup, forwarded keys and history bundles carry (matrix.md §8.4-§8.7)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeGuard

import vodozemac

from welink_desktop.adapters.matrix.crypto.canonical import storable, unpadded
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Inbound, JsonObject
from welink_desktop.core.ids import RoomId

MAX_ID = 255
SHARED_HISTORY = "m.shared_history"
_SHARED_HISTORY_OLD = "org.matrix.msc3061.shared_history"


@dataclass(frozen=True, slots=True)
class ExportedSession:
    """A session as somebody hands it on. `sender_key` and `sender_ed25519` are claims that nothing proves ("" = not said).

    `shared_history`: None if the exporter said nothing.
    """

    room: RoomId
    session: str
    key: str = field(repr=False)
    sender_key: str = ""
    sender_ed25519: str = ""
    shared_history: bool | None = None


def parse_exported(
    raw: object, *, room: RoomId | None = None, session: str | None = None, claimed: str = ""
) -> ExportedSession | None:
    """The session in `raw`, None if it is malformed. `room`, `session`: known from elsewhere (the backup's path).

    `claimed`: the sender's ed25519 key if it does not stand in `sender_claimed_keys`.
    """
    if not isinstance(raw, dict) or raw.get("algorithm") != MEGOLM:
        return None
    room_id = raw.get("room_id") if room is None else room
    session_id = raw.get("session_id") if session is None else session
    key = raw.get("session_key")
    if not is_id(room_id) or not is_id(session_id) or not isinstance(key, str):
        return None
    keys = raw.get("sender_claimed_keys")
    ed25519 = keys.get("ed25519") if isinstance(keys, dict) else claimed
    return ExportedSession(RoomId(room_id), session_id, key, _key(raw.get("sender_key")), _key(ed25519), shared_history_in(raw))


def shared_history_in(raw: Mapping[str, Any]) -> bool | None:
    """The flag under its stable or old name."""
    value = raw.get(SHARED_HISTORY, raw.get(_SHARED_HISTORY_OLD))
    return value if isinstance(value, bool) else None


def exported(row: Inbound, pickle_key: bytes, *, index: int | None = None) -> JsonObject | None:
    """`row` in the export format from `index` on (from the first we have); None if we do not reach that far back."""
    opened = vodozemac.InboundGroupSession.from_pickle(row.pickle, pickle_key)
    key = opened.export_at(opened.first_known_index if index is None else index)
    if key is None:
        return None
    return {
        "algorithm": MEGOLM,
        "room_id": row.room,
        "session_id": row.session,
        "session_key": key.to_base64(),
        "sender_key": row.sender_key,
        "sender_claimed_keys": {"ed25519": row.sender_ed25519},
        "forwarding_curve25519_key_chain": [],
        SHARED_HISTORY: row.shared_history,
    }


def is_id(value: object) -> TypeGuard[str]:
    """Text that can name something."""
    return isinstance(value, str) and storable(value) and 0 < len(value) <= MAX_ID


def _key(value: object) -> str:
    try:
        return unpadded(value)
    except ValueError:
        return ""
