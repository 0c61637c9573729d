"""Named states of the sheet of a comparison for gallery, goldens and tests."""

from dataclasses import replace

from welink_desktop.core.errors import WrongCode
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.security import Verification, VerificationEnd, VerificationPhase
from welink_desktop.features.security.verification.model import CompareState

_ME = UserId("@lin.zhiyuan:yunshan.example")
_MAYA = UserId("@maya.okafor:northbridge.example")
_OWN = Verification("flow", _ME, DeviceId("PHONE"), "Lin’s phone", own=True, may_compare=True, may_scan=True)
_PERSON = Verification("flow", _MAYA, DeviceId("PHONE"), "Maya’s phone", may_compare=True, may_scan=True)
_EMOJI, _NUMBERS = (10, 12, 32, 7, 59, 13, 57), (2305, 1031, 6743)
_CODE = b"MATRIX\x02\x01\x00\x20" + bytes(range(0, 256, 2))


def _at(phase: VerificationPhase, flow: Verification = _OWN, **more: object) -> Verification:
    return replace(flow, phase=phase, **more)  # type: ignore[arg-type]  # sample data


_COMPARING = _at(VerificationPhase.COMPARING, emoji=_EMOJI, decimals=_NUMBERS)
_WITH_MAYA = _at(VerificationPhase.COMPARING, _PERSON, emoji=_EMOJI, decimals=_NUMBERS)
_READY = _at(VerificationPhase.READY, incoming=True, code=_CODE)


def _ended(end: VerificationEnd) -> CompareState:
    return CompareState(_at(VerificationPhase.ENDED, end=end), recovery_helps=end is VerificationEnd.TIMEOUT)


SAMPLES: dict[str, CompareState] = {
    "waiting": CompareState(_OWN, recovery_helps=True),
    "nobody": CompareState(nobody=True, recovery_helps=True),
    "code": CompareState(_READY),
    "scanning": CompareState(_READY, scanning=True, failure=WrongCode()),
    "emoji": CompareState(_COMPARING),
    "emoji-person": CompareState(_WITH_MAYA, name="Maya Okafor"),
    "numbers": CompareState(_COMPARING, numbers=True),
    "scanned": CompareState(_at(VerificationPhase.SCANNED)),
    "waiting-other": CompareState(_at(VerificationPhase.WAITING)),
    "done": CompareState(_at(VerificationPhase.DONE)),
    "done-person": CompareState(_at(VerificationPhase.DONE, _PERSON), name="Maya Okafor"),
    **{f"ended-{end.value}": _ended(end) for end in VerificationEnd},
}
