"""Megolm, reading side: which sessions we hold and what they open (matrix.md §8.4, §8.9 rules 3, 10, 15, 16)."""

import collections
import dataclasses
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import vodozemac

from welink_desktop.adapters.matrix.crypto.canonical import storable
from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, shared_history_in
from welink_desktop.adapters.matrix.crypto.records import (
    MEGOLM,
    Decrypted,
    Decryption,
    Device,
    Inbound,
    JsonObject,
    Source,
    Withheld,
)
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import Channel, is_owner, may_arrive, missing_reason, shield_of
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import short, topic
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

CACHE = 1024
"""Opened sessions kept in memory."""

_log = topic("crypto.megolm")

_DAMAGED = Undecryptable(UndecryptableReason.DAMAGED, curable=False)
_REPLAYED = Undecryptable(UndecryptableReason.REPLAYED, curable=False)
_WRONG_ROOM = Undecryptable(UndecryptableReason.WRONG_ROOM, curable=False)
_UNKNOWN_ALGORITHM = Undecryptable(UndecryptableReason.ALGORITHM_UNKNOWN, curable=False)


@dataclass(slots=True)
class _Opened:
    row: Inbound
    session: vodozemac.InboundGroupSession
    shield: Shield | None = None


@dataclass(frozen=True, slots=True)
class _Envelope:
    """The readable part of an encrypted event. `device` is the sender's claim: it explains, it proves nothing."""

    event: str
    sender: str
    session: str
    ciphertext: str
    at_ms: int
    device: str


class RoomReader:
    """Reads room events. `joined_at_ms(room)` and `device_made_ms` only explain failures."""

    def __init__(
        self,
        store: CryptoStore,
        pickle_key: bytes,
        clock: Clock,
        *,
        joined_at_ms: Callable[[RoomId], int],
        device_made_ms: int,
        only_signed: Callable[[], bool] = lambda: False,
    ) -> None:
        self._store = store
        self._clock = clock
        self._pickle_key = pickle_key
        self._joined_at_ms = joined_at_ms
        self._device_made_ms = device_made_ms
        self._only_signed = only_signed
        self._cache: collections.OrderedDict[tuple[RoomId, str], list[_Opened]] = collections.OrderedDict()

    def forget(self) -> None:
        """Drop everything cached: the store was rolled back."""
        self._cache.clear()

    def forget_shields(self, user: UserId | None = None) -> None:
        """The user's devices or identity changed; without a user: the policy."""
        for opened in self._cache.values():
            for one in opened:
                if user is None or one.row.sender == user:
                    one.shield = None

    def add(self, room: RoomId, content: Mapping[str, Any], device: Device, source: Source) -> str | None:
        """Keep the session of an `m.room_key` for `room`; returns its id if messages may be readable now that were not before."""
        if content.get("algorithm") != MEGOLM:
            return None
        try:
            session = vodozemac.InboundGroupSession(vodozemac.SessionKey(str(content.get("session_key"))))
        except ValueError:
            _log.warning("malformed room key", room=short(room))
            return None
        if session.session_id != content.get("session_id"):
            _log.warning("room key under another id", room=short(room))
            return None
        shared = shared_history_in(content) is True
        row = Inbound(
            room=room,
            session=session.session_id,
            sender_key=device.curve25519,
            sender_ed25519=device.ed25519,
            sender=device.user,
            device=device.device,
            source=source,
            first_index=session.first_known_index,
            pickle=session.pickle(self._pickle_key),
            shared_history=shared,
            owner_signed=device.owner_signed,
        )
        return session.session_id if self._keep_better(row, session) else None

    def take(self, given: ExportedSession, source: Source) -> str | None:
        """Keep a session that was handed on (not `Source.OLM`); returns its id if messages may be readable now.

        It may lower the first index of one that we have for sure, never replace or outrank it (§8.4, §8.9 rule 15).
        """
        try:
            session = vodozemac.InboundGroupSession.import_session(vodozemac.ExportedSessionKey(given.key))
        except ValueError:
            _log.warning("malformed exported key", room=short(given.room))
            return None
        if session.session_id != given.session or source is Source.OLM:
            _log.warning("exported key refused", room=short(given.room))
            return None
        copies = self._store.inbound(given.room, given.session)
        proved = next((row for row in copies if row.source is Source.OLM), None)
        row = Inbound(
            room=given.room,
            session=given.session,
            sender_key=given.sender_key if proved is None else proved.sender_key,
            sender_ed25519=given.sender_ed25519,
            sender=UserId(""),
            device=DeviceId(""),
            source=source,
            first_index=session.first_known_index,
            pickle=session.pickle(self._pickle_key),
            shared_history=given.shared_history is True,
        )
        return given.session if self._keep_better(row, session) else None

    def _keep_better(self, row: Inbound, session: vodozemac.InboundGroupSession) -> bool:
        """Store `row` if it is new, opens earlier messages of the same ratchet, or is better proved; never mix two ratchets."""
        known = next((one for one in self._store.inbound(row.room, row.session) if one.sender_key == row.sender_key), None)
        if known is not None:
            old = vodozemac.InboundGroupSession.from_pickle(known.pickle, self._pickle_key)
            if not same_ratchet(old, session):
                _log.warning("room key of another ratchet", room=short(row.room))
                if known.source is Source.OLM or row.source is not Source.OLM:
                    return False
            else:
                better = row.first_index < known.first_index
                proved = row if row.source is Source.OLM and known.source is not Source.OLM else known
                if proved is known and not better:
                    return False
                longer = row if better else known
                row = dataclasses.replace(proved, pickle=longer.pickle, first_index=longer.first_index)
        self._store.save_inbound(row)
        self._cache.pop((row.room, row.session), None)
        return True

    def read(self, room: RoomId, event: Mapping[str, Any]) -> Decryption:
        """Every check of §8.4. Never raises for what a sender can put into an event."""
        envelope = _envelope(event)
        if isinstance(envelope, Undecryptable):
            return envelope
        copies = self._opened(room, envelope.session)
        if not copies:
            return self._missing(room, envelope, later=False)
        owned = [one for one in copies if is_owner(event_sender=envelope.sender, session_owner=self._owner(one.row))]
        if not owned:
            return Undecryptable(UndecryptableReason.SENDER_MISMATCH, device=envelope.device)
        return self._decrypt(room, envelope, owned)

    def _owner(self, row: Inbound) -> UserId | None:
        """Whose messages the session brings; None: it was handed on, and the claimed device is nobody's that we know."""
        if row.source is Source.OLM or row.sender:
            return row.sender
        claimed = self._store.devices_with_key(row.sender_key)
        return next((device.user for device in claimed if device.ed25519 == row.sender_ed25519), None)

    def _decrypt(self, room: RoomId, envelope: _Envelope, copies: Sequence[_Opened]) -> Decryption:
        """With the first of `copies` (the best proved one) that opens the message."""
        try:
            message = vodozemac.MegolmMessage.from_base64(envelope.ciphertext)
        except ValueError:
            return _DAMAGED
        index = message.message_index()
        reaching = [one for one in copies if one.row.first_index <= index]
        if not reaching:
            return self._missing(room, envelope, later=True)
        for opened in reaching:
            try:
                plain = opened.session.decrypt(message)
            except ValueError:
                continue
            return self._judged(room, envelope, opened, plain.plaintext, index)
        return _DAMAGED

    def _judged(self, room: RoomId, envelope: _Envelope, opened: _Opened, plaintext: bytes, index: int) -> Decryption:
        inner = _room_event(plaintext)
        if inner is None or not may_arrive(inner["type"], Channel.MEGOLM) or "state_key" in inner:
            return _DAMAGED
        if inner.get("room_id") != room:
            return _WRONG_ROOM
        earlier = self._store.remember_index(envelope.session, index, envelope.event, envelope.at_ms)
        if earlier is not None and earlier[0] != envelope.event:
            _log.warning("replayed message", room=short(room), event=short(envelope.event))
            return _REPLAYED
        return Decrypted(inner["type"], inner["content"], self._shield(opened), opened.row.device, envelope.session, index)

    def _opened(self, room: RoomId, session: str) -> list[_Opened]:
        key = (room, session)
        found = self._cache.get(key)
        if found is not None:
            self._cache.move_to_end(key)
            return found
        opened = [
            _Opened(row, vodozemac.InboundGroupSession.from_pickle(row.pickle, self._pickle_key))
            for row in sorted(self._store.inbound(room, session), key=_best_first)
        ]
        if opened:
            self._cache[key] = opened
            if len(self._cache) > CACHE:
                self._cache.popitem(last=False)
        return opened

    def _shield(self, opened: _Opened) -> Shield:
        if opened.shield is None:
            opened.shield = self._shield_of(opened.row)
        return opened.shield

    def shield(self, room: RoomId, session: str, sender: UserId) -> Shield | None:
        """The mark that messages of `sender` in this session deserve now; None if it is not theirs, or not here."""
        copies = sorted(self._store.inbound(room, session), key=_best_first)
        row = next((one for one in copies if is_owner(event_sender=sender, session_owner=self._owner(one))), None)
        return None if row is None else self._shield_of(row)

    def _shield_of(self, row: Inbound) -> Shield:
        device = self._store.devices(row.sender).get(row.device)
        signed = row.owner_signed
        if device is not None and (device.curve25519, device.ed25519) == (row.sender_key, row.sender_ed25519):
            signed = device.owner_signed
        owner = self._store.identity(row.sender)
        return shield_of(
            row.source,
            device_signed=signed,
            owner_has_identity=owner is not None and (owner.master != "" or owner.changed),
            only_signed=self._only_signed(),
        )

    def _missing(self, room: RoomId, envelope: _Envelope, *, later: bool) -> Undecryptable:
        withheld = self._store.withheld(room, envelope.session)
        if withheld is None and self._store.no_channel_from(UserId(envelope.sender), DeviceId(envelope.device)):
            withheld = Withheld.NO_OLM
        return missing_reason(
            withheld=withheld,
            has_later_copy=later,
            sent_ms=envelope.at_ms,
            now_ms=self._clock.now_ms(),
            joined_ms=self._joined_at_ms(room),
            device_made_ms=self._device_made_ms,
            device=envelope.device,
        )


def _best_first(row: Inbound) -> tuple[bool, int]:
    return row.source is not Source.OLM, row.first_index


def same_ratchet(one: vodozemac.InboundGroupSession, other: vodozemac.InboundGroupSession) -> bool:
    """Are both copies the same session? Compared at the later of their first indexes; the ids are the signing key."""
    if one.session_id != other.session_id:
        return False
    index = max(one.first_known_index, other.first_known_index)
    first, second = one.export_at(index), other.export_at(index)
    return first is not None and second is not None and first.to_base64() == second.to_base64()


def _envelope(event: Mapping[str, Any]) -> _Envelope | Undecryptable:
    content, event_id, sender = event.get("content"), event.get("event_id"), event.get("sender")
    if not isinstance(content, dict) or not isinstance(event_id, str) or not isinstance(sender, str):
        return _DAMAGED
    if not storable(event_id) or not storable(sender):
        return _DAMAGED
    if content.get("algorithm") != MEGOLM:
        return _UNKNOWN_ALGORITHM
    session, ciphertext = content.get("session_id"), content.get("ciphertext")
    if not isinstance(session, str) or not session.isascii() or not isinstance(ciphertext, str) or "state_key" in event:
        return _DAMAGED
    stamp, hint = event.get("origin_server_ts"), content.get("device_id")
    at_ms = stamp if isinstance(stamp, int) and 0 <= stamp < 2**53 else 0
    return _Envelope(event_id, sender, session, ciphertext, at_ms, hint[:255] if isinstance(hint, str) and storable(hint) else "")


def _room_event(plaintext: bytes) -> JsonObject | None:
    """`{type, content, room_id}` or None."""
    try:
        inner = json.loads(plaintext.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(inner, dict) or not isinstance(inner.get("type"), str) or not isinstance(inner.get("content"), dict):
        return None
    return inner
