"""Recovery sheet, comparison and security page as view models over the fake account."""

import os
from collections.abc import AsyncIterator

import pytest

from tests.support.until import eventually, until
from welink_desktop.adapters.fake import FakeAccounts, FakeMediaEngine, FakeSecurity, MemorySettings, sample_world
from welink_desktop.core.calls import CaptureSource
from welink_desktop.core.errors import ConfirmInBrowser, Offline, WrongCode, WrongPassword, WrongRecoveryKey
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.reactive import Scope
from welink_desktop.core.security import Cure, PersonTrust, RecoveryState, VerificationEnd, VerificationPhase
from welink_desktop.features.security import codes
from welink_desktop.features.security.page import model as page
from welink_desktop.features.security.recovery import model as recovery
from welink_desktop.features.security.recovery.model import Step
from welink_desktop.features.security.verification import model as compare
from welink_desktop.features.security.verification.emoji import EMOJI
from welink_desktop.services.preferences import Preferences
from welink_desktop.services.security import AccountSecurity

MAYA = UserId("@maya.okafor:northbridge.example")
Phase = VerificationPhase


class Place:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.world = sample_world()
        self.accounts = FakeAccounts(self.world)
        self.here, self.phone = self.accounts.security, self.accounts.phone
        self.preferences = Preferences(MemorySettings(forced=frozenset({page.POLICY})))
        self.service = AccountSecurity(self.here, self.preferences, scope, self.world.clock)
        self.media = FakeMediaEngine(self.world)

    def page(self) -> page.PageModel:
        return page.PageModel(self.service, self.preferences, self.scope, self.world.clock)

    def sheet(self, cure: Cure, room: RoomId | None = None) -> recovery.RecoveryModel:
        return recovery.RecoveryModel(self.service, cure, self.scope, room)

    def compare(self, **how: object) -> compare.CompareModel:
        return compare.CompareModel(self.service, self.media, CaptureSource(), self.scope, **how)  # type: ignore[arg-type]  # tests

    def forget_this_device(self) -> None:
        """As on a computer that was just signed in."""
        account = self.here.account
        account.unsign_all()
        account.sign(self.phone.device)
        self.here.has_secrets, self.here.seen_identity, self.here.seen_backup = False, 0, 0
        self.here.server.publish()


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    scope = Scope("test")
    yield Place(scope)
    await scope.aclose()


def frames_of(model: compare.CompareModel) -> object:
    return model.frames


# Recovery


async def test_recovery_is_turned_on_with_two_decisions(place: Place) -> None:
    place.here.account.recovery_key = ""
    place.here.server.publish()
    model = place.sheet(Cure.TURN_ON_RECOVERY)
    over: list[None] = []
    model.closed.listen(over.append)
    model.act(recovery.TurnOn())
    state = await until(model.state, lambda now: now.step is Step.KEY)
    assert state.key == place.here.account.recovery_key
    assert place.service.prompt.value is None
    model.act(recovery.Kept(True))
    model.act(recovery.Leave())
    assert over == [None]
    model.close()
    assert model.state.value.key == ""
    assert place.service.recovery.value.state is RecoveryState.READY


async def test_a_key_that_was_not_kept_is_asked_about(place: Place) -> None:
    model = place.sheet(Cure.TURN_ON_RECOVERY)
    over: list[None] = []
    model.closed.listen(over.append)
    model.act(recovery.TurnOn())
    await until(model.state, lambda now: now.step is Step.KEY)
    model.act(recovery.Leave())
    await until(model.state, lambda now: now.leaving)
    assert over == []
    model.act(recovery.Stay())
    await until(model.state, lambda now: not now.leaving)
    model.act(recovery.Leave(anyway=True))
    assert over
    model.close()


async def test_a_wrong_recovery_key_loses_nothing_and_the_right_one_fetches(place: Place) -> None:
    key = place.here.account.recovery_key
    place.forget_this_device()
    model = place.sheet(Cure.ENTER_RECOVERY_KEY, RoomId("!site"))
    model.act(recovery.Recover("EsTc nonsense"))
    await until(model.state, lambda now: isinstance(now.failure, WrongRecoveryKey))
    assert model.state.value.step is Step.ENTER
    model.act(recovery.Recover(key))
    await until(model.state, lambda now: now.step is Step.DONE)
    assert place.here.restored == ["!site", ""]
    model.close()


async def test_nothing_typed_is_no_attempt(place: Place) -> None:
    model = place.sheet(Cure.ENTER_RECOVERY_KEY)
    model.act(recovery.Recover("   "))
    assert not model.state.value.busy
    model.close()


async def test_offline_is_said_and_can_be_tried_again(place: Place) -> None:
    place.forget_this_device()
    place.here.server.online = False
    model = place.sheet(Cure.ENTER_RECOVERY_KEY)
    model.act(recovery.Recover("x"))
    await until(model.state, lambda now: isinstance(now.failure, Offline))
    assert model.state.value.step is Step.ENTER
    model.close()


async def test_nothing_kept_leads_to_starting_over(place: Place) -> None:
    place.forget_this_device()
    place.here.account.recovery_key = ""
    model = place.sheet(Cure.ENTER_RECOVERY_KEY)
    model.act(recovery.Recover("anything"))
    await until(model.state, lambda now: now.step is Step.START_OVER)
    model.close()


async def test_starting_over_asks_for_the_password_only_when_the_server_does(place: Place) -> None:
    place.forget_this_device()
    model = place.sheet(Cure.START_OVER)
    model.act(recovery.StartOver())
    state = await until(model.state, lambda now: now.password)
    assert state.failure is None
    model.act(recovery.StartOver("wrong"))
    await until(model.state, lambda now: isinstance(now.failure, WrongPassword))
    model.act(recovery.StartOver("spruce"))
    await until(model.state, lambda now: now.step is Step.KEY)
    model.close()


async def test_a_page_of_the_organisation_can_be_opened(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async def elsewhere(password: str = "") -> str:
        raise ConfirmInBrowser("https://id.yunshan.example/confirm")

    monkeypatch.setattr(place.here, "start_over", elsewhere)
    model = place.sheet(Cure.START_OVER)
    pages: list[str] = []
    model.page_wanted.listen(pages.append)
    model.act(recovery.StartOver())
    await until(model.state, lambda now: bool(now.page))
    model.act(recovery.OpenPage())
    assert pages == ["https://id.yunshan.example/confirm"]
    model.close()


async def test_an_identity_is_made_with_the_password(place: Place) -> None:
    place.here.account.identity = 0
    place.here.server.publish()
    model = place.sheet(Cure.GIVE_PASSWORD)
    over: list[None] = []
    model.closed.listen(over.append)
    model.act(recovery.GivePassword("spruce"))
    await eventually(lambda: bool(over))
    assert place.here.account.identity
    model.close()


def test_secrets_never_show_in_a_repr() -> None:
    shown = repr((recovery.Recover("Es"), recovery.TurnOn("Es"), recovery.StartOver("Es"), recovery.SheetState(key="Es")))
    assert "Es'" not in shown


def test_a_key_is_read_in_groups_of_four() -> None:
    assert recovery.grouped("EsTcLW2KPGiFwKEA3As5") == "EsTc  LW2K  PGiF  wKEA\n3As5"


# Comparing


async def test_a_second_device_is_confirmed_with_one_decision_here(place: Place) -> None:
    place.forget_this_device()
    model = place.compare(ask=compare.Ask())
    state = await until(model.state, lambda now: bool(now.verification and now.verification.emoji))
    assert state.verification is not None
    assert len(state.verification.emoji) == 7
    model.act(compare.Decide(same=True))
    await until(model.state, lambda now: now.verification is not None and now.verification.phase is Phase.DONE)
    assert place.service.recovery.value.state is RecoveryState.READY
    model.close()
    await eventually(lambda: place.service.verifications.value == ())


async def test_a_code_is_used_instead_of_pictures(place: Place) -> None:
    place.forget_this_device()
    place.phone.answers = False
    model = place.compare(ask=compare.Ask())
    await until(model.state, lambda now: now.verification is not None)
    model.act(compare.UseCodes())
    flow = place.service.verifications.value[0].flow
    await place.phone.accept(flow)
    await until(model.state, lambda now: now.verification is not None and now.verification.phase is Phase.READY)
    model.act(compare.BeginScan())
    model.act(compare.Scanned(()))
    await until(model.state, lambda now: isinstance(now.failure, WrongCode))
    model.act(compare.Scanned((b"https://example.org",)))
    await until(model.state, lambda now: not now.busy and isinstance(now.failure, WrongCode))
    running = place.here.server.flow(flow)
    assert running is not None
    model.act(compare.Scanned((b"other", running.code_of(place.phone.address))))
    await until(model.state, lambda now: now.verification is not None and now.verification.phase is Phase.WAITING)
    assert model.state.value.failure is None
    model.close()


async def test_the_camera_is_opened_and_closed_again(place: Place) -> None:
    place.phone.answers = False
    model = place.compare(ask=compare.Ask())
    await until(model.state, lambda now: now.verification is not None)
    model.act(compare.UseCodes())
    await place.phone.accept(place.service.verifications.value[0].flow)
    model.act(compare.BeginScan())
    model.act(compare.UseCamera(True))
    await until(model.state, lambda now: now.camera)
    assert frames_of(model) is not None
    model.act(compare.EndScan())
    await until(model.state, lambda now: not now.camera)
    assert frames_of(model) is None
    model.close()


async def test_without_another_device_it_says_so(place: Place) -> None:
    place.forget_this_device()
    del place.here.account.devices[place.phone.device]
    place.here.server.publish()
    model = place.compare(ask=compare.Ask())
    state = await until(model.state, lambda now: now.nobody)
    assert state.recovery_helps
    wanted: list[None] = []
    model.recovery_wanted.listen(wanted.append)
    model.act(compare.UseRecoveryKey())
    assert wanted
    model.close()


async def test_after_a_mismatch_it_can_be_tried_again(place: Place) -> None:
    model = place.compare(ask=compare.Ask(MAYA), name="Maya Okafor")
    await until(model.state, lambda now: bool(now.verification and now.verification.emoji))
    model.act(compare.Decide(same=False))
    ended = await until(model.state, lambda now: now.verification is not None and now.verification.phase is Phase.ENDED)
    assert ended.verification is not None
    assert ended.verification.end is VerificationEnd.MISMATCH
    model.act(compare.TryAgain())
    await until(model.state, lambda now: bool(now.verification and now.verification.emoji))
    model.act(compare.Decide(same=True))
    await eventually(lambda: place.service.person(MAYA).value is PersonTrust.VERIFIED)
    model.close()


async def test_closing_ends_what_runs(place: Place) -> None:
    place.phone.answers = False
    model = place.compare(ask=compare.Ask())
    await until(model.state, lambda now: now.verification is not None)
    model.close()
    await eventually(lambda: place.here.server.flows[-1].phase is Phase.ENDED)


async def test_closing_before_the_request_is_out_ends_it_all_the_same(place: Place) -> None:
    place.phone.answers = False
    model = place.compare(ask=compare.Ask())
    model.close()
    await eventually(lambda: bool(place.here.server.flows) and place.here.server.flows[-1].phase is Phase.ENDED)


async def test_a_request_that_came_in_is_accepted_by_opening_it(place: Place) -> None:
    flow = await place.phone.verify_device(place.here.device)
    prompt = place.service.prompt.value
    assert prompt is not None
    assert prompt.request is not None
    assert prompt.request.device_name == "Lin’s phone"
    model = place.compare(flow=flow)
    await until(model.state, lambda now: now.verification is not None and now.verification.phase is Phase.READY)
    assert model.state.value.verification is not None
    assert model.state.value.verification.code
    model.close()


def test_there_are_sixty_four_pictures() -> None:
    assert len(EMOJI) == len(set(EMOJI)) == 64


# Codes


@pytest.mark.parametrize("length", [1, 45, 95, 140, 400])
def test_bytes_survive_a_code_exactly(length: int) -> None:
    for data in (bytes(length), b"\xef\xbb\xbf" + bytes(range(256))[-length:], os.urandom(length)):
        dots = codes.encode(data)
        side, scale = dots.side + 8, 3
        width = side * scale
        grey = bytearray(b"\xff" * (width * width))
        for at, dark in enumerate(dots.dark):
            if dark:
                down, across = divmod(at, dots.side)
                for y in range(scale):
                    start = ((down + 4) * scale + y) * width + (across + 4) * scale
                    grey[start : start + scale] = b"\x00" * scale
        assert codes.decode(bytes(grey), width, width) == (data,)


def test_pictures_without_a_code_hold_none() -> None:
    assert codes.decode(b"\xff" * 10_000, 100, 100) == ()
    assert codes.decode(b"\xff" * 10, 100, 100) == ()
    assert codes.decode(b"", 0, 0) == ()
    with pytest.raises(ValueError, match="nothing"):
        codes.encode(b"")


# The page


async def test_the_page_shows_devices_and_renames_one(place: Place) -> None:
    model = place.page()
    devices = model.state.value.devices
    assert devices is not None
    assert [one.current for one in devices] == [True, False]
    model.act(page.BeginRename(place.phone.device))
    model.act(page.Rename(place.phone.device, "  Ward phone "))
    await until(model.state, lambda now: any(one.name == "Ward phone" for one in now.devices or ()))
    assert model.state.value.renaming is None


async def test_signing_out_others_asks_and_wants_the_password(place: Place) -> None:
    FakeSecurity(place.here.server, place.here.user, DeviceId("OLD"), "Old laptop")
    model = place.page()
    model.act(page.AskSignOut())
    assert model.state.value.asking is not None
    assert len(model.state.value.asking.devices) == 2
    model.act(page.SignOutNow())
    await until(model.state, lambda now: now.asking is not None and now.asking.password)
    model.act(page.SignOutNow("wrong"))
    await until(model.state, lambda now: now.asking is not None and isinstance(now.asking.failure, WrongPassword))
    model.act(page.SignOutNow("spruce"))
    await until(model.state, lambda now: now.asking is None and now.others == ())


async def test_the_question_can_be_taken_back(place: Place) -> None:
    model = place.page()
    model.act(page.AskSignOut(place.phone.device))
    model.act(page.CancelSignOut())
    assert model.state.value.asking is None
    assert len(model.state.value.others) == 1


async def test_cures_go_where_they_belong(place: Place) -> None:
    model = place.page()
    wanted: list[object] = []
    model.cure_wanted.listen(wanted.append)
    model.device_wanted.listen(wanted.append)
    model.act(page.TakeCure(Cure.ENTER_RECOVERY_KEY))
    model.act(page.NewRecoveryKey())
    model.act(page.Confirm(place.phone.device))
    assert wanted == [Cure.ENTER_RECOVERY_KEY, Cure.TURN_ON_RECOVERY, place.phone.device]
    place.here.lose_backup()
    assert model.state.value.recovery.state is RecoveryState.BACKUP_GONE
    model.act(page.TakeCure(Cure.TURN_ON_BACKUP))
    await until(model.state, lambda now: now.recovery.state is RecoveryState.READY and not now.curing)
    model.act(page.RestoreAll())
    await eventually(lambda: "" in place.here.restored)


async def test_failures_stand_on_the_page(place: Place) -> None:
    model = place.page()
    place.here.server.online = False
    model.act(page.Rename(place.phone.device, "New name"))
    await until(model.state, lambda now: isinstance(now.failure, Offline))
    model.act(page.Refresh())
    assert model.state.value.devices


def test_a_rule_of_the_organisation_locks_the_switch(place: Place) -> None:
    assert place.page().state.value.locked
