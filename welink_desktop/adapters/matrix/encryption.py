"""End-to-end encryption of one account: drives the sans-IO core with the store and the homeserver (matrix.md §8)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol

from welink_desktop.adapters.matrix.crypto.records import Decryption, JsonObject, RoomRules, ToDevice
from welink_desktop.adapters.matrix.store.database import Database, Transaction
from welink_desktop.core.clock import Clock
from welink_desktop.core.errors import EncryptionRefused
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.reactive import Cancel, Scope

Listener = Callable[[ToDevice], None]


class RoomFacts(Protocol):
    """What encryption must know about rooms; implemented by the rooms store."""

    async def rules(self, room: RoomId) -> RoomRules:
        """The room's encryption settings and everybody who may read what is sent now.

        Loads the complete member list first if it is lazy. `recipients`: joined members, and invited ones unless the history
        visibility is `joined`; ourselves included. Raises `Offline` if the members cannot be loaded.
        """

    def joined_at_ms(self, room: RoomId) -> int:
        """Server time of our own latest join of `room`, 0 if unknown. Only used to explain unreadable messages."""


class KeyRequests(Protocol):
    """The part of `Http` that encryption uses."""

    def request(
        self, method: str, path: Sequence[str], *, query: Mapping[str, str] | None = None, json: JsonObject | None = None
    ) -> Awaitable[JsonObject]: ...


class Encryption:
    """Everything others need from end-to-end encryption. One per account, on the engine loop.

    `on_room_keys` is called after a commit with the (room, session) pairs whose messages can be read from now on (again).
    """

    def __init__(
        self, database: Database, http: KeyRequests, *, user: UserId, device: DeviceId, rooms: RoomFacts, scope: Scope, clock: Clock
    ) -> None:
        self.on_room_keys: Callable[[list[tuple[RoomId, str]]], None] = lambda keys: None

    async def start(self) -> None:
        """Load or create this device's keys and start the worker that uploads, queries and sends."""

    def receive_sync(
        self,
        transaction: Transaction,
        *,
        to_device: Sequence[JsonObject] = (),
        device_lists: Mapping[str, Sequence[str]] | None = None,
        key_counts: Mapping[str, int] | None = None,
        fallback_types: Sequence[str] | None = None,
    ) -> None:
        """Take the encryption part of a sync answer inside its transaction: nothing is processed before it is committed.

        `to_device`: raw events, malformed ones included. `device_lists`: `{"changed": […], "left": […]}`. Absent counts or types
        (`None`) mean "unchanged".
        """

    def wake(self) -> None:
        """After the commit: process the inbox and do what is due. Returns at once."""

    def forget_device_lists(self) -> None:
        """Device list changes may have been missed (unknown position): every tracked list is fetched again."""

    def decrypt(self, room: RoomId, event: JsonObject) -> Decryption:
        """Read a raw `m.room.encrypted` event of `room` (synchronous; inside a transaction the replay index joins it).

        Never raises for what a sender or server can do: the answer is `Undecryptable` with a reason.
        """
        raise EncryptionRefused("not started")

    async def prepare_to_send(self, room: RoomId) -> None:
        """Make sure that everybody who may read has the room's current key (≤ 10 s wait for device lists).

        Raises `Offline` if nothing could be shared, `EncryptionRefused` for an unknown algorithm.
        """

    def encrypt(self, room: RoomId, event_type: str, content: JsonObject) -> JsonObject:
        """The content of an `m.room.encrypted` event. Call after `prepare_to_send`, inside the transaction that keeps it.

        The result must be stored with the outbox item and re-sent as it is on a retry. Raises `EncryptionRefused` if the room
        is not prepared (prepare and try again).
        """
        raise EncryptionRefused("not prepared")

    async def send_to_device_encrypted(
        self, event_type: str, recipients: Mapping[UserId, Mapping[DeviceId, JsonObject]]
    ) -> set[tuple[UserId, DeviceId]]:
        """Send one Olm message per device; returns the devices for which the server took one."""
        return set()

    def listen(self, event_type: str, listener: Listener) -> Cancel:
        """Call `listener` for every checked to-device event of this type; at least once per event, after its commit."""
        return lambda: None

    async def own_keys(self) -> Mapping[str, Any]:
        """Our device's public keys: `{"curve25519": …, "ed25519": …}`."""
        return {}

    def remember_outgoing(self, room: RoomId, session: str, index: int, event: EventId) -> None:
        """The server gave a message of ours its id."""
