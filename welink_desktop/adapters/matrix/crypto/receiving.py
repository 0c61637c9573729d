"""To-device events: opening, checking who sent them, acting on them (matrix.md §8.3, §8.9)."""

from collections.abc import Sequence
from typing import Any, TypeGuard

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.canonical import storable
from welink_desktop.adapters.matrix.crypto.devices import DeviceLists
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.megolm import RoomReader
from welink_desktop.adapters.matrix.crypto.olm import Duplicate, NotForUs, OlmChannel, Opened, Wedged
from welink_desktop.adapters.matrix.crypto.outbound import RoomWriter, claims_for, new_txn
from welink_desktop.adapters.matrix.crypto.records import (
    OLM,
    Device,
    DeviceRef,
    JsonObject,
    KeysClaim,
    News,
    SendToDevice,
    Source,
    ToDevice,
    Withheld,
)
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import HOUR_MS, Channel, may_arrive
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import literal, short, topic

MAX_ID = 255
DUMMY_MARK = "dummy "
"""Before a device's key: when its new session was last answered with our room keys."""

_log = topic("crypto.receiving")


class Receiver:
    """Takes to-device events one by one. What waits for a device list is held in the store."""

    def __init__(
        self,
        account: OwnAccount,
        olm: OlmChannel,
        reader: RoomReader,
        writer: RoomWriter,
        lists: DeviceLists,
        identities: Identities,
        store: CryptoStore,
        clock: Clock,
    ) -> None:
        self._account = account
        self._olm = olm
        self._reader = reader
        self._writer = writer
        self._lists = lists
        self._identities = identities
        self._store = store
        self._clock = clock
        self._wedged: dict[DeviceRef, Device] = {}

    def receive(self, event: object) -> News:
        if not isinstance(event, dict):
            return News()
        kind, sender, content = event.get("type"), event.get("sender"), event.get("content")
        if not isinstance(kind, str) or not _is_id(sender) or not isinstance(content, dict):
            _log.warning("malformed to-device event")
            return News()
        user = UserId(sender)
        if kind != "m.room.encrypted":
            return self._plain(kind, user, content)
        if content.get("algorithm") != OLM:
            return News()
        return self._sealed(user, content)

    def settle(self, user: UserId) -> News:
        """The device list of `user` was fetched: decide what was held for it."""
        news = News()
        for row, sender_key, payload in self._store.held(user):
            self._store.release(row)
            device = self._known(user, sender_key, payload)
            if device is None:
                _log.warning("message of an unknown device dropped", user=short(user))
                continue
            news.add(self._believed(payload, device))
        return news

    def renew(self, user: UserId, device_id: DeviceId) -> bool:
        """We lack a key that this device must have given us: what it sent is lost. Over a new session it gives its current keys
        again. At most once an hour per device; false if that is not possible now.
        """
        device = self._store.devices(user).get(device_id)
        if device is None or device.keys_changed or device.curve25519 == self._account.curve25519:
            return False
        return self._begin_anew(device)

    def claims(self) -> list[KeysClaim]:
        """One-time keys for new sessions with devices whose session broke."""
        return claims_for(self._olm.claimable(list(self._wedged.values()), even_with_session=True))

    def claimed(self, claim: KeysClaim, made: Sequence[Device]) -> None:
        """Tell devices whose session was renewed, and give them our current room keys again."""
        for device in claim.devices:
            if device not in made or self._wedged.pop(device.ref, None) is None:
                continue
            self._store.save_unwedged(device.curve25519, self._clock.now_ms())
            sealed = self._olm.encrypt(device, "m.dummy", {})
            if sealed is not None:
                self._store.add_outgoing(SendToDevice(new_txn(), "m.room.encrypted", {device.user: {device.device: sealed}}))
            self._writer.share_again(device)

    def _plain(self, kind: str, sender: UserId, content: JsonObject) -> News:
        if not may_arrive(kind, Channel.PLAIN):
            _log.warning("refused in clear", type=literal(kind[:64]))
            return News()
        if kind == "m.room_key.withheld":
            return self._note_withheld(sender, content)
        return News(to_device=[ToDevice(kind, content, sender)])

    def _sealed(self, sender: UserId, content: JsonObject) -> News:
        try:
            opened = self._olm.decrypt(sender, content)
        except Duplicate:
            return News()
        except NotForUs as error:
            _log.warning("olm message refused", user=short(sender), reason=literal(str(error)))
            return News()
        except Wedged:
            self._unwedge(sender, content.get("sender_key"))
            return News()
        device = self._known(sender, opened.sender_key, opened.payload)
        if device is None:
            self._wait_for_device(opened)
            return News()
        if opened.began_anew or (opened.new_session and opened.payload["type"] == "m.dummy"):
            self._share_after_loss(device)
        return self._believed(opened.payload, device)

    def _known(self, sender: UserId, sender_key: str, payload: JsonObject) -> Device | None:
        """The one device of `sender` with both keys of the message, from its list or from the message itself (MSC4147)."""
        claimed = payload["keys"]["ed25519"]
        embedded = payload.get("sender_device_keys")
        device = next((one for one in self._store.devices(sender).values() if one.curve25519 == sender_key), None)
        if device is None and embedded is not None:
            device = self._lists.from_olm(sender, embedded)
        elif device is not None and not device.owner_signed and embedded is not None:
            device = self._signed_meanwhile(sender, device, embedded)
        if device is None or device.keys_changed or (device.curve25519, device.ed25519) != (sender_key, claimed):
            return None
        return device

    def _signed_meanwhile(self, sender: UserId, known: Device, embedded: object) -> Device:
        """The message may show a signature of the owner that is younger than our list."""
        shown = self._lists.from_olm(sender, embedded)
        if shown is None or not shown.shown_signed or shown.ref != known.ref:
            return known
        if not known.shown_signed:
            self._lists.mark_outdated(sender)
        return shown

    def _wait_for_device(self, opened: Opened) -> None:
        """Hold the payload until the sender's list was fetched; never believe it before."""
        self._store.hold(opened.sender, opened.sender_key, opened.payload)
        self._lists.track([opened.sender])
        self._lists.mark_outdated(opened.sender)

    def _believed(self, payload: JsonObject, device: Device) -> News:
        kind, content = payload["type"], payload["content"]
        if not may_arrive(kind, Channel.OLM):
            _log.warning("refused inside olm", type=literal("m.room.encrypted"))
            return News()
        self._store.clear_no_channel(device.user, device.device)
        if not self._identities.may_tell(kind, device):
            _log.warning("refused from an unsigned device", user=short(device.user), type=literal(kind[:64]))
            return News()
        match kind:
            case "m.room_key":
                return self._room_key(content, device)
            case "m.dummy":
                return News()
            case "m.room_key.withheld":
                return self._note_withheld(device.user, content)
        event = ToDevice(kind, content, device.user, device.device, device.curve25519, True, device.owner_signed)
        return News(to_device=[event])

    def _room_key(self, content: JsonObject, device: Device) -> News:
        room = content.get("room_id")
        if not _is_id(room):
            return News()
        self._lists.track([device.user])
        session = self._reader.add(RoomId(room), content, device, Source.OLM)
        return News(room_keys=[(RoomId(room), session)] if session else [])

    def _note_withheld(self, sender: UserId, content: JsonObject) -> News:
        """Only explains; a key that arrives later counts all the same."""
        code = _withheld_code(content.get("code"))
        room, session, device = content.get("room_id"), content.get("session_id"), content.get("from_device")
        if code is Withheld.NO_OLM and _is_id(device):
            self._no_channel(sender, DeviceId(device))
        if code is None or not _is_id(room) or not _is_id(session):
            return News()
        self._store.save_withheld(RoomId(room), session, code)
        return News(withheld=[(RoomId(room), session)])

    def _no_channel(self, sender: UserId, device_id: DeviceId) -> None:
        """They have no session with us and no one-time key of ours: make a session from our side."""
        self._store.save_no_channel(sender, device_id)
        self._olm.may_try_again((sender, device_id))
        device = self._store.devices(sender).get(device_id)
        if device is not None:
            self._unwedge(sender, device.curve25519)

    def _unwedge(self, sender: UserId, sender_key: object) -> None:
        """A new session with a known device whose message cannot be opened; at most once per hour."""
        known = [one for one in self._store.devices(sender).values() if one.curve25519 == sender_key and not one.keys_changed]
        if not known:
            self._lists.mark_outdated(sender)
            _log.warning("unreadable message of an unknown device", user=short(sender))
            return
        if self._begin_anew(known[0]):
            _log.info("session renewed", user=short(sender), device=short(known[0].device))

    def _begin_anew(self, device: Device) -> bool:
        """A new session as soon as there is a one-time key. It counts once it is made: a crash before that loses no hour."""
        if device.ref in self._wedged or not self._rested(device.curve25519):
            return False
        self._wedged[device.ref] = device
        return True

    def _share_after_loss(self, device: Device) -> None:
        """It began a new session, because ours is broken there: what we gave lately is lost to it. Not every client says so
        by a dummy. At most once an hour, however often we began anew ourselves.
        """
        name = f"{DUMMY_MARK}{device.curve25519}"
        if self._rested(name):
            self._store.save_unwedged(name, self._clock.now_ms())
            self._writer.share_again(device)

    def _rested(self, name: str) -> bool:
        last = self._store.unwedged_at_ms(name)
        return not last or abs(self._clock.now_ms() - last) >= HOUR_MS


def _is_id(value: Any) -> TypeGuard[str]:
    return storable(value) and 0 < len(value) <= MAX_ID


def _withheld_code(value: object) -> Withheld | None:
    if value == "io.element.msc4268.history_not_shared":
        return Withheld.HISTORY_NOT_SHARED
    return next((code for code in Withheld if code.value == value), None)
