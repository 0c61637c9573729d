"""What a person does about security, through the real widgets of the running app: at most two decisions each."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from tests.support.until import eventually, until
from tests.ui.conftest import Dress
from welink_desktop.adapters.fake import FakeSecurity
from welink_desktop.app.application import Application
from welink_desktop.app.lifecycle import run
from welink_desktop.app.navigation import Page
from welink_desktop.app.options import Options
from welink_desktop.core.ids import DeviceId, RoomId, UserId
from welink_desktop.core.security import PersonTrust, RecoveryState
from welink_desktop.features.settings.view import SettingsView
from welink_desktop.services.session import Open
from welink_desktop.strings import LANGUAGES

MAYA = UserId("@maya.okafor:northbridge.example")
WORDS = ("encrypt", "cross-sign", "ssss", "megolm", "加密", "签名")


def live(tmp_path: Path, script: Callable[["Hand"], Awaitable[None]], language: str = "en") -> None:
    async def play(application: Application) -> int:
        await script(Hand(application))
        return 7

    assert run(Options(profile=tmp_path, sample=True, language=language, theme="light"), play) == 7


class Hand:
    """Presses what is visible; `decisions` counts presses on primary buttons and ticks inside sheets."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.window = application.window
        opened = application.keeper.state.value
        assert isinstance(opened, Open)
        security = getattr(opened.session, "security", None)
        assert isinstance(security, FakeSecurity)
        self.here = security
        self.decisions = 0
        self.read: list[str] = []

    async def find(self, name: str) -> QWidget:
        def visible() -> list[QWidget]:
            return [one for one in self.window.findChildren(QWidget, name) if one.isVisible()]

        await eventually(lambda: bool(visible()))
        return visible()[0]

    async def press(self, name: str, *, decides: bool = False) -> None:
        button = await self.find(name)
        assert isinstance(button, QAbstractButton)
        await eventually(button.isEnabled)
        self.note()
        button.click()
        self.decisions += decides

    async def type(self, name: str, words: str) -> None:
        field = await self.find(name)
        assert isinstance(field, QLineEdit)
        QTest.keyClicks(field, words)

    def note(self) -> None:
        """Keep what can be read in the open sheet, or in the banner."""
        for place in ("verify-sheet", "recovery-sheet", "security-prompt"):
            for root in self.window.findChildren(QWidget, place):
                if root.isVisible():
                    for one in root.findChildren(QWidget):
                        text = getattr(one, "text", None)
                        if one.isVisible() and callable(text):
                            self.read.append(str(text()).lower())

    def gone(self, name: str) -> bool:
        return not any(one.isVisible() for one in self.window.findChildren(QWidget, name))

    def sign_in_afresh(self) -> None:
        """As on a computer on which the account was signed in just now."""
        account = self.here.account
        account.unsign_all()
        account.sign(DeviceId("PHONE"))
        self.here.has_secrets, self.here.seen_identity, self.here.seen_backup = False, 0, 0
        self.here.server.publish()

    def without_recovery(self) -> None:
        self.here.account.recovery_key = ""
        self.here.account.backup = self.here.seen_backup = 0
        self.here.server.publish()

    def state(self) -> RecoveryState:
        pages = self.application.pages
        assert pages is not None
        return pages.security.service.recovery.value.state

    def checked(self) -> None:
        assert self.decisions <= 2
        assert not [word for word in WORDS for said in self.read if word in said]


@pytest.mark.parametrize("language", LANGUAGES)
def test_recovery_is_turned_on(qapp: QApplication, dress: Dress, tmp_path: Path, language: str) -> None:
    async def script(hand: Hand) -> None:
        hand.without_recovery()
        await hand.press("security-prompt-main")
        await hand.press("recovery-main", decides=True)
        await hand.press("recovery-kept", decides=True)
        await hand.press("recovery-main")
        await eventually(lambda: hand.gone("recovery-sheet") and hand.gone("security-prompt"))
        assert hand.state() is RecoveryState.READY
        hand.checked()

    live(tmp_path, script, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_second_device_is_confirmed(qapp: QApplication, dress: Dress, tmp_path: Path, language: str) -> None:
    async def script(hand: Hand) -> None:
        hand.sign_in_afresh()
        await hand.press("security-prompt-main", decides=True)
        await hand.find("verify-emoji")
        await hand.press("verify-match", decides=True)
        await hand.press("verify-close")
        await eventually(lambda: hand.gone("verify-sheet") and hand.gone("security-prompt"))
        assert hand.state() is RecoveryState.READY
        hand.checked()

    live(tmp_path, script, language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_old_message_is_made_readable_with_the_recovery_key(
    qapp: QApplication, dress: Dress, tmp_path: Path, language: str
) -> None:
    async def script(hand: Hand) -> None:
        from welink_desktop.core.trust import MessageCure
        from welink_desktop.features.chat.timeline.model import MakeReadable
        from welink_desktop.features.chat.view import ChatPage

        key = hand.here.account.recovery_key
        del hand.here.account.devices[DeviceId("PHONE")]
        hand.sign_in_afresh()
        hand.application.navigation.open_room(RoomId("!site"))
        await hand.find("timeline")
        page = hand.window.page_view(Page.CHAT)
        assert isinstance(page, ChatPage)
        await eventually(lambda: page.model.conversation.value is not None)
        conversation = page.model.conversation.value
        assert conversation is not None
        conversation.timeline.act(MakeReadable(MessageCure.CONFIRM_THIS_DEVICE))
        hand.decisions += 1
        await hand.type("recovery-secret", key)
        await hand.press("recovery-main", decides=True)
        await eventually(lambda: "" in hand.here.restored)
        await hand.press("recovery-main")
        await eventually(lambda: hand.gone("recovery-sheet"))
        assert hand.state() is RecoveryState.READY
        conversation.timeline.act(MakeReadable(MessageCure.RESTORE_FROM_BACKUP))
        await eventually(lambda: "!site" in hand.here.restored)
        hand.checked()

    live(tmp_path, script, language)


def test_what_is_put_off_stays_away(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        hand.sign_in_afresh()
        await hand.press("security-prompt-later")
        await eventually(lambda: hand.gone("security-prompt"))
        hand.application.navigation.show(Page.CONTACTS)
        hand.here.server.publish()
        await hand.find("contacts")
        assert hand.gone("security-prompt")

    live(tmp_path, script)


def test_a_request_of_another_device_is_answered(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        server = hand.here.server
        tablet = FakeSecurity(server, hand.here.user, DeviceId("TABLET"), "Ward tablet")
        tablet.answers = True
        flow = await tablet.verify_device(hand.here.device)
        await hand.press("security-prompt-main")
        await eventually(lambda: hand.window.findChild(QWidget, "verify-code") is not None)
        await hand.press("verify-compare")
        await hand.press("verify-match")
        await hand.press("verify-close")
        await eventually(lambda: server.account(hand.here.user).devices[tablet.device].signed)
        assert server.flow(flow) is None

    live(tmp_path, script)


def test_a_changed_identity_is_said_in_the_conversation_and_compared(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        hand.application.navigation.open_room(RoomId("!dm-maya"))
        await eventually(lambda: MAYA in hand.here.pinned)
        server = hand.here.server
        server.account(MAYA).identity = server.number()
        server.publish()
        await hand.press("chat-compare")
        await hand.press("verify-match")
        await hand.press("verify-close")
        await eventually(lambda: hand.gone("chat-compare"))
        pages = hand.application.pages
        assert pages is not None
        trust = pages.security.service.person(MAYA)
        await until(trust, lambda now: now is PersonTrust.VERIFIED)
        server.account(MAYA).identity = server.number()
        server.publish()
        await until(trust, lambda now: now is PersonTrust.BROKEN)
        await hand.press("chat-accept-identity")
        await until(trust, lambda now: now is PersonTrust.SEEN)

    live(tmp_path, script)


def test_a_person_is_compared_from_the_card(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        hand.application._show_person(MAYA)
        await hand.press("person-compare")
        await hand.press("verify-match")
        await hand.press("verify-close")
        trust = await hand.find("person-trust")
        await eventually(lambda: trust.accessibleName() == "Confirmed by you.")

    live(tmp_path, script)


def test_devices_stand_in_the_settings_and_are_signed_out(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(hand: Hand) -> None:
        hand.application.navigation.show(Page.SETTINGS)
        view = hand.window.page_view(Page.SETTINGS)
        assert isinstance(view, SettingsView)
        nav = await hand.find("settings-nav")
        nav.setFocus()
        QTest.keyClick(nav, Qt.Key.Key_Home)
        for _ in range(3):
            QTest.keyClick(nav, Qt.Key.Key_Down)
        QTest.keyClick(nav, Qt.Key.Key_Return)
        await hand.press("device-sign-out-phone")
        await hand.press("sign-out-confirm")
        await hand.type("sign-out-password", "spruce")
        await hand.press("sign-out-confirm")
        await eventually(lambda: list(hand.here.account.devices) == [hand.here.device])
        await eventually(lambda: hand.gone("sign-out-panel"))

    live(tmp_path, script)
