"""The stage as one painted widget: pulls the newest frames at paint time, repaints as a whole (media_process §1, §7.1)."""

import time
from collections.abc import Callable

from PySide6.QtCore import QPoint, QPointF, QRectF, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QFocusEvent,
    QHideEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPixmap,
    QShowEvent,
)
from PySide6.QtWidgets import QWidget

from welink_desktop.core.calls import Frame
from welink_desktop.core.ports.calls import FrameSource
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme, mark_stage, on_theme, theme_of
from welink_desktop.ui.design.tokens import tokens
from welink_desktop.ui.guard import guarded
from welink_desktop.ui.stage.plates import INSET, corner_masks, icon_plate, name_plate, quality_plate
from welink_desktop.ui.stage.tiles import Box, StageTile, nearest

FEW = 4
"""Up to this many pictures the canvas pulls 30 times a second, else 20 times."""
SMOOTH = 9
"""Up to this many pictures scaling is smooth."""
AvatarPainter = Callable[[QPainter, QRectF, StageTile], None]


class StageCanvas(QWidget):
    """Paints tiles. `activated` names the tile that was double-clicked or entered; `focus_moved` the one with the focus."""

    activated = Signal(str)
    focus_moved = Signal(str)

    def __init__(self, paint_avatar: AvatarPainter, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._paint_avatar = paint_avatar
        self._tiles: tuple[StageTile, ...] = ()
        self._frames: FrameSource | None = None
        self._last: dict[int, Frame] = {}
        self._rings: dict[str, tuple[bool, float]] = {}
        self._decorated: dict[str, tuple[StageTile, float, list[tuple[QPoint, QPixmap]]]] = {}
        self._current = ""
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._pull)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        mark_stage(self)
        on_theme(self, self._restyle)

    @property
    def tiles(self) -> tuple[StageTile, ...]:
        return self._tiles

    def set_tiles(self, tiles: tuple[StageTile, ...]) -> None:
        """Show exactly these; a tile that stays keeps its last picture until a new one comes."""
        if tiles == self._tiles:
            return
        now = time.monotonic()
        for tile in tiles:
            before = self._rings.get(tile.key)
            if before is None or before[0] != tile.speaking:
                self._rings[tile.key] = (tile.speaking, now if before is not None or tile.speaking else 0.0)
        keys = {tile.key for tile in tiles}
        self._rings = {key: ring for key, ring in self._rings.items() if key in keys}
        self._decorated = {key: made for key, made in self._decorated.items() if key in keys}
        numbers = {tile.tile for tile in tiles if tile.picture}
        self._last = {number: frame for number, frame in self._last.items() if number in numbers}
        self._tiles = tiles
        if self._current not in keys:
            self._current = tiles[0].key if tiles else ""
        self.setAccessibleDescription("\n".join(tile.label for tile in tiles))
        self._run()
        self.update()

    def set_frames(self, frames: FrameSource | None) -> None:
        """Where pictures come from; None drops every reference into the shared memory."""
        self._frames = frames
        self._last.clear()
        self._run()
        self.update()

    def tile_at(self, x: float, y: float) -> StageTile | None:
        return next((tile for tile in reversed(self._tiles) if tile.box.contains(x, y)), None)

    def _restyle(self, _theme: Theme) -> None:
        self._decorated.clear()
        self.update()

    def _run(self) -> None:
        pictures = sum(tile.picture for tile in self._tiles)
        if not self.isVisible() or not ((pictures and self._frames) or self._fading()):
            self._timer.stop()
            return
        interval = 33 if pictures <= FEW else 50
        if not self._timer.isActive() or self._timer.interval() != interval:
            self._timer.start(interval)

    def _fading(self) -> bool:
        longest = theme_of(self).duration("speaking-out") / 1000
        now = time.monotonic()
        return any(now - since <= longest for _, since in self._rings.values())

    def _pull(self) -> None:
        fading = self._fading()
        if (self._frames is not None and self._frames.changed()) or fading:
            self.update()
        if not fading:
            self._run()

    # Painting

    @guarded(default=None)
    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = theme_of(self)
        painter.fillRect(event.rect(), theme.color("stage"))
        pictures = sum(tile.picture for tile in self._tiles)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, pictures <= SMOOTH)
        for tile in self._tiles:
            self._paint_tile(painter, theme, tile)
        if self.hasFocus():
            self._paint_focus(painter, theme)
        painter.end()

    def _paint_tile(self, painter: QPainter, theme: Theme, tile: StageTile) -> None:
        frame = self._frame(tile)
        if frame is not None and not tile.waiting and _fits(frame, tile, self.devicePixelRatioF()):
            painter.drawImage(tile.box.x, tile.box.y, _image(frame))
            self._paint_over(painter, theme, tile)
            return
        box = QRectF(tile.box.x, tile.box.y, tile.box.width, tile.box.height)
        if tile.waiting:
            painter.fillRect(box, theme.color("stage-tile"))
            self._paint_waiting(painter, theme, box, tile.waiting)
        elif frame is not None:
            paint_frame(painter, box, frame, theme.color("stage-tile"), whole=tile.whole, mirrored=tile.mirrored)
        else:
            painter.fillRect(box, theme.color("stage-tile"))
            self._paint_avatar(painter, _avatar_box(box), tile)
        self._paint_over(painter, theme, tile)

    def _paint_over(self, painter: QPainter, theme: Theme, tile: StageTile) -> None:
        for place, pixmap in self._decorations(theme, tile):
            painter.drawPixmap(place, pixmap)
        self._paint_ring(painter, theme, tile)

    def _frame(self, tile: StageTile) -> Frame | None:
        if not tile.picture or self._frames is None:
            return None
        frame = self._frames.take(tile.tile)
        if frame is not None:
            self._last[tile.tile] = frame
        return frame

    def _paint_waiting(self, painter: QPainter, theme: Theme, box: QRectF, sentence: str) -> None:
        size = theme.icon_size(24)
        style = theme.type("caption")
        middle = box.center().y()
        draw_icon(
            painter,
            "key",
            QRectF(box.left(), middle - size - theme.space(2), box.width(), size),
            size,
            theme.color("stage-muted"),
        )
        line = QRectF(box.left() + INSET, middle + theme.space(2), box.width() - 2 * INSET, style.line)
        style.draw(painter, line, sentence, theme.color("stage-muted"), align=Qt.AlignmentFlag.AlignHCenter)

    def _decorations(self, theme: Theme, tile: StageTile) -> list[tuple[QPoint, QPixmap]]:
        """Rounded corners and plates of a tile; made once until the tile, the look or the screen changes."""
        ratio = self.devicePixelRatioF()
        known = self._decorated.get(tile.key)
        if known is not None and known[0] is tile and known[1] == ratio:
            return known[2]
        made = [*_corners(theme, tile.box, ratio), *_plates(theme, tile, ratio)]
        self._decorated[tile.key] = (tile, ratio, made)
        return made

    def _paint_ring(self, painter: QPainter, theme: Theme, tile: StageTile) -> None:
        speaking, since = self._rings.get(tile.key, (False, 0.0))
        if not speaking and since == 0.0:
            return
        span = theme.duration("speaking-in" if speaking else "speaking-out") / 1000
        share = 1.0 if span == 0 else min(1.0, (time.monotonic() - since) / span)
        strength = share if speaking else 1.0 - share
        if strength <= 0:
            return
        width = float(tokens().data["stroke"]["speaking"])
        box = QRectF(tile.box.x, tile.box.y, tile.box.width, tile.box.height)
        _frame_around(painter, box, theme.color("stage-speaking"), width, strength)

    def _paint_focus(self, painter: QPainter, theme: Theme) -> None:
        tile = next((one for one in self._tiles if one.key == self._current), None)
        if tile is None:
            return
        width = float(tokens().data["stroke"]["focus"])
        inner = QRectF(tile.box.x, tile.box.y, tile.box.width, tile.box.height).adjusted(
            2 * width, 2 * width, -2 * width, -2 * width
        )
        _frame_around(painter, inner, theme.color("focus-ring"), width, 1.0)

    # Events

    @guarded(default=None)
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._run()

    @guarded(default=None)
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()

    @guarded(default=None)
    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        tile = self.tile_at(event.position().x(), event.position().y())
        if tile is not None:
            self.activated.emit(tile.key)

    @guarded(default=None)
    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: (-1, 0), Qt.Key.Key_Right: (1, 0), Qt.Key.Key_Up: (0, -1), Qt.Key.Key_Down: (0, 1)}
        key = Qt.Key(event.key())
        if key in steps and self._tiles:
            self._current = nearest(self._tiles, self._current, *steps[key])
            self.focus_moved.emit(self._current)
            self.update()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._current:
            self.activated.emit(self._current)
        else:
            super().keyPressEvent(event)

    @guarded(default=None)
    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.update()

    @guarded(default=None)
    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.update()


def paint_frame(painter: QPainter, box: QRectF, frame: Frame, ground: QColor, *, whole: bool, mirrored: bool = False) -> None:
    """Draw a frame into `box`: cropped to fill it, or `whole` on `ground`. Rotated pictures stand upright."""
    image = _image(frame)
    turned = frame.rotation in (90, 270)
    width, height = (frame.height, frame.width) if turned else (frame.width, frame.height)
    if whole:
        painter.fillRect(box, ground)
        factor = min(box.width() / width, box.height() / height)
        target = QRectF(0, 0, width * factor, height * factor)
        target.moveCenter(box.center())
        source = QRectF(0, 0, frame.width, frame.height)
    else:
        target = box
        factor = max(box.width() / width, box.height() / height)
        shown_w, shown_h = box.width() / factor, box.height() / factor
        if turned:
            shown_w, shown_h = shown_h, shown_w
        source = QRectF((frame.width - shown_w) / 2, (frame.height - shown_h) / 2, shown_w, shown_h)
    if frame.rotation == 0 and not mirrored:
        painter.drawImage(target, image, source)
        return
    painter.save()
    painter.translate(target.center())
    if mirrored:
        painter.scale(-1, 1)
    painter.rotate(frame.rotation)
    size = target.size().transposed() if turned else target.size()
    painter.drawImage(QRectF(QPointF(-size.width() / 2, -size.height() / 2), size), image, source)
    painter.restore()


def _image(frame: Frame) -> QImage:
    return QImage(frame.pixels, frame.width, frame.height, frame.stride, QImage.Format.Format_RGB32)


def _fits(frame: Frame, tile: StageTile, ratio: float) -> bool:
    """A frame made for this tile to the pixel needs no scaling: the normal case."""
    box = tile.box
    return ratio == 1 and frame.width == box.width and frame.height == box.height and not frame.rotation and not tile.mirrored


def _corners(theme: Theme, box: Box, ratio: float) -> list[tuple[QPoint, QPixmap]]:
    radius = tokens().radius("tile")
    masks = corner_masks(theme.hex("stage"), radius, ratio)
    right, bottom = box.x + box.width - radius, box.y + box.height - radius
    places = ((box.x, box.y), (right, box.y), (box.x, bottom), (right, bottom))
    return [(QPoint(x, y), mask) for (x, y), mask in zip(places, masks, strict=True)]


def _plates(theme: Theme, tile: StageTile, ratio: float) -> list[tuple[QPoint, QPixmap]]:
    box = tile.box
    plate = name_plate(theme, tile.name, tile.muted, tile.speaking, tile.external, box.width - 2 * INSET, ratio)
    placed = [(QPoint(box.x + INSET, box.y + box.height - INSET - round(plate.height() / ratio)), plate)]
    right = box.x + box.width - INSET
    pin = icon_plate(theme, "pin", "stage-label-text", ratio) if tile.pinned else None
    for corner in (quality_plate(theme, tile.quality, ratio), pin):
        if corner is not None:
            right -= round(corner.width() / ratio)
            placed.append((QPoint(right, box.y + INSET), corner))
            right -= INSET
    return placed


def _avatar_box(box: QRectF) -> QRectF:
    size = min(box.width(), box.height()) * 0.4
    size = max(24.0, min(96.0, size))
    avatar = QRectF(0, 0, size, size)
    avatar.moveCenter(box.center())
    return avatar


def _frame_around(painter: QPainter, box: QRectF, color: QColor, width: float, strength: float) -> None:
    shown = QColor(color)
    shown.setAlphaF(strength)
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(shown, width))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    radius = tokens().radius("tile") + width / 2
    painter.drawRoundedRect(box.adjusted(-width / 2, -width / 2, width / 2, width / 2), radius, radius)
    painter.restore()
