"""What a query answer shows of somebody's identity, as far as it is well formed and signed (matrix.md §8.6)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.crypto.canonical import unpadded, verified
from welink_desktop.core.ids import UserId

MAX_KEY_TEXT = 16_384
"""A published key object longer than this is as good as none."""


@dataclass(frozen=True, slots=True)
class Published:
    """Public keys, "" for absent. The other two only if the master signed them. `raw` is the master's JSON text."""

    master: str = ""
    self_signing: str = ""
    user_signing: str = ""
    raw: str = ""


def published_identity(user: UserId, answer: Mapping[str, Any]) -> Published:
    raw = _object(answer.get("master_keys")).get(user)
    master = _signing_key(user, "master", raw)
    if not master:
        return Published()
    parts = []
    for usage in ("self_signing", "user_signing"):
        value = _object(answer.get(f"{usage}_keys")).get(user)
        key = _signing_key(user, usage, value)
        parts.append(key if key and verified(_object(value), user, f"ed25519:{master}", master) else "")
    return Published(master, parts[0], parts[1], json.dumps(raw))


def _signing_key(user: UserId, usage: str, raw: object) -> str:
    if not isinstance(raw, dict) or raw.get("user_id") != user or raw.get("usage") != [usage]:
        return ""
    keys = _object(raw.get("keys"))
    if len(keys) != 1:
        return ""
    ((key_id, key),) = keys.items()
    try:
        public = unpadded(key)
        if key_id != f"ed25519:{public}" or len(json.dumps(raw)) > MAX_KEY_TEXT:
            return ""
    except (ValueError, RecursionError):
        return ""
    return public


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
