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


class MessageCure(enum.Enum):
    """What a person can do about a message that cannot be read (texts `message-cure-<value>`)."""

    NONE = "none"
    ASK_OTHER_DEVICES = "ask-other-devices"
    RESTORE_FROM_BACKUP = "restore-from-backup"
    CONFIRM_THIS_DEVICE = "confirm-this-device"


_KEY_MAY_BE_ELSEWHERE = frozenset(
    {
        UndecryptableReason.KEY_MISSING,
        UndecryptableReason.SENT_BEFORE_DEVICE,
        UndecryptableReason.WITHHELD_UNVERIFIED,
        UndecryptableReason.WITHHELD_BLOCKED,
        UndecryptableReason.WITHHELD_NO_CHANNEL,
    }
)


def cure_for(why: Undecryptable, *, device_confirmed: bool, backup: bool, other_devices: bool) -> MessageCure:
    """The one thing worth doing. `device_confirmed`: this device is signed by the account's identity. `backup`: kept history
    can be fetched here. `other_devices`: the account has other confirmed devices.

    A late key comes by itself; what was sent before we came, is damaged or was refused for good has no cure here.
    """
    if not why.curable or why.reason not in _KEY_MAY_BE_ELSEWHERE:
        return MessageCure.NONE
    if not device_confirmed:
        return MessageCure.CONFIRM_THIS_DEVICE
    if backup:
        return MessageCure.RESTORE_FROM_BACKUP
    return MessageCure.ASK_OTHER_DEVICES if other_devices else MessageCure.NONE
