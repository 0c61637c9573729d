"""Themes, type, icons, avatars: what is painted follows the tokens."""

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.core.people import Presence
from welink_desktop.core.resources import resource
from welink_desktop.core.settings import Appearance, Density, Theme
from welink_desktop.ui.design import theme
from welink_desktop.ui.design.icons import icon_pixmap
from welink_desktop.ui.design.tokens import THEME_NAMES, tokens
from welink_desktop.ui.widgets.avatar import draw_avatar, person_initials, room_initials, tone_index
from welink_desktop.ui.widgets.badge import badge_text
from welink_desktop.ui.widgets.box import Plane
from welink_desktop.ui.widgets.label import Label


@pytest.mark.parametrize("name", THEME_NAMES)
def test_every_theme_knows_the_same_colours(name: str) -> None:
    assert set(tokens().colors(name)) == set(tokens().colors("light"))  # type: ignore[arg-type]  # a theme name
    look = theme.Theme(name=name)  # type: ignore[arg-type]  # a theme name
    assert look.color("stage").isValid()
    assert look.color("code-keyword").isValid()


def test_a_change_of_theme_repaints_without_restart(qtbot: QtBot, qapp: QApplication, dress: Dress) -> None:
    plane = Plane("surface")
    qtbot.addWidget(plane)
    plane.resize(20, 20)
    plane.show()
    assert plane.grab().toImage().pixelColor(5, 5) == theme.current().color("surface")
    dress(Appearance(theme=Theme.DARK))
    assert plane.grab().toImage().pixelColor(5, 5) == theme.Theme(name="dark").color("surface")
    assert qapp.palette().window().color() == theme.current().color("surface")


def test_text_and_rows_grow_with_the_text_size(dress: Dress) -> None:
    small = (theme.current().type("body").line, theme.current().row("room"), theme.current().space(5))
    dress(Appearance(theme=Theme.LIGHT, text_scale=2.0))
    large = (theme.current().type("body").line, theme.current().row("room"), theme.current().space(5))
    assert large == (small[0] * 2, small[1] * 2, round(small[2] * 1.5))
    assert theme.current().icon_size(20) == 32


def test_compact_rows_are_lower(dress: Dress) -> None:
    dress(Appearance(theme=Theme.LIGHT, density=Density.COMPACT))
    assert theme.current().row("room") == 36
    assert theme.current().control("height") == 28


def test_the_stage_is_dark_in_every_theme_but_high_contrast(qtbot: QtBot, dress: Dress) -> None:
    outer = Plane("surface")
    qtbot.addWidget(outer)
    inner = Label("x", parent=outer)
    assert theme.theme_of(inner).name == "light"
    theme.mark_stage(outer)
    assert theme.theme_of(inner).name == "dark"
    dress(Appearance(theme=Theme.HIGH_CONTRAST))
    assert theme.theme_of(inner).color("stage").name() == theme.current().color("surface").name()


def test_reduced_motion_stops_everything_but_patience(dress: Dress) -> None:
    dress(Appearance(reduced_motion=True))
    assert theme.current().duration("base") == 0
    assert theme.current().duration("toast-stay") == 5000


def test_chinese_and_latin_share_one_line_height(dress: Dress) -> None:
    style = theme.current().type("message")
    assert style.line == 22
    assert style.baseline(0) == style.baseline(100) - 100
    assert theme.current().type("display").line == 36


def test_every_icon_can_be_drawn(qapp: QApplication) -> None:
    color = theme.current().color("text")
    for path in resource("icons").glob("*.svg"):
        image = icon_pixmap(path.stem, 24, color).toImage()
        assert any(image.pixelColor(x, y).alpha() for x in range(24) for y in range(24)), path.stem


@pytest.mark.parametrize(
    ("name", "size", "initials"),
    [
        ("白若溪", 48, "若溪"),
        ("白若溪", 24, "溪"),
        ("何宁", 40, "何宁"),
        ("欧阳明远", 40, "明远"),
        ("Hannah White", 32, "HW"),
        ("Maya", 40, "M"),
        ("Ana María López", 40, "AL"),
        ("", 40, "?"),
        ("🙂", 40, "?"),
    ],
)
def test_initials_of_people(name: str, size: int, initials: str) -> None:
    assert person_initials(name, size) == initials


@pytest.mark.parametrize(
    ("name", "initials"), [("外科新楼 · Site coordination", "外科"), ("Northbridge weekly", "NW"), ("急诊", "急诊")]
)
def test_initials_of_rooms(name: str, initials: str) -> None:
    assert room_initials(name, 40) == initials


def test_tones_follow_fnv() -> None:
    assert tone_index("") == 0x811C9DC5 % 10
    assert tone_index("a") == 0xE40C292C % 10
    assert {tone_index(f"@user{number}:example") for number in range(200)} == set(range(10))


@pytest.mark.parametrize("presence", list(Presence))
def test_the_state_dot_differs_by_form(qapp: QApplication, presence: Presence) -> None:
    image = QImage(44, 44, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    draw_avatar(painter, QRectF(2, 2, 40, 40), "@a:b", "白若溪", presence=presence)
    painter.end()
    assert image.pixelColor(22, 10).alpha() == 255


def test_badges_stop_at_ninety_nine() -> None:
    assert badge_text(99) == "99"
    assert badge_text(100) == "99+"


def test_labels_wrap_at_fixed_lines(qtbot: QtBot, dress: Dress) -> None:
    label = Label("消息与会议默认端到端加密。" * 6, wrap=True)
    qtbot.addWidget(label)
    assert label.heightForWidth(10_000) == 20
    assert label.heightForWidth(200) % 20 == 0
    assert label.heightForWidth(200) >= 100
    label.setText("kurz")
    assert label.heightForWidth(200) == 20
