"""Every sample of chat in every look: painted, named, without cut-off controls."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QAbstractButton, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from welink_desktop.core.reactive import State
from welink_desktop.core.settings import Appearance, Density, Theme
from welink_desktop.features.chat import stills
from welink_desktop.features.chat.composer.emoji_data import emoji_groups, find_emoji
from welink_desktop.features.chat.composer.samples import SAMPLES as COMPOSERS
from welink_desktop.features.chat.details.samples import SAMPLES as DETAILS
from welink_desktop.features.chat.room_list.samples import SAMPLES as LISTS
from welink_desktop.features.chat.timeline.deeds import safe_name
from welink_desktop.features.chat.timeline.hover_bar import HoverBar
from welink_desktop.features.chat.timeline.samples import SAMPLES as TIMELINES
from welink_desktop.features.chat.timeline.view import TimelineView

Maker = Callable[[State[Any]], QWidget]
PAGES: tuple[tuple[str, Mapping[str, Any], Maker, int], ...] = (
    ("rooms", LISTS, stills.room_list_view, 320),
    ("timeline", TIMELINES, stills.timeline_view, 900),
    ("composer", COMPOSERS, stills.composer_view, 900),
    ("details", DETAILS, stills.details_view, 340),
)
LOOKS = (
    (Appearance(theme=Theme.LIGHT), "en"),
    (Appearance(theme=Theme.DARK, density=Density.COMPACT), "zh-CN"),
    (Appearance(theme=Theme.HIGH_CONTRAST, text_scale=2.0), "en"),
)


@pytest.mark.parametrize("look", LOOKS, ids=["light", "dark-compact-zh", "contrast-200"])
@pytest.mark.parametrize("page", PAGES, ids=[page[0] for page in PAGES])
def test_every_sample_is_painted_and_every_control_has_a_name(
    page: tuple[str, Mapping[str, Any], Maker, int], look: tuple[Appearance, str], qtbot: QtBot, dress: Callable[..., None]
) -> None:
    _, samples, make, width = page
    dress(*look)
    for sample in samples.values():
        view = make(State(sample))
        qtbot.addWidget(view)
        view.resize(width, 700 if make is not stills.composer_view else view.sizeHint().height())
        view.show()
        picture: QPixmap = view.grab()
        assert not picture.isNull()
        for control in view.findChildren(QWidget):
            if isinstance(control, QAbstractButton | QLineEdit | QPlainTextEdit) and control.isVisible() and control.objectName():
                if control.objectName().startswith("qt_"):
                    continue
                spoken = control.accessibleName() or (control.text() if isinstance(control, QAbstractButton) else "")
                assert spoken, control.objectName()
                assert "[" not in spoken
        view.hide()


@pytest.mark.parametrize("width", [360, 520, 1100])
def test_no_message_leaves_its_column(width: int, qtbot: QtBot, dress: Callable[..., None]) -> None:
    dress()
    for sample in TIMELINES.values():
        view = stills.timeline_view(State(sample))
        qtbot.addWidget(view)
        assert isinstance(view, TimelineView)
        view.resize(width, 800)
        view.show()
        for row in range(len(sample.rows)):
            box: QRect = view.bubble_box(row)
            assert box.left() >= 0
            assert box.right() <= view.viewport().width()
        view.hide()


def test_emoji_are_found_in_both_languages() -> None:
    assert find_emoji("thumbs up")[0].char == "👍"
    assert "👍" in [one.char for one in find_emoji("赞")]
    assert not find_emoji("no such emoji")
    assert not find_emoji("  ")
    assert sum(len(group) for group in emoji_groups().values()) > 900


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("../../etc/passwd", "passwd"),
        ("a\\b\\c.exe", "c.exe"),
        (".hidden", "hidden"),
        ("plan\u202efdp.exe", "planfdp.exe"),
        ("", "file"),
        ("图纸.pdf", "图纸.pdf"),
    ],
)
def test_file_names_of_others_never_lead_elsewhere(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_the_bar_of_a_message_stands_at_its_corner(qtbot: QtBot, dress: Callable[..., None]) -> None:
    dress()
    ground = QWidget()
    qtbot.addWidget(ground)
    bar = HoverBar(ground, lambda name, key: None)
    area, item = QRect(0, 0, 900, 600), TIMELINES["conversation"].rows[1]
    bar.show_for(item, QRect(80, 200, 300, 60), area)
    assert bar.x() > 350
    bar.show_for(item, QRect(560, 200, 300, 60), area)
    assert bar.geometry().right() < 590
    bar.show_for(item, QRect(20, 200, 860, 60), area)
    assert area.contains(bar.geometry())
