"""Named states of the security page for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.errors import WrongPassword
from welink_desktop.core.ids import DeviceId
from welink_desktop.core.security import Cure, OwnDevice, Progress, RecoveryState, RecoveryStatus
from welink_desktop.features.security.page.model import PageState, SignOutAsk

_NOW = 1_700_045_220_000
_HOUR = 3_600_000
HERE = OwnDevice(DeviceId("QWHDMZXA"), "WeLink Desktop (Linux)", _NOW, current=True, signed=True)
PHONE = OwnDevice(DeviceId("FJLKQPWE"), "Lin’s phone", _NOW - 2 * _HOUR, signed=True)
TABLET = OwnDevice(DeviceId("TBLTAAAA"), "Ward tablet 3", _NOW - 70 * _HOUR)
_READY = RecoveryStatus(RecoveryState.READY, backup=True)
_BASE = PageState(_READY, (HERE, PHONE, TABLET), now_ms=_NOW)
_UNSIGNED = tuple(replace(one, signed=one is PHONE) for one in (HERE, PHONE, TABLET))
_WAYS = (Cure.CONFIRM_FROM_DEVICE, Cure.ENTER_RECOVERY_KEY, Cure.START_OVER)

SAMPLES: dict[str, PageState] = {
    "ready": _BASE,
    "checking": PageState(),
    "not-set-up": replace(_BASE, recovery=RecoveryStatus(RecoveryState.NOT_SET_UP, (Cure.TURN_ON_RECOVERY,))),
    "unverified": replace(_BASE, recovery=RecoveryStatus(RecoveryState.UNVERIFIED, _WAYS), devices=_UNSIGNED),
    "replaced": replace(_BASE, recovery=RecoveryStatus(RecoveryState.IDENTITY_REPLACED, _WAYS), devices=_UNSIGNED),
    "backup-gone": replace(_BASE, recovery=RecoveryStatus(RecoveryState.BACKUP_GONE, (Cure.TURN_ON_BACKUP,))),
    "restoring": replace(_BASE, recovery=replace(_READY, restoring=Progress(1240, 4800))),
    "renaming": replace(_BASE, renaming=TABLET.device),
    "sign-out": replace(_BASE, asking=SignOutAsk((PHONE, TABLET), password=True, failure=WrongPassword())),
    "locked": replace(_BASE, only_confirmed=True, locked=True),
}
