"""The tour's hand does what a person's hand does: real events on real widgets, and it says what it cannot find."""

import pytest
from PySide6.QtCore import QRect, QStringListModel, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QLineEdit, QListView, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from welink_desktop.evaluation.tour.hand import Hand, NotSeen, colours, differing


@pytest.fixture
def window(qtbot: QtBot) -> QWidget:
    page = QWidget()
    page.setObjectName("page")
    box = QVBoxLayout(page)
    field, button, rows = QLineEdit(), QPushButton("Send"), QListView()
    for widget, name in ((field, "field"), (button, "button"), (rows, "rows")):
        widget.setObjectName(name)
        box.addWidget(widget)
    rows.setModel(QStringListModel([f"row {number}" for number in range(60)], rows))
    qtbot.addWidget(page)
    page.resize(300, 240)
    page.show()
    return page


async def test_it_clicks_and_types_like_a_person(window: QWidget) -> None:
    hand = Hand()
    button = window.findChild(QPushButton, "button")
    assert button is not None
    pressed: list[bool] = []
    button.clicked.connect(lambda: pressed.append(True))
    await hand.click("button")
    assert pressed == [True]
    field = await hand.type("field", "你好")
    await hand.type("field", "周三", clear=True)
    assert isinstance(field, QLineEdit)
    assert field.text() == "周三"
    await hand.key(field, Qt.Key.Key_Backspace)
    assert field.text() == "周"


async def test_it_reads_rows_and_scrolls_to_the_one_it_clicks(window: QWidget) -> None:
    hand = Hand()
    rows = window.findChild(QListView, "rows")
    assert rows is not None
    chosen: list[str] = []
    rows.clicked.connect(lambda index: chosen.append(index.data()))
    await hand.click_row("rows", "row 47")
    assert chosen == ["row 47"]
    assert hand.texts("rows")[3] == "row 3"
    before = rows.verticalScrollBar().value()
    await hand.scroll(rows.viewport(), 3)
    assert rows.verticalScrollBar().value() < before


async def test_disabled_and_missing_controls_are_named(window: QWidget) -> None:
    hand = Hand()
    button = window.findChild(QPushButton, "button")
    assert button is not None
    button.setEnabled(False)
    with pytest.raises(NotSeen, match="enabled control button"):
        await hand.click("button", 0.2)
    with pytest.raises(NotSeen, match="widget nothing"):
        await hand.widget("nothing", 0.1)
    assert "Send" in hand.says("button")
    assert hand.says("nothing") == ""
    assert hand.texts("nothing") == []


def test_changes_and_content_of_pictures_are_measured() -> None:
    plain = QImage(80, 60, QImage.Format.Format_RGB32)
    plain.fill(QColor(20, 20, 20))
    painted = plain.copy()
    painter = QPainter(painted)
    for step in range(8):
        painter.fillRect(step * 10, 0, 10, 30, QColor(step * 30, 255 - step * 30, 100))
    painter.end()
    whole = QRect(0, 0, 80, 60)
    assert differing(plain, plain, whole) == 0
    assert 0.3 < differing(plain, painted, whole) < 0.7
    assert colours(plain, whole) == 1
    assert colours(painted, whole) >= 8
    assert differing(plain, painted, QRect(200, 200, 5, 5)) == 0
