"""Sign-in, contacts and settings through their widgets: each state shows, each control wishes."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.core.account import Homeserver
from welink_desktop.core.errors import WrongPassword
from welink_desktop.core.reactive import State
from welink_desktop.core.settings import Theme as ThemeChoice
from welink_desktop.features.contacts import model as contacts
from welink_desktop.features.contacts.samples import MAYA
from welink_desktop.features.contacts.samples import SAMPLES as CONTACTS
from welink_desktop.features.contacts.view import ContactsView
from welink_desktop.features.settings import model as settings
from welink_desktop.features.settings.samples import SAMPLES as SETTINGS
from welink_desktop.features.settings.view import SettingsView
from welink_desktop.features.sign_in import model as sign_in
from welink_desktop.features.sign_in.samples import SAMPLES as SIGN_IN
from welink_desktop.features.sign_in.view import SignInView
from welink_desktop.ui.widgets.choice import Choice
from welink_desktop.ui.widgets.painted_list import PaintedList
from welink_desktop.ui.widgets.switch import SwitchButton

LEFT = Qt.MouseButton.LeftButton


def last(wishes: list[object]) -> object:
    return wishes[-1]


def named(view: QWidget, name: str, kind: type[QWidget] = QWidget) -> QWidget:
    found = view.findChild(kind, name)
    assert found is not None, name
    return found


def button(view: QWidget, name: str) -> QAbstractButton:
    found = named(view, name)
    assert isinstance(found, QAbstractButton)
    return found


def line(view: QWidget, name: str) -> QLineEdit:
    found = named(view, name)
    assert isinstance(found, QLineEdit)
    return found


def show(qtbot: QtBot, view: QWidget, size: tuple[int, int] = (1280, 800)) -> None:
    qtbot.addWidget(view)
    view.resize(*size)
    view.show()


@pytest.fixture
def wishes() -> list[object]:
    return []


# Sign-in


def sign_in_view(qtbot: QtBot, sample: str, act: Callable[[sign_in.Wish], None]) -> tuple[SignInView, State[sign_in.SignInState]]:
    state = State(SIGN_IN[sample])
    view = SignInView(state, act)
    show(qtbot, view)
    return view, state


def test_the_address_comes_first(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = sign_in_view(qtbot, "welcome", wishes.append)
    assert not named(view, "sign-in-password").isVisible()
    qtbot.mouseClick(button(view, "sign-in-submit"), LEFT)
    assert wishes == []
    address = line(view, "sign-in-server")
    assert "address" in address.accessibleDescription()
    qtbot.keyClicks(address, "yunshan.example")
    qtbot.keyClick(address, Qt.Key.Key_Return)
    assert last(wishes) == sign_in.LookUp()


def test_the_password_comes_after_the_organisation(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = sign_in_view(qtbot, "found", wishes.append)
    assert named(view, "sign-in-found").isVisible()
    assert "certificate valid" in named(view, "sign-in-found").accessibleDescription()
    assert line(view, "sign-in-user").text() == "lin.zhiyuan"
    password = line(view, "sign-in-password")
    assert password.echoMode() is QLineEdit.EchoMode.Password
    qtbot.keyClicks(password, "spruce")
    qtbot.mouseClick(button(view, "sign-in-submit"), LEFT)
    assert last(wishes) == sign_in.SignIn("lin.zhiyuan", "spruce")


def test_a_server_on_this_computer_is_not_called_secure(qtbot: QtBot, dress: Dress) -> None:
    view, state = sign_in_view(qtbot, "found", lambda _: None)
    server = Homeserver("localhost", "http://127.0.0.1:8008", secure=False)
    state.set(sign_in.SignInState(address="x", lookup=sign_in.Found(server)))
    assert "not encrypted" in named(view, "sign-in-found").accessibleDescription()


def test_errors_stand_in_words(qtbot: QtBot, dress: Dress) -> None:
    view, state = sign_in_view(qtbot, "server-missing", lambda _: None)
    assert "yunshan.exmaple" in line(view, "sign-in-server").accessibleDescription()
    state.set(SIGN_IN["wrong-password"])
    assert (
        named(view, "sign-in-problem").accessibleName()
        == "User name and password do not match. Check both, and whether Caps Lock is on."
    )
    dress(None, "zh-CN")
    assert named(view, "sign-in-problem").accessibleName().startswith("用户名与密码不匹配")


def test_without_a_keyring_there_is_a_choice(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = sign_in_view(qtbot, "keyring-missing", wishes.append)
    qtbot.mouseClick(button(view, "sign-in-keep-in-file"), LEFT)
    qtbot.mouseClick(button(view, "sign-in-again"), LEFT)
    assert wishes[-2:] == [sign_in.KeepSecretsInFile(), sign_in.TryAgain()]
    assert not named(view, "sign-in-afresh").isVisible()


def test_trying_it_here_is_one_click(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, state = sign_in_view(qtbot, "welcome", wishes.append)
    qtbot.mouseClick(button(view, "sign-in-evaluation"), LEFT)
    assert last(wishes) == sign_in.ChooseWay(sign_in.Way.EVALUATION)
    state.set(SIGN_IN["evaluation"])
    qtbot.mouseClick(button(view, "sign-in-submit"), LEFT)
    assert last(wishes) == sign_in.TryHere()
    state.set(SIGN_IN["evaluation-starting"])
    assert not button(view, "sign-in-submit").isEnabled()
    assert button(view, "sign-in-submit").text().startswith("Starting")


def test_a_blocked_account_asks_before_it_is_removed(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = sign_in_view(qtbot, "blocked", wishes.append)
    qtbot.mouseClick(button(view, "sign-in-afresh"), LEFT)
    qtbot.mouseClick(button(view, "dialog-cancel"), LEFT)
    assert wishes == []
    qtbot.mouseClick(button(view, "sign-in-afresh"), LEFT)
    confirm = next(one for one in view.findChildren(QAbstractButton, "dialog-confirm") if one.isVisible())
    qtbot.mouseClick(confirm, LEFT)
    assert wishes == [sign_in.StartAfresh()]


def test_the_picture_gives_way_in_narrow_windows(qtbot: QtBot, dress: Dress) -> None:
    view, _ = sign_in_view(qtbot, "welcome", lambda _: None)
    assert named(view, "sign-in-art").isVisible()
    view.resize(900, 640)
    assert not named(view, "sign-in-art").isVisible()


def test_typed_user_names_survive_a_wrong_password(qtbot: QtBot, dress: Dress) -> None:
    view, state = sign_in_view(qtbot, "found", lambda _: None)
    line(view, "sign-in-user").setText("someone")
    state.set(sign_in.SignInState(lookup=SIGN_IN["found"].lookup, user="lin.zhiyuan", failure=WrongPassword()))
    assert line(view, "sign-in-user").text() == "someone"


# Contacts


def contacts_view(qtbot: QtBot, sample: str, act: Callable[[contacts.Wish], None], width: int = 1376) -> ContactsView:
    view = ContactsView(State(CONTACTS[sample]), act)
    show(qtbot, view, (width, 900))
    return view


def painted(view: QWidget, name: str) -> PaintedList[object]:
    found = named(view, name)
    assert isinstance(found, PaintedList)
    return found


def press(qtbot: QtBot, listed: PaintedList[object], row: int, x: float = 0.3) -> None:
    box = listed.visualRect(listed.rows.index(row))
    place = box.topLeft()
    place.setX(box.left() + int(box.width() * x))
    place.setY(box.center().y())
    qtbot.mouseClick(listed.viewport(), LEFT, pos=place)


def test_departments_and_people_are_chosen_by_click_and_key(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view = contacts_view(qtbot, "department", wishes.append)
    tree, people = painted(view, "department-tree"), painted(view, "people-list")
    press(qtbot, tree, 1)
    assert isinstance(last(wishes), contacts.SelectDepartment)
    tree.setFocus()
    qtbot.keyClick(tree, Qt.Key.Key_Home)
    qtbot.keyClick(tree, Qt.Key.Key_Left)
    assert last(wishes) == contacts.ToggleDepartment(CONTACTS["department"].tree[0].department.space, False)
    press(qtbot, people, 1)
    assert isinstance(last(wishes), contacts.ShowPerson)
    people.setFocus()
    qtbot.keyClick(people, Qt.Key.Key_End)
    qtbot.keyClick(people, Qt.Key.Key_Return)
    assert last(wishes) == contacts.ShowPerson(MAYA)


def test_rows_are_spoken(qtbot: QtBot, dress: Dress) -> None:
    view = contacts_view(qtbot, "department", lambda _: None)
    people = painted(view, "people-list")
    words = [str(people.rows.data(people.rows.index(row))) for row in range(len(people.rows.items))]
    assert words[0] == "叶知秋, 科主任 · 主任医师, In a meeting"
    assert words[-1] == "Maya Okafor, External, 项目经理 · Northbridge Engineering, Local time 03:30"
    tree = painted(view, "department-tree")
    assert tree.rows.data(tree.rows.index(0)) == "云杉总医院, 4,218 people, expanded"


def test_actions_of_a_row_and_of_the_card(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view = contacts_view(qtbot, "card", wishes.append)
    people = painted(view, "people-list")
    press(qtbot, people, 0, x=0.97)
    assert last(wishes) == contacts.Meet(CONTACTS["card"].person.user)  # type: ignore[union-attr]  # the sample has a person
    qtbot.mouseClick(button(view, "person-message"), LEFT)
    assert isinstance(last(wishes), contacts.Message)
    qtbot.mouseClick(button(view, "person-meet"), LEFT)
    assert isinstance(last(wishes), contacts.Meet)
    qtbot.mouseClick(button(view, "person-card-close"), LEFT)
    assert last(wishes) == contacts.ShowPerson(None)


def test_typing_searches(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view = contacts_view(qtbot, "department", wishes.append)
    qtbot.keyClicks(line(view, "contacts-search"), "ye")
    assert last(wishes) == contacts.Search("ye")


def test_from_the_search_the_keyboard_goes_to_who_was_found(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view = contacts_view(qtbot, "search", wishes.append)
    people = painted(view, "people-list")
    view.focus_first()
    qtbot.keyClick(line(view, "contacts-search"), Qt.Key.Key_Down)
    assert view.focusWidget() is people
    view.focus_first()
    qtbot.keyClick(line(view, "contacts-search"), Qt.Key.Key_Return)
    assert isinstance(last(wishes), contacts.ShowPerson)


def test_the_card_covers_the_list_in_narrow_windows(qtbot: QtBot, dress: Dress) -> None:
    view = contacts_view(qtbot, "card", lambda _: None, width=860)
    assert named(view, "person-card").isVisible()
    assert not painted(view, "people-list").isVisible()
    view.resize(1376, 900)
    assert painted(view, "people-list").isVisible()


@pytest.mark.parametrize("sample", ["offline", "nobody-found", "empty-department"])
def test_an_empty_list_says_why(qtbot: QtBot, dress: Dress, sample: str) -> None:
    view = contacts_view(qtbot, sample, lambda _: None)
    assert not painted(view, "people-list").isVisible()


# Settings


def settings_view(
    qtbot: QtBot, sample: str, act: Callable[[settings.Wish], None]
) -> tuple[SettingsView, State[settings.SettingsState]]:
    state = State(SETTINGS[sample])
    view = SettingsView(state, act)
    show(qtbot, view)
    return view, state


def choose(view: QWidget, name: str, value: str) -> None:
    choice = named(view, name)
    assert isinstance(choice, Choice)
    choice.setCurrentIndex(choice.findData(value))
    choice.activated.emit(choice.currentIndex())


def test_appearance_is_wished_as_a_whole(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = settings_view(qtbot, "appearance", wishes.append)
    choose(view, "settings-theme", "dark")
    assert isinstance(wishes[-1], settings.SetAppearance)
    assert wishes[-1].appearance.theme is ThemeChoice.DARK
    choose(view, "settings-scale", "1.5")
    assert isinstance(wishes[-1], settings.SetAppearance)
    assert wishes[-1].appearance.text_scale == 1.5
    choose(view, "settings-language", "zh-CN")
    choose(view, "settings-density", "compact")
    motion = named(view, "settings-motion")
    assert isinstance(motion, SwitchButton)
    qtbot.mouseClick(motion, LEFT)
    assert isinstance(wishes[-1], settings.SetAppearance)
    assert wishes[-1].appearance.reduced_motion


def test_devices_are_chosen_by_name(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = settings_view(qtbot, "devices", wishes.append)
    choose(view, "settings-camera", "Conference camera")
    choose(view, "settings-microphone", "Headset")
    choose(view, "settings-speaker", "Headset")
    qtbot.mouseClick(button(view, "settings-join-muted"), LEFT)
    assert isinstance(wishes[-1], settings.SetDevices)
    assert wishes[-1].devices.join_muted


def test_chat_and_notifications(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = settings_view(qtbot, "chat", wishes.append)
    choose(view, "settings-send-key", "ctrl-enter")
    for name in ("settings-notifications", "settings-hide-preview", "settings-close-to-tray"):
        qtbot.mouseClick(button(view, name), LEFT)
        assert isinstance(wishes[-1], settings.SetBehaviour)


def test_signing_out_asks_first(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, _ = settings_view(qtbot, "account", wishes.append)
    qtbot.mouseClick(button(view, "settings-sign-out"), LEFT)
    assert wishes == []
    qtbot.mouseClick(button(view, "dialog-confirm"), LEFT)
    assert wishes == [settings.SignOut()]


def test_sections_are_a_list_for_the_keyboard(qtbot: QtBot, dress: Dress, wishes: list[object]) -> None:
    view, state = settings_view(qtbot, "appearance", wishes.append)
    view.focus_first()
    nav = painted(view, "settings-nav")
    qtbot.keyClick(nav, Qt.Key.Key_Down)
    qtbot.keyClick(nav, Qt.Key.Key_Return)
    assert last(wishes) == settings.ShowSection(settings.Section.DEVICES)
    state.set(SETTINGS["devices-failed"])
    state.set(SETTINGS["not-saved"])
