"""The shell on the sample world: pages, badges, shortcuts, restored geometry, one instance, the tray-less close."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PySide6.QtCore import QRect, Qt
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from tests.support.until import eventually
from tests.ui.conftest import Dress
from welink_desktop.app.application import Application
from welink_desktop.app.commands import COMMANDS
from welink_desktop.app.lifecycle import run
from welink_desktop.app.navigation import Navigation, Page, Place
from welink_desktop.app.options import Options
from welink_desktop.app.single_instance import LENGTH, SingleInstance, asks_to_activate
from welink_desktop.app.window import visible_geometry
from welink_desktop.core.account import Connection, Link
from welink_desktop.core.errors import SignedOut
from welink_desktop.core.ids import RoomId
from welink_desktop.core.settings import WindowState

SCREEN = QRect(0, 0, 1920, 1080)


def live(tmp_path: Path, script: Callable[[Application], Awaitable[int]], *, language: str = "en") -> int:
    return run(Options(profile=tmp_path, sample=True, language=language, theme="light"), script)


async def shown(application: Application, name: str) -> QWidget:
    """The visible widget of this name, as soon as it is there."""

    def visible() -> list[QWidget]:
        return [widget for widget in application.window.findChildren(QWidget, name) if widget.isVisible()]

    await eventually(lambda: bool(visible()))
    return visible()[0]


async def press(application: Application, name: str) -> None:
    button = await shown(application, name)
    assert isinstance(button, QAbstractButton)
    button.click()


def test_the_rail_leads_to_every_destination(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        for page, view in (("contacts", "contacts"), ("meet", "meet"), ("settings", "settings"), ("chat", "chat-page")):
            await press(application, f"rail-{page}")
            await shown(application, view)
            assert application.navigation.place.value.page is Page(page)
        rail = application.window.rail
        assert rail is not None
        assert rail.items[Page.CHAT].accessibleName() == "Chat"
        assert "Unread" in rail.items[Page.CHAT].accessibleDescription()
        assert rail.items[Page.MEET].accessibleDescription() == "Meetings running: 1"
        return 7

    assert live(tmp_path, script) == 7


def test_a_person_is_found_and_written_to(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        application.navigation.show(Page.CONTACTS)
        search = await shown(application, "contacts-search")
        from PySide6.QtTest import QTest

        QTest.keyClicks(search, "Maya")
        people = await shown(application, "people-list")
        await eventually(lambda: people.model().rowCount() == 2)  # type: ignore[attr-defined]  # a list view; one section row
        people.setFocus()
        QTest.keyClick(people, Qt.Key.Key_Home)
        QTest.keyClick(people, Qt.Key.Key_Return)
        await press(application, "person-message")
        await eventually(lambda: application.navigation.place.value == Place(Page.CHAT, RoomId("!dm-maya")))
        await shown(application, "timeline")
        return 0

    assert live(tmp_path, script) == 0


def test_pages_start_where_the_keyboard_works(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        await shown(application, "chat-page")
        starts = {Page.CONTACTS: "contacts-search", Page.MEET: "meetings-list", Page.SETTINGS: "settings-nav"}
        for page, name in starts.items():
            application.navigation.show(page)
            await shown(application, name)
            assert application.window.focusWidget().objectName() == name
        application.navigation.open_room(RoomId("!site"))
        composer = await shown(application, "composer-input")
        await eventually(lambda: application.window.focusWidget() is composer)
        return 0

    assert live(tmp_path, script) == 0


def test_f6_goes_round_the_meeting_and_back_to_the_chosen_destination(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        application.navigation.show(Page.MEET)
        await shown(application, "meetings-list")
        names = []
        for _ in range(4):
            application.next_pane(1)
            names.append(application.window.focusWidget().objectName())
        assert names == ["meetings-meet", "rail-meet", "meetings-search", "meetings-list"]
        return 0

    assert live(tmp_path, script) == 0


def test_the_theme_and_language_change_without_restart(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    from dataclasses import replace

    from welink_desktop.core.settings import Theme
    from welink_desktop.ui.design import theme

    async def script(application: Application) -> int:
        preferences = application.preferences
        await shown(application, "chat-page")
        preferences.set_appearance(lambda now: replace(now, theme=Theme.DARK, language="zh-CN", text_scale=1.5))
        assert theme.current().name == "dark"
        assert theme.current().text_scale == 1.5
        rail = application.window.rail
        assert rail is not None
        assert rail.items[Page.CHAT].text() == "消息"
        return 0

    assert live(tmp_path, script) == 0


def test_losing_the_server_is_shown_and_can_be_tried_again(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        await shown(application, "chat-page")
        connection = application.keeper.connection
        connection.set(Connection(Link.OFFLINE))
        await press(application, "connection-retry")
        connection.set(Connection(Link.STOPPED, error=SignedOut()))
        await press(application, "connection-sign-in-again")
        field = await shown(application, "sign-in-again-password")
        from PySide6.QtTest import QTest

        QTest.keyClicks(field, "wrong")
        await press(application, "sign-in-again-submit")
        await eventually(lambda: "do not match" in field.accessibleDescription())
        return 0

    assert live(tmp_path, script) == 0


def test_signing_out_returns_to_the_first_page(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        await shown(application, "chat-page")
        await application.keeper.sign_out()
        await shown(application, "sign-in")
        assert application.window.rail is None
        return 0

    assert live(tmp_path, script) == 0


def test_the_list_of_shortcuts_names_them_all(qapp: QApplication, dress: Dress, tmp_path: Path) -> None:
    async def script(application: Application) -> int:
        await shown(application, "chat-page")
        application.show_shortcuts()
        dialog = await shown(application, "dialog")
        assert len(dialog.findChildren(QLabel)) >= 2 * len(COMMANDS)
        dialog.dismiss()  # type: ignore[attr-defined]  # our Dialog
        application.next_pane(1)
        application.next_pane(-1)
        application.step(1)
        return 0

    assert live(tmp_path, script) == 0


def test_two_commands_never_share_keys() -> None:
    keys = [key for command in COMMANDS for key in command.keys]
    assert len(keys) == len(set(keys))


def test_navigation_restores_a_known_page_only() -> None:
    assert Navigation("contacts", "!a").place.value == Place(Page.CONTACTS, RoomId("!a"))
    assert Navigation("boards").place.value == Place(Page.CHAT)


@pytest.mark.parametrize(
    ("state", "wanted"),
    [
        (WindowState(x=100, y=50, width=1200, height=800), QRect(100, 50, 1200, 800)),
        (WindowState(x=5000, y=50, width=1200, height=800), QRect(360, 140, 1200, 800)),
        (WindowState(x=-3000, y=-3000), QRect(240, 90, 1440, 900)),
        (WindowState(x=None, y=None, width=100, height=100), QRect(520, 240, 880, 600)),
        (WindowState(x=0, y=0, width=9000, height=9000), QRect(0, 0, 1920, 1080)),
    ],
)
def test_the_window_never_opens_off_screen(qapp: QApplication, state: WindowState, wanted: QRect) -> None:
    assert visible_geometry(state, [SCREEN], SCREEN) == wanted


def test_a_second_start_brings_the_first_forward(qtbot: QtBot, tmp_path: Path) -> None:
    first, second = SingleInstance(tmp_path / "lock"), SingleInstance(tmp_path / "lock")
    called: list[bool] = []
    assert first.claim()
    assert not second.claim()
    first.listen(lambda: called.append(True))
    line = QLocalSocket()
    line.connectToServer(first._name)
    body = b'{"do": "activate"}'
    line.write(LENGTH.pack(len(body)) + body)
    qtbot.waitUntil(lambda: called == [True])
    line.disconnectFromServer()
    first.release()
    assert second.claim()
    second.release()


@pytest.mark.parametrize("sent", [b"\xff\xff\xff\xff", LENGTH.pack(5) + b"hello", LENGTH.pack(2) + b"{}"])
def test_anything_else_on_the_line_is_refused(qtbot: QtBot, tmp_path: Path, sent: bytes) -> None:
    instance = SingleInstance(tmp_path / "lock")
    assert instance.claim()
    called: list[bool] = []
    instance.listen(lambda: called.append(True))
    line = QLocalSocket()
    line.connectToServer(instance._name)
    line.write(sent)
    qtbot.waitUntil(lambda: line.state() is QLocalSocket.LocalSocketState.UnconnectedState)
    assert called == []
    instance.release()


def test_the_only_request_is_activate() -> None:
    assert asks_to_activate(b'{"do": "activate"}')
    assert not asks_to_activate(b'{"do": "activate", "path": "x"}')
    assert not asks_to_activate(b"[" * 5000)
    assert not asks_to_activate(b"\xff")
