"""At most one thing is said about security, it can be put off, and it does not come back."""

from collections.abc import AsyncIterator

import pytest

from tests.support.until import eventually
from welink_desktop.adapters.fake import FakeSecurity, FakeTrustServer, MemorySettings
from welink_desktop.core.ids import DeviceId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.security import Cure, PersonTrust, RecoveryState, RecoveryStatus, Verification, VerificationPhase
from welink_desktop.core.settings import Protection, Settings
from welink_desktop.core.trust import MessageCure, Undecryptable, UndecryptableReason
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.room_trust import MOST_WATCHED, RoomTrust
from welink_desktop.services.security import QUIET_MS, AccountSecurity, Prompt

ME, MAYA, SU = UserId("@lin:yunshan.example"), UserId("@maya:yunshan.example"), UserId("@su:yunshan.example")
NOW = 1_700_000_000_000
ASKED = Verification("flow", ME, DeviceId("PHONE"), "Phone", own=True, incoming=True)


class StillClock:
    def __init__(self) -> None:
        self.now = NOW

    def now_ms(self) -> int:
        return self.now

    def monotonic(self) -> float:
        return self.now / 1000


class Place:
    def __init__(self, scope: Scope, settings: Settings | None = None) -> None:
        self.scope = scope
        self.clock = StillClock()
        self.server = FakeTrustServer()
        self.device = FakeSecurity(self.server, ME, DeviceId("HERE"), "Here")
        self.device.make_identity()
        self.preferences = Preferences(MemorySettings(settings))
        self.service = self.start()

    def start(self) -> AccountSecurity:
        return AccountSecurity(self.device, self.preferences, self.scope, self.clock)

    def say(self, state: RecoveryState, *cures: Cure) -> None:
        self.service.recovery.set(RecoveryStatus(state, cures))


def said(place: Place) -> Prompt | None:
    return place.service.prompt.value


def alarmed(trust: RoomTrust) -> list[tuple[UserId, PersonTrust]]:
    return [(one.user, one.trust) for one in trust.alarms.value]


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    scope = Scope("test")
    yield Place(scope)
    await scope.aclose()


def test_the_first_cure_is_proposed(place: Place) -> None:
    place.say(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE, Cure.ENTER_RECOVERY_KEY)
    assert said(place) == Prompt(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE)


@pytest.mark.parametrize("state", [RecoveryState.CHECKING, RecoveryState.READY])
def test_nothing_is_said_when_nothing_is_wrong(place: Place, state: RecoveryState) -> None:
    place.say(state)
    assert said(place) is None


def test_a_done_cure_takes_the_prompt_away(place: Place) -> None:
    place.say(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE)
    place.say(RecoveryState.READY)
    assert said(place) is None


def test_what_was_put_off_does_not_come_back_in_this_session(place: Place) -> None:
    place.say(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE)
    place.service.put_off()
    assert said(place) is None
    place.say(RecoveryState.READY)
    place.say(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE)
    place.say(RecoveryState.SECRETS_MISSING, Cure.ENTER_RECOVERY_KEY)
    place.say(RecoveryState.NOT_SET_UP, Cure.TURN_ON_RECOVERY)
    assert said(place) is None


@pytest.mark.parametrize("state", [RecoveryState.IDENTITY_REPLACED, RecoveryState.BACKUP_GONE])
def test_a_change_made_elsewhere_is_news_all_the_same_but_once(place: Place, state: RecoveryState) -> None:
    place.say(RecoveryState.UNVERIFIED, Cure.CONFIRM_FROM_DEVICE)
    place.service.put_off()
    place.say(state, Cure.START_OVER)
    assert said(place) == Prompt(state, Cure.START_OVER)
    place.service.put_off()
    place.say(RecoveryState.READY)
    place.say(state, Cure.START_OVER)
    assert said(place) is None


async def test_mere_advice_is_quiet_for_a_week_even_in_another_session(place: Place) -> None:
    place.say(RecoveryState.NOT_SET_UP, Cure.TURN_ON_RECOVERY)
    place.service.put_off()
    assert place.preferences.value.protection.quiet_until_ms == NOW + QUIET_MS
    again = place.start()
    assert again.recovery.value.state is RecoveryState.NOT_SET_UP
    assert again.prompt.value is None
    place.clock.now += QUIET_MS
    assert place.start().prompt.value == Prompt(RecoveryState.NOT_SET_UP, Cure.TURN_ON_RECOVERY)


def test_a_request_of_somebody_comes_before_advice(place: Place) -> None:
    place.say(RecoveryState.NOT_SET_UP, Cure.TURN_ON_RECOVERY)
    place.service.verifications.set((ASKED,))
    assert said(place) == Prompt(request=ASKED)
    place.service.put_off()
    after = said(place)
    assert after is None or after.request is None


def test_nothing_is_said_while_a_cure_is_worked_on(place: Place) -> None:
    place.say(RecoveryState.UNVERIFIED, Cure.ENTER_RECOVERY_KEY)
    release = place.service.hold()
    assert said(place) is None
    release()
    release()
    assert said(place) is not None
    running = Verification("flow", ME, own=True, phase=VerificationPhase.COMPARING)
    place.service.verifications.set((running,))
    assert said(place) is None


async def test_the_rule_about_devices_reaches_the_engine(place: Place) -> None:
    place.preferences.set_protection(lambda _: Protection(only_confirmed_devices=True))
    await eventually(lambda: place.device.only_signed)
    place.preferences.set_protection(lambda _: Protection())
    await eventually(lambda: not place.device.only_signed)


async def test_a_message_is_cured_as_the_account_allows(place: Place) -> None:
    missing = Undecryptable(UndecryptableReason.KEY_MISSING)
    reading = place.service.reading.value
    assert reading is not None
    assert reading.cure(missing) is MessageCure.NONE
    place.device.keep_secrets()
    assert place.service.reading.value is not None
    assert place.service.reading.value.cure(missing) is MessageCure.RESTORE_FROM_BACKUP
    place.device.lose_secrets()
    assert place.service.reading.value.cure(missing) is MessageCure.CONFIRM_THIS_DEVICE


async def test_a_room_names_who_changed_the_worst_first(place: Place) -> None:
    for user in (MAYA, SU):
        FakeSecurity(place.server, user, DeviceId("OFFICE"), "Office").make_identity()
    trust = RoomTrust(place.service, ME)
    trust.set_people([ME, MAYA, SU])
    assert alarmed(trust) == []
    place.device.compared[SU] = place.server.account(SU).identity
    for user in (MAYA, SU):
        place.server.account(user).identity = place.server.number()
    place.server.publish()
    assert alarmed(trust) == [(SU, PersonTrust.BROKEN), (MAYA, PersonTrust.CHANGED)]
    trust.set_people([ME, MAYA])
    assert alarmed(trust) == [(MAYA, PersonTrust.CHANGED)]
    trust.close()


async def test_a_very_large_room_is_watched_in_part(place: Place) -> None:
    trust = RoomTrust(place.service, ME)
    trust.set_people([UserId(f"@p{number}:yunshan.example") for number in range(MOST_WATCHED + 50)])
    assert len(place.server.accounts) <= MOST_WATCHED + 1
    trust.close()
