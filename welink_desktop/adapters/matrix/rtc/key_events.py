"""Media keys on the wire, `io.element.call.encryption_keys` (matrixrtc §4.2), and the keys we were given. Pure."""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from welink_desktop.adapters.matrix.rtc.membership import APPLICATION, identity_of
from welink_desktop.core.calls import MediaKey
from welink_desktop.core.ids import DeviceId, RoomId, UserId

KEY_EVENT = "io.element.call.encryption_keys"
KEY_BYTES = 16
MAX_INDEX = 254
MAX_DEVICES = 2_000
Place = tuple[UserId, DeviceId]


@dataclass(frozen=True, slots=True, repr=False)
class KeyEvent:
    """A well-formed key event whose claimed device is the one that really sent it."""

    user: UserId
    device: DeviceId
    room: RoomId
    index: int
    key: bytes
    sent_ms: int

    def __repr__(self) -> str:
        return f"KeyEvent(index={self.index}, …)"

    @property
    def media_key(self) -> MediaKey:
        return MediaKey(identity_of(self.user, self.device), self.index, self.key)


def key_content(user: UserId, device: DeviceId, room: RoomId, index: int, key: bytes, now_ms: int) -> dict[str, Any]:
    """What each recipient gets, to be Olm-encrypted."""
    return {
        "keys": {"index": index, "key": base64.b64encode(key).decode()},
        "member": {"claimed_device_id": device, "id": identity_of(user, device)},
        "room_id": room,
        "session": {"application": APPLICATION, "call_id": "", "scope": "m.room"},
        "sent_ts": now_ms,
    }


def parse_key_event(sender: UserId, sender_device: DeviceId, content: Mapping[str, Any]) -> KeyEvent | None:
    """`sender_device` is the device whose Olm session carried the event. None for anything malformed or claimed for others."""
    keys, member, session = content.get("keys"), content.get("member"), content.get("session", {})
    if not isinstance(keys, Mapping) or not isinstance(member, Mapping) or not isinstance(session, Mapping):
        return None
    room, index, sent = content.get("room_id"), keys.get("index"), content.get("sent_ts", 0)
    if member.get("claimed_device_id") != sender_device or not isinstance(room, str):
        return None
    if session.get("application", APPLICATION) != APPLICATION or session.get("call_id", "") != "":
        return None
    if isinstance(index, bool) or not isinstance(index, int) or not 0 <= index <= MAX_INDEX:
        return None
    key = _key_bytes(keys.get("key"))
    if key is None:
        return None
    sent_ms = sent if isinstance(sent, int) and not isinstance(sent, bool) and 0 <= sent < 2**53 else 0
    return KeyEvent(sender, sender_device, RoomId(room), index, key, sent_ms)


def _key_bytes(value: object) -> bytes | None:
    """16 bytes from base64, padded or not, standard or URL-safe alphabet."""
    if not isinstance(value, str) or len(value) > 64:
        return None
    text = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None
    return key if len(key) == KEY_BYTES else None


class InboundKeys:
    """Keys of others in one call, kept also for devices whose membership is not here yet (or no more)."""

    def __init__(self) -> None:
        self._keys: dict[Place, dict[int, KeyEvent]] = {}
        self._present: set[Place] = set()

    def present(self, places: set[Place]) -> tuple[MediaKey, ...]:
        """These devices are in the call now; the keys of those that just came are returned."""
        fresh = places - self._present
        self._present = set(places)
        return tuple(event.media_key for place in sorted(fresh) for event in self._keys.get(place, {}).values())

    def add(self, event: KeyEvent) -> MediaKey | None:
        """The key if it is news and its device is in the call; a key older than the one of its index is dropped."""
        place = (event.user, event.device)
        ring = self._keys.get(place)
        if ring is None:
            if len(self._keys) >= MAX_DEVICES and not self._make_room():
                return None
            ring = self._keys.setdefault(place, {})
        known = ring.get(event.index)
        if known is not None and event.sent_ms < known.sent_ms:
            return None
        ring[event.index] = event
        return event.media_key if place in self._present else None

    def known(self) -> tuple[MediaKey, ...]:
        """All keys of present devices."""
        return tuple(event.media_key for place in sorted(self._present) for event in self._keys.get(place, {}).values())

    def forget(self) -> None:
        self._keys.clear()
        self._present.clear()

    def _make_room(self) -> bool:
        absent = next((place for place in self._keys if place not in self._present), None)
        if absent is None:
            return False
        del self._keys[absent]
        return True
