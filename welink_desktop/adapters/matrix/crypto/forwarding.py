"""Room keys between the devices of one account: `m.room_key_request`, `m.forwarded_room_key` (matrix.md §8.4)."""

import dataclasses
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, is_id, parse_exported
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, DeviceRef, Inbound, JsonObject, ToDevice
from welink_desktop.adapters.matrix.crypto.sharing import may_give_key, may_take_key
from welink_desktop.adapters.matrix.crypto.trust import HOUR_MS
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import short, topic
from welink_desktop.core.trust import UndecryptableReason

REQUEST = "m.room_key_request"
FORWARD = "m.forwarded_room_key"
LONGEST_REST_MS = 24 * HOUR_MS
WANTED_REST_MS = 60_000
ANSWER_REST_MS = 60_000
"""The same device is not given the same session more often than this."""
MAX_WISHES = 1_000

Posts = Mapping[UserId, Mapping[DeviceId, JsonObject]]
SessionRef = tuple[RoomId, str]

_ASKABLE = frozenset(
    {
        UndecryptableReason.KEY_MISSING,
        UndecryptableReason.KEY_LATE,
        UndecryptableReason.SENT_BEFORE_DEVICE,
        UndecryptableReason.WITHHELD_UNVERIFIED,
        UndecryptableReason.WITHHELD_BLOCKED,
        UndecryptableReason.WITHHELD_NO_CHANNEL,
    }
)

_log = topic("crypto.forwarding")


def worth_asking(reason: UndecryptableReason) -> bool:
    """Could another device of ours have the key?"""
    return reason in _ASKABLE


@dataclass(frozen=True, slots=True)
class KeyRequest:
    """A question of ours for one session. It stays after its end, so that the same is not asked again too soon."""

    room: RoomId
    session: str
    request: str
    asked_ms: int
    tries: int = 1
    open: bool = True
    devices: frozenset[DeviceId] = frozenset()


@dataclass(frozen=True, slots=True)
class KeyWish:
    """A question of another own device that may be answered now."""

    device: Device
    row: Inbound


class KeyRequestStore(Protocol):
    def key_request(self, room: RoomId, session: str) -> KeyRequest | None: ...

    def save_key_request(self, row: KeyRequest) -> None:
        """Keeps the newest 5,000: hostile messages may name any number of sessions."""


class KeyForwarding:
    """`devices()`, `trusted` as in `Gossip`. `sessions(room, session)`: our copies of a session."""

    def __init__(
        self,
        own: DeviceRef,
        store: KeyRequestStore,
        clock: Clock,
        devices: Callable[[], Iterable[Device]],
        trusted: Callable[[Device], bool],
        sessions: Callable[[RoomId, str], Iterable[Inbound]],
    ) -> None:
        self._user, self._device = own
        self._store = store
        self._clock = clock
        self._devices = devices
        self._trusted = trusted
        self._sessions = sessions
        self._wishes: dict[tuple[DeviceId, RoomId, str], None] = {}
        self._given_ms: dict[tuple[DeviceId, RoomId, str], int] = {}

    # Asking

    def ask(self, room: RoomId, session: str, *, wanted: bool = False) -> Posts | None:
        """Ask our verified devices for the session. None if there is none to ask, or if it was asked a short while ago: one
        hour, doubling up to a day; with `wanted`, on the person's word, a minute.
        """
        others = frozenset(device.device for device in self._devices() if self._is_other(device) and self._trusted(device))
        row, now = self._store.key_request(room, session), self._clock.now_ms()
        if not others:
            return None
        if row is not None and others <= row.devices and abs(now - row.asked_ms) < _rest_ms(row, wanted):
            return None
        tries = 1 if row is None else min(row.tries + 1, 10)
        row = KeyRequest(room, session, secrets.token_hex(16), now, tries, True, others)
        self._store.save_key_request(row)
        body = {"algorithm": MEGOLM, "room_id": room, "session_id": session}
        return self._to(others, {"action": "request", "request_id": row.request, "body": body})

    def came(self, room: RoomId, session: str) -> Posts | None:
        """The key is here, from wherever: the others need not answer."""
        row = self._store.key_request(room, session)
        if row is None or not row.open:
            return None
        self._store.save_key_request(dataclasses.replace(row, open=False))
        return self._to(row.devices, {"action": "request_cancellation", "request_id": row.request})

    def arrived(self, event: ToDevice) -> ExportedSession | None:
        """The session of an `m.forwarded_room_key` that may be kept as `Source.FORWARDED`, None for any other."""
        claimed = event.content.get("sender_claimed_ed25519_key")
        given = parse_exported(event.content, claimed=claimed if isinstance(claimed, str) else "")
        row = None if given is None else self._store.key_request(given.room, given.session)
        may = may_take_key(
            encrypted=event.encrypted,
            own_user=event.sender == self._user,
            trusted=self._sender_trusted(event),
            open_request=row is not None and row.open,
            asked=row is not None and event.sender_device in row.devices,
        )
        if not may:
            _log.warning("forwarded key refused", user=short(event.sender))
            return None
        return given

    # Answering

    def wished(self, event: ToDevice) -> list[KeyWish]:
        """An `m.room_key_request`, hostile as it may be; what may not be answered yet is kept for `review`."""
        content, body = event.content, event.content.get("body")
        device = content.get("requesting_device_id")
        if event.sender != self._user or not is_id(device) or device == self._device:
            return []
        if event.encrypted and event.sender_device != device:
            return []
        if content.get("action") != "request" or not isinstance(body, dict) or body.get("algorithm") != MEGOLM:
            return []
        room, session = body.get("room_id"), body.get("session_id")
        if not is_id(room) or not is_id(session) or len(self._wishes) >= MAX_WISHES:
            return []
        self._wishes[(DeviceId(device), RoomId(room), session)] = None
        return self.review()

    def review(self) -> list[KeyWish]:
        """Look again at what was not answered: a device may be signed meanwhile. What is returned is answered."""
        known = {device.device: device for device in self._devices()}
        found = []
        for key in tuple(self._wishes):
            device, (_, room, session) = known.get(key[0]), key
            if device is None or not self._is_other(device) or not self._trusted(device):
                continue
            del self._wishes[key]
            row = next((row for row in self._sessions(room, session) if self._may_give(device, row)), None)
            now = self._clock.now_ms()
            if row is not None and abs(now - self._given_ms.get(key, 0)) >= ANSWER_REST_MS:
                self._given_ms[key] = now
                found.append(KeyWish(device, row))
        return found

    def _may_give(self, device: Device, row: Inbound) -> bool:
        return may_give_key(
            own_user=device.user == self._user,
            this_device=device.device == self._device,
            trusted=not device.keys_changed and self._trusted(device),
            source=row.source,
        )

    # Inside

    def _to(self, devices: Iterable[DeviceId], content: JsonObject) -> Posts:
        whole = {**content, "requesting_device_id": self._device}
        return {self._user: {device: whole for device in sorted(devices)}}

    def _is_other(self, device: Device) -> bool:
        return device.user == self._user and device.device != self._device and not device.keys_changed

    def _sender_trusted(self, event: ToDevice) -> bool:
        device = next((one for one in self._devices() if one.ref == (event.sender, event.sender_device)), None)
        return device is not None and self._is_other(device) and device.curve25519 == event.sender_key and self._trusted(device)


def _rest_ms(row: KeyRequest, wanted: bool) -> int:
    return WANTED_REST_MS if wanted else min(LONGEST_REST_MS, HOUR_MS << row.tries - 1)


def forwarded(exported: JsonObject) -> JsonObject:
    """The content of an `m.forwarded_room_key` made of a session in the export format."""
    content = {key: value for key, value in exported.items() if key != "sender_claimed_keys"}
    return {**content, "sender_claimed_ed25519_key": exported["sender_claimed_keys"]["ed25519"]}
