"""End-to-end encryption of one account: drives the sans-IO core with the store and the homeserver (matrix.md §8)."""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Mapping, Sequence

from welink_desktop.adapters.matrix.crypto.exported import ExportedSession
from welink_desktop.adapters.matrix.crypto.identities import Identities
from welink_desktop.adapters.matrix.crypto.machine import CryptoMachine
from welink_desktop.adapters.matrix.crypto.outbound import NotPrepared
from welink_desktop.adapters.matrix.crypto.records import (
    Decryption,
    Device,
    JsonObject,
    KeysClaim,
    News,
    RoomRules,
    Source,
    ToDevice,
)
from welink_desktop.adapters.matrix.encryption_inbox import InboxReader
from welink_desktop.adapters.matrix.encryption_seams import KeyRequests, RoomFacts
from welink_desktop.adapters.matrix.encryption_work import KeyWork
from welink_desktop.adapters.matrix.store.crypto import SqlCryptoStore, pickle_key
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused, IdentityChanged, Offline, ServerFault, WeLinkError
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.reactive import Cancel, Scope, Signal, State
from welink_desktop.core.trust import Shield, Undecryptable, UndecryptableReason

__all__ = ["Encryption", "KeyRequests", "Listener", "RoomFacts"]

Listener = Callable[[ToDevice], None]

PATIENCE = 10.0
"""Seconds that sending waits for fresh device lists."""

LOOK_AGAIN = 300.0
"""Seconds after which devices that had no one-time key are asked again, even if nothing else changed."""

_WANT_OF_KEY = frozenset(
    {
        UndecryptableReason.KEY_MISSING,
        UndecryptableReason.KEY_LATE,
        UndecryptableReason.SENT_BEFORE_JOIN,
        UndecryptableReason.SENT_BEFORE_DEVICE,
        UndecryptableReason.WITHHELD_UNVERIFIED,
        UndecryptableReason.WITHHELD_BLOCKED,
        UndecryptableReason.WITHHELD_UNAUTHORISED,
        UndecryptableReason.WITHHELD_NO_CHANNEL,
    }
)
_log = topic("crypto")


async def _at_once() -> None:
    """Nothing to wait for."""


class Encryption:
    """Everything others need from end-to-end encryption. One per account, on the engine loop.

    Make it, set `on_room_keys`, call `start`. `on_room_keys` is called after a commit with the (room, session) pairs whose
    messages can be read from now on. `uploaded` turns true once the server has our device's keys.
    """

    def __init__(
        self,
        database: Database,
        http: KeyRequests,
        *,
        user: UserId,
        device: DeviceId,
        rooms: RoomFacts,
        scope: Scope,
        clock: Clock,
    ) -> None:
        self.on_room_keys: Callable[[list[tuple[RoomId, str]]], None] = lambda keys: None
        self.on_sessions: Callable[[], None] = lambda: None
        """Called after commits that may have brought Megolm sessions."""
        self.on_missing: Callable[[RoomId, str, Undecryptable], None] = lambda room, session, why: None
        """Called with (room, session) of a message that cannot be read for want of its key. Often inside a transaction."""
        self.caught_up: Callable[[], Awaitable[None]] = _at_once
        """Awaited before a key is handed on: who is in the room should be known as of now, also after a cut or a start."""
        self.uploaded: State[bool] = State(False)
        self.people_changed: Signal[set[UserId]] = Signal()
        """After a commit: whose identity or trust is not what it was (ourselves included)."""
        self.lists_changed: Signal[set[UserId]] = Signal()
        """After a commit: whose devices are not what they were."""
        self._clock = clock
        self._database = database
        self._rooms = rooms
        self._store = SqlCryptoStore(database)
        self._listeners: dict[str, list[Listener]] = {}
        self._locks: dict[RoomId, asyncio.Lock] = {}
        self._claiming = asyncio.Lock()
        self._arrived = asyncio.Event()
        self._prepared: dict[RoomId, tuple[RoomRules, int, float]] = {}
        with database.transaction():
            key = pickle_key(database, secrets.token_bytes(32))
            self._machine = CryptoMachine(user, device, self._store, key, clock, joined_at_ms=rooms.joined_at_ms)
        self._inbox = InboxReader(self._machine, self._told)
        self._work = KeyWork(self._machine, self._store, http, scope, self.change, self._told, self.uploaded)
        self._scope = scope

    async def start(self) -> None:
        """Start the work that uploads, queries and sends. Returns at once; also continues what a crash interrupted."""
        self._scope.spawn(self._work.run(), name="encryption")
        self._scope.spawn(self._empty_inbox(), name="to-device")
        self.wake()

    def receive_sync(
        self,
        transaction: Transaction,
        *,
        to_device: Sequence[object] = (),
        device_lists: Mapping[str, Sequence[object]] | None = None,
        key_counts: Mapping[str, int] | None = None,
        fallback_types: Collection[str] | None = None,
    ) -> None:
        """Take the encryption part of a sync answer inside its transaction. Call it before `decrypt` of the same answer.

        `to_device`: raw events, malformed ones included; they go to the inbox, and the first of them are processed at once, so
        that keys are there for the messages they came with. `device_lists`: `{"changed": […], "left": […]}`. `None` for
        counts or types means "unchanged".
        """
        transaction.on_rollback(self._machine.forget)
        lists = device_lists or {}
        self._machine.receive_sync(
            changed=lists.get("changed", ()), left=lists.get("left", ()), key_counts=key_counts, fallback_types=fallback_types
        )
        if to_device:
            self._inbox.add(transaction, to_device)
            self._inbox.process(self._database, transaction)

    def wake(self) -> None:
        """After the commit: what is left of the inbox is processed, in small steps, and what is due is done. Returns at once."""
        if self._inbox.waiting:
            self._arrived.set()
        self._work.wake()
        self.on_sessions()

    async def _empty_inbox(self) -> None:
        while True:
            await self._arrived.wait()
            with self.change() as transaction:
                self._inbox.process(self._database, transaction)
            if not self._inbox.waiting:
                self._arrived.clear()
                self._work.wake()
            await asyncio.sleep(0)

    def forget_device_lists(self) -> None:
        """Device list changes may have been missed (unknown position): every tracked list is fetched again."""
        with self.change():
            self._machine.forget_device_lists()
        self._work.wake()

    def decrypt(self, room: RoomId, event: Mapping[str, object]) -> Decryption:
        """Read a raw `m.room.encrypted` event of `room` (synchronous; inside a transaction the replay index joins it).

        Never raises for what a sender or server can do: the answer is `Undecryptable` with a reason.
        """
        result = self._machine.decrypt(room, event)
        if isinstance(result, Undecryptable) and result.reason in _WANT_OF_KEY:
            content = event.get("content")
            session = content.get("session_id") if isinstance(content, dict) else None
            if isinstance(session, str):
                self.on_missing(room, session, result)
        return result

    def take_sessions(
        self, given: Iterable[ExportedSession], source: Source, *, durable: bool = True
    ) -> list[tuple[RoomId, str]]:
        """Keep Megolm sessions that were handed on, in one transaction (`durable`: as in `Database.transaction`).

        Returns those that open messages which could not be opened before; telling `on_room_keys` is left to the caller.
        """
        taken = []
        with self._database.transaction(durable=durable) as transaction:
            transaction.on_rollback(self._machine.forget)
            for one in given:
                session = self._machine.take_session(one, source)
                if session is not None:
                    taken.append((one.room, session))
        return taken

    def exported(self, room: RoomId, session: str, sender_key: str) -> tuple[int, JsonObject] | None:
        """One copy of a session: the first index we have, and the export format from there on."""
        row = next((one for one in self._machine.session(room, session) if one.sender_key == sender_key), None)
        content = None if row is None else self._machine.exported(row)
        return None if row is None or content is None else (row.first_index, content)

    def signed(self, value: JsonObject) -> JsonObject:
        """`value` with this device's signature."""
        return self._machine.signed(value)

    async def prepare_to_send(self, room: RoomId) -> None:
        """Make sure that everybody who may read has the room's current key (≤ 10 s wait for device lists).

        Cheap if nothing changed since the last time. Raises `Offline` or `ServerFault` if the keys could not be handed over,
        `EncryptionRefused` for an unknown algorithm, `IdentityChanged` (name: user id) if somebody there has another identity
        than the verified one.
        """
        await self.caught_up()
        async with self._locks.setdefault(room, asyncio.Lock()):
            rules = await self._rooms.rules(room)
            if self._is_prepared(rules):
                return
            with self.change():
                self._machine.track(rules.recipients)
            await self._fresh_lists(rules.recipients)
            blocked = self._machine.blocked(rules.recipients)
            if blocked:
                raise IdentityChanged("verified identity", name=min(blocked))
            epoch = self._machine.epoch
            await self._claim(lambda: self._machine.room_claims(rules))
            while self._share(rules):
                await self._work.send_outgoing(lambda request: request.room == room)
            await self._work.send_outgoing(lambda request: request.room == room)
            self._prepared[room] = (rules, epoch, self._clock.monotonic())
            self._work.wake()

    def encrypt(self, room: RoomId, event_type: str, content: JsonObject) -> JsonObject:
        """The content of an `m.room.encrypted` event. Call after `prepare_to_send`, inside the transaction that keeps it.

        The result must be stored with the outbox item and re-sent as it is on a retry. Raises `EncryptionRefused` if the room
        is not prepared (prepare and try again).
        """
        try:
            with self._database.transaction():
                return self._machine.encrypt(room, event_type, content)
        except NotPrepared:
            raise EncryptionRefused("not prepared") from None

    async def reaches_all(self, room: RoomId, content: JsonObject) -> bool:
        """Can exactly those who may read the room now read this ciphertext, which waited to be sent?

        If not, prepare and encrypt again under the same transaction id: the server keeps only one of the two. Raises `Offline`,
        `ServerFault` as `prepare_to_send`.
        """
        await self.caught_up()
        rules = await self._rooms.rules(room)
        with self.change():
            self._machine.track(rules.recipients)
        await self._fresh_lists(rules.recipients)
        return self._machine.reaches_all(rules, content)

    async def send_to_device_encrypted(
        self, event_type: str, recipients: Mapping[UserId, Mapping[DeviceId, JsonObject]]
    ) -> set[tuple[UserId, DeviceId]]:
        """Send one Olm message per device; returns the devices for which the server took one.

        Unknown devices, devices whose keys changed, devices without one-time keys and those that may not be told this
        (`trust.may_be_told`) are left out. Raises `Offline` or `ServerFault` if the line fails before anything was sent.
        """
        with self.change():
            self._machine.track(recipients)
        await self._fresh_lists(recipients)
        devices = self._machine.devices_named((user, device) for user, by_device in recipients.items() for device in by_device)
        devices = [device for device in devices if self.identities.may_be_told(event_type, device)]
        await self._claim(lambda: self._machine.device_claims(devices))
        with self.change():
            requests = self._machine.encrypt_to_devices(event_type, [(one, recipients[one.user][one.device]) for one in devices])
        mine = {request.txn for request in requests}
        return await self._work.send_outgoing(lambda request: request.txn in mine)

    @property
    def machine(self) -> CryptoMachine:
        """The core, for parts that drive some of it themselves. What changes something goes into `change()`."""
        return self._machine

    def post(self, event_type: str, posts: Iterable[Mapping[UserId, Mapping[DeviceId, JsonObject]]]) -> None:
        """Bring to-device messages in clear on their way: kept until the server has them. Joins a running transaction.

        Raises `ValueError` for a type that must not go in clear.
        """
        with self.change() as transaction:
            for messages in posts:
                self._machine.post(event_type, messages)
            transaction.after_commit(self._work.wake)

    def listen(self, event_type: str, listener: Listener) -> Cancel:
        """Call `listener` for every checked to-device event of this type, once, after its commit."""
        listeners = self._listeners.setdefault(event_type, [])
        listeners.append(listener)

        def cancel() -> None:
            if listener in listeners:
                listeners.remove(listener)

        return cancel

    @property
    def own_keys(self) -> Mapping[str, str]:
        """Our device's public keys: `{"curve25519": …, "ed25519": …}`."""
        return self._machine.keys

    def devices_of(self, user: UserId) -> list[Device]:
        """The known, checked devices of a user whose list is tracked."""
        return self._machine.devices_of(user)

    async def fetch_devices(self, user: UserId) -> list[Device]:
        """The devices of any user, after at most 10 s; tracks them from now on. Raises `Offline` if they were never seen."""
        with self.change():
            self._machine.track([user])
        await self._fresh_lists([user])
        return self._machine.devices_of(user)

    async def refresh_devices(self, user: UserId) -> None:
        """Fetch the devices and the identity of `user` now, whatever is known. Raises `Offline` if that takes over 10 s."""
        with self.change():
            self._machine.track([user])
            self._machine.mark_outdated(user)
        await self._fresh_lists([user])
        if self._machine.waiting_for([user]):
            raise Offline("device lists")

    def follow(self, users: Iterable[UserId], *, again: bool = False) -> None:
        """Keep these users' devices and identities fresh from now on; `again`: fetch them once more. Returns at once."""
        wanted = tuple(users)
        with self.change():
            self._machine.track(wanted)
            for user in wanted if again else ():
                self._machine.mark_outdated(user)
        self._work.wake()

    @property
    def identities(self) -> Identities:
        """Who is who. Look it up each time; what changes something goes into `change()`."""
        return self._machine.identities

    def shield(self, room: RoomId, session: str, sender: UserId) -> Shield | None:
        """The mark that messages of `sender` in this session deserve now; None if it is not theirs, or not here."""
        return self._machine.shield(room, session, sender)

    def require_signed_devices(self, on: bool) -> None:
        """Only devices signed by their owner get keys and count as senders (MSC4153). Kept; off at first."""
        with self.change():
            self._machine.require_signed_devices(on)

    def _share(self, rules: RoomRules) -> bool:
        with self.change():
            return bool(self._machine.share_room_key(rules))

    def _is_prepared(self, rules: RoomRules) -> bool:
        known = self._prepared.get(rules.room)
        return (
            known is not None
            and known[:2] == (rules, self._machine.epoch)
            and self._clock.monotonic() - known[2] < LOOK_AGAIN
            and self._machine.is_usable(rules.room)
            and not self._machine.waiting_for(rules.recipients)
        )

    async def _fresh_lists(self, users: Collection[UserId]) -> None:
        """Wait up to 10 s; then the stored lists must do, if there are any."""
        if not self._machine.waiting_for(users):
            return
        error: WeLinkError | None = Offline("device lists")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                error = await self._work.query(users)
        if error is not None and self._machine.never_seen(users):
            raise error if isinstance(error, (Offline, ServerFault)) else Offline("device lists")

    async def _claim(self, wanted: Callable[[], list[KeysClaim]]) -> None:
        if not wanted():
            return
        async with self._claiming:
            for claim in wanted():
                await self._work.perform(claim)

    @contextlib.contextmanager
    def change(self) -> Iterator[Transaction]:
        """A transaction around changes of the machine and its identities; if it fails they start over from the store.

        Listeners hear of what changed after the commit.
        """
        with self._database.transaction() as transaction:
            transaction.on_rollback(self._machine.forget)
            transaction.after_commit(self.on_sessions)
            yield transaction
            self._told(transaction, self._machine.take_changes())

    def _told(self, transaction: Transaction, news: News) -> None:
        if news.room_keys or news.to_device or news.withheld or news.people or news.lists:
            transaction.after_commit(lambda: self._tell(news))

    def _tell(self, news: News) -> None:
        keys = [*news.room_keys, *news.withheld]
        if keys:
            self.on_room_keys(keys)
        if news.lists:
            self.lists_changed.emit(news.lists)
        if news.people:
            self.people_changed.emit(news.people)
        for event in news.to_device:
            for listener in tuple(self._listeners.get(event.type, ())):
                try:
                    listener(event)
                except Exception as error:
                    _log.error("listener failed", exc=error, type=literal(event.type[:64]))
