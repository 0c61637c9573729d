"""The encryption machine of one device: events and answers in, decisions and requests out. Synchronous, without IO.

Whoever drives it wraps each call in a store transaction and calls `forget()` if that rolls back.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from welink_desktop.adapters.matrix.crypto.account import OwnAccount
from welink_desktop.adapters.matrix.crypto.devices import DeviceLists
from welink_desktop.adapters.matrix.crypto.exported import ExportedSession, exported
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.megolm import RoomReader
from welink_desktop.adapters.matrix.crypto.olm import OlmChannel
from welink_desktop.adapters.matrix.crypto.outbound import RoomWriter, claims_for, new_txn
from welink_desktop.adapters.matrix.crypto.receiving import Receiver
from welink_desktop.adapters.matrix.crypto.records import (
    MEGOLM,
    Decrypted,
    Decryption,
    Device,
    DeviceRef,
    Inbound,
    JsonObject,
    KeysClaim,
    KeysQuery,
    KeysUpload,
    News,
    Request,
    RoomRules,
    SendToDevice,
    Source,
    Withheld,
)
from welink_desktop.adapters.matrix.crypto.store import CryptoStore
from welink_desktop.adapters.matrix.crypto.trust import Channel, may_arrive
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield

TO_DEVICE_BATCH = 100


class CryptoMachine:
    """`pickle_key`: 32 bytes under which secret state is kept in the store. Same store, same user and device, always."""

    def __init__(
        self,
        user: UserId,
        device: DeviceId,
        store: CryptoStore,
        pickle_key: bytes,
        clock: Clock,
        *,
        joined_at_ms: Callable[[RoomId], int] = lambda room: 0,
    ) -> None:
        self.user = user
        self.device = device
        self._store = store
        self._pickle_key = pickle_key
        self._clock = clock
        self._joined_at_ms = joined_at_ms
        self._epoch = 0
        self._load()

    @property
    def epoch(self) -> int:
        """Grows whenever somebody's devices or trust changed or memory was dropped: what was prepared before must be looked at
        again.
        """
        return self._epoch + self.identities.epoch

    def _load(self) -> None:
        key, store, clock = self._pickle_key, self._store, self._clock
        self._account = OwnAccount(self.user, self.device, store, key, clock)
        self._olm = OlmChannel(self._account, store, key, clock)
        self.identities = Identities(self._account, store)
        self._reader = RoomReader(
            store,
            key,
            clock,
            joined_at_ms=self._joined_at_ms,
            device_made_ms=self._account.row.created_ms,
            only_signed=lambda: self.identities.only_signed,
        )
        own_keys = (self._account.curve25519, self._account.ed25519)
        self._lists = DeviceLists((self.user, self.device), own_keys, store, self.identities, clock, self._devices_changed)
        self._lists.track([self.user])
        self._writer = RoomWriter(self._account, self._olm, self._reader, self.identities, store, key, clock)
        self._receiver = Receiver(
            self._account, self._olm, self._reader, self._writer, self._lists, self.identities, store, clock
        )

    def forget(self) -> None:
        """The store was rolled back: what is in memory may be ahead of it."""
        self._epoch += 1 + self.identities.epoch
        self._load()

    def _devices_changed(self, user: UserId) -> None:
        self._epoch += 1
        self._reader.forget_shields(user)

    def take_changes(self) -> News:
        """Whose trust and whose devices changed since the last time, by answers and by decisions."""
        people = self.identities.take_changed()
        for user in people:
            self._reader.forget_shields(user)
        lists, self._lists.changed_lists = self._lists.changed_lists, set()
        return News(people=people, lists=lists)

    def require_signed_devices(self, on: bool) -> None:
        """The policy of MSC4153; kept in the store."""
        self.identities.only_signed = on
        self._reader.forget_shields()

    def shield(self, room: RoomId, session: str, sender: UserId) -> Shield | None:
        """The mark that messages of `sender` in this session deserve now; None if it is not theirs, or not here."""
        return self._reader.shield(room, session, sender)

    def blocked(self, users: Iterable[UserId]) -> set[UserId]:
        """Those of `users` whose verified identity changed: nothing may be encrypted for them until somebody decided."""
        return self.identities.broken() & set(users)

    def mark_outdated(self, user: UserId) -> None:
        """Fetch this tracked user's list again."""
        self._lists.mark_outdated(user)

    @property
    def keys(self) -> Mapping[str, str]:
        return {"curve25519": self._account.curve25519, "ed25519": self._account.ed25519}

    def signed(self, value: JsonObject) -> JsonObject:
        """`value` with this device's signature."""
        return self._account.signed(value)

    def receive_sync(
        self,
        *,
        changed: Iterable[object] = (),
        left: Iterable[object] = (),
        key_counts: Mapping[str, int] | None = None,
        fallback_types: Collection[str] | None = None,
    ) -> None:
        """The encryption part of a sync answer, to-device events excepted (`receive_to_device`)."""
        self._lists.changed(changed, left)
        self._account.note_counts(key_counts, fallback_types)

    def receive_to_device(self, event: object) -> News:
        """One raw to-device event, hostile as it may be. Delivering it twice changes nothing."""
        return self._receiver.receive(event)

    def forget_device_lists(self) -> None:
        """ "Changed" notices may have been lost: fetch every tracked list again."""
        self._store.outdate_all()

    def track(self, users: Iterable[UserId]) -> None:
        self._lists.track(users)

    def waiting_for(self, users: Collection[UserId]) -> set[UserId]:
        """Those whose device list is not fresh."""
        return self._lists.waiting_for(users)

    def never_seen(self, users: Collection[UserId]) -> set[UserId]:
        """Those whose device list was never fetched."""
        return self._lists.never_seen(users)

    def queries(self) -> list[KeysQuery]:
        """Device lists to fetch now."""
        return self._lists.queries()

    def pending_requests(self) -> list[Request]:
        """Everything that is due. Unchanged until `request_done` or `request_refused`."""
        upload = self._account.upload()
        requests: list[Request] = [upload] if upload is not None else []
        return [*requests, *self.queries(), *self._receiver.claims(), *self._store.outgoing()]

    def request_done(self, request: Request, answer: Mapping[str, Any]) -> News:
        """The server's answer. May make further requests pending, and bring keys whose sender was not known before."""
        match request:
            case KeysUpload():
                self._account.uploaded(request, answer)
            case KeysQuery():
                news = News()
                for user in self._lists.answered(request, answer):
                    news.add(self._receiver.settle(user))
                news.add(self.take_changes())
                return news
            case KeysClaim():
                self._receiver.claimed(request, self._olm.claimed(request, answer))
            case SendToDevice():
                self._store.remove_outgoing(request.txn)
                if request.session:
                    self._store.mark_reached(request.room, request.session, request.devices)
        return News()

    def request_refused(self, request: Request) -> None:
        """The server will never take this request (4xx).

        Uploads get fresh one-time keys, claims rest, to-device messages are dropped, queries stay due.
        """
        match request:
            case KeysUpload():
                self._account.upload_refused()
            case SendToDevice():
                self._store.remove_outgoing(request.txn)
            case KeysClaim():
                self._receiver.claimed(request, self._olm.claimed(request, {}))
            case KeysQuery():
                return

    def room_claims(self, rules: RoomRules) -> list[KeysClaim]:
        """One-time keys that `share_room_key` needs first. Raises `EncryptionRefused` for an unknown algorithm."""
        _check(rules)
        return self._writer.claims(rules)

    def share_room_key(self, rules: RoomRules) -> list[SendToDevice]:
        """Requests that bring the room's current session to the next of those who may read; call until there are none.

        Raises `EncryptionRefused` for an unknown algorithm.
        """
        _check(rules)
        return self._writer.share(rules)

    def encrypt(self, room: RoomId, event_type: str, content: JsonObject) -> JsonObject:
        """Raises `outbound.NotPrepared` if there is no usable session: share again first."""
        return self._writer.encrypt(room, event_type, content)

    def reaches_all(self, rules: RoomRules, content: JsonObject) -> bool:
        """Can exactly those who may read the room now read this ciphertext of ours?"""
        return self._writer.reaches_all(rules, content)

    def is_usable(self, room: RoomId) -> bool:
        """The room has a session that is neither ended nor worn."""
        return self._writer.is_usable(room)

    def end_session(self, room: RoomId) -> None:
        self._writer.end(room)

    def decrypt(self, room: RoomId, event: Mapping[str, Any]) -> Decryption:
        """Our own messages also tell whether our store is older than the world (`RoomWriter.notice_own`)."""
        result = self._reader.read(room, event)
        if isinstance(result, Decrypted) and result.sender_device == self.device and event.get("sender") == self.user:
            self._writer.notice_own(room, result.session, result.index)
        return result

    def take_session(self, given: ExportedSession, source: Source) -> str | None:
        """Keep a Megolm session that was handed on; returns its id if messages may be readable now that were not."""
        return self._reader.take(given, source)

    def sessions(self, room: RoomId) -> list[Inbound]:
        """Every copy of every session of a room."""
        return self._store.inbound_of(room)

    def session(self, room: RoomId, session: str) -> list[Inbound]:
        return self._store.inbound(room, session)

    def exported(self, row: Inbound) -> JsonObject | None:
        """`row` in the export format."""
        return exported(row, self._pickle_key)

    def note_withheld(self, room: RoomId, session: str, code: Withheld) -> None:
        """Somebody explains why there is no key; it counts as little as the explanation of a sender."""
        if self._store.withheld(room, session) is None:
            self._store.save_withheld(room, session, code)

    def renew_session(self, user: UserId, device: DeviceId) -> bool:
        """Begin a new Olm session with a device whose room keys got lost, so that it gives them again (`Receiver.renew`)."""
        return self._receiver.renew(user, device)

    def devices_named(self, refs: Iterable[DeviceRef]) -> list[Device]:
        """The known devices among `refs`, without ourselves and without devices whose keys changed."""
        found = []
        for user, device_id in refs:
            device = self._store.devices(user).get(device_id)
            if device is not None and not device.keys_changed and device.ref != (self.user, self.device):
                found.append(device)
        return found

    def devices_of(self, user: UserId) -> list[Device]:
        return list(self._store.devices(user).values())

    def device_claims(self, devices: Sequence[Device]) -> list[KeysClaim]:
        """One-time keys for those of `devices` that have no Olm session."""
        return claims_for(self._olm.claimable(list(devices)))

    def post(self, event_type: str, messages: Mapping[UserId, Mapping[DeviceId, JsonObject]]) -> SendToDevice:
        """Messages in clear, kept in the store until they are sent. Raises `ValueError` for a type that needs Olm."""
        if not may_arrive(event_type, Channel.PLAIN):
            raise ValueError("not in clear")
        request = SendToDevice(new_txn(), event_type, messages)
        self._store.add_outgoing(request)
        return request

    def encrypt_to_devices(self, event_type: str, contents: Sequence[tuple[Device, JsonObject]]) -> list[SendToDevice]:
        """Olm messages, in requests kept in the store; devices without a session are left out."""
        requests = []
        for start in range(0, len(contents), TO_DEVICE_BATCH):
            messages: dict[UserId, dict[DeviceId, JsonObject]] = {}
            for device, content in contents[start : start + TO_DEVICE_BATCH]:
                sealed = self._olm.encrypt(device, event_type, content)
                if sealed is not None:
                    messages.setdefault(device.user, {})[device.device] = sealed
            if messages:
                request = SendToDevice(new_txn(), "m.room.encrypted", messages)
                self._store.add_outgoing(request)
                requests.append(request)
        return requests


def _check(rules: RoomRules) -> None:
    if rules.algorithm != MEGOLM:
        raise EncryptionRefused("unknown algorithm")
