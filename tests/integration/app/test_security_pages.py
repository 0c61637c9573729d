"""Recovery through the real widgets on a real homeserver: turned on here, used on another computer."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from tests.support.engine import signed_in
from tests.support.servers import TestSynapse
from tests.support.until import eventually
from welink_desktop.app.application import Application
from welink_desktop.app.lifecycle import run
from welink_desktop.app.options import Options
from welink_desktop.core.reactive import State
from welink_desktop.core.security import RecoveryState, RecoveryStatus, Verification, VerificationPhase
from welink_desktop.evaluation.client import Registered
from welink_desktop.strings import strings

PASSWORD = "three blue bridges"
PATIENCE = 30.0


class Hand:
    """Presses what is visible in the app's window."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.window = application.window

    async def sign_in(self, synapse: TestSynapse, account: Registered) -> None:
        keeper = self.application.keeper
        keeper.keep_secrets_in_file()
        server = await keeper.discover(synapse.base_url)
        await keeper.sign_in(server, account.user_id, PASSWORD)
        await eventually(lambda: self.application.pages is not None, PATIENCE)

    def visible(self, name: str) -> QWidget | None:
        return next((one for one in self.window.findChildren(QWidget, name) if one.isVisible()), None)

    async def find(self, name: str) -> QWidget:
        await eventually(lambda: self.visible(name) is not None, PATIENCE)
        found = self.visible(name)
        assert found is not None
        return found

    async def press(self, name: str) -> None:
        button = await self.find(name)
        assert isinstance(button, QAbstractButton)
        await eventually(button.isEnabled, PATIENCE)
        button.click()

    def status(self) -> RecoveryStatus:
        assert self.application.pages is not None
        return self.application.pages.security.service.recovery.value

    async def state(self, wanted: RecoveryState) -> None:
        await eventually(lambda: self.status().state is wanted, PATIENCE)


def live(profile: Path, script: Callable[[Hand], Awaitable[None]]) -> None:
    async def play(application: Application) -> int:
        await script(Hand(application))
        return 7

    assert run(Options(profile=profile, language="en", theme="light"), play) == 7


@pytest.mark.timeout(240)
def test_what_was_kept_on_one_computer_opens_on_the_next(qapp: QApplication, synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("recovering", PASSWORD)
    keys: list[str] = []

    async def first(hand: Hand) -> None:
        await hand.sign_in(synapse, account)
        await hand.state(RecoveryState.NOT_SET_UP)
        await hand.press("security-prompt-main")
        await hand.press("recovery-main")
        box = await hand.find("recovery-key")
        keys.append(box.accessibleDescription())
        await hand.press("recovery-kept")
        await hand.press("recovery-main")
        await hand.state(RecoveryState.READY)
        await eventually(lambda: hand.visible("security-prompt") is None, PATIENCE)

    async def second(hand: Hand) -> None:
        await hand.sign_in(synapse, account)
        await hand.state(RecoveryState.UNVERIFIED)
        await hand.press("security-prompt-main")
        await hand.press("verify-recovery-key")
        field = await hand.find("recovery-secret")
        assert isinstance(field, QLineEdit)
        QTest.keyClicks(field, "EsTc LW2K PGiF wKEA 3As5 g5c4 BXwk qeeJ ZJV8 Q9fu gUMN UE4d")
        await hand.press("recovery-main")
        await eventually(lambda: "not the recovery key" in field.accessibleDescription(), PATIENCE)
        field.setText(keys[0])
        await hand.press("recovery-main")
        await hand.state(RecoveryState.READY)
        await eventually(lambda: hand.visible("recovery-secret") is None, PATIENCE)

    live(tmp_path / "first", first)
    live(tmp_path / "second", second)


@pytest.mark.timeout(240)
def test_a_new_computer_is_confirmed_from_the_other_one(qapp: QApplication, synapse: TestSynapse, tmp_path: Path) -> None:
    account = synapse.register("confirming", PASSWORD)

    async def script(hand: Hand) -> None:
        other = await signed_in(synapse, account, tmp_path / "other")
        await other.live()
        port = other.session.security
        theirs, flows = State(RecoveryStatus()), State[tuple[Verification, ...]](())
        stop = [port.watch_recovery(theirs.set), port.watch_verifications(flows.set)]
        try:
            await eventually(lambda: theirs.value.state is RecoveryState.NOT_SET_UP, PATIENCE)
            await port.turn_on_recovery()
            await hand.sign_in(synapse, account)
            await hand.state(RecoveryState.UNVERIFIED)
            await hand.press("security-prompt-main")
            await eventually(lambda: any(one.incoming for one in flows.value), PATIENCE)
            flow = next(one.flow for one in flows.value if one.incoming)
            await port.accept(flow)
            shown = await hand.find("verify-emoji")
            await eventually(lambda: bool(flows.value[0].emoji), PATIENCE)
            words = [strings("en")(f"verify-emoji-{number}") for number in flows.value[0].emoji]
            assert shown.accessibleName() == ", ".join(f"{at}: {word}" for at, word in enumerate(words, 1))
            await hand.press("verify-match")
            await port.decide(flow, same=True)
            await eventually(lambda: flows.value[0].phase is VerificationPhase.DONE, PATIENCE)
            await hand.press("verify-close")
            await hand.state(RecoveryState.READY)
            await eventually(lambda: hand.visible("security-prompt") is None, PATIENCE)
        finally:
            for cancel in stop:
                cancel()
            await other.close()

    live(tmp_path / "here", script)
