"""Bodies of sync requests. Pure."""

import json

from welink_desktop.adapters.matrix import constants as names
from welink_desktop.adapters.matrix.wire.values import Json

CONNECTION = "main"
NEAR = 20
STATE_TYPES = (
    names.CREATE,
    names.NAME,
    names.AVATAR,
    names.TOPIC,
    names.ALIAS,
    names.ENCRYPTION,
    names.HISTORY_VISIBILITY,
    names.JOIN_RULES,
    names.POWER_LEVELS,
    names.TOMBSTONE,
    names.PINNED,
    names.GUEST_ACCESS,
    names.SERVER_ACL,
)
_STATE: list[list[str]] = [
    *([name, ""] for name in STATE_TYPES),
    [names.SPACE_CHILD, "*"],
    [names.SPACE_PARENT, "*"],
    [names.CALL_MEMBER, "*"],
    [names.MEMBER, "$LAZY"],
    [names.MEMBER, "$ME"],
]


def sliding_body(*, window: int, since: str | None) -> Json:
    """The whole body: nothing is sticky (matrix.md §2.1). The `window` most active rooms are asked for.

    One timeline limit for all rooms and for ever: raising it would send old events again.
    """
    to_device: Json = {"enabled": True, "limit": 100}
    if since is not None:
        to_device["since"] = since
    return {
        "conn_id": CONNECTION,
        "lists": {"all": {"ranges": [[0, window - 1]], "timeline_limit": NEAR, "required_state": _STATE}},
        "extensions": {
            "to_device": to_device,
            "e2ee": {"enabled": True},
            "account_data": {"enabled": True},
            "receipts": {"enabled": True},
            "typing": {"enabled": True},
        },
    }


def v3_query(since: str | None, timeout_ms: int) -> dict[str, str]:
    """Query of `GET /sync` (matrix.md §2.4)."""
    room = {"timeline": {"limit": NEAR}, "state": {"lazy_load_members": True}}
    query = {
        "filter": json.dumps({"room": room, "presence": {"types": []}}),
        "timeout": str(timeout_ms),
        names.STATE_AFTER_PARAMETER: "true",
    }
    if since is not None:
        query["since"] = since
    return query
