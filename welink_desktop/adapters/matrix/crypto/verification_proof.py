"""What a verification proves: pure decisions over the keys that both sides compared (matrix.md §8.6, §8.8)."""

from collections.abc import Callable
from dataclasses import dataclass

from welink_desktop.adapters.matrix.crypto import qr
from welink_desktop.adapters.matrix.crypto.qr import QrCode, QrMode
from welink_desktop.adapters.matrix.crypto.records import DeviceRef
from welink_desktop.adapters.matrix.crypto.verification_records import Effects, Keys


@dataclass(frozen=True, slots=True)
class Case:
    """`own`: the other device is ours, too. `trusting`: our own master key is proved to be ours. `other`: who it is about."""

    own: bool
    trusting: bool
    keys: Keys
    other: DeviceRef


def provable(case: Case) -> bool:
    """Whether a verification could prove anything: both identities exist, and we could sign the other person's."""
    return bool(case.keys.own_master and case.keys.master) and (case.own or case.trusting)


def proved_by_emoji(case: Case, *, master_vouched: bool) -> Effects | None:
    """Same emoji, and a right MAC of their device key; `master_vouched`: of the master key, too. None: nothing of use."""
    if not provable(case):
        return None
    if case.own and case.trusting:
        return _device(case)
    if not master_vouched:
        return None
    return _master(case) if case.own else _person(case)


def code_to_show(case: Case, transaction: str, random: Callable[[int], bytes]) -> QrCode | None:
    """Our code; None if there is nothing to prove."""
    if not provable(case):
        return None
    keys = case.keys
    if not case.own:
        mode, key1, key2 = QrMode.PERSON, keys.own_master, keys.master
    elif case.trusting:
        mode, key1, key2 = QrMode.SELF_TRUSTING, keys.own_master, keys.theirs
    else:
        mode, key1, key2 = QrMode.SELF_NEW, keys.mine, keys.own_master
    return QrCode(mode, transaction, key1, key2, random(qr.SECRET))


def proved_by_scanning(case: Case, code: QrCode) -> Effects | None:
    """What their code proves to us who scanned it; None if its keys are not those we know, or prove nothing."""
    keys = case.keys
    if not provable(case) or case.own == (code.mode is QrMode.PERSON):
        return None
    match code.mode:
        case QrMode.PERSON:
            expected, effects = (keys.master, keys.own_master), _person(case)
        case QrMode.SELF_TRUSTING:
            expected, effects = (keys.own_master, keys.mine), _master(case)
        case QrMode.SELF_NEW:
            expected, effects = (keys.theirs, keys.own_master), _device(case)
    if code.mode is QrMode.SELF_NEW and not case.trusting:
        return None
    return effects if (code.key1, code.key2) == expected else None


def proved_by_showing(case: Case, code: QrCode) -> Effects:
    """What it proves that the other side found the keys of our code right."""
    match code.mode:
        case QrMode.PERSON:
            return _person(case)
        case QrMode.SELF_TRUSTING:
            return _device(case)
        case QrMode.SELF_NEW:
            return _master(case)


def _person(case: Case) -> Effects:
    return Effects(sign_user=(case.other[0], case.keys.master), device_key=case.keys.theirs, other=case.other)


def _device(case: Case) -> Effects:
    return Effects(sign_device=case.other[1], device_key=case.keys.theirs, other=case.other)


def _master(case: Case) -> Effects:
    return Effects(trust_own_master=case.keys.own_master, device_key=case.keys.theirs, other=case.other)
