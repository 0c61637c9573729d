"""The camera preview of the lobby: tile 0 of a frame source, or the avatar."""

from PySide6.QtCore import QRectF, QSize, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QPaintEvent, QShowEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from welink_desktop.core.ids import ContentUri
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.ui.design.theme import theme_of
from welink_desktop.ui.design.tokens import tokens
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.stage.avatars import AvatarPictures
from welink_desktop.ui.stage.canvas import paint_frame
from welink_desktop.ui.stage.plates import INSET, corner_masks, name_plate

INTERVAL = 33
OWN_TILE = 0
AVATAR = 96


class CameraPreview(QWidget):
    """Mirrored, as people know themselves."""

    def __init__(self, avatars: AvatarPictures, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._avatars = avatars
        self._frames: FrameSource | None = None
        self._on = False
        self._who: tuple[str, str, ContentUri | None] = ("", "", None)
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._pull)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def show_person(self, identifier: str, name: str, avatar: ContentUri | None) -> None:
        self._who = (identifier, name, avatar)
        self.update()

    def show_camera(self, frames: FrameSource | None, *, on: bool) -> None:
        """`frames` None drops every reference into the shared memory."""
        self._frames, self._on = frames, on
        self._run()
        self.update()

    def _run(self) -> None:
        if self._on and self._frames is not None and self.isVisible():
            self._timer.start(INTERVAL)
        else:
            self._timer.stop()

    def _pull(self) -> None:
        if self._frames is not None and self._frames.changed():
            self.update()

    @guarded(default=QSize(680, 383))
    def sizeHint(self) -> QSize:
        width, height = tokens().layout_size("lobby-preview")
        return QSize(width, height)

    @guarded(default=True)
    def hasHeightForWidth(self) -> bool:
        return True

    @guarded(default=383)
    def heightForWidth(self, width: int) -> int:
        full_width, full_height = tokens().layout_size("lobby-preview")
        return round(width * full_height / full_width)

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        theme = theme_of(self)
        stage = theme.stage()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        box = QRectF(self.rect())
        frame = self._frames.take(OWN_TILE) if self._on and self._frames is not None else None
        painter.fillRect(box, stage.color("stage-tile"))
        if frame is not None:
            paint_frame(painter, box, frame, stage.color("stage-tile"), whole=False, mirrored=True)
        else:
            avatar = QRectF(0, 0, AVATAR, AVATAR)
            avatar.moveCenter(box.center())
            identifier, name, uri = self._who
            self._avatars.paint(painter, avatar, identifier, name, uri, plane="stage-tile", theme=stage)
        ratio = self.devicePixelRatioF()
        radius = theme.radius("dialog")
        right, bottom = self.width() - radius, self.height() - radius
        places = ((0, 0), (right, 0), (0, bottom), (right, bottom))
        for mask, (x, y) in zip(corner_masks(theme.hex("surface"), radius, ratio), places, strict=True):
            painter.drawPixmap(x, y, mask)
        plate = name_plate(stage, self._who[1], None, False, False, self.width() // 2, ratio)
        painter.drawPixmap(2 * INSET, round(self.height() - 2 * INSET - plate.height() / ratio), plate)
        painter.end()

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run()

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
