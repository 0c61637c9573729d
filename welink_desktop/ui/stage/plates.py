"""What lies over a picture: name plate, corner plates, rounded corners. Drawn once, then copied."""

from functools import lru_cache

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPixmap

from welink_desktop.core.calls import Quality
from welink_desktop.ui.design.icons import draw_icon
from welink_desktop.ui.design.theme import Theme

PLATE = 24
"""Height of a name plate at 100 % text size (visual.md §5)."""
INSET = 6
_PAD = 6
_ICON = 16
_BARS = 4
_QUALITY_TOKENS = {Quality.FAIR: ("quality-fair", 2), Quality.POOR: ("quality-poor", 1), Quality.LOST: ("quality-poor", 0)}


def pixmap_of(width: float, height: float, ratio: float) -> QPixmap:
    """A transparent pixmap of a size in device-independent pixels."""
    pixmap = QPixmap(max(1, round(width * ratio)), max(1, round(height * ratio)))
    pixmap.setDevicePixelRatio(ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    return pixmap


@lru_cache(maxsize=512)
def name_plate(theme: Theme, name: str, muted: bool | None, speaking: bool, external: bool, room: int, ratio: float) -> QPixmap:
    """Microphone, name and globe on a dark plate at most `room` wide; the name is elided."""
    style = theme.type("caption")
    height = theme.scaled(PLATE)
    icon = theme.icon_size(_ICON)
    marks = (icon + _PAD if muted is not None else 0) + (icon + _PAD if external else 0)
    shown = style.elided(name, max(0, room - 2 * _PAD - marks))
    width = 2 * _PAD + marks + style.width(shown)
    pixmap = pixmap_of(width, height, ratio)
    painter = QPainter(pixmap)
    _plate(painter, theme, QRectF(0, 0, width, height))
    left = float(_PAD)
    if muted is not None:
        color = "danger" if muted else ("stage-speaking" if speaking else "stage-muted")
        draw_icon(painter, "mic-off" if muted else "mic", QRectF(left, 0, icon, height), icon, theme.color(color))
        left += icon + _PAD
    left += style.draw(painter, QRectF(left, 0, style.width(shown) + 1, height), shown, theme.color("stage-label-text")) + _PAD
    if external:
        draw_icon(painter, "external", QRectF(left, 0, icon, height), icon, theme.color("external"))
    painter.end()
    return pixmap


@lru_cache(maxsize=16)
def quality_plate(theme: Theme, quality: Quality, ratio: float) -> QPixmap | None:
    """Signal bars, only when the network is fair or worse."""
    if quality not in _QUALITY_TOKENS:
        return None
    token, full = _QUALITY_TOKENS[quality]
    size = theme.scaled(PLATE)
    pixmap = pixmap_of(size, size, ratio)
    painter = QPainter(pixmap)
    _plate(painter, theme, QRectF(0, 0, size, size))
    step = size / (_BARS + 3)
    for bar in range(_BARS):
        height = size * (0.2 + 0.12 * bar)
        color = theme.color(token if bar < full else "stage-muted")
        painter.fillRect(QRectF(step * (1.5 + bar), size * 0.78 - height, step * 0.7, height), color)
    painter.end()
    return pixmap


@lru_cache(maxsize=16)
def icon_plate(theme: Theme, icon: str, token: str, ratio: float) -> QPixmap:
    size = theme.scaled(PLATE)
    pixmap = pixmap_of(size, size, ratio)
    painter = QPainter(pixmap)
    _plate(painter, theme, QRectF(0, 0, size, size))
    draw_icon(painter, icon, QRectF(0, 0, size, size), theme.icon_size(_ICON), theme.color(token))
    painter.end()
    return pixmap


@lru_cache(maxsize=32)
def corner_masks(color: str, radius: int, ratio: float) -> tuple[QPixmap, ...]:
    """Four pixmaps that cover the corners outside a radius: cheaper than clipping every picture."""
    masks = []
    for right, bottom in ((False, False), (True, False), (False, True), (True, True)):
        pixmap = pixmap_of(radius, radius, ratio)
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        square, circle = QPainterPath(), QPainterPath()
        square.addRect(QRectF(0, 0, radius, radius))
        circle.addEllipse(QRectF(-radius if right else 0, -radius if bottom else 0, 2 * radius, 2 * radius))
        painter.fillPath(square.subtracted(circle), QColor(color))
        painter.end()
        masks.append(pixmap)
    return tuple(masks)


def forget_plates() -> None:
    """Drop the cached pixmaps (the application object changed, as in tests)."""
    for cached in (name_plate, quality_plate, icon_plate, corner_masks):
        cached.cache_clear()


def _plate(painter: QPainter, theme: Theme, box: QRectF) -> None:
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("stage-label"))
    painter.drawRoundedRect(box, theme.radius("control"), theme.radius("control"))
