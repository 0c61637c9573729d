"""Every control of every sample has a name, a role and a target large enough; lists are spoken row by row."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAccessible, QAccessibleInterface
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QSlider,
    QWidget,
)
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.gallery.catalogue import Look, Shot, pages
from welink_desktop.gallery.render import build

CONTROLS = (QAbstractButton, QComboBox, QLineEdit, QPlainTextEdit, QSlider, QAbstractItemView)
SAMPLES = [(page.name, sample) for page in pages() for sample in page.samples]
TARGET = 28
SILENT = {"qt_spinbox_lineedit", "qt_clear_button", "QLineEditIconButton"}


def controls(view: QWidget) -> list[QWidget]:
    return [
        widget
        for widget in view.findChildren(QWidget)
        if isinstance(widget, CONTROLS)
        and widget.isVisible()
        and not isinstance(widget.parentWidget(), (QLineEdit, QComboBox))
        and widget.objectName() not in SILENT
        and not isinstance(widget, QScrollBar)
        and not (isinstance(widget, QAbstractItemView) and widget.window() is not view.window())
    ]


@pytest.mark.parametrize(("page", "sample"), SAMPLES)
def test_every_control_has_a_name(qtbot: QtBot, qapp: QApplication, dress: Dress, page: str, sample: str) -> None:
    view = build(qapp, Shot(page, sample, Look()))
    qtbot.addWidget(view)
    nameless = []
    for widget in controls(view):
        interface = QAccessible.queryAccessibleInterface(widget)
        assert interface is not None
        if not interface.text(QAccessible.Text.Name).strip():
            nameless.append(f"{type(widget).__name__} {widget.objectName()}")
        assert interface.role() is not QAccessible.Role.NoRole
    assert nameless == []


@pytest.mark.parametrize(("page", "sample"), SAMPLES)
def test_targets_are_large_enough(qtbot: QtBot, qapp: QApplication, dress: Dress, page: str, sample: str) -> None:
    view = build(qapp, Shot(page, sample, Look()))
    qtbot.addWidget(view)
    small = [
        f"{type(widget).__name__} {widget.objectName()} {widget.width()}x{widget.height()}"
        for widget in controls(view)
        if isinstance(widget, QAbstractButton) and (widget.width() < TARGET or widget.height() < TARGET - 8)
    ]
    assert small == []


@pytest.mark.parametrize(
    ("page", "sample"),
    [("contacts", "card"), ("settings", "appearance"), ("chat-rooms", "full"), ("meetings", "running"), ("stage", "many")],
)
def test_rows_of_lists_are_spoken(qtbot: QtBot, qapp: QApplication, dress: Dress, page: str, sample: str) -> None:
    view = build(qapp, Shot(page, sample, Look()))
    qtbot.addWidget(view)
    lists = [widget for widget in controls(view) if isinstance(widget, QAbstractItemView)]
    assert lists
    for listed in lists:
        interface = QAccessible.queryAccessibleInterface(listed)
        assert interface is not None
        words = [_name(interface.child(number)) for number in range(interface.childCount())]
        assert words and all(words)


def _name(interface: QAccessibleInterface | None) -> str:
    return interface.text(QAccessible.Text.Name) if interface is not None else ""


@pytest.mark.parametrize(
    ("page", "sample"),
    [
        ("sign-in", "found"),
        ("settings", "devices"),
        ("security", "ready"),
        ("security", "sign-out"),
        ("recovery", "key"),
        ("comparing", "emoji"),
        ("comparing", "scanning"),
        ("contacts", "card"),
        ("chat-rooms", "full"),
        ("chat-composer", "reply"),
        ("chat-details", "members"),
        ("meetings", "running"),
        ("lobby", "ready"),
        ("stage", "gallery"),
    ],
)
def test_the_keyboard_reaches_every_control(qtbot: QtBot, qapp: QApplication, dress: Dress, page: str, sample: str) -> None:
    view = build(qapp, Shot(page, sample, Look()))
    qtbot.addWidget(view)
    wanted = {widget for widget in controls(view) if widget.isEnabled() and widget.focusPolicy() & Qt.FocusPolicy.TabFocus}
    first = next(iter(wanted))
    chain, place = set(), first.nextInFocusChain()
    while place is not None and place is not first:
        chain.add(place)
        place = place.nextInFocusChain()
    assert wanted - chain - {first} == set()
    unreachable = [widget.objectName() for widget in controls(view) if widget.isEnabled() and widget not in wanted]
    assert unreachable == []
