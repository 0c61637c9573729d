"""The stage canvas: tiles, frames, keyboard."""

from dataclasses import replace

import pytest
from PySide6.QtCore import QPoint, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from welink_desktop.core.calls import Frame, Quality
from welink_desktop.core.ids import UserId
from welink_desktop.ui.stage.canvas import StageCanvas, paint_frame
from welink_desktop.ui.stage.tiles import Box, StageTile, nearest

RED, BLUE, GREY = (0, 0, 255, 255), (255, 0, 0, 255), QColor(40, 40, 40)


def solid(width: int, height: int, pixel: tuple[int, int, int, int], *, rotation: int = 0) -> Frame:
    return Frame(width, height, width * 4, rotation, 1, memoryview(bytes(pixel) * (width * height)))


class OneFrame:
    """A frame source with the same frame for every tile."""

    def __init__(self, frame: Frame | None) -> None:
        self.frame = frame
        self.asked: list[int] = []

    def changed(self) -> bool:
        return True

    def take(self, tile: int) -> Frame | None:
        self.asked.append(tile)
        return self.frame


def tile(number: int, box: Box, **changes: object) -> StageTile:
    made = StageTile(
        f"tile-{number}", number, box, UserId(f"@{number}:test"), f"Person {number}", f"Person {number}, muted", picture=True
    )
    return replace(made, **changes)  # type: ignore[arg-type]  # fields by name


def avatar(painter: QPainter, box: QRectF, _tile: StageTile) -> None:
    painter.fillRect(box, QColor("yellow"))


@pytest.fixture
def canvas(qtbot: QtBot) -> StageCanvas:
    made = StageCanvas(avatar)
    qtbot.addWidget(made)
    made.resize(640, 360)
    made.show()
    qtbot.waitExposed(made)
    return made


def color_at(canvas: StageCanvas, x: int, y: int) -> QColor:
    return canvas.grab().toImage().pixelColor(x, y)


LEFT, RIGHT = Box(12, 12, 300, 200), Box(320, 12, 300, 200)


def test_a_frame_of_the_tiles_size_is_shown_in_its_tile(canvas: StageCanvas) -> None:
    canvas.set_tiles((tile(1, LEFT), tile(2, RIGHT, picture=False)))
    canvas.set_frames(OneFrame(solid(300, 200, RED)))
    assert color_at(canvas, 150, 100) == QColor("red")
    assert color_at(canvas, 470, 112) == QColor("yellow")


def test_a_smaller_frame_fills_its_tile(canvas: StageCanvas) -> None:
    canvas.set_tiles((tile(1, LEFT),))
    canvas.set_frames(OneFrame(solid(32, 18, BLUE)))
    assert color_at(canvas, 20, 100) == QColor("blue")
    assert color_at(canvas, 300, 30) == QColor("blue")


def test_a_waiting_tile_shows_neither_picture_nor_avatar(canvas: StageCanvas) -> None:
    frames = OneFrame(solid(300, 200, RED))
    canvas.set_tiles((tile(1, LEFT, waiting="Waiting for key"),))
    canvas.set_frames(frames)
    assert color_at(canvas, 30, 30) not in (QColor("red"), QColor("yellow"))


def test_hidden_tiles_are_not_asked_for_frames(canvas: StageCanvas) -> None:
    frames = OneFrame(None)
    canvas.set_tiles((tile(1, LEFT, picture=False),))
    canvas.set_frames(frames)
    canvas.grab()
    assert frames.asked == []


def test_the_name_and_a_weak_network_lie_over_the_picture(canvas: StageCanvas) -> None:
    canvas.set_frames(OneFrame(solid(300, 200, RED)))
    canvas.set_tiles((tile(1, LEFT),))
    good = canvas.grab().toImage()
    canvas.set_tiles((tile(1, LEFT, quality=Quality.POOR),))
    poor = canvas.grab().toImage()
    assert good.pixelColor(295, 25) == QColor("red")
    assert poor.pixelColor(295, 25) != QColor("red")
    assert good.pixelColor(22, 200) != QColor("red")


def test_the_timer_runs_only_while_pictures_are_visible(canvas: StageCanvas) -> None:
    canvas.set_frames(OneFrame(None))
    canvas.set_tiles((tile(1, LEFT),))
    assert canvas._timer.isActive()
    canvas.hide()
    assert not canvas._timer.isActive()
    canvas.show()
    canvas.set_tiles(())
    assert not canvas._timer.isActive()


def test_arrow_keys_move_and_enter_activates(canvas: StageCanvas, qtbot: QtBot) -> None:
    canvas.set_tiles((tile(1, LEFT), tile(2, RIGHT)))
    activated: list[str] = []
    canvas.activated.connect(activated.append)
    qtbot.keyClick(canvas, Qt.Key.Key_Right)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    qtbot.keyClick(canvas, Qt.Key.Key_Left)
    qtbot.keyClick(canvas, Qt.Key.Key_Return)
    assert activated == ["tile-2", "tile-1"]


def test_a_double_click_activates_the_tile_under_the_pointer(canvas: StageCanvas, qtbot: QtBot) -> None:
    canvas.set_tiles((tile(1, LEFT), tile(2, RIGHT)))
    activated: list[str] = []
    canvas.activated.connect(activated.append)
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(400, 100))
    qtbot.mouseDClick(canvas, Qt.MouseButton.LeftButton, pos=QPoint(630, 350))
    assert activated == ["tile-2"]


def test_screen_readers_hear_every_tile(canvas: StageCanvas) -> None:
    canvas.set_tiles((tile(1, LEFT), tile(2, RIGHT)))
    assert canvas.accessibleDescription() == "Person 1, muted\nPerson 2, muted"


def test_nearest_stays_where_nothing_lies() -> None:
    tiles = (tile(1, LEFT), tile(2, RIGHT))
    assert nearest(tiles, "tile-1", 0, -1) == "tile-1"
    assert nearest(tiles, "unknown", 1, 0) == "tile-1"
    assert nearest((), "unknown", 1, 0) == ""


def painted(frame: Frame, *, whole: bool, mirrored: bool = False) -> QImage:
    image = QImage(200, 100, QImage.Format.Format_RGB32)
    image.fill(GREY)
    painter = QPainter(image)
    paint_frame(painter, QRectF(0, 0, 200, 100), frame, GREY, whole=whole, mirrored=mirrored)
    painter.end()
    return image


def halves(width: int, height: int) -> Frame:
    row = bytes(RED) * (width // 2) + bytes(BLUE) * (width // 2)
    return Frame(width, height, width * 4, 0, 1, memoryview(row * height))


def test_a_shared_screen_is_shown_whole() -> None:
    image = painted(solid(100, 100, RED), whole=True)
    assert image.pixelColor(20, 50) == GREY
    assert image.pixelColor(100, 50) == QColor("red")


def test_the_own_camera_is_mirrored() -> None:
    assert painted(halves(100, 50), whole=False).pixelColor(20, 50) == QColor("red")
    assert painted(halves(100, 50), whole=False, mirrored=True).pixelColor(20, 50) == QColor("blue")


def test_a_turned_picture_stands_upright() -> None:
    frame = halves(100, 200)
    turned = Frame(frame.width, frame.height, frame.stride, 90, 1, frame.pixels)
    image = painted(turned, whole=True)
    assert image.pixelColor(100, 10) == QColor("red")
    assert image.pixelColor(100, 90) == QColor("blue")
