"""R19: what recovery, a second device and an old message ask of a person. Every press and every typed field is written down.

A decision is a press or a typed field with which the person chooses, answers or vouches for something. Opening the sheet in
which that happens and closing it when all is done are counted as steps only.
"""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLineEdit, QWidget

from tests.support.until import eventually
from tests.ui.conftest import Dress
from welink_desktop.adapters.fake import FakeSecurity
from welink_desktop.app.application import Application
from welink_desktop.app.lifecycle import run
from welink_desktop.app.navigation import Page
from welink_desktop.app.options import Options
from welink_desktop.core.ids import DeviceId, RoomId
from welink_desktop.core.security import RecoveryState
from welink_desktop.core.text import Text
from welink_desktop.core.trust import MessageCure, UndecryptableReason
from welink_desktop.features.chat.timeline.model import MakeReadable
from welink_desktop.features.chat.view import ChatPage
from welink_desktop.services.session import Open
from welink_desktop.strings import LANGUAGES, strings

MOST = 2
STEPS = 4
"""Presses and fields altogether."""
SURFACES = ("verify-sheet", "recovery-sheet", "security-prompt")
OF_ATTACKS = (
    UndecryptableReason.SENDER_MISMATCH,
    UndecryptableReason.REPLAYED,
    UndecryptableReason.WRONG_ROOM,
    UndecryptableReason.ALGORITHM_UNKNOWN,
)
"""Reasons that nobody meets unless somebody cheats; their texts may name what was wrong."""
ALLOWED = ("recovery key", "恢复密钥")
WORDS = re.compile(
    r"\bkeys?\b|encrypt|decrypt|cross-sign|\bssss\b|megolm|\bolm\b|device id|fingerprint|\bsessions?\b"
    r"|signature|\bsigned\b(?! in| out)"
    r"|加密|解密|密钥|签名|指纹|会话密钥"
)


@dataclass
class Way:
    """What one way through the widgets asked and showed."""

    decisions: list[str] = field(default_factory=list)
    steps: list[str] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def judged(self) -> None:
        assert len(self.decisions) <= MOST, self.decisions
        assert len(self.steps) <= STEPS, self.steps
        assert self.read, "nothing was shown"
        assert [said for said in sorted(self.read) if cryptographic(said)] == []


def cryptographic(said: str) -> bool:
    words = said.lower()
    for allowed in ALLOWED:
        words = words.replace(allowed, "")
    return WORDS.search(words) is not None


class Watcher:
    """Uses what is visible and reads all that the surfaces of security show, also to a screen reader."""

    def __init__(self, application: Application) -> None:
        self.application = application
        self.window = application.window
        self.path = Way()
        opened = application.keeper.state.value
        assert isinstance(opened, Open)
        security = opened.session.security
        assert isinstance(security, FakeSecurity)
        self.here = security

    async def found(self, name: str) -> QWidget:
        await eventually(lambda: bool(self.visible(name)))
        self.read()
        return self.visible(name)[0]

    def visible(self, name: str) -> list[QWidget]:
        return [one for one in self.window.findChildren(QWidget, name) if one.isVisible()]

    async def press(self, name: str, *, decides: bool) -> None:
        button = await self.found(name)
        assert isinstance(button, QAbstractButton)
        await eventually(button.isEnabled)
        self.read()
        self._stepped(name, decides)
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)

    async def type(self, name: str, words: str) -> None:
        box = await self.found(name)
        assert isinstance(box, QLineEdit)
        self._stepped(name, True)
        QTest.keyClicks(box, words)

    async def enter(self, name: str) -> None:
        """The Return key ends what is being typed: no step of its own."""
        QTest.keyClick(await self.found(name), Qt.Key.Key_Return)

    def _stepped(self, name: str, decides: bool) -> None:
        self.path.steps.append(name)
        if decides:
            self.path.decisions.append(name)

    def read(self) -> None:
        for surface in SURFACES:
            for root in self.visible(surface):
                for one in (root, *root.findChildren(QWidget)):
                    if one.isVisible():
                        self._read(one)

    def _read(self, one: QWidget) -> None:
        said = [one.accessibleName(), one.accessibleDescription(), one.toolTip()]
        written = getattr(one, "text", None)
        if callable(written) and not isinstance(one, QLineEdit):
            said.append(str(written()))
        if isinstance(one, QLineEdit):
            said.append(one.placeholderText())
        self.path.read.update(word for word in said if word)

    async def gone(self, name: str) -> None:
        await eventually(lambda: not self.visible(name))

    def state(self) -> RecoveryState:
        assert self.application.pages is not None
        return self.application.pages.security.service.recovery.value.state

    def new_device(self) -> None:
        """As after signing in on a second computer."""
        self.here.account.unsign_all()
        self.here.account.sign(DeviceId("PHONE"))
        self.here.has_secrets, self.here.seen_identity, self.here.seen_backup = False, 0, 0
        self.here.server.publish()


def watched(folder: Path, language: str, script: Callable[[Watcher], Awaitable[None]]) -> None:
    async def play(application: Application) -> int:
        watcher = Watcher(application)
        await script(watcher)
        watcher.path.judged()
        return 7

    assert run(Options(profile=folder, sample=True, language=language, theme="light"), play) == 7


@pytest.mark.parametrize("language", LANGUAGES)
def test_turning_on_recovery(qapp: QApplication, dress: Dress, tmp_path: Path, language: str) -> None:
    async def script(person: Watcher) -> None:
        person.here.account.recovery_key = ""
        person.here.account.backup = person.here.seen_backup = 0
        person.here.server.publish()
        await person.press("security-prompt-main", decides=False)
        await person.press("recovery-main", decides=True)
        await person.press("recovery-kept", decides=True)
        await person.press("recovery-main", decides=False)
        await person.gone("recovery-sheet")
        assert person.state() is RecoveryState.READY

    watched(tmp_path, language, script)


@pytest.mark.parametrize("language", LANGUAGES)
def test_verifying_a_second_device(qapp: QApplication, dress: Dress, tmp_path: Path, language: str) -> None:
    async def script(person: Watcher) -> None:
        person.new_device()
        await person.press("security-prompt-main", decides=True)
        await person.found("verify-emoji")
        await person.press("verify-match", decides=True)
        await person.press("verify-close", decides=False)
        await person.gone("verify-sheet")
        assert person.state() is RecoveryState.READY

    watched(tmp_path, language, script)


@pytest.mark.parametrize("language", LANGUAGES)
def test_reading_an_old_message_on_a_new_device(qapp: QApplication, dress: Dress, tmp_path: Path, language: str) -> None:
    """With no other device at hand: the button at the message, then the recovery key."""

    async def script(person: Watcher) -> None:
        key = person.here.account.recovery_key
        del person.here.account.devices[DeviceId("PHONE")]
        person.new_device()
        person.application.navigation.open_room(RoomId("!site"))
        await person.found("timeline")
        page = person.window.page_view(Page.CHAT)
        assert isinstance(page, ChatPage)
        await eventually(lambda: page.model.conversation.value is not None)
        conversation = page.model.conversation.value
        assert conversation is not None
        person._stepped("the button at the message", True)
        conversation.timeline.act(MakeReadable(MessageCure.CONFIRM_THIS_DEVICE))
        await person.type("recovery-secret", key)
        await person.enter("recovery-secret")
        await eventually(lambda: "" in person.here.restored)
        await person.press("recovery-main", decides=False)
        await person.gone("recovery-sheet")
        assert person.state() is RecoveryState.READY

    watched(tmp_path, language, script)


@pytest.mark.parametrize("language", LANGUAGES)
def test_messages_that_cannot_be_read_say_so_in_plain_words(language: str) -> None:
    """Reasons, cures and states of recovery are drawn rather than widgets: their texts are read here."""
    words = strings(language)
    keys = [f"undecryptable-{reason.value}" for reason in UndecryptableReason if reason not in OF_ATTACKS]
    keys += [f"message-cure-{cure.value}" for cure in MessageCure if cure is not MessageCure.NONE]
    keys += [f"recovery-{state.value}" for state in RecoveryState]
    said = {key: words.render(Text(key)) for key in keys}
    assert {key: text for key, text in said.items() if cryptographic(text)} == {}


def test_the_list_of_words_finds_them_and_spares_others() -> None:
    for said in ("Your key", "Encrypted", "Device ID", "this session", "密钥", "已加密", "会话密钥", "not signed by its owner"):
        assert cryptographic(said), said
    for said in ("Recovery key", "恢复密钥", "Signed in", "keyboard", "You signed out"):
        assert not cryptographic(said), said
