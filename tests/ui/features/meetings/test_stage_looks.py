"""What the stage paints over its samples: initials from names, room for the title, nothing after its end."""

from PySide6.QtCore import QEvent, QRectF
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from tests.ui.conftest import Dress
from welink_desktop.core.ids import ContentUri
from welink_desktop.core.people import Presence
from welink_desktop.core.reactive import State
from welink_desktop.features.meetings.stage.samples import SAMPLES, resized
from welink_desktop.features.meetings.stage.state import Resize, StageState
from welink_desktop.features.meetings.stage.view import StageView
from welink_desktop.ui.design.theme import Theme
from welink_desktop.ui.stage.avatars import AvatarPictures


class Names(AvatarPictures):
    """Remembers whose avatars are painted."""

    def __init__(self) -> None:
        super().__init__()
        self.painted: set[str] = set()

    def paint(
        self,
        painter: QPainter,
        box: QRectF,
        identifier: str,
        name: str,
        avatar: ContentUri | None,
        *,
        plane: str,
        theme: Theme,
        presence: Presence = Presence.UNKNOWN,
        room: bool = False,
    ) -> None:
        self.painted.add(name)


def stage(qtbot: QtBot, sample: str, avatars: AvatarPictures, *, kept: bool = True) -> StageView:
    state: State[StageState] = State(SAMPLES[sample])

    def act(wish: object) -> None:
        if isinstance(wish, Resize):
            state.set(resized(state.value, wish.width, wish.height))

    view = StageView(state, act, lambda: None, avatars)
    if kept:
        qtbot.addWidget(view)
    view.resize(1280, 800)
    view.show()
    view.grab()
    return view


def child(view: QWidget, name: str) -> QWidget:
    found = view.findChild(QWidget, name)
    assert isinstance(found, QWidget)
    return found


def test_our_own_tile_shows_the_initials_of_our_name(qtbot: QtBot, dress: Dress) -> None:
    dress(words="zh-CN")
    avatars = Names()
    stage(qtbot, "share", avatars)
    assert "林知远" in avatars.painted
    assert not [name for name in avatars.painted if "我" in name or "屏幕" in name]


def test_twenty_five_people_fit_on_a_page(qtbot: QtBot, dress: Dress) -> None:
    view = stage(qtbot, "many", Names())
    canvas = child(view, "meeting-canvas")
    boxes = [tile.box for tile in getattr(canvas, "tiles")]  # noqa: B009 - the canvas was found by its name
    assert len(boxes) == 25
    assert all(box.x + box.width <= canvas.width() and box.y + box.height <= canvas.height() for box in boxes)


def test_pictures_that_come_after_the_meeting_are_ignored(qtbot: QtBot, dress: Dress, qapp: QApplication) -> None:
    avatars = Names()
    view = stage(qtbot, "gallery", avatars, kept=False)
    view.close()
    view.deleteLater()
    qapp.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    avatars.arrived()
