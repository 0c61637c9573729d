"""What a verification is told, what it sends, and what follows from it (matrix.md §8.8)."""

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from welink_desktop.adapters.matrix.crypto import sas
from welink_desktop.adapters.matrix.crypto.records import Device, DeviceRef, JsonObject
from welink_desktop.core.clock import Clock
from welink_desktop.core.ids import DeviceId, EventId, RoomId, UserId
from welink_desktop.core.security import VerificationEnd, VerificationPhase

PREFIX = "m.key.verification."
REQUEST = "m.key.verification.request"
READY = "m.key.verification.ready"
START = "m.key.verification.start"
ACCEPT = "m.key.verification.accept"
KEY = "m.key.verification.key"
MAC = "m.key.verification.mac"
DONE = "m.key.verification.done"
CANCEL = "m.key.verification.cancel"
TYPES = (REQUEST, READY, START, ACCEPT, KEY, MAC, DONE, CANCEL)

SHOW = "m.qr_code.show.v1"
SCAN = "m.qr_code.scan.v1"
RECIPROCATE = "m.reciprocate.v1"
METHODS = (sas.METHOD, SHOW, SCAN, RECIPROCATE)

LIFETIME = 600.0
"""Seconds from the request to the end of a verification that was not finished."""

FUTURE_MS = 5 * 60_000
"""Requests dated later than this from now are ignored."""


class TrustView(Protocol):
    """What is known of keys, now. Implemented by the machine's identities."""

    def own_device(self) -> tuple[DeviceId, str]:
        """This device and its ed25519 key."""

    def own_master(self) -> tuple[str, bool] | None:
        """The account's published master key, and whether it is proved to be the account's own."""

    def master_of(self, user: UserId) -> str | None:
        """The master key that `user` publishes now."""

    def device(self, user: UserId, device: DeviceId) -> Device | None:
        """A known, checked device."""


@dataclass(frozen=True, slots=True)
class Effects:
    """What a finished verification proves; keys are those that both sides compared.

    `sign_user`: this person's master key. `sign_device`: this device of ours, whose ed25519 key is `device_key`.
    `trust_own_master`: the account's master key. `other` is the device at the other side.
    """

    sign_user: tuple[UserId, str] | None = None
    sign_device: DeviceId | None = None
    trust_own_master: str | None = None
    device_key: str = ""
    other: DeviceRef | None = None


class Code(enum.Enum):
    """Why a verification is cancelled, as the other side is told."""

    USER = "m.user"
    TIMEOUT = "m.timeout"
    UNKNOWN_METHOD = "m.unknown_method"
    UNEXPECTED = "m.unexpected_message"
    KEY_MISMATCH = "m.key_mismatch"
    INVALID = "m.invalid_message"
    ACCEPTED = "m.accepted"
    MISMATCHED_COMMITMENT = "m.mismatched_commitment"
    MISMATCHED_SAS = "m.mismatched_sas"


_ENDS = {
    "m.user": VerificationEnd.CANCELLED,
    "m.timeout": VerificationEnd.TIMEOUT,
    "m.accepted": VerificationEnd.ELSEWHERE,
    "m.unknown_method": VerificationEnd.NOT_SUPPORTED,
    "m.key_mismatch": VerificationEnd.KEYS_CHANGED,
    "m.user_mismatch": VerificationEnd.KEYS_CHANGED,
    "m.mismatched_commitment": VerificationEnd.MISMATCH,
    "m.mismatched_sas": VerificationEnd.MISMATCH,
}


def end_of(code: object) -> VerificationEnd:
    """What the other side's cancellation means to a person."""
    return _ENDS.get(code, VerificationEnd.FAILED) if isinstance(code, str) else VerificationEnd.FAILED


@dataclass(frozen=True, slots=True)
class Received:
    """A verification event as it came. In rooms a request has the type `REQUEST`, too.

    `room` is "" for to-device events. `event`, `sent_ms`, `echo` (this device sent it) are of events in rooms. `device`: the
    sending device if it is proved by Olm, else "".
    """

    type: str
    sender: UserId
    content: JsonObject = field(repr=False)
    room: RoomId = RoomId("")
    event: EventId = EventId("")
    sent_ms: int = 0
    echo: bool = False
    device: DeviceId = DeviceId("")


@dataclass(frozen=True, slots=True)
class Send:
    """An event to send: into `room`, or to `devices` of `user`. Those of one flow go in order."""

    flow: str
    type: str
    content: JsonObject = field(repr=False)
    user: UserId
    devices: tuple[DeviceId, ...] = ()
    room: RoomId = RoomId("")


class Stage(enum.Enum):
    """Finer than `VerificationPhase`."""

    REQUESTED = "requested"
    READY = "ready"
    STARTED = "started"
    """We offered emoji."""
    ACCEPTED = "accepted"
    """We took their offer."""
    AGREEING = "agreeing"
    """Our key is sent, theirs is not here."""
    COMPARING = "comparing"
    CONFIRMED = "confirmed"
    """The person said "the same", the other side's MACs are missing."""
    SCANNED = "scanned"
    RECIPROCATED = "reciprocated"
    """We scanned and told so."""
    FINISHING = "finishing"
    """All is proved here; the other side has not said so."""
    CONCLUDING = "concluding"
    """All is proved at both sides; the effects are not in place yet."""
    DONE = "done"
    ENDED = "ended"


PHASES = {
    Stage.REQUESTED: VerificationPhase.REQUESTED,
    Stage.COMPARING: VerificationPhase.COMPARING,
    Stage.SCANNED: VerificationPhase.SCANNED,
    Stage.CONFIRMED: VerificationPhase.WAITING,
    Stage.RECIPROCATED: VerificationPhase.WAITING,
    Stage.FINISHING: VerificationPhase.WAITING,
    Stage.CONCLUDING: VerificationPhase.WAITING,
    Stage.DONE: VerificationPhase.DONE,
    Stage.ENDED: VerificationPhase.ENDED,
}


@dataclass(frozen=True, slots=True)
class Ask:
    """How a flow begins. `asked`: the devices our request went to. `methods`: what the other side can do, if it asked.

    `expires` is monotonic. `room` is "" for flows between devices.
    """

    user: UserId
    transaction: str
    expires: float
    room: RoomId = RoomId("")
    incoming: bool = False
    asked: tuple[DeviceId, ...] = ()
    device: DeviceId = DeviceId("")
    methods: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Around:
    """What flows of one device share. `make_key` and `random` are cryptographically strong; tests replace them."""

    me: DeviceRef
    trust: TrustView
    clock: Clock
    make_key: Callable[[], sas.Secret]
    random: Callable[[int], bytes]


@dataclass(frozen=True, slots=True)
class Keys:
    """The keys that a flow is about, as known at one moment. `master`: the other's; for own devices the account's."""

    mine: str
    theirs: str
    own_master: str
    master: str


def keys_now(trust: TrustView, own: UserId, user: UserId, device: DeviceId) -> Keys | None:
    """None if the other device is unknown, shows other keys than before, or has a master key as its id (CVE-2022-39250)."""
    known = trust.device(user, device)
    if known is None or known.keys_changed:
        return None
    mine = trust.own_master()
    own_master = mine[0] if mine is not None else ""
    master = own_master if user == own else trust.master_of(user) or ""
    if device in (own_master, master) or trust.own_device()[0] in (own_master, master):
        return None
    return Keys(trust.own_device()[1], known.ed25519, own_master, master)
