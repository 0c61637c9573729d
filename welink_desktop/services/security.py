"""Identity, devices, recovery and verification of the open account; at most one thing to say about them at a time."""

from dataclasses import dataclass, replace

from welink_desktop.core.clock import Clock, SystemClock
from welink_desktop.core.errors import WeLinkError
from welink_desktop.core.ids import UserId
from welink_desktop.core.log import literal, topic
from welink_desktop.core.ports.security import Security
from welink_desktop.core.reactive import Cancel, Scope, State
from welink_desktop.core.security import (
    Cure,
    OwnDevice,
    PersonTrust,
    RecoveryState,
    RecoveryStatus,
    Verification,
    VerificationPhase,
)
from welink_desktop.core.settings import Settings
from welink_desktop.core.trust import MessageCure, Undecryptable, cure_for
from welink_desktop.services.preferences import Preferences

QUIET_MS = 7 * 24 * 3_600_000
"""The advice to turn on recovery can be put off for this long."""
FINAL = (VerificationPhase.DONE, VerificationPhase.ENDED)
_HEALTHY = (RecoveryState.CHECKING, RecoveryState.READY)
_ELSEWHERE = (RecoveryState.IDENTITY_REPLACED, RecoveryState.BACKUP_GONE)
"""Changes that another device made: news even to somebody who put the usual advice off."""

_CANNOT_ASK = (
    RecoveryState.NO_IDENTITY,
    RecoveryState.UNVERIFIED,
    RecoveryState.IDENTITY_REPLACED,
    RecoveryState.SECRETS_MISSING,
)
"""States in which the cure of the account comes before that of a single message."""

_log = topic("security")


@dataclass(frozen=True, slots=True)
class Prompt:
    """The one thing to say: somebody asks to compare (`request`), or `state` has a `cure`."""

    state: RecoveryState = RecoveryState.CHECKING
    cure: Cure | None = None
    request: Verification | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What decides how a message that cannot be read here can be made readable."""

    device_confirmed: bool
    backup: bool
    other_devices: bool

    def cure(self, why: Undecryptable) -> MessageCure:
        return cure_for(why, device_confirmed=self.device_confirmed, backup=self.backup, other_devices=self.other_devices)


class AccountSecurity:
    """Facts of the `Security` port as states, and which of them deserves a sentence on every page.

    A prompt that was put off does not come back in this session; one whose cure is done, or is being done, is gone.
    """

    def __init__(self, port: Security, preferences: Preferences, scope: Scope, clock: Clock | None = None) -> None:
        self.port = port
        self.recovery: State[RecoveryStatus] = State(RecoveryStatus())
        self.devices: State[tuple[OwnDevice, ...] | None] = State(None)
        self.verifications: State[tuple[Verification, ...]] = State(())
        self.prompt: State[Prompt | None] = State(None)
        self.reading: State[Reading | None] = State(None)
        self._preferences = preferences
        self._scope = scope
        self._clock = clock or SystemClock()
        self._people: dict[UserId, State[PersonTrust]] = {}
        self._put_off: set[str] = set()
        self._holds = 0
        self._only_confirmed: bool | None = None
        scope.add(self.recovery.watch(lambda _: self._read()))
        scope.add(self.devices.watch(lambda _: self._read()))
        for state in (self.recovery, self.verifications):
            scope.add(state.watch(lambda _: self._decide()))
        scope.add(port.watch_recovery(self.recovery.set))
        scope.add(port.watch_devices(self.devices.set))
        scope.add(port.watch_verifications(self.verifications.set))
        scope.add(preferences.state.watch(self._settings_changed))

    def person(self, user: UserId) -> State[PersonTrust]:
        """What is known about somebody's identity; NONE until the answer is here."""
        state = self._people.get(user)
        if state is None:
            state = self._people[user] = State(PersonTrust.NONE)
            self._scope.add(self.port.watch_person(user, state.set))
        return state

    def flow(self, flow: str) -> Verification | None:
        return next((one for one in self.verifications.value if one.flow == flow), None)

    def hold(self) -> Cancel:
        """Say nothing while a cure is being worked on; the returned function ends that."""
        held = [True]
        self._holds += 1
        self._decide()

        def release() -> None:
            if held:
                held.clear()
                self._holds -= 1
                self._decide()

        return release

    def put_off(self) -> None:
        """Not now: the present prompt is gone for this session; mere advice for a week."""
        prompt = self.prompt.value
        if prompt is None:
            return
        self._put_off.add(_subject(prompt))
        if prompt.state is RecoveryState.NOT_SET_UP:
            until = self._clock.now_ms() + QUIET_MS
            self._preferences.set_protection(lambda now: replace(now, quiet_until_ms=until))
        self._decide()

    def _read(self) -> None:
        status = self.recovery.value
        if status.state is RecoveryState.CHECKING:
            return
        others = any(one.signed and not one.current for one in self.devices.value or ())
        self.reading.set(Reading(status.state not in _CANNOT_ASK, status.backup, others))

    def _decide(self) -> None:
        self.prompt.set(self._wanted())

    def _wanted(self) -> Prompt | None:
        if self._holds:
            return None
        running = [one for one in self.verifications.value if one.phase not in FINAL]
        for one in running:
            asked = Prompt(request=one)
            if one.incoming and one.phase is VerificationPhase.REQUESTED and _subject(asked) not in self._put_off:
                return asked
        status = self.recovery.value
        if status.state in _HEALTHY or not status.cures or any(one.own for one in running):
            return None
        if status.state is RecoveryState.NOT_SET_UP and self._clock.now_ms() < self._preferences.value.protection.quiet_until_ms:
            return None
        prompt = Prompt(status.state, status.cures[0])
        return prompt if _subject(prompt) not in self._put_off else None

    def _settings_changed(self, settings: Settings) -> None:
        wanted = settings.protection.only_confirmed_devices
        if wanted != self._only_confirmed:
            self._only_confirmed = wanted
            self._scope.spawn(self._require(wanted), name="only-confirmed")

    async def _require(self, on: bool) -> None:
        try:
            await self.port.require_signed_devices(on)
        except WeLinkError as error:
            _log.warning("policy not taken over", error=literal(error.key))


def _subject(prompt: Prompt) -> str:
    """What a person puts off: one request, one change made elsewhere, or the usual advice about recovery."""
    if prompt.request is not None:
        return f"request {prompt.request.flow}"
    return prompt.state.value if prompt.state in _ELSEWHERE else "recovery"
