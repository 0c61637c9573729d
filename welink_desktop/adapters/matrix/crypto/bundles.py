"""History for newcomers: what a key bundle holds, and which ones are taken (MSC4268, matrix.md §8.5)."""

import dataclasses
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Protocol

from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, is_id, parse_exported
from welink_desktop.adapters.matrix.crypto.records import MEGOLM, Device, Inbound, JsonObject, ToDevice, Withheld
from welink_desktop.adapters.matrix.crypto.sharing import (
    ACCEPTED_MS,
    may_bundle,
    may_have_history,
    may_take_bundle,
    may_take_from_bundle,
    within,
)
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import RoomId, UserId
from welink_desktop.core.log import short, topic

BUNDLE = "m.room_key_bundle"
BUNDLE_OLD = "io.element.msc4268.room_key_bundle"
MAX_BYTES = 100 << 20
MAX_KEYS = 100_000
MAX_FILE_TEXT = 4_096

_log = topic("crypto.bundles")


@dataclass(frozen=True, slots=True)
class Bundle:
    """What may be taken from a bundle: sessions, and ids of those that are not for newcomers."""

    sessions: tuple[ExportedSession, ...]
    withheld: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Offer:
    """The latest bundle that a device of `sender` announced for a room. `file`: JSON text of the attachment, keys included."""

    room: RoomId
    sender: UserId
    sender_key: str
    arrived_ms: int
    file: str = field(repr=False)
    tries: int = 0


class OfferStore(Protocol):
    def offer(self, room: RoomId, sender: UserId) -> Offer | None: ...

    def save_offer(self, row: Offer) -> None:
        """Replaces the earlier one of this room and sender; keeps the newest 500."""

    def remove_offer(self, room: RoomId, sender: UserId) -> None: ...

    def acceptances(self) -> dict[RoomId, tuple[UserId, int]]:
        """Rooms whose invitation was accepted: who had invited, and when (ms)."""

    def save_acceptance(self, room: RoomId, inviter: UserId, at_ms: int) -> None: ...

    def remove_acceptance(self, room: RoomId) -> None: ...


class Offers:
    """Bundles that were announced to us, and invitations that were accepted. Neither counts without the other."""

    def __init__(self, store: OfferStore, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def announced(self, event: ToDevice) -> bool:
        """An `m.room_key_bundle`, hostile as it may be. False: dropped."""
        room, file = event.content.get("room_id"), event.content.get("file")
        if not event.encrypted or not is_id(room) or not isinstance(file, dict):
            return False
        try:
            text = json.dumps(file)
        except (ValueError, RecursionError):
            return False
        if len(text) > MAX_FILE_TEXT:
            return False
        self._store.save_offer(Offer(RoomId(room), event.sender, event.sender_key, self._clock.now_ms(), text))
        return True

    def accepted(self, room: RoomId, inviter: UserId) -> None:
        """The person accepted `inviter`'s invitation just now."""
        self._store.save_acceptance(room, inviter, self._clock.now_ms())

    def due(self) -> list[Offer]:
        """Offers whose invitation was accepted within the last day; older acceptances are forgotten."""
        found = []
        for room, (inviter, at_ms) in self._store.acceptances().items():
            if not within(at_ms, self._clock.now_ms(), ACCEPTED_MS):
                self._store.remove_acceptance(room)
                self._store.remove_offer(room, inviter)
                continue
            offer = self._store.offer(room, inviter)
            if offer is not None:
                found.append(offer)
        return found

    def may_take(self, offer: Offer, sender_device: Device | None) -> bool:
        """`sender_device`: the sender's device that has the key of the announcement, by a fresh list."""
        inviter, at_ms = self._store.acceptances().get(offer.room, (None, None))
        may = may_take_bundle(
            encrypted=True,
            accepted_from_sender=inviter == offer.sender,
            in_time=within(at_ms, self._clock.now_ms(), ACCEPTED_MS),
            sender_signed=sender_device is not None and sender_device.user == offer.sender and may_have_history(sender_device),
        )
        if not may:
            _log.warning("history bundle refused", room=short(offer.room), user=short(offer.sender))
        return may

    def failed(self, offer: Offer) -> int:
        """It could not be loaded; returns how often so far."""
        current = self._store.offer(offer.room, offer.sender)
        if current is None or current.file != offer.file:
            return 0
        self._store.save_offer(dataclasses.replace(current, tries=current.tries + 1))
        return current.tries + 1

    def done(self, offer: Offer) -> None:
        """Loaded, or not worth another try. One that came meanwhile stays."""
        current = self._store.offer(offer.room, offer.sender)
        if current is not None and current.file == offer.file:
            self._store.remove_offer(offer.room, offer.sender)


def bundle_of(room: RoomId, rows: Iterable[Inbound], export: Callable[[Inbound], JsonObject | None]) -> JsonObject:
    """The content of a bundle: keys of the sessions that newcomers may read, names of the others."""
    keys: list[JsonObject] = []
    withheld: dict[str, JsonObject] = {}
    given: set[str] = set()
    for row in rows:
        if row.room == room and not may_bundle(same_room=True, shared_history=row.shared_history):
            withheld[row.session] = _withheld(row)
        elif may_bundle(same_room=row.room == room, shared_history=row.shared_history) and len(keys) < MAX_KEYS:
            entry = export(row)
            if entry is not None:
                keys.append({name: entry[name] for name in _ENTRY})
                given.add(row.session)
    return {"room_keys": keys, "withheld": [entry for session, entry in withheld.items() if session not in given]}


_ENTRY = ("algorithm", "room_id", "sender_key", "sender_claimed_keys", "session_id", "session_key", "m.shared_history")


def _withheld(row: Inbound) -> JsonObject:
    return {
        "algorithm": MEGOLM,
        "room_id": row.room,
        "session_id": row.session,
        "sender_key": row.sender_key,
        "code": Withheld.HISTORY_NOT_SHARED.value,
        "reason": "The history of this room was not shared when it was written.",
    }


def read_bundle(data: bytes, room: RoomId) -> Bundle:
    """The usable part of a bundle for `room`. Raises `ValueError` if it is no bundle or beyond the limits."""
    if len(data) > MAX_BYTES:
        raise ValueError("too large")
    try:
        content = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    keys = content.get("room_keys") if isinstance(content, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise ValueError("no bundle, or too many keys")
    parsed = [one for raw in keys if (one := parse_exported(raw)) is not None]
    sessions = tuple(
        dataclasses.replace(one, shared_history=True)
        for one in parsed
        if may_take_from_bundle(same_room=one.room == room, shared_history=one.shared_history)
    )
    return Bundle(sessions, tuple(_withheld_ids(content.get("withheld"), room)))


def _withheld_ids(raw: object, room: RoomId) -> Iterable[str]:
    codes = (Withheld.HISTORY_NOT_SHARED.value, "io.element.msc4268.history_not_shared")
    for entry in raw[:MAX_KEYS] if isinstance(raw, list) else ():
        if isinstance(entry, dict) and entry.get("room_id") == room and entry.get("code") in codes:
            session = entry.get("session_id")
            if is_id(session):
                yield session


def history_devices(devices: Iterable[Device]) -> list[Device]:
    """Those devices of an invited person that get the bundle."""
    return [device for device in devices if may_have_history(device)]
