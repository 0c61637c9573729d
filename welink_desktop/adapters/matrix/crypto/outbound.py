"""Megolm, writing side: the room's session, who has it, when it ends (matrix.md §8.4)."""

import dataclasses
import json
import secrets
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import vodozemac

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.megolm import RoomReader
from welink_desktop.adapters.matrix.crypto.olm import OlmChannel
from welink_desktop.adapters.matrix.crypto.records import (
    MEGOLM,
    Device,
    DeviceRef,
    JsonObject,
    KeysClaim,
    Outbound,
    RoomRules,
    SendToDevice,
    Share,
    Source,
    Withheld,
)
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import rotation_of, session_ended, session_worn
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import short, topic

BATCH = 100
"""Devices per to-device request and per claim: about a tenth of a second of work, so that nothing else waits long."""

_log = topic("crypto.outbound")


class NotPrepared(Exception):
    """The room has no session that may be used now."""


@dataclass(frozen=True, slots=True)
class _Audience:
    allowed: dict[DeviceRef, Device]
    refused: tuple[tuple[Device, Withheld], ...]


class RoomWriter:
    """Encrypts room events and hands their keys to devices."""

    def __init__(
        self,
        account: OwnAccount,
        olm: OlmChannel,
        reader: RoomReader,
        identities: Identities,
        store: CryptoStore,
        pickle_key: bytes,
        clock: Clock,
    ) -> None:
        self._account = account
        self._olm = olm
        self._reader = reader
        self._identities = identities
        self._store = store
        self._pickle_key = pickle_key
        self._clock = clock

    def claims(self, rules: RoomRules) -> list[KeysClaim]:
        """One-time keys wanted before `share`."""
        session = self._current(rules)
        have = {(share.user, share.device) for share in self._store.shares(rules.room, session.session)} if session else set()
        missing = [device for ref, device in self._audience(rules).allowed.items() if ref not in have]
        return claims_for(self._olm.claimable(missing))

    def share(self, rules: RoomRules) -> list[SendToDevice]:
        """Give the current session (a new one if the old has ended) to the next devices that may have it and lack it.

        The returned requests are in the store already. Call again until there are none: each call serves at most `BATCH`
        devices, the last one tells those that cannot be reached why.
        """
        audience = self._audience(rules)
        session = self._current(rules) or self._begin(rules)
        have = {(share.user, share.device) for share in self._store.shares(rules.room, session.session)}
        missing = [device for ref, device in audience.allowed.items() if ref not in have]
        unreachable = {device.ref for device in self._olm.without_session(missing)}
        ready = [device for device in missing if device.ref not in unreachable]
        if ready:
            return self._share_with(session, ready[:BATCH])
        lonely = [(device, Withheld.NO_OLM) for device in missing]
        return self._withhold(session, [*audience.refused, *lonely])

    def encrypt(self, room: RoomId, event_type: str, content: JsonObject) -> JsonObject:
        """The content of an `m.room.encrypted` event. Raises `NotPrepared`."""
        row = self._store.outbound(room)
        if row is None or not self._usable(row):
            raise NotPrepared
        session = vodozemac.GroupSession.from_pickle(row.pickle, self._pickle_key)
        plain = json.dumps({"type": event_type, "content": content, "room_id": room}, ensure_ascii=False, separators=(",", ":"))
        message = session.encrypt(plain.encode("utf-8"))
        self._store.save_outbound(dataclasses.replace(row, pickle=session.pickle(self._pickle_key), messages=row.messages + 1))
        result: JsonObject = {
            "algorithm": MEGOLM,
            "ciphertext": message.to_base64(),
            "session_id": row.session,
            "sender_key": self._account.curve25519,
            "device_id": self._account.device,
        }
        if "m.relates_to" in content:
            result["m.relates_to"] = content["m.relates_to"]
        return result

    def reaches_all(self, rules: RoomRules, content: JsonObject) -> bool:
        """Can exactly those who may read the room now read this ciphertext of ours?

        It may have waited for the line while people came, left or got new devices. False if that is not known any more.
        """
        row = self._store.outbound(rules.room)
        if row is None or row.invalid or content.get("session_id") != row.session:
            return False
        index = vodozemac.MegolmMessage.from_base64(content["ciphertext"]).message_index()
        allowed = self._audience(rules).allowed
        first = {(share.user, share.device): share.index for share in self._store.shares(rules.room, row.session)}
        return first.keys() <= allowed.keys() and all(first.get(ref, index + 1) <= index for ref in allowed)

    def is_usable(self, room: RoomId) -> bool:
        row = self._store.outbound(room)
        return row is not None and self._usable(row)

    def _usable(self, row: Outbound) -> bool:
        return not row.invalid and not session_worn(row, self._clock.now_ms())

    def end(self, room: RoomId) -> None:
        """The next message gets a new session."""
        row = self._store.outbound(room)
        if row is not None:
            self._store.save_outbound(dataclasses.replace(row, invalid=True))

    def notice_own(self, room: RoomId, session: str, index: int) -> None:
        """A message of our own came back. One that this store never wrote means that the store is an old copy: going on with
        the session would use its keys twice, so it ends.
        """
        row = self._store.outbound(room)
        if row is not None and row.session == session and index >= row.messages and not row.invalid:
            _log.warning("the store is older than our messages", room=short(room))
            self.end(room)

    def share_again(self, device: Device) -> list[SendToDevice]:
        """Send the sessions that this device was given once more: it may have lost them with its Olm session."""
        requests = []
        for session in self._store.outbounds_shared_with(device.user, device.device):
            if session.invalid or self._identities.withheld(device) is not None:
                continue
            share = next((one for one in self._store.shares(session.room, session.session) if _is(one, device)), None)
            if share is None or share.curve25519 != device.curve25519:
                continue
            requests += self._share_with(session, [device], again=share)
        return requests

    def _current(self, rules: RoomRules) -> Outbound | None:
        row = self._store.outbound(rules.room)
        if row is None:
            return None
        holders = [(share.user, share.device) for share in self._store.shares(rules.room, row.session)]
        allowed = self._audience(rules).allowed
        if session_ended(row, rules, now_ms=self._clock.now_ms(), holders=holders, allowed=allowed.keys()):
            return None
        return row

    def _audience(self, rules: RoomRules) -> _Audience:
        allowed: dict[DeviceRef, Device] = {}
        refused = []
        for device in self._store.devices_of(rules.recipients):
            if device.ref == (self._account.user, self._account.device):
                continue
            code = self._identities.withheld(device)
            if code is None:
                allowed[device.ref] = device
            else:
                refused.append((device, code))
        return _Audience(allowed, tuple(refused))

    def _begin(self, rules: RoomRules) -> Outbound:
        session = vodozemac.GroupSession()
        rotation = rotation_of(rules.rotation_ms, rules.rotation_messages)
        first_key = session.session_key.to_base64()
        row = Outbound(
            room=rules.room,
            session=session.session_id,
            pickle=session.pickle(self._pickle_key),
            first_key=first_key,
            created_ms=self._clock.now_ms(),
            messages=0,
            period_ms=rotation.period_ms,
            period_messages=rotation.messages,
            shared_history=rules.shared_history,
        )
        self._store.save_outbound(row)
        ourselves = Device(self._account.user, self._account.device, self._account.curve25519, self._account.ed25519)
        self._reader.add(rules.room, self._room_key(row, first_key), ourselves, Source.OLM)
        _log.info("new session", room=short(rules.room), session=short(row.session))
        return row

    def _room_key(self, session: Outbound, key: str) -> JsonObject:
        return {
            "algorithm": MEGOLM,
            "room_id": session.room,
            "session_id": session.session,
            "session_key": key,
            "m.shared_history": session.shared_history,
        }

    def _share_with(self, session: Outbound, devices: Sequence[Device], *, again: Share | None = None) -> list[SendToDevice]:
        group = vodozemac.GroupSession.from_pickle(session.pickle, self._pickle_key)
        index = group.message_index
        key = group.session_key.to_base64()
        if again is not None and again.index == 0:
            index, key = 0, session.first_key
        content = self._room_key(session, key)
        messages: dict[UserId, dict[DeviceId, JsonObject]] = {}
        shares = []
        for device in devices:
            sealed = self._olm.encrypt(device, "m.room_key", content)
            if sealed is None:
                continue
            messages.setdefault(device.user, {})[device.device] = sealed
            shares.append(Share(device.user, device.device, device.curve25519, index))
        if not messages:
            return []
        request = SendToDevice(new_txn(), "m.room.encrypted", messages, session.room, session.session)
        self._store.add_outgoing(request)
        self._store.save_shares(session.room, session.session, shares)
        return [request]

    def _withhold(self, session: Outbound, refused: Iterable[tuple[Device, Withheld]]) -> list[SendToDevice]:
        """Tell devices why they get nothing: once per session, `m.no_olm` once per device."""
        messages: dict[UserId, dict[DeviceId, JsonObject]] = {}
        for device, code in refused:
            subject = "" if code is Withheld.NO_OLM else session.session
            if self._store.withheld_sent(subject, device.user, device.device):
                continue
            self._store.save_withheld_sent(subject, device.user, device.device)
            content: JsonObject = {
                "algorithm": MEGOLM,
                "code": code.value,
                "reason": _REASONS[code],
                "sender_key": self._account.curve25519,
                "from_device": self._account.device,
            }
            if code is not Withheld.NO_OLM:
                content |= {"room_id": session.room, "session_id": session.session}
            messages.setdefault(device.user, {})[device.device] = content
        if not messages:
            return []
        request = SendToDevice(new_txn(), "m.room_key.withheld", messages)
        self._store.add_outgoing(request)
        return [request]


_REASONS = {
    Withheld.BLACKLISTED: "The sender has blocked this device.",
    Withheld.UNVERIFIED: "The sender does not trust this device.",
    Withheld.UNAUTHORISED: "This device may not read this room.",
    Withheld.UNAVAILABLE: "The device does not support this encryption.",
    Withheld.NO_OLM: "No secure channel to this device could be made.",
    Withheld.HISTORY_NOT_SHARED: "The history of this room is not shared.",
}


def claims_for(devices: Sequence[Device]) -> list[KeysClaim]:
    return [KeysClaim(tuple(devices[start : start + BATCH])) for start in range(0, len(devices), BATCH)]


def new_txn() -> str:
    return secrets.token_hex(16)


def _is(share: Share, device: Device) -> bool:
    return (share.user, share.device) == device.ref
