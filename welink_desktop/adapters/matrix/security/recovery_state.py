"""The one state of a device's encryption, from facts. Pure."""

import enum
from dataclasses import dataclass

from welink_desktop.core.security import Cure, RecoveryState


class BackupFact(enum.Enum):
    """What the server keeps of our history's keys: nothing, a backup that our key opens, or one that it does not."""

    NONE = "none"
    OURS = "ours"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class Facts:
    """`checked`: the server was asked about all of them. `signed`: this device, by the account's present identity, which we
    believe. `replaced`: the identity is another one than this device knew. `stored`: secrets lie at the server under a
    recovery key. `helpers`: other signed devices of the account exist. `secrets`: all of the identity's secrets are here.
    `old_key`: the key of a backup that is gone is still here.
    """

    checked: bool = False
    identity: bool = False
    signed: bool = False
    replaced: bool = False
    stored: bool = False
    helpers: bool = False
    secrets: bool = False
    old_key: bool = False
    backup: BackupFact = BackupFact.NONE


def recovery_state(facts: Facts) -> RecoveryState:
    if not facts.checked:
        return RecoveryState.CHECKING
    if not facts.identity:
        return RecoveryState.NO_IDENTITY
    if not facts.signed:
        return RecoveryState.IDENTITY_REPLACED if facts.replaced else RecoveryState.UNVERIFIED
    if facts.backup is BackupFact.FOREIGN:
        return RecoveryState.SECRETS_MISSING
    if not facts.stored:
        return RecoveryState.NOT_SET_UP if facts.secrets else RecoveryState.SECRETS_MISSING
    return RecoveryState.READY if facts.backup is BackupFact.OURS else RecoveryState.BACKUP_GONE


def cures(facts: Facts) -> tuple[Cure, ...]:
    """What helps in the state of `facts`, the least effort first. Starting over is always possible, and always last."""
    match recovery_state(facts):
        case RecoveryState.CHECKING | RecoveryState.READY:
            return ()
        case RecoveryState.NO_IDENTITY:
            return (Cure.GIVE_PASSWORD,)
        case RecoveryState.NOT_SET_UP:
            return (Cure.TURN_ON_RECOVERY,)
        case RecoveryState.BACKUP_GONE:
            return (Cure.TURN_ON_BACKUP if facts.old_key or not facts.secrets else Cure.TURN_ON_RECOVERY,)
    others = (Cure.CONFIRM_FROM_DEVICE,) if facts.helpers else ()
    typed = (Cure.ENTER_RECOVERY_KEY,) if facts.stored else ()
    return (*others, *typed, Cure.START_OVER)
