"""What the client may claim about encryption and identities."""

import enum
from dataclasses import dataclass


class Shield(enum.Enum):
    """The mark of a received message, worst last.

    NONE: clear room. AUTHENTIC: sender's device is known and holds the session. UNPROVEN: the key came from a backup, a
    bundle or a file. UNSIGNED: the device is not signed by its owner. CLEAR_IN_ENCRYPTED: plain text in an encrypted room.
    """

    NONE = "none"
    AUTHENTIC = "authentic"
    UNPROVEN = "unproven"
    UNSIGNED = "unsigned"
    CLEAR_IN_ENCRYPTED = "clear-in-encrypted"


class UndecryptableReason(enum.Enum):
    """Closed list of reasons shown to people (texts `undecryptable-<value>`)."""

    KEY_MISSING = "key-missing"
    KEY_LATE = "key-late"
    SENT_BEFORE_JOIN = "sent-before-join"
    SENT_BEFORE_DEVICE = "sent-before-device"
    WITHHELD_UNVERIFIED = "withheld-unverified"
    WITHHELD_BLOCKED = "withheld-blocked"
    WITHHELD_UNAUTHORISED = "withheld-unauthorised"
    WITHHELD_NO_CHANNEL = "withheld-no-channel"
    SENDER_MISMATCH = "sender-mismatch"
    REPLAYED = "replayed"
    WRONG_ROOM = "wrong-room"
    ALGORITHM_UNKNOWN = "algorithm-unknown"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class Undecryptable:
    """`curable` says whether waiting or asking can still help; `device` names the sending device if known."""

    reason: UndecryptableReason
    curable: bool = True
    device: str = ""
