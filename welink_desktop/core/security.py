"""Identities, devices, recovery and verification, as people see them."""

import enum
from dataclasses import dataclass

from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import DeviceId, RoomId, UserId


class PersonTrust(enum.Enum):
    """What we know about somebody's identity.

    NONE: publishes none. SEEN: pinned at first sight and the same since. VERIFIED: compared by us. CHANGED: another one than
    the pinned one, never verified, not accepted yet; messages still go. BROKEN: changed after we had verified it; nothing
    encrypted goes to this person until it is compared again or the verification is withdrawn.
    """

    NONE = "none"
    SEEN = "seen"
    VERIFIED = "verified"
    CHANGED = "changed"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class OwnDevice:
    """A device of this account. `last_seen_ms` is 0 if the server does not say. `signed`: by the account's identity."""

    device: DeviceId
    name: str
    last_seen_ms: int = 0
    current: bool = False
    signed: bool = False
    encrypts: bool = True


class RecoveryState(enum.Enum):
    """The one state of this device's encryption (texts `recovery-<value>`).

    CHECKING: not known yet. READY: nothing to do. NO_IDENTITY: the account has no identity and making one needs the password.
    NOT_SET_UP: all is well here, but nothing would survive the loss of all devices. UNVERIFIED: this device is not signed by
    the account's identity. IDENTITY_REPLACED: as UNVERIFIED, because the identity was made anew elsewhere. SECRETS_MISSING:
    signed, but the keys of the kept history are not here. BACKUP_GONE: the kept history was deleted or replaced elsewhere.
    """

    CHECKING = "checking"
    READY = "ready"
    NO_IDENTITY = "no-identity"
    NOT_SET_UP = "not-set-up"
    UNVERIFIED = "unverified"
    IDENTITY_REPLACED = "identity-replaced"
    SECRETS_MISSING = "secrets-missing"
    BACKUP_GONE = "backup-gone"


class Cure(enum.Enum):
    """What a person can do about a `RecoveryState` (texts `cure-<value>`)."""

    GIVE_PASSWORD = "give-password"  # noqa: S105 - the name of a deed
    TURN_ON_RECOVERY = "turn-on-recovery"
    CONFIRM_FROM_DEVICE = "confirm-from-device"
    ENTER_RECOVERY_KEY = "enter-recovery-key"
    TURN_ON_BACKUP = "turn-on-backup"
    START_OVER = "start-over"


@dataclass(frozen=True, slots=True)
class Progress:
    done: int
    total: int


@dataclass(frozen=True, slots=True)
class RecoveryStatus:
    """`cures`: what helps, the recommended one first. `waiting`: keys not yet in the backup. `restoring`: a full restore runs.

    `passphrase`: the recovery secret is a passphrase of the person's own (or may be typed as the recovery key).
    """

    state: RecoveryState = RecoveryState.CHECKING
    cures: tuple[Cure, ...] = ()
    backup: bool = False
    waiting: int = 0
    restoring: Progress | None = None
    passphrase: bool = False
    failure: WeLinkError | None = None


class HistoryArrival(enum.Enum):
    """What becomes of the keys of older messages that somebody who invited us gave along."""

    LOADING = "loading"
    HERE = "here"
    FAILED = "failed"


class VerificationPhase(enum.Enum):
    """Where a verification stands.

    REQUESTED: one side asked, the other has not answered. READY: both want to; emoji or code may begin. COMPARING: emoji are
    shown and this side has not decided. SCANNED: the other device scanned our code; confirm that it says so. WAITING: this side
    is done, the other is not. DONE and ENDED are final.
    """

    REQUESTED = "requested"
    READY = "ready"
    COMPARING = "comparing"
    SCANNED = "scanned"
    WAITING = "waiting"
    DONE = "done"
    ENDED = "ended"


class VerificationEnd(enum.Enum):
    """Why a verification ended without success (texts `verification-ended-<value>`)."""

    DECLINED = "declined"
    CANCELLED = "cancelled"
    MISMATCH = "mismatch"
    TIMEOUT = "timeout"
    ELSEWHERE = "elsewhere"
    KEYS_CHANGED = "keys-changed"
    NOT_SUPPORTED = "not-supported"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verification:
    """One running or just finished verification. `flow` names it in `Security`.

    `own`: between two devices of this account. `device` is "" until the other device is known. `emoji`: seven numbers 0-63 of
    the specification's table. `decimals`: three numbers 1000-9191. `code`: the bytes of our QR code, empty if there is none.
    `may_compare`, `may_scan`: which ways the other side can take.
    """

    flow: str
    user: UserId
    device: DeviceId = DeviceId("")
    device_name: str = ""
    own: bool = False
    incoming: bool = False
    phase: VerificationPhase = VerificationPhase.REQUESTED
    emoji: tuple[int, ...] = ()
    decimals: tuple[int, ...] = ()
    code: bytes = b""
    may_compare: bool = False
    may_scan: bool = False
    end: VerificationEnd | None = None
    room: RoomId = RoomId("")
