"""What the encryption core remembers and what it hands out. Frozen; key material never shows in `repr`."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.trust import Shield, Undecryptable

JsonObject = dict[str, Any]
DeviceRef = tuple[UserId, DeviceId]

OLM = "m.olm.v1.curve25519-aes-sha2"
MEGOLM = "m.megolm.v1.aes-sha2"


class Source(enum.Enum):
    """How a Megolm session came to us. Only `OLM` can lead to the shield "authentic" (matrix.md §8.9 rule 15)."""

    OLM = "olm"
    FORWARDED = "forwarded"
    BUNDLE = "bundle"
    BACKUP = "backup"
    FILE = "file"


class Withheld(enum.Enum):
    """Why a device was given no key (matrix.md §8.4)."""

    BLACKLISTED = "m.blacklisted"
    UNVERIFIED = "m.unverified"
    UNAUTHORISED = "m.unauthorised"
    UNAVAILABLE = "m.unavailable"
    NO_OLM = "m.no_olm"
    HISTORY_NOT_SHARED = "m.history_not_shared"


@dataclass(frozen=True, slots=True)
class Device:
    """A device of somebody whose self-signature was checked.

    `keys_changed`: the server now shows other keys under this id; the record keeps the old ones and gets no keys.
    `owner_signed`: signed by the owner's pinned identity. `shown_signed`: signed by the identity that the owner shows now,
    pinned or not: good enough to get keys while nobody verified the owner, never a proof. `raw` is the received JSON text.
    """

    user: UserId
    device: DeviceId
    curve25519: str
    ed25519: str
    algorithms: tuple[str, ...] = (OLM, MEGOLM)
    name: str = ""
    keys_changed: bool = False
    owner_signed: bool = False
    dehydrated: bool = False
    raw: str = field(default="", repr=False)
    shown_signed: bool = False

    @property
    def ref(self) -> DeviceRef:
        return (self.user, self.device)


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a user's cross-signing identity (matrix.md §8.6). Keys are public, "" for none.

    `master`: the pinned one: first seen, accepted or verified. `shown`: what the server shows now; `self_signing` and
    `user_signing` (own identity only) belong to it, and `raw` is its JSON text. `changed`: shown and pinned differ and nobody
    decided yet. `was_verified`: the pinned one was verified by us at any time. `signed_with`: our user-signing key that signed
    the shown one. `withdrawn`: that signature does not count, the person took it back.
    """

    user: UserId
    master: str
    self_signing: str
    changed: bool = False
    shown: str = ""
    user_signing: str = ""
    was_verified: bool = False
    signed_with: str = ""
    withdrawn: bool = False
    raw: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OwnIdentity:
    """Our account's identity as the server shows it; "" where it shows nothing.

    `held`: names of the secrets (`m.cross_signing.…`) of these very keys that are here. `verified`: proved to be ours.
    `replaced`: it is not the one that was proved before.
    """

    master: str
    self_signing: str
    user_signing: str
    held: frozenset[str] = frozenset()
    verified: bool = False
    replaced: bool = False


@dataclass(frozen=True, slots=True)
class OwnTrust:
    """`trusted`: our own master key that was proved to be ours, "" if none was. `only_signed`: the policy of MSC4153."""

    trusted: str = ""
    only_signed: bool = False


@dataclass(frozen=True, slots=True)
class Tracking:
    """State of a user's device list. `sequence` grows with every "changed" notice; `known`: was ever answered."""

    outdated: bool = True
    sequence: int = 0
    known: bool = False


@dataclass(frozen=True, slots=True)
class AccountRow:
    """Our own device's secret half and what the server has of its public half."""

    pickle: str = field(repr=False)
    uploaded: bool = False
    server_count: int = 0
    fallback_at_ms: int = 0
    fallback_used: bool = False
    created_ms: int = 0


@dataclass(frozen=True, slots=True)
class OlmSession:
    """`decrypted_ms`: last successful decrypt, 0 if there was none yet."""

    curve25519: str
    session: str
    pickle: str = field(repr=False)
    created_ms: int = 0
    decrypted_ms: int = 0


@dataclass(frozen=True, slots=True)
class Inbound:
    """A Megolm session to read with, and whom its messages belong to (matrix.md §8.4 binding)."""

    room: RoomId
    session: str
    sender_key: str
    sender_ed25519: str
    sender: UserId
    device: DeviceId
    source: Source
    first_index: int
    pickle: str = field(repr=False)
    shared_history: bool = False
    owner_signed: bool = False


@dataclass(frozen=True, slots=True)
class Outbound:
    """The Megolm session to write with. `first_key` is its session key at index 0."""

    room: RoomId
    session: str
    pickle: str = field(repr=False)
    first_key: str = field(repr=False)
    created_ms: int
    messages: int
    period_ms: int
    period_messages: int
    shared_history: bool
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class Share:
    """A device that has an outbound session, from `index` on; `reached` once the server took the message."""

    user: UserId
    device: DeviceId
    curve25519: str
    index: int
    reached: bool = False


@dataclass(frozen=True, slots=True)
class RoomRules:
    """What a room asks of its encryption, and who may read. `recipients` excludes nobody but left and banned people.

    `shared_history`: history visibility is `shared` or `world_readable`.
    """

    room: RoomId
    recipients: tuple[UserId, ...]
    algorithm: str = MEGOLM
    rotation_ms: int | None = None
    rotation_messages: int | None = None
    shared_history: bool = False


@dataclass(frozen=True, slots=True)
class Decrypted:
    """A message that passed every check. `content` is as untrusted as any sender's JSON."""

    type: str
    content: JsonObject
    shield: Shield
    sender_device: DeviceId
    session: str
    index: int


Decryption = Decrypted | Undecryptable


@dataclass(frozen=True, slots=True)
class ToDevice:
    """A to-device event for listeners.

    `sender_device` and `sender_key` are proved by Olm and "" for an event that came in clear. `owner_signed` as in `Device`.
    """

    type: str
    content: JsonObject = field(repr=False)
    sender: UserId
    sender_device: DeviceId = DeviceId("")
    sender_key: str = ""
    encrypted: bool = False
    owner_signed: bool = False


@dataclass(slots=True)
class News:
    """What a batch of to-device events, or an answer, led to.

    `people`: whose trust or identity is not what it was. `lists`: whose devices are not what they were.
    """

    room_keys: list[tuple[RoomId, str]] = field(default_factory=list)
    to_device: list[ToDevice] = field(default_factory=list)
    withheld: list[tuple[RoomId, str]] = field(default_factory=list)
    people: set[UserId] = field(default_factory=set)
    lists: set[UserId] = field(default_factory=set)

    def add(self, other: "News") -> None:
        self.room_keys += other.room_keys
        self.to_device += other.to_device
        self.withheld += other.withheld
        self.people |= other.people
        self.lists |= other.lists


@dataclass(frozen=True, slots=True)
class KeysUpload:
    """`POST keys/upload`. The store already holds what is uploaded."""

    body: JsonObject = field(repr=False)


@dataclass(frozen=True, slots=True)
class KeysQuery:
    """`POST keys/query`; the sequence numbers tell whether an answer is still fresh."""

    users: Mapping[UserId, int]

    @property
    def body(self) -> JsonObject:
        return {"device_keys": {user: [] for user in self.users}, "timeout": 10_000}


@dataclass(frozen=True, slots=True)
class KeysClaim:
    """`POST keys/claim` for devices that need an Olm session."""

    devices: tuple[Device, ...]

    @property
    def body(self) -> JsonObject:
        wanted: JsonObject = {}
        for device in self.devices:
            wanted.setdefault(device.user, {})[device.device] = "signed_curve25519"
        return {"one_time_keys": wanted, "timeout": 10_000}


@dataclass(frozen=True, slots=True)
class SendToDevice:
    """`PUT sendToDevice/{type}/{txn}`; kept in the store until the server has it, so that a retry is the same request.

    `session` is the outbound session whose shares become `reached` then ("" for other messages).
    """

    txn: str
    type: str
    messages: Mapping[UserId, Mapping[DeviceId, JsonObject]] = field(repr=False)
    room: RoomId = RoomId("")
    session: str = ""

    @property
    def body(self) -> JsonObject:
        return {"messages": {user: dict(devices) for user, devices in self.messages.items()}}

    @property
    def devices(self) -> list[DeviceRef]:
        return [(user, device) for user, devices in self.messages.items() for device in devices]


Request = KeysUpload | KeysQuery | KeysClaim | SendToDevice
